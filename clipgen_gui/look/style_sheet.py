"""The application style sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from string import Template

from clipgen_gui.look.palettes import Palette

_PICTURES = Path(__file__).parent.as_posix()
_SCALED = re.compile(r"\b(\d+)sp\b")


def style_sheet(palette: Palette, px: Callable[[int], int]) -> str:
    """Return the style sheet for this palette; lengths in `sp` scale with the text size."""
    colored = Template(_STYLE).substitute(vars(palette), pictures=_PICTURES)
    return _SCALED.sub(lambda length: f"{px(int(length[1]))}px", colored)


_STYLE = """
QWidget { color: $text; }
QMainWindow, QDialog { background: $window; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 6px; }

QFrame#card { background: $card; border: 1px solid $border; border-radius: 6px; }
QLabel#cardTitle { color: $muted; font-size: 11sp; font-weight: bold; letter-spacing: 1px; }
QLabel#chip { background: $raised; color: $muted; border-radius: 8sp; padding: 1px 10px; font-size: 12sp; }
QLabel#muted { color: $muted; font-size: 12sp; }
QLabel#complaint { color: $warning; font-size: 12sp; }
QLabel#pageTitle { font-size: 17sp; }
QLabel#headline { font-size: 20sp; }
QLabel#figure { font-size: 24sp; }

QToolBar { background: $card; border: none; border-bottom: 1px solid $border; padding: 0 10px; spacing: 4px;
    icon-size: 20sp; }
QToolButton, QPushButton { icon-size: 16sp; }
QToolBar::separator { background: $border; width: 1px; margin: 5px 10px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 5px 9px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $selection; }
QToolButton:checked { background: $selection; color: $accent; }
QToolButton:disabled { color: $faint; }
QToolButton:focus { border-color: $accent; }
QToolButton#play { background: $accent; border-radius: 17sp; padding: 0; }
QToolButton#play:hover { background: $accent_hover; }
QToolButton#play:disabled { background: $raised; }
QToolButton#tab { padding: 1px 8px; font-size: 12sp; color: $muted; }
QToolButton#tab:checked { color: $accent; }
QToolButton#legend { padding: 1px 6px 1px 4px; font-size: 12sp; color: $faint; }
QToolButton#legend:checked { background: transparent; color: $text; }
QLabel#readout { background: $raised; border: 1px solid $border; border-radius: 4px; padding: 4px 8px;
    font-size: 12sp; }
QToolButton#tab[active="true"] { background: $selection; color: $accent; }
QToolButton#tab::menu-indicator { image: none; }
QToolButton#fold { padding: 1px 6px 1px 0; font-size: 12sp; color: $muted; }
QToolButton#fold:checked { background: transparent; color: $muted; }
QToolButton#arrow { padding: 0; }
QToolButton#arrow:checked { background: transparent; }
QToolButton#arrow:hover { background: $hover; }
QToolButton#reset { padding: 0; border-radius: 9sp; }
QLabel#statistic { color: $muted; font-size: 11sp; }
QWidget#sheet { background: $window; }
QWidget#plain, QScrollArea { background: $card; }
QWidget#bare, QScrollArea#bare { background: $window; }
QLabel[hint="true"] { color: $muted; }
QWidget[off="true"] { color: $faint; }
QSlider[off="true"]::sub-page:horizontal { background: $border; }
QSlider[off="true"]::handle:horizontal { background: $faint; }
QToolButton#transport { padding: 4px; }

QPushButton { background: $raised; border: 1px solid $border; border-radius: 5px; padding: 5px 14px; }
QPushButton:hover { background: $hover; border-color: $faint; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; background: $card; }
QPushButton#slim { padding: 1px 9px; font-size: 12sp; }
QPushButton#slim:checked { background: $selection; color: $accent; }
QPushButton#key { padding: 2px 9px; font-size: 12sp; background: $field; }
QPushButton#tagChip { background: $selection; color: $text; border: 1px solid transparent; border-radius: 9sp;
    padding: 0 8px; font-size: 11sp; }
