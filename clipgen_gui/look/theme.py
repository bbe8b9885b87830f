"""What the app looks like now: colours, text size, icons. Both change while the app runs.

How a view keeps up with it:

- The style sheet, the fonts that it sets and every `icon()` follow by themselves. Name colours by their role in
  `Palette`: `icon("check", "accepted")`.
- What a view paints itself reads `palette()`, `ui_font()` and `px()` at paint time and keeps none of them.
- What is set once (a fixed height, a pen, a pixmap, coloured rich text, a cached layer) is set in a function that is
  given to `follow_theme(self, function)`: it is called at once and after every change.
- Lengths that hold text are given as `px(30)`, which grows with the text size.
- What lies over the video's picture is drawn in `ON_PICTURE`, which does not change.
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
TEXT_SCALES = (0.8, 2.0)  # from, to
ON_PICTURE = DARK
SETTINGS = (  # of the look, as a page of settings shows them
    Setting("scheme", "Theme", "Light, dark, or as the system is.", "system", str, choices=SCHEMES),
    Setting(
        "text_size",
        "Text size",
        "Against the text size of the system; lists, buttons and the plot grow with it.",
        100,
        int,
        minimum=round(100 * TEXT_SCALES[0]),
        maximum=round(100 * TEXT_SCALES[1]),
        step=10,
        unit="%",
    ),
)

_FRAMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
_BASE_PX = 13  # the app's text where the system asks for nothing larger


class Theme(QObject):
    """The look of the app. There is one, `theme`."""

    changed = Signal()  # colours or sizes; the style sheet is in place already

    def __init__(self) -> None:
        super().__init__()
        self._scheme: Scheme = "system"
        self._text_scale = 1.0
        self._palette = DARK
        self._base_px = float(_BASE_PX)

    @property
    def scheme(self) -> Scheme:
        """What was chosen; `palette` is what it comes to."""
        return self._scheme

    @property
    def text_scale(self) -> float:
        """Size of the text against that of the system."""
        return self._text_scale

    @property
    def palette(self) -> Palette:
        return self._palette

    @property
    def is_dark(self) -> bool:
        return self._palette is DARK

    def px(self, length: float) -> int:
        """A length in pixels that was measured for text of the usual size, for the text as it is now."""
        return round(length * self._text_scale * self._base_px / _BASE_PX)

    def apply(self, scheme: Scheme | None = None, text_scale: float | None = None) -> None:
        """Dress the application, its window frames included where the system can.

        Args:
            scheme: as before where not given.
            text_scale: within TEXT_SCALES; as before where not given.
        """
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if scheme is not None and scheme != self._scheme:
            self._scheme = scheme
            app.styleHints().setColorScheme(_FRAMES[scheme])
        if text_scale is not None:
            low, high = TEXT_SCALES
            self._text_scale = min(max(text_scale, low), high)
        # The system's own font, which is larger where its text size was turned up.
        system_font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        self._base_px = float(max(_BASE_PX, QFontInfo(system_font).pixelSize()))
        self._palette = self._chosen()
        app.setStyleSheet("")  # what follows is then cheap, and the new sheet is laid on once
        if app.style().objectName() != "fusion":
            app.setStyle("Fusion")
        app.setPalette(_qt_palette(self._palette))
        font = QFont(system_font)
        font.setPixelSize(self.px(_BASE_PX))
        app.setFont(font)
        app.setStyleSheet(style_sheet(self._palette, self.px))
        self.changed.emit()

    def _chosen(self) -> Palette:
        if self._scheme != "system":
            return LIGHT if self._scheme == "light" else DARK
        return LIGHT if _system_scheme() is Qt.ColorScheme.Light else DARK

    @Slot()
    def system_changed(self) -> None:
        """The system went from day to night, or back."""
        if self._scheme == "system" and self._chosen() is not self._palette:
            self.apply()


def _system_scheme() -> Qt.ColorScheme:
    return QGuiApplication.styleHints().colorScheme()


theme = Theme()


def palette() -> Palette:
    """The colours as they are now; not to be kept."""
    return theme.palette


def px(length: float) -> int:
    """A length in pixels that was measured for text of the usual size, for the text as it is now."""
    return theme.px(length)


def apply_theme(app: QApplication, scheme: Scheme = "system", text_scale: float = 1.0) -> None:
    """Dress the application, and follow the system where the scheme says so."""
    hints = app.styleHints()
    hints.colorSchemeChanged.connect(theme.system_changed, Qt.ConnectionType.UniqueConnection)
    theme.apply(scheme, text_scale)


def follow_theme(owner: QObject, dress: Callable[[], None]) -> None:
    """Call `dress` now and after every change of the theme, as long as its owner exists."""
    follow(owner, theme.changed, dress)


def color(name: str, alpha: int = 255) -> QColor:
    """A QColor of this hex value with this opacity (0..255)."""
    result = QColor(name)
    result.setAlpha(alpha)
    return result


def ui_font(pixels: int, *, bold: bool = False) -> QFont:
    """The application's font at this size for text of the usual size, for text that is painted rather than styled."""
    font = QFont(QGuiApplication.font())
    font.setPixelSize(px(pixels))
    font.setBold(bold)
    return font


def icon(name: str, role: str = "text", role_on: str = "") -> QIcon:
    """A Material Design icon that takes its colours from the palette whenever it is painted.

    Args:
        name: without the prefix "mdi6".
        role: of its colour in the palette.
        role_on: of its colour where the icon stands for "on".
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
        return _drawn(self._name, getattr(palette(), role), size.width(), size.height())

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, self.pixmap(rect.size() * ratio, mode, state))


@lru_cache(maxsize=512)
def _drawn(name: str, tint: str, width_px: int, height_px: int) -> QPixmap:
    """A font icon takes a millisecond to draw: each is drawn once."""
    return _font_icon(name, tint).pixmap(QSize(width_px, height_px), 1.0)


@cache
def _font_icon(name: str, tint: str) -> QIcon:
    return cast(QIcon, _icon_font().icon(f"mdi6.{name}", color=tint))


@cache
def _icon_font() -> IconicFont:
    """Material Design alone: the twelve fonts that qtawesome would load take four times as long."""
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
