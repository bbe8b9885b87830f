"""The plot's axes and what mouse and wheel do on them; what it means is the score plot's business."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsItem

from clipgen_gui.look.theme import follow_theme, palette, px, ui_font
from clipgen_gui.plot.items import TOP
from clipgen_gui.support.formatting import axis_label

_ZOOM_STEP = 1.25  # of the visible time, a notch of the wheel
_PAN_STEP = 0.12
_NOTCH = 120  # eighths of a degree


@dataclass(frozen=True)
class Limit:
    """The line of a gate: where it stands on the axis, and its colour."""

    height: float
    tint: str


class _Drag(Enum):
    """What the left button does while it is down."""

    NOTHING = auto()
    PRESSED = auto()  # on a place from which a new window can be drawn, not moved far yet
    SCRUB = auto()
    DRAW = auto()
    EDGE = auto()
    LIMIT = auto()


class _TimeAxis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [axis_label(value, spacing) for value in values]


class TimePlot(pg.PlotWidget):  # type: ignore[misc]
    """Left button: a press seeks; a drag from a free place draws a window, from within one or on the time axis it
    scrubs, at an edge of the selected window it trims, and on a limit it moves the limit. The wheel zooms, with Shift
    or sideways it pans, so does the middle button. A double click shows everything."""

    pressed_at = Signal(float, bool)  # seconds, with Shift
    scrubbed_to = Signal(float)
    drawn = Signal(float, float)  # seconds where the drag began, and where it is
    dropped = Signal(float, float)  # as `drawn`, at the end
    edge_dragged = Signal(str, float)  # start or end, seconds
    edge_dropped = Signal(str, float)
    cancelled = Signal()  # a drag that was given up
    limit_held = Signal(bool)
    limit_dragged = Signal(str, float)  # gate, height on the axis
    hovered = Signal(object)  # seconds, or None where the mouse left
    menu_wanted = Signal(QPoint, float, float)  # place on the screen, seconds, height

    _REACH = 5  # px from a line at which the mouse takes it

    def __init__(self) -> None:
        super().__init__(axisItems={"bottom": _TimeAxis("bottom")})
        self.setMenuEnabled(False)
        self.hideButtons()
        self.view = self.getPlotItem().getViewBox()
        self.limits: dict[str, pg.InfiniteLine] = {}  # by gate
        self.edges: tuple[float, float] | None = None  # seconds, of the window that can be trimmed
        self.occupied: Callable[[float], bool] = lambda seconds: False  # whether a window is at that time
        self._drag = _Drag.NOTHING
        self._held = ""  # the limit or the edge
        self._pressed = QPoint()
        self._panned_from: QPoint | None = None
        self.view.setMouseEnabled(x=True, y=False)
        self.view.setDefaultPadding(0)
        self.setYRange(0, TOP, padding=0)
        self.getAxis("left").setTicks([[(0.5, "0.5"), (1.0, "1")]])
        follow_theme(self, self._dress)

    def _dress(self) -> None:
        self.setBackground(QColor(palette().card))
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setWidth(px(34))
        for axis in (left, bottom):
            axis.setPen(pg.mkPen(palette().border))
            axis.setTextPen(pg.mkPen(palette().muted))
            axis.setStyle(tickFont=ui_font(12), tickLength=0)
            axis.setCacheMode(QGraphicsItem.CacheMode.NoCache)  # else a part of the layer stays as it was
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    # What it shows

    def set_end(self, end_s: float) -> None:
        """Length of the time axis in seconds; shows all of it."""
        self.view.setLimits(xMin=0, xMax=end_s, minXRange=min(end_s, 0.2), yMin=0, yMax=TOP)
        self.view.setXRange(0, end_s, padding=0)

    @property
    def end_s(self) -> float:
        return float(self.view.state["limits"]["xLimits"][1])

    @property
    def visible_s(self) -> tuple[float, float]:
        """First and last time in sight."""
        first, last = self.view.viewRange()[0]
        return float(first), float(last)

    def show_span(self, first_s: float, last_s: float) -> None:
        """Bring this time into sight, moved where it would run over an end."""
        length = min(last_s - first_s, self.end_s)
        first_s = min(max(first_s, 0.0), self.end_s - length)
        self.view.setXRange(first_s, first_s + length, padding=0)

    def show_all(self) -> None:
        self.show_span(0.0, self.end_s)

    def set_limits(self, limits: dict[str, Limit]) -> None:
        """Show a line for each of these gates."""
        for gate in [gate for gate in self.limits if gate not in limits]:
            self.removeItem(self.limits.pop(gate))
        for gate, limit in limits.items():
            if gate not in self.limits:
                self.limits[gate] = pg.InfiniteLine(angle=0, movable=False)
                self.limits[gate].setZValue(2)
                self.addItem(self.limits[gate], ignoreBounds=True)
            pen = pg.mkPen(limit.tint, width=1, style=Qt.PenStyle.DotLine)
            if self.limits[gate].pen != pen:
                self.limits[gate].setPen(pen)
            self.limits[gate].setPos(limit.height)

    def place_of(self, seconds: float, score: float) -> QPoint:
        """Where this point of the plot is in the widget."""
        return QPoint(self.mapFromScene(self.view.mapViewToScene(QPointF(seconds, score))))

    @property
    def dragging(self) -> bool:
        """Whether the left button moves something."""
        return self._drag is not _Drag.NOTHING

    def cancel_drag(self) -> None:
        """Give up a window that is being drawn or trimmed."""
        if self._drag in (_Drag.DRAW, _Drag.EDGE):
            self._drag = _Drag.NOTHING
            self.cancelled.emit()

    # Mouse

    def _value(self, position: QPoint) -> QPointF:
        return QPointF(self.view.mapSceneToView(self.mapToScene(position)))

    def _seconds(self, position: QPoint) -> float:
        return float(self._value(position).x())

    def _limit_at(self, position: QPoint) -> str:
        """The gate whose line is under the mouse."""
        away = {gate: abs(self.place_of(0, line.value()).y() - position.y()) for gate, line in self.limits.items()}
        nearest = min(away, key=lambda gate: away[gate], default="")
        return nearest if nearest and away[nearest] <= self._REACH else ""

    def _edge_at(self, position: QPoint) -> str:
        """The edge of the selected window under the mouse."""
        if self.edges is None or self._on_axis(position):
            return ""
        away = [abs(self.place_of(edge, 0).x() - position.x()) for edge in self.edges]
        nearest = away.index(min(away))
        return ("start", "end")[nearest] if away[nearest] <= self._REACH else ""

    def _on_axis(self, position: QPoint) -> bool:
        return position.y() > self.place_of(0, 0).y()

    def _begin(self, position: QPoint, *, shift: bool) -> None:
        self._pressed = position
        self._held = self._edge_at(position)
        if self._held:
            self._drag = _Drag.EDGE
            return
        self._held = self._limit_at(position)
        if self._held:
            self._drag = _Drag.LIMIT
            self.limit_held.emit(True)
            return
        seconds = self._seconds(position)
        free = not shift and not self._on_axis(position) and not self.occupied(seconds)
        self._drag = _Drag.PRESSED if free else _Drag.SCRUB
        if self._on_axis(position):
            self.scrubbed_to.emit(seconds)
        else:
            self.pressed_at.emit(seconds, shift)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._begin(event.position().toPoint(), shift=shift)
        elif event.button() is Qt.MouseButton.MiddleButton:
            self._panned_from = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.MiddleButton and self._panned_from is not None:
            first, last = self.visible_s
            shift_s = self._seconds(self._panned_from) - self._seconds(place)
            self._panned_from = place
            self.show_span(first + shift_s, last + shift_s)
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self._drag_to(place)
        else:
            self._hover(place)
        event.accept()

    def _drag_to(self, place: QPoint) -> None:
        seconds = self._seconds(place)
        far = abs(place.x() - self._pressed.x()) >= QApplication.startDragDistance() / 2
        if self._drag is _Drag.PRESSED and far:
            self._drag = _Drag.DRAW
            self.hovered.emit(None)
        if self._drag is _Drag.LIMIT:
            self.limit_dragged.emit(self._held, min(max(float(self._value(place).y()), 0.0), TOP))
        elif self._drag is _Drag.EDGE:
            self.edge_dragged.emit(self._held, seconds)
        elif self._drag is _Drag.DRAW:
            self.drawn.emit(self._seconds(self._pressed), seconds)
        elif self._drag is _Drag.SCRUB:
            self.scrubbed_to.emit(seconds)

    def _hover(self, place: QPoint) -> None:
        if self._edge_at(place):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self._limit_at(place):
            self.setCursor(Qt.CursorShape.SizeVerCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        inside = self.view.sceneBoundingRect().contains(self.mapToScene(place))
        self.hovered.emit(self._seconds(place) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            drag, self._drag = self._drag, _Drag.NOTHING
            seconds = self._seconds(event.position().toPoint())
            if drag is _Drag.LIMIT:
                self.limit_held.emit(False)
            elif drag is _Drag.EDGE:
                self.edge_dropped.emit(self._held, seconds)
            elif drag is _Drag.DRAW:
                self.dropped.emit(self._seconds(self._pressed), seconds)
        elif event.button() is Qt.MouseButton.MiddleButton:
            self._panned_from = None
            self.setCursor(Qt.CursorShape.ArrowCursor)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.show_all()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        value = self._value(event.pos())
        self.menu_wanted.emit(event.globalPos(), float(value.x()), float(value.y()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        sideways = abs(delta.x()) > abs(delta.y())
        first, last = self.visible_s
        if sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            notches = (delta.x() if sideways else delta.y()) / _NOTCH
            shift_s = -notches * _PAN_STEP * (last - first)
            self.show_span(first + shift_s, last + shift_s)
        else:
            self.zoom(delta.y() / _NOTCH, self._seconds(event.position().toPoint()))
        event.accept()

    def zoom(self, notches: float, at_s: float) -> None:
        """Show less time (more for negative notches), with this time staying where it is."""
        first, last = self.visible_s
        at_s = min(max(at_s, first), last)
        scale = math.pow(_ZOOM_STEP, -notches)
        shortest = self.view.state["limits"]["xRange"][0] or 0.0
        length = min(max((last - first) * scale, shortest), self.end_s)
        scale = length / (last - first)
        self.show_span(at_s - (at_s - first) * scale, at_s + (last - at_s) * scale)
