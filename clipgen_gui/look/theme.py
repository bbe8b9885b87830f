"""The current theme: colours, text size, icons. It can change at run time.

How a view follows it:

- The style sheet, its fonts and every `icon()` update automatically. Name colours by their role in `Palette`:
  `icon("check", "accepted")`.
- Custom painting reads `palette()`, `ui_font()` and `px()` at paint time and stores none of them.
- Values that are set once (a fixed height, a pen, a pixmap, coloured rich text, a cached layer) are set in a function
  passed to `follow_theme(self, function)`, which is called immediately and after every change.
- Lengths that depend on text are given as `px(30)`, which scales with the text size.
- Overlays on the video use `ON_PICTURE`, which does not change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Literal, cast, get_args

import qtawesome
from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QApplication
from qtawesome.iconic_font import IconicFont

from clipgen_engine.types import Setting
from clipgen_gui.look.palettes import DARK, LIGHT, Palette
from clipgen_gui.look.style_sheet import style_sheet
from clipgen_gui.support.signals import follow

Scheme = Literal["system", "light", "dark"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
TEXT_SCALES = (0.8, 2.0)  # minimum, maximum
ON_PICTURE = DARK
SETTINGS = (  # shown on the settings page
    Setting("scheme", "Theme", "Light, dark, or follow the system.", "system", str, choices=SCHEMES),
    Setting(
        "text_size",
        "Text size",
        "Relative to the system text size; lists, buttons and the plot scale with it.",
        100,
        int,
        minimum=round(100 * TEXT_SCALES[0]),
        maximum=round(100 * TEXT_SCALES[1]),
        step=10,
        unit="%",
    ),
)

_QT_SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
_BASE_PX = 13  # minimum base text size


class Theme(QObject):
    """The application theme. `theme` is the only instance."""

    changed = Signal()  # colours or sizes; emitted after the style sheet is set

    def __init__(self) -> None:
        super().__init__()
        self._scheme: Scheme = "system"
        self._text_scale = 1.0
        self._palette = DARK
        self._base_px = float(_BASE_PX)

    @property
    def scheme(self) -> Scheme:
        """The chosen scheme; `palette` is the result."""
        return self._scheme

    @property
    def text_scale(self) -> float:
        """Text size relative to the system's."""
        return self._text_scale

    @property
    def palette(self) -> Palette:
        return self._palette

    @property
    def is_dark(self) -> bool:
        return self._palette is DARK

    def px(self, length: float) -> int:
        """Scale a length in pixels from the default to the current text size."""
        return round(length * self._text_scale * self._base_px / _BASE_PX)

    def apply(self, scheme: Scheme | None = None, text_scale: float | None = None) -> None:
        """Apply the theme to the application, including window frames where the system supports it; if it is new.

        Args:
            scheme: unchanged if None.
            text_scale: clamped to TEXT_SCALES; unchanged if None.
        """
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if scheme is not None and scheme != self._scheme:
            self._scheme = scheme
            app.styleHints().setColorScheme(_QT_SCHEMES[scheme])
        if text_scale is not None:
            low, high = TEXT_SCALES
            self._text_scale = min(max(text_scale, low), high)
        # The system font reflects the system's text size setting.
        system_font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        self._base_px = float(max(_BASE_PX, QFontInfo(system_font).pixelSize()))
        self._palette = self._resolve_palette()
        sheet, font = style_sheet(self._palette, self.px), QFont(system_font)
        font.setPixelSize(self.px(_BASE_PX))
        if app.styleSheet() == sheet and app.font() == font:
            return  # polishing every widget again is slow
        app.setStyleSheet("")  # makes the next calls cheap: the new sheet is polished only once
        if app.style().objectName() != "fusion":
            app.setStyle("Fusion")
        app.setPalette(_qt_palette(self._palette))
        app.setFont(font)
        app.setStyleSheet(sheet)
        self.changed.emit()

    def _resolve_palette(self) -> Palette:
        if self._scheme != "system":
            return LIGHT if self._scheme == "light" else DARK
        return LIGHT if _system_scheme() is Qt.ColorScheme.Light else DARK

    @Slot()
    def on_system_scheme_changed(self) -> None:
        """Follow a change of the system's colour scheme."""
        if self._scheme == "system" and self._resolve_palette() is not self._palette:
            self.apply()


