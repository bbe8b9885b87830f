"""Colours, icons and the one style sheet of the app."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from string import Template
from typing import cast

import qtawesome
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Palette:
    """Every colour of the app; a second theme is a second instance."""

    window: str = "#16181d"
    card: str = "#1d2027"
    border: str = "#323742"
    field: str = "#16181d"
    raised: str = "#262a33"
    stage: str = "#0d0f12"  # behind the picture
    text: str = "#e6e9ef"
    muted: str = "#939aa7"
    faint: str = "#5b6270"
    accent: str = "#4cc2ff"
    accent_hover: str = "#74d0ff"
    on_accent: str = "#07121a"
    selection: str = "#1f3c50"
    hover: str = "#242832"
    accepted: str = "#5fd38d"
    rejected: str = "#e0718a"
    warning: str = "#ffb35c"
    combined: str = "#4cc2ff"
    terms: tuple[str, ...] = (
        "#ff9f5a",
        "#b78cff",
        "#5ad1b5",
        "#f28bb8",
        "#d8c45a",
        "#8fa8ff",
    )  # score terms, in their order

    def term(self, position: int) -> str:
        """Colour of the score term at this position of the registry."""
        return self.terms[position % len(self.terms)]


DARK = Palette()


def color(name: str, alpha: int = 255) -> QColor:
    """A QColor of this hex value with this opacity (0..255)."""
    result = QColor(name)
    result.setAlpha(alpha)
    return result


@cache
def icon(name: str, tint: str = DARK.text, tint_on: str | None = None) -> QIcon:
    """A Material Design icon by its name without the prefix, in another colour where it stands for "on"."""
    return cast(QIcon, qtawesome.icon(f"mdi6.{name}", color=tint, color_on=tint_on or tint, color_disabled=DARK.faint))


def ui_font(pixels: int, *, bold: bool = False) -> QFont:
    """The application's font at this size, for text that is painted rather than styled."""
    font = QFont(QGuiApplication.font())
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def apply_theme(app: QApplication, palette: Palette = DARK) -> None:
    """Dress the application: base style, palette and style sheet."""
    app.setStyle("Fusion")
    qt_palette = QPalette()
    for role, name in (
        (QPalette.ColorRole.Window, palette.window),
        (QPalette.ColorRole.Base, palette.field),
        (QPalette.ColorRole.AlternateBase, palette.card),
        (QPalette.ColorRole.Button, palette.raised),
        (QPalette.ColorRole.Text, palette.text),
        (QPalette.ColorRole.WindowText, palette.text),
        (QPalette.ColorRole.ButtonText, palette.text),
        (QPalette.ColorRole.ToolTipBase, palette.raised),
        (QPalette.ColorRole.ToolTipText, palette.text),
        (QPalette.ColorRole.PlaceholderText, palette.muted),
        (QPalette.ColorRole.Highlight, palette.selection),
        (QPalette.ColorRole.HighlightedText, palette.text),
        (QPalette.ColorRole.Link, palette.accent),
    ):
        qt_palette.setColor(role, QColor(name))
    app.setPalette(qt_palette)
    font = app.font()
    font.setPixelSize(13)
    app.setFont(font)
    app.setStyleSheet(style_sheet(palette))


def style_sheet(palette: Palette = DARK) -> str:
    """The app's style sheet in this palette."""
    return Template(_STYLE).substitute(vars(palette))