QPushButton#tagChip:hover { border-color: $faint; }
QPushButton#tagChip:focus { border-color: $accent; }
QPushButton#link { padding: 0 1px; font-size: 12sp; color: $accent; border: none; background: transparent;
    text-align: left; }
QPushButton#link:hover, QPushButton#link:focus { text-decoration: underline; }
QPushButton#link[gate="failed"] { color: $warning; }
QPushButton#link[gate="passed"] { color: $muted; }
QPushButton#primary { background: $accent; color: $on_accent; border-color: $accent; font-weight: bold; }
QPushButton#primary:hover { background: $accent_hover; }
QPushButton#primary:focus { border-color: $text; }
QPushButton#primary:disabled { background: $raised; color: $faint; border-color: $border; font-weight: normal; }

QSlider:horizontal { min-height: 20sp; }
QSlider::groove:horizontal { height: 3px; background: $raised; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 1px; }
QSlider::handle:horizontal { background: $knob; width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: $held; border: 2px solid $accent;
    width: 10px; height: 10px; margin: -5px 0; border-radius: 7px; }

QSpinBox, QDoubleSpinBox, QLineEdit, QComboBox {
    background: $field; border: 1px solid $border; border-radius: 4px; padding: 4px 6px; min-height: 17sp;
    selection-background-color: $selection; }
QLineEdit { font-size: 13sp; }
QLineEdit[wrong="true"] { border-color: $warning; }
QDoubleSpinBox#slim { padding: 0 2px; font-size: 12sp; }
QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus, QComboBox:focus { border-color: $accent; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0; border: none; }
QCheckBox { spacing: 9px; }
QCheckBox::indicator { width: 13sp; height: 13sp; border: 1px solid $faint; border-radius: 3px; background: $field; }
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$pictures/$check"); }
QCheckBox::indicator:disabled { border-color: $border; }
QComboBox { min-height: 19sp; }
QComboBox::drop-down { border: none; width: 20sp; }
QComboBox::down-arrow { image: url("$pictures/chevron-down.svg"); width: 12sp; height: 12sp; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; selection-background-color: $selection; }

QAbstractItemView { background: $card; border: none; outline: none; }
QListView::item { border-radius: 4px; padding: 6px 8px; }
QListView::item:hover { background: $hover; }
QListView::item:selected { background: $selection; color: $text; }
QHeaderView { background: $card; border: none; }
QHeaderView::section { background: $card; color: $muted; border: none; padding: 2px 5px; font-size: 12sp; }

QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
QScrollBar::handle:vertical { background: $border; border-radius: 4px; min-height: 28px; }
QScrollBar::handle:vertical:hover { background: $faint; }
QScrollBar:horizontal { background: transparent; height: 9px; margin: 0; }
QScrollBar::handle:horizontal { background: $border; border-radius: 4px; min-width: 28px; }
QScrollBar::handle:horizontal:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QStatusBar { background: $card; border-top: 1px solid $border; min-height: 22sp; }
QStatusBar::item { border: none; }
QStatusBar QLabel { font-size: 12sp; padding: 0 8px; }
QStatusBar QToolButton { padding: 1px 7px; font-size: 12sp; }
QProgressBar { background: $raised; border: none; border-radius: 2px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QPlainTextEdit#report { background: $field; border: 1px solid $border; border-radius: 4px; font-size: 12sp; }
QPlainTextEdit#report:focus { border-color: $accent; }
QFrame#steps { background: $card; border: 1px solid $border; border-radius: 6px; }
QLabel#step { color: $muted; font-size: 12sp; }
QLabel#step[now="true"] { color: $accent; }
QFrame#message { background: $raised; border: 1px solid $border; border-radius: 6px; }
QSplitter::handle { background: transparent; }
QMenu { background: $raised; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 18px; border-radius: 4px; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenuBar { background: $card; padding: 1px 8px; font-size: 12sp; }
QMenuBar::item { background: transparent; color: $muted; padding: 3px 9px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; color: $text; }
QMenu::item:selected { background: $selection; }
"""
