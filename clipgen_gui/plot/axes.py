"""Plot axes and mouse handling. `ScorePlot` maps the signals to session actions."""

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
from clipgen_gui.plot.items import AXIS_TOP
from clipgen_gui.support.formatting import axis_label

_ZOOM_STEP = 1.25  # per wheel notch
_PAN_STEP = 0.12  # of the visible range, per wheel notch
_NOTCH = 120  # eighths of a degree


@dataclass(frozen=True)
class Limit:
    """The threshold line of a gate: its position on the score axis and its colour."""

    height: float
    tint: str


class _Drag(Enum):
    """State of a left-button drag."""

    NOTHING = auto()
    PRESSED = auto()  # pressed on a free area, drag threshold not reached
    SCRUB = auto()
    DRAW = auto()
    EDGE = auto()
    LIMIT = auto()


class _TimeAxis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [axis_label(value, spacing) for value in values]


class TimePlot(pg.PlotWidget):  # type: ignore[misc]
    """The plot widget. A left press seeks. A left drag draws a window from a free area, scrubs from inside a window or
    on the time axis, trims at an edge of the selected window, and moves a limit line. The wheel zooms; Shift + wheel,
    horizontal scrolling and the middle button pan. A double-click shows the whole video."""

    pressed_at = Signal(float, bool)  # seconds, Shift held
    scrubbed_to = Signal(float)
    drawn = Signal(float, float)  # seconds: start and current position of the drag
    dropped = Signal(float, float)  # like `drawn`, on release
    edge_dragged = Signal(str, float)  # "start" or "end", seconds
    edge_dropped = Signal(str, float)
    cancelled = Signal()  # the drag was cancelled
    limit_held = Signal(bool)
    limit_dragged = Signal(str, float)  # gate, axis value
    hovered = Signal(object)  # seconds, or None when the cursor leaves
    menu_requested = Signal(QPoint, float, float)  # global position, seconds, axis value

    _HIT_PX = 5  # hit-test tolerance

    def __init__(self) -> None:
        super().__init__(axisItems={"bottom": _TimeAxis("bottom")})
        self.setMenuEnabled(False)
        self.hideButtons()
        self.view = self.getPlotItem().getViewBox()
        self.limits: dict[str, pg.InfiniteLine] = {}  # by gate
        self.edges: tuple[float, float] | None = None  # seconds; edges of the window that can be trimmed
        self.occupied: Callable[[float], bool] = lambda seconds: False  # whether a window covers that time
        self._drag = _Drag.NOTHING
        self._grabbed = ""  # gate or edge being dragged
        self._pressed = QPoint()
        self._panned_from: QPoint | None = None
        self.view.setMouseEnabled(x=True, y=False)
        self.view.setDefaultPadding(0)
        self.setYRange(0, AXIS_TOP, padding=0)
        self.getAxis("left").setTicks([[(0.5, "0.5"), (1.0, "1")]])
        follow_theme(self, self._apply_theme)

    def _apply_theme(self) -> None:
        self.setBackground(QColor(palette().card))
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setWidth(px(34))
        for axis in (left, bottom):
            axis.setPen(pg.mkPen(palette().border))
            axis.setTextPen(pg.mkPen(palette().muted))
            axis.setStyle(tickFont=ui_font(12), tickLength=0)
            axis.setCacheMode(QGraphicsItem.CacheMode.NoCache)  # clear the cache: stale parts would remain otherwise
            axis.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    # Content

    def set_end(self, end_s: float) -> None:
        """Set the length of the time axis in seconds and show all of it."""
        self.view.setLimits(xMin=0, xMax=end_s, minXRange=min(end_s, 0.2), yMin=0, yMax=AXIS_TOP)
        self.view.setXRange(0, end_s, padding=0)

    @property
    def end_s(self) -> float:
        return float(self.view.state["limits"]["xLimits"][1])

    @property
    def visible_s(self) -> tuple[float, float]:
        """Start and end of the visible range."""
        first, last = self.view.viewRange()[0]
        return float(first), float(last)

    def show_span(self, first_s: float, last_s: float) -> None:
        """Show this range, shifted to stay within the axis."""
        length = min(last_s - first_s, self.end_s)
        first_s = min(max(first_s, 0.0), self.end_s - length)
        self.view.setXRange(first_s, first_s + length, padding=0)

    def show_all(self) -> None:
        self.show_span(0.0, self.end_s)

    def set_limits(self, limits: dict[str, Limit]) -> None:
        """Show a threshold line for each of these gates."""
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

    def to_widget(self, seconds: float, score: float) -> QPoint:
        """Map a point of the plot to the widget."""
        return QPoint(self.mapFromScene(self.view.mapViewToScene(QPointF(seconds, score))))

    @property
    def dragging(self) -> bool:
        """Whether a left-button drag is in progress."""
        return self._drag is not _Drag.NOTHING

    def cancel_drag(self) -> None:
        """Cancel drawing or trimming a window."""
        if self._drag in (_Drag.DRAW, _Drag.EDGE):
            self._drag = _Drag.NOTHING
            self.cancelled.emit()

    # Mouse events

    def _value(self, position: QPoint) -> QPointF:
        return QPointF(self.view.mapSceneToView(self.mapToScene(position)))

    def _seconds(self, position: QPoint) -> float:
        return float(self._value(position).x())

    def _limit_at(self, position: QPoint) -> str:
        """Return the gate whose line is under the cursor, or an empty string."""
        distances = {
            gate: abs(self.to_widget(0, line.value()).y() - position.y()) for gate, line in self.limits.items()
        }
        nearest = min(distances, key=lambda gate: distances[gate], default="")
        return nearest if nearest and distances[nearest] <= self._HIT_PX else ""

    def _edge_at(self, position: QPoint) -> str:
        """Return the edge of the selected window under the cursor, or an empty string."""
        if self.edges is None or self._on_axis(position):
            return ""
        distances = [abs(self.to_widget(edge, 0).x() - position.x()) for edge in self.edges]
        nearest = distances.index(min(distances))
        return ("start", "end")[nearest] if distances[nearest] <= self._HIT_PX else ""

    def _on_axis(self, position: QPoint) -> bool:
        return position.y() > self.to_widget(0, 0).y()

    def _begin(self, position: QPoint, *, shift: bool) -> None:
        self._pressed = position
        self._grabbed = self._edge_at(position)
        if self._grabbed:
            self._drag = _Drag.EDGE
            return
        self._grabbed = self._limit_at(position)
        if self._grabbed:
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
        pos = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.MiddleButton and self._panned_from is not None:
            first, last = self.visible_s
            shift_s = self._seconds(self._panned_from) - self._seconds(pos)
            self._panned_from = pos
            self.show_span(first + shift_s, last + shift_s)
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self._drag_to(pos)
        else:
            self._hover(pos)
        event.accept()

    def _drag_to(self, pos: QPoint) -> None:
        seconds = self._seconds(pos)
        far = abs(pos.x() - self._pressed.x()) >= QApplication.startDragDistance() / 2
        if self._drag is _Drag.PRESSED and far:
            self._drag = _Drag.DRAW
            self.hovered.emit(None)
        if self._drag is _Drag.LIMIT:
            self.limit_dragged.emit(self._grabbed, min(max(float(self._value(pos).y()), 0.0), AXIS_TOP))
        elif self._drag is _Drag.EDGE:
            self.edge_dragged.emit(self._grabbed, seconds)
        elif self._drag is _Drag.DRAW:
            self.drawn.emit(self._seconds(self._pressed), seconds)
        elif self._drag is _Drag.SCRUB:
            self.scrubbed_to.emit(seconds)

    def _hover(self, pos: QPoint) -> None:
        if self._edge_at(pos):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self._limit_at(pos):
            self.setCursor(Qt.CursorShape.SizeVerCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        inside = self.view.sceneBoundingRect().contains(self.mapToScene(pos))
        self.hovered.emit(self._seconds(pos) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            drag, self._drag = self._drag, _Drag.NOTHING
            seconds = self._seconds(event.position().toPoint())
            if drag is _Drag.LIMIT:
                self.limit_held.emit(False)
            elif drag is _Drag.EDGE:
                self.edge_dropped.emit(self._grabbed, seconds)
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
        self.menu_requested.emit(event.globalPos(), float(value.x()), float(value.y()))
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
        """Zoom in (out for negative notches), keeping this time fixed."""
        first, last = self.visible_s
        at_s = min(max(at_s, first), last)
        scale = math.pow(_ZOOM_STEP, -notches)
        shortest = self.view.state["limits"]["xRange"][0] or 0.0
        length = min(max((last - first) * scale, shortest), self.end_s)
        scale = length / (last - first)
        self.show_span(at_s - (at_s - first) * scale, at_s + (last - at_s) * scale)