def _system_scheme() -> Qt.ColorScheme:
    return QGuiApplication.styleHints().colorScheme()


theme = Theme()


def palette() -> Palette:
    """Return the current colours; do not store them."""
    return theme.palette


def px(length: float) -> int:
    """Scale a length in pixels from the default to the current text size."""
    return theme.px(length)


def apply_theme(app: QApplication, scheme: Scheme = "system", text_scale: float = 1.0) -> None:
    """Apply the theme to the application and follow the system scheme if `scheme` is "system"."""
    hints = app.styleHints()
    hints.colorSchemeChanged.connect(theme.on_system_scheme_changed, Qt.ConnectionType.UniqueConnection)
    theme.apply(scheme, text_scale)


def follow_theme(owner: QObject, apply: Callable[[], None]) -> None:
    """Call `apply` now and after every theme change while `owner` exists."""
    follow(owner, theme.changed, apply)


def color(name: str, alpha: int = 255) -> QColor:
    """Return a QColor from a hex value and an alpha (0..255)."""
    result = QColor(name)
    result.setAlpha(alpha)
    return result


def ui_font(pixels: int, *, bold: bool = False) -> QFont:
    """Return the application font, scaled from this default size, for custom-painted text."""
    font = QFont(QGuiApplication.font())
    font.setPixelSize(px(pixels))
    font.setBold(bold)
    return font


def icon(name: str, role: str = "text", role_on: str = "") -> QIcon:
    """Return a Material Design icon that reads its colours from the palette when painted.

    Args:
        name: without the prefix "mdi6".
        role: palette role of its colour.
        role_on: palette role in the "on" state; `role` if empty.
    """
    for one in (role, role_on or role):
        assert isinstance(getattr(DARK, one), str), one
    return QIcon(_ThemedIcon(name, role, role_on or role))


class _ThemedIcon(QIconEngine):
    def __init__(self, name: str, role: str, role_on: str) -> None:
        super().__init__()
        self._name, self._role, self._role_on = name, role, role_on

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        role = "faint" if mode is QIcon.Mode.Disabled else self._role_on if state is QIcon.State.On else self._role
        return _render(self._name, getattr(palette(), role), size.width(), size.height())

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, self.pixmap(rect.size() * ratio, mode, state))


@lru_cache(maxsize=512)
def _render(name: str, tint: str, width_px: int, height_px: int) -> QPixmap:
    """Render a font icon; cached because each takes a millisecond."""
    return _font_icon(name, tint).pixmap(QSize(width_px, height_px), 1.0)


@cache
def _font_icon(name: str, tint: str) -> QIcon:
    return cast(QIcon, _icon_font().icon(f"mdi6.{name}", color=tint))


@cache
def _icon_font() -> IconicFont:
    """Load the Material Design font only; the twelve fonts of qtawesome take four times as long."""
    return IconicFont(*(font for font in qtawesome._BUNDLED_FONTS if font[0] == "mdi6"))


def _qt_palette(colors: Palette) -> QPalette:
    result = QPalette()
    role = QPalette.ColorRole
    for one, name in (
        (role.Window, colors.window),
        (role.Base, colors.field),
        (role.AlternateBase, colors.card),
        (role.Button, colors.raised),
        (role.Text, colors.text),
        (role.WindowText, colors.text),
        (role.ButtonText, colors.text),
        (role.ToolTipBase, colors.raised),
        (role.ToolTipText, colors.text),
        (role.PlaceholderText, colors.muted),
        (role.Highlight, colors.selection),
        (role.HighlightedText, colors.text),
        (role.Accent, colors.accent),
        (role.Link, colors.accent),
        (role.LinkVisited, colors.accent),
    ):
        result.setColor(one, QColor(name))
    for one in (role.Text, role.WindowText, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, one, QColor(colors.faint))
    return result
