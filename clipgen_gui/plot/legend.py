"""The plot legend: one toggle button per curve and a menu with all curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from clipgen_gui.document.entry import MOVEMENT
from clipgen_gui.look.theme import follow_theme, icon, palette
from clipgen_gui.plot.curves import CONDITIONS, CURVES, SCORES, VARIATIONS, CurveKind
from clipgen_gui.widgets.cards import named

_HIDDEN, _EXTRA = "plot/hidden", "plot/extra"
_SWATCH_SIZE = QSize(18, 12)


class CurveLegend(QWidget):
    """Shows the default curves and those added from the menu. The choice is stored in the settings."""

    changed = Signal()

    def __init__(self, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._default: tuple[str, ...] = ()
        self._hidden = _stored(settings, _HIDDEN)
        self._extra = _stored(settings, _EXTRA)
        self.buttons: dict[str, QToolButton] = {}
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addStretch(1)  # keeps short labels together
        self.more = QToolButton()
        self.more.setObjectName("tab")
        self.more.setIcon(icon("chart-line", "muted"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self.more, "Curves", "Choose curves: scores, movement, conditions and their limits")
        self.menu = QMenu(self.more)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self._layout.addWidget(self.more)
        follow_theme(self, self._rebuild)

    def sizeHint(self) -> QSize:
        return QSize(self._width(lambda kind: kind.label), self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._width(lambda kind: ""), self._height())

    def _width(self, text: Callable[[CurveKind], str]) -> int:
        width = self.more.sizeHint().width()
        for name, button in self.buttons.items():
            metrics = button.fontMetrics()
            frame = button.sizeHint().width() - metrics.horizontalAdvance(button.text())
            width += frame + metrics.horizontalAdvance(text(CURVES[name]))
        return width

    def _height(self) -> int:
        return max(one.sizeHint().height() for one in (self.more, *self.buttons.values()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Use full labels if they fit, else short ones, else icons only."""
        for text in (lambda kind: kind.label, lambda kind: kind.short_label, lambda kind: ""):
            if self._width(text) <= self.width():
                break
        for name, button in self.buttons.items():
            button.setText(text(CURVES[name]))

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the visible curves, in registry order."""
        return tuple(
            name for name in CURVES if (name in self._default and name not in self._hidden) or name in self._extra
        )

    def set_default(self, names: Sequence[str]) -> None:
        """Set the curves that are shown unless hidden."""
        if tuple(names) != self._default:
            self._default = tuple(names)
            self._extra.difference_update(names)
            self._rebuild()

    def toggle(self, name: str) -> None:
        """Show or hide a curve."""
        chosen = self._hidden if name in self._default else self._extra
        chosen.symmetric_difference_update({name})
        self._settings.setValue(_HIDDEN, sorted(self._hidden))
        self._settings.setValue(_EXTRA, sorted(self._extra))
        self._rebuild()
        self.changed.emit()

    def _rebuild(self) -> None:
        listed = [name for name in CURVES if name in self._default or name in self._extra]
        for name in [name for name in self.buttons if name not in listed]:
            self.buttons.pop(name).deleteLater()
        for position, name in enumerate(listed):
            if name not in self.buttons:
                self.buttons[name] = self._button(name)
                self._layout.insertWidget(1 + position, self.buttons[name])
            kind, button = CURVES[name], self.buttons[name]
            on = name in self.shown
            button.setIcon(_swatch(kind, on=on))
            button.setChecked(on)
            named(button, kind.label, f"{kind.help}\nClick to {'hide' if on else 'show'} the curve")
        self._fit()
        self.updateGeometry()

    def _button(self, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("legend")
        button.setCheckable(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(_SWATCH_SIZE)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.toggle(name))
        return button

    def _fill_menu(self) -> None:
        self.menu.clear()
        for names in (SCORES, VARIATIONS, (MOVEMENT,), CONDITIONS):
            self.menu.addSeparator()
            for name in names:
                kind = CURVES[name]
                action = self.menu.addAction(_swatch(kind), kind.label)
                action.setCheckable(True)
                action.setChecked(name in self.shown)
                action.setToolTip(kind.help)
                action.triggered.connect(lambda _, name=name: self.toggle(name))
        self.menu.setToolTipsVisible(True)


def _stored(settings: QSettings, key: str) -> set[str]:
    value = settings.value(key, [])
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return {name for name in names if name in CURVES}


def _swatch(kind: CurveKind, *, on: bool = True) -> QIcon:
    """Draw a sample of the curve as an icon."""
    pixmap = QPixmap(_SWATCH_SIZE * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    width, middle = _SWATCH_SIZE.width(), _SWATCH_SIZE.height() / 2
    pen = QPen(QColor(kind.tint if on else palette().faint), max(1.5, kind.width))
    if kind.stems:
        painter.setPen(pen)
        for position in range(3, width, 4):
            painter.drawLine(QPointF(position, 2 + position % 5), QPointF(position, _SWATCH_SIZE.height() - 1))
    else:
        pen.setStyle(kind.pen_style)
        painter.setPen(pen)
        painter.drawLine(QPointF(1, middle), QPointF(width - 1, middle))
    painter.end()
    return QIcon(pixmap)