_STYLE = """
QWidget { color: $text; }
QMainWindow, QDialog { background: $window; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 6px; }

QFrame#card { background: $card; border: 1px solid $border; border-radius: 6px; }
QLabel#cardTitle { color: $muted; font-size: 11px; font-weight: bold; letter-spacing: 1px; }
QLabel#chip { background: $raised; color: $muted; border-radius: 8px; padding: 1px 10px; font-size: 12px; }
QLabel#muted { color: $muted; font-size: 12px; }
QLabel#headline { font-size: 20px; }

QToolBar { background: $card; border: none; border-bottom: 1px solid $border; padding: 0 10px; spacing: 4px; }
QToolBar::separator { background: $border; width: 1px; margin: 5px 10px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 5px 9px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $selection; }
QToolButton:checked { background: $selection; color: $accent; }
QToolButton:disabled { color: $faint; }
QToolButton:focus { border-color: $accent; }
QToolButton#play { background: $accent; border-radius: 17px; padding: 0; }
QToolButton#play:hover { background: $accent_hover; }
QToolButton#play:disabled { background: $raised; }
QToolButton#tab { padding: 1px 8px; font-size: 12px; color: $muted; }
QToolButton#tab:checked { color: $accent; }
QToolButton#fold { padding: 1px 6px 1px 0; font-size: 12px; color: $muted; }
QToolButton#fold:checked { background: transparent; color: $muted; }
QToolButton#reset { padding: 0; border-radius: 9px; }
QLabel#statistic { color: $muted; font-size: 11px; }
QWidget#plain, QScrollArea { background: $card; }
QWidget[off="true"] { color: $faint; }
QSlider[off="true"]::sub-page:horizontal { background: $border; }
QSlider[off="true"]::handle:horizontal { background: $faint; }
QToolButton#transport { padding: 4px; }

QPushButton { background: $raised; border: 1px solid $border; border-radius: 5px; padding: 5px 14px; }
QPushButton:hover { background: $hover; border-color: $faint; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; background: $card; }
QPushButton#slim { padding: 1px 9px; font-size: 12px; }
QPushButton#slim:checked { background: $selection; color: $accent; }
QPushButton#link { padding: 0 1px; font-size: 12px; color: $accent; border: none; background: transparent;
    text-align: left; }
QPushButton#link:hover, QPushButton#link:focus { text-decoration: underline; }
QPushButton#link[gate="failed"] { color: $warning; }
QPushButton#link[gate="passed"] { color: $muted; }
QPushButton#primary { background: $accent; color: $on_accent; border-color: $accent; font-weight: bold; }
QPushButton#primary:hover { background: $accent_hover; }
QPushButton#primary:focus { border-color: $text; }
QPushButton#primary:disabled { background: $raised; color: $faint; border-color: $border; font-weight: normal; }

QSlider:horizontal { min-height: 20px; }
QSlider::groove:horizontal { height: 3px; background: $raised; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 1px; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: #ffffff; border: 2px solid $accent;
    width: 10px; height: 10px; margin: -5px 0; border-radius: 7px; }

QSpinBox, QDoubleSpinBox, QLineEdit, QComboBox {
    background: $field; border: 1px solid $border; border-radius: 4px; padding: 4px 6px; min-height: 17px;
    selection-background-color: $selection; }
QDoubleSpinBox#slim { padding: 0 2px; font-size: 12px; }
QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus, QComboBox:focus { border-color: $accent; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0; border: none; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; selection-background-color: $selection; }

QAbstractItemView { background: $card; border: none; outline: none; }
QListView::item { border-radius: 4px; padding: 6px 8px; }
QListView::item:hover { background: $hover; }
QListView::item:selected { background: $selection; color: $text; }
QHeaderView { background: $card; border: none; }
QHeaderView::section { background: $card; color: $muted; border: none; padding: 2px 5px; font-size: 12px; }

QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
QScrollBar::handle:vertical { background: $border; border-radius: 4px; min-height: 28px; }
QScrollBar::handle:vertical:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QStatusBar { background: $card; border-top: 1px solid $border; min-height: 22px; }
QStatusBar::item { border: none; }
QStatusBar QLabel { font-size: 12px; padding: 0 8px; }
QStatusBar QToolButton { padding: 1px 7px; font-size: 12px; }
QProgressBar { background: $raised; border: none; border-radius: 2px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QFrame#message { background: $raised; border: 1px solid $border; border-radius: 6px; }
QSplitter::handle { background: transparent; }
QMenu { background: $raised; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 18px; border-radius: 4px; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenuBar { background: $card; padding: 1px 8px; font-size: 12px; }
QMenuBar::item { background: transparent; color: $muted; padding: 3px 9px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; color: $text; }
QMenu::item:selected { background: $selection; }
"""
