"""What the score plot draws: curves and windows, one graphics object each, cached so that the playhead is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from clipgen_engine.types import Decision
from clipgen_gui.cards import term_color, term_line
from clipgen_gui.series import thin
from clipgen_gui.theme import color, follow_theme, palette, ui_font

TOP = 1.22  # upper end of the score axis: the numbers of the windows stand above the curves


@dataclass(frozen=True, eq=False)
class Line:
    """One score of one track over time; NaN where there is none."""

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    score: str  # name of a term, or COMBINED: its colour
    width: float


class _PlotItem(pg.GraphicsObject):  # type: ignore[misc]
    """A layer over the whole plot, cached as a pixmap until it or the visible range changes."""

    def __init__(self) -> None:
        super().__init__()
        self._end_s = 1.0
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        follow_theme(self, self.update)

    def set_end(self, end_s: float) -> None:
        """Length of the time axis in seconds."""
        if end_s != self._end_s:
            self.prepareGeometryChange()
            self._end_s = end_s

    def boundingRect(self) -> QRectF:
        view = self.getViewBox()
        if view is None:
            return QRectF(0, 0, self._end_s, TOP)
        (first, last), _ = view.viewRange()
        return QRectF(first, 0, max(last - first, 1e-9), TOP)

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def _columns(self) -> int:
        view = self.getViewBox()
        return max(1, int(view.width())) if view is not None else 1


class CurvesItem(_PlotItem):
    """Curves that change together."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def set_lines(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        (first_s, last_s), _ = self.getViewBox().viewRange()
        to_device = painter.transform()
        painter.resetTransform()
        for line in self._lines:
            times, values = thin(line.times_s, line.values, first_s, last_s, self._columns())
            if not len(times):
                continue
            smooth = len(times) <= self._columns()  # a denser curve is a band of verticals, which gains nothing
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
            path: QPainterPath = pg.arrayToQPath(
                times * to_device.m11() + to_device.dx(), values * to_device.m22() + to_device.dy(), connect="finite"
            )
            pen = QPen(QColor(term_color(line.score)), line.width if smooth else 1)
            pen.setStyle(term_line(line.score) if smooth else Qt.PenStyle.SolidLine)
            painter.setPen(pen)
            painter.drawPath(path)
        painter.setTransform(to_device)


@dataclass(frozen=True)
class Span:
    """A window on the time axis."""

    start_s: float
    stop_s: float
    number: int
    decision: Decision
    selected: bool


class SpansItem(_PlotItem):
    """All windows in one object, told apart by shape as well as by colour: an accepted one has solid edges and
    a tick, a rejected one is hatched, an undecided one is plain, the selected one is framed and brighter."""

    _MARK_WIDTH = 14

    def __init__(self) -> None:
        super().__init__()
        self._spans: tuple[Span, ...] = ()
        self._cuts_s: tuple[float, ...] = ()
        self._candidate_s: tuple[float, float] | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        return self._spans

    @property
    def candidate(self) -> tuple[float, float] | None:
        """Seconds from where to where the window would be that the curator asks about."""
        return self._candidate_s

    def set_spans(self, spans: Sequence[Span]) -> None:
        if tuple(spans) != self._spans:
            self._spans = tuple(spans)
            self.update()

    def set_candidate(self, span_s: tuple[float, float] | None) -> None:
        """Where the window would be that the curator asks about."""
        if span_s != self._candidate_s:
            self._candidate_s = span_s
            self.update()

    def set_cuts(self, cuts_s: Sequence[float]) -> None:
        self._cuts_s = tuple(cuts_s)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        (first_s, last_s), _ = self.getViewBox().viewRange()
        to_device = painter.transform()
        painter.resetTransform()
        top, bottom = to_device.m22() * TOP + to_device.dy(), to_device.dy()

        def across(seconds: float) -> float:
            return float(to_device.m11() * seconds + to_device.dx())

        colors = palette()
        painter.setPen(QPen(color(colors.muted, 150), 1, Qt.PenStyle.DashLine))
        for cut_s in self._cuts_s:
            if first_s <= cut_s <= last_s:
                x = round(across(cut_s)) + 0.5
                painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        for span in sorted(self._spans, key=lambda one: one.selected):
            if span.stop_s >= first_s and span.start_s <= last_s:
                left, right = across(span.start_s), across(span.stop_s)
                self._draw(painter, QRectF(left, top, max(2.0, right - left), bottom - top), span)
        if self._candidate_s is not None:
            left, right = (across(edge) for edge in self._candidate_s)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(colors.text), 1, Qt.PenStyle.DashLine))
            painter.setBrush(color(colors.text, 14))
            painter.drawRect(QRectF(round(left), top + 1, max(2.0, round(right - left)), bottom - top - 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setTransform(to_device)

    def _draw(self, painter: QPainter, rect: QRectF, span: Span) -> None:
        colors = palette()
        accepted, rejected = span.decision is Decision.ACCEPTED, span.decision is Decision.REJECTED
        tint = colors.accepted if accepted else colors.faint if rejected else colors.accent
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(rect, color(tint, (20 if rejected else 34) + (42 if span.selected else 0)))
        if rejected:
            painter.fillRect(rect, QBrush(color(colors.muted, 90), Qt.BrushStyle.BDiagPattern))
        edge = color(tint, 255 if accepted or span.selected else 110)
        painter.setPen(QPen(edge, 2 if accepted else 1))
        if not span.selected:
            painter.drawLine(rect.topLeft(), rect.bottomLeft())
            painter.drawLine(rect.topRight(), rect.bottomRight())
        else:
            painter.setPen(QPen(QColor(colors.text if rejected else tint), 2))
            painter.drawRect(rect.adjusted(0, 1, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(rect.center().x(), rect.y() + 12)
        marked = accepted or rejected
        numbered = rect.width() >= 8 * len(str(span.number)) + (20 if marked else 4)
        if numbered:
            painter.setFont(ui_font(12, bold=span.selected))
            painter.setPen(QColor(colors.text if span.selected else colors.muted))
            place = QRectF(middle.x() - 12 + (8 if marked else 0), rect.y() + 4, 24, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(span.number))
        if not marked or rect.width() < self._MARK_WIDTH:
            return
        at = middle - QPointF(8 if numbered else 0, 0)
        painter.setPen(QPen(QColor(colors.accepted if accepted else colors.rejected), 2))
        if accepted:
            painter.drawPolyline([at + QPointF(-5, 0), at + QPointF(-1, 4), at + QPointF(5, -4)])
        else:
            painter.drawLine(at + QPointF(-4, -4), at + QPointF(4, 4))
            painter.drawLine(at + QPointF(-4, 4), at + QPointF(4, -4))
