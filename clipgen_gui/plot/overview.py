"""Overview strip: combined score and windows of the whole video, with a draggable frame for the visible range."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from clipgen_engine.types import Decision
from clipgen_gui.look.theme import color, follow_theme, palette
from clipgen_gui.plot.decimation import decimate
from clipgen_gui.plot.items import AXIS_TOP, Line, Span
from clipgen_gui.widgets.cards import named

_HEIGHT = 28
_MARK_HEIGHT = 5  # px, window marks at the bottom
_HIT_PX = 5
_DEBOUNCE_MS = 120  # while a weight is dragged, only the plot is redrawn
_MIN_FRAME_PX = 8  # keeps a narrow range draggable


class _Grip(Enum):
    NOTHING = auto()
    INSIDE = auto()
    LEFT = auto()
    RIGHT = auto()


class OverviewStrip(QWidget):
    """Drag the frame to pan, its edges to zoom; a click elsewhere centres it there."""

    moved = Signal(float, float)  # requested visible range, seconds
    zoomed = Signal(float, float)  # wheel notches, seconds under the cursor
    show_all_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._end_s = 1.0
        self._visible_s = (0.0, 1.0)
        self._playhead_s = 0.0
        self._lines: tuple[Line, ...] = ()
        self._spans: tuple[Span, ...] = ()
        self._left_margin = 0
        self._background: QPixmap | None = None  # everything except frame and playhead
        self._redraw_timer = QTimer(self)
        self._redraw_timer.setSingleShot(True)
        self._redraw_timer.setInterval(_DEBOUNCE_MS)
        self._redraw_timer.timeout.connect(self._redraw)
        self._grip = _Grip.NOTHING
        self._grip_offset_s = 0.0  # from the cursor to the dragged edge
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow_theme(self, self._redraw)
        named(self, "Overview", "The whole video. Drag the frame to pan, its edges to zoom; double-click shows all")

    def sizeHint(self) -> QSize:
        return QSize(300, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, _HEIGHT)

    @property
    def visible_s(self) -> tuple[float, float]:
        return self._visible_s

    def set_left_margin(self, pixels: int) -> None:
        """Align the strip with the time axis of the plot above."""
        if pixels != self._left_margin:
            self._left_margin = pixels
            self._redraw()

    def set_end(self, end_s: float) -> None:
        self._end_s = end_s
        self._redraw()

    def set_visible(self, first_s: float, last_s: float) -> None:
        self._visible_s = (first_s, last_s)
        self.update()

    def set_playhead(self, seconds: float) -> None:
        before, after = self._x(self._playhead_s), self._x(seconds)
        self._playhead_s = seconds
        if round(before) != round(after):
            for x in (before, after):
                self.update(int(x) - 2, 0, 5, self.height())

    def set_lines(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self._redraw_timer.start()

    def set_spans(self, spans: Sequence[Span]) -> None:
        if tuple(spans) != self._spans:
            self._spans = tuple(spans)
            self._redraw_timer.start()

    def _redraw(self) -> None:
        self._redraw_timer.stop()
        self._background = None
        self.update()

    # Geometry

    def _x(self, seconds: float) -> float:
        return self._left_margin + seconds / self._end_s * max(1, self.width() - self._left_margin)

    def _seconds(self, x: float) -> float:
        return (x - self._left_margin) / max(1, self.width() - self._left_margin) * self._end_s

    def to_widget(self, seconds: float) -> QPoint:
        """Map a time to the widget."""
        return QPoint(round(self._x(seconds)), self.height() // 2)

    def _frame(self) -> QRectF:
        left, right = (self._x(edge) for edge in self._visible_s)
        if right - left < _MIN_FRAME_PX:
            left = min(max((left + right - _MIN_FRAME_PX) / 2, self._left_margin), self.width() - _MIN_FRAME_PX)
            right = left + _MIN_FRAME_PX
        return QRectF(left, 0.5, right - left - 1, self.height() - 1)

    @property
    def _all_visible(self) -> bool:
        first, last = self._visible_s
        return first <= 0 and last >= self._end_s

    # Mouse events

    def _grip_at(self, x: float) -> _Grip:
        frame = self._frame()
        edges = {_Grip.LEFT: abs(x - frame.left()), _Grip.RIGHT: abs(x - frame.right())}
        nearest = min(edges, key=lambda grip: edges[grip])
        if edges[nearest] <= _HIT_PX:
            return nearest
        return _Grip.INSIDE if frame.left() < x < frame.right() and not self._all_visible else _Grip.NOTHING

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        seconds = self._seconds(x)
        first, last = self._visible_s
        self._grip = self._grip_at(x)
        if self._grip is _Grip.NOTHING and not self._all_visible:
            half = (last - first) / 2
            self.moved.emit(seconds - half, seconds + half)
            first, last = self._visible_s
            self._grip = _Grip.INSIDE
        self._grip_offset_s = (last if self._grip is _Grip.RIGHT else first) - seconds

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if not event.buttons() & Qt.MouseButton.LeftButton:
            grip = self._grip_at(x)
            shape = Qt.CursorShape.OpenHandCursor if grip is _Grip.INSIDE else Qt.CursorShape.SizeHorCursor
            self.setCursor(Qt.CursorShape.ArrowCursor if grip is _Grip.NOTHING else shape)
            return
        first, last = self._visible_s
        edge = self._seconds(x) + self._grip_offset_s
        if self._grip is _Grip.INSIDE:
            self.moved.emit(edge, edge + last - first)
        elif self._grip is _Grip.LEFT and edge < last:
            self.moved.emit(max(0.0, edge), last)
        elif self._grip is _Grip.RIGHT and edge > first:
            self.moved.emit(first, min(self._end_s, edge))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = _Grip.NOTHING

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoomed.emit(event.angleDelta().y() / 120, self._seconds(event.position().x()))
        event.accept()

    # Painting

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._background = None

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._background is None:
            self._background = self._render_background()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._background)
        frame = self._frame()
        if not self._all_visible:
            shade = color(palette().window, 150)
            painter.fillRect(QRectF(self._left_margin, 0, frame.left() - self._left_margin, self.height()), shade)
            painter.fillRect(QRectF(frame.right(), 0, self.width() - frame.right(), self.height()), shade)
        painter.setPen(QPen(QColor(palette().faint if self._all_visible else palette().text), 1))
        painter.drawRect(frame)
        for edge in (frame.left(), frame.right()):
            painter.fillRect(QRectF(edge - 1, self.height() / 2 - 5, 3, 10), QColor(palette().muted))
        painter.setPen(QPen(QColor(palette().text), 1))
        x = round(self._x(self._playhead_s)) + 0.5
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _render_background(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(palette().card))
        painter = QPainter(pixmap)
        painter.fillRect(QRectF(self._left_margin, 0, self.width(), self.height()), QColor(palette().window))
        columns = max(1, self.width() - self._left_margin)
        curve_height = self.height() - _MARK_HEIGHT - 3
        painter.setPen(QPen(QColor(palette().combined), 1))
        for line in self._lines:
            times, values = decimate(line.times_s, line.values, 0.0, self._end_s, columns)
            if np.isfinite(values).any():
                x = self._left_margin + times / self._end_s * columns
                painter.drawPath(pg.arrayToQPath(x, 2 + (1 - values / AXIS_TOP) * curve_height, connect="finite"))
        painter.setPen(Qt.PenStyle.NoPen)
        for span in self._spans:
            self._draw_mark(painter, span)
        painter.end()
        return pixmap

    def _draw_mark(self, painter: QPainter, span: Span) -> None:
        """Draw a full bar if accepted, a thin bar if undecided, only the ends if rejected."""
        left = self._x(span.start_s)
        width = max(2.0, self._x(span.stop_s) - left)
        foot = self.height() - 2
        if span.decision is Decision.ACCEPTED:
            painter.fillRect(QRectF(left, foot - _MARK_HEIGHT, width, _MARK_HEIGHT), QColor(palette().accepted))
        elif span.decision is Decision.REJECTED:
            for x in (left, left + width - 1):
                painter.fillRect(QRectF(x, foot - _MARK_HEIGHT, 1, _MARK_HEIGHT), QColor(palette().rejected))
        else:
            painter.fillRect(QRectF(left, foot - 2, width, 2), QColor(palette().accent))
