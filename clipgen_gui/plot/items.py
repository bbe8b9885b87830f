"""Graphics items of the score plot: one cached layer each for curves and windows, so moving the playhead is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from clipgen_engine.types import Decision
from clipgen_gui.look.theme import color, follow_theme, palette, px, ui_font
from clipgen_gui.plot.curves import CurveKind
from clipgen_gui.plot.decimation import decimate

_CHUNK = 1024  # samples
_FAINT_ALPHA = 80  # for curves of inactive faces
_DRAFT_ALPHA = 150
AXIS_TOP = 1.22  # upper end of the score axis; leaves room for window numbers above the curves


@dataclass(frozen=True, eq=False)
class Line:
    """One curve of one track; NaN where there is no value."""

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]  # in axis units
    kind: CurveKind
    faint: bool = False  # whether the face is inactive
    draft: bool = False  # whether the values are those of a draft


def split_drafts(line: Line, drafts: NDArray[np.bool_] | None) -> list[Line]:
    """Split a line into its exact values and those of a draft, which overlap by one so that they meet."""
    if drafts is None or len(drafts) != len(line.values) or not drafts.any():
        return [line]
    meeting = drafts | np.roll(drafts, 1) | np.roll(drafts, -1)
    exact, draft = (np.where(mask, line.values, np.nan) for mask in (~drafts, meeting))
    return [replace(line, values=exact), replace(line, values=draft, draft=True)]


class _PlotItem(pg.GraphicsObject):  # type: ignore[misc]
    """A plot-wide layer, cached as a pixmap until its content or the visible range changes."""

    def __init__(self) -> None:
        super().__init__()
        self._end_s = 1.0
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        follow_theme(self, self.update)

    def set_end(self, end_s: float) -> None:
        """Set the length of the time axis in seconds."""
        if end_s != self._end_s:
            self.prepareGeometryChange()
            self._end_s = end_s

    def boundingRect(self) -> QRectF:
        view = self.getViewBox()
        if view is None:
            return QRectF(0, 0, self._end_s, AXIS_TOP)
        (first, last), _ = view.viewRange()
        return QRectF(first, 0, max(last - first, 1e-9), AXIS_TOP)

    def viewRangeChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def _columns(self) -> int:
        view = self.getViewBox()
        return max(1, int(view.width())) if view is not None else 1


class CurvesItem(_PlotItem):
    """A layer of curves that are updated together."""

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
            times, values = decimate(line.times_s, line.values, first_s, last_s, self._columns())
            if not len(times):
                continue
            x, y = times * to_device.m11() + to_device.dx(), values * to_device.m22() + to_device.dy()
            alpha = _FAINT_ALPHA if line.faint else _DRAFT_ALPHA if line.draft else 255
            pen = QPen(color(line.kind.tint, alpha), 1)
            if line.kind.stems:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                path: QPainterPath = _stems(x, y, to_device.dy())
            else:
                smooth = len(times) <= float(x[-1] - x[0]) + 2  # a denser curve renders as a solid band
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
                path = pg.arrayToQPath(x, y, connect="finite")
                if smooth:
                    pen.setWidthF(line.kind.width)
                    pen.setStyle(Qt.PenStyle.DashLine if line.draft else line.kind.pen_style)
            painter.setPen(pen)
            painter.drawPath(path)
        painter.setTransform(to_device)


def _stems(x: NDArray[np.float64], y: NDArray[np.float64], base: float) -> QPainterPath:
    finite = np.isfinite(y)
    ends = np.full((2, 2 * np.count_nonzero(finite)), base)
    ends[0, 0::2] = ends[0, 1::2] = x[finite]
    ends[1, 1::2] = y[finite]
    path: QPainterPath = pg.arrayToQPath(ends[0], ends[1], connect="pairs")
    return path


class CurveLabelsItem(_PlotItem):
    """Curve labels, each next to the last visible value; overlapping labels are moved apart."""

    _MARGIN = 4

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = ()

    def set_lines(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(line for line in lines if not line.faint)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        (first_s, last_s), _ = self.getViewBox().viewRange()
        to_device = painter.transform()
        painter.resetTransform()
        right, top = to_device.m11() * last_s + to_device.dx(), to_device.m22() * AXIS_TOP + to_device.dy()
        latest: dict[str, tuple[float, float, Line]] = {}  # with several faces, label the curve that ends last
        for line in self._lines:
            found = _last_visible(line, first_s, last_s)
            if found is not None and found[0] >= latest.get(line.kind.short_label, (-1.0, 0.0, line))[0]:
                latest[line.kind.short_label] = (*found, line)
        height = px(15)
        floor = to_device.dy() - height
        font = ui_font(11)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        for seconds, value, line in sorted(
            latest.values(), key=lambda one: one[1]
        ):  # bottom up, each above the previous
            y = min(floor, max(top, value * to_device.m22() + to_device.dy() - height - 1))
            floor = y - height
            width = metrics.horizontalAdvance(line.kind.short_label) + 2 * self._MARGIN
            after = seconds * to_device.m11() + to_device.dx() + 2
            plate = QRectF(min(after, right - width - 2), y, width, height)
            painter.fillRect(plate, color(palette().card, 205))
            painter.setPen(QColor(line.kind.tint))
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, line.kind.short_label)
        painter.setTransform(to_device)


def _last_visible(line: Line, first_s: float, last_s: float) -> tuple[float, float] | None:
    start, stop = np.searchsorted(line.times_s, (first_s, last_s)).tolist()
    while stop > start:  # scan from the right in chunks: the last value is usually near
        begin = max(start, stop - _CHUNK)
        finite = np.flatnonzero(np.isfinite(line.values[begin:stop]))
        if len(finite):
            at = begin + int(finite[-1])
            return float(line.times_s[at]), float(line.values[at])
        stop = begin
    return None


class DraftItem(_PlotItem):
    """The window being drawn or trimmed."""

    def __init__(self) -> None:
        super().__init__()
        self._span_s: tuple[float, float] | None = None
        self._text = ""

    @property
    def span_s(self) -> tuple[float, float] | None:
        return self._span_s

    def set_span(self, span_s: tuple[float, float] | None, text: str = "") -> None:
        """Set start and end in seconds and the label; None hides the window."""
        if (span_s, text) != (self._span_s, self._text):
            self._span_s, self._text = span_s, text
            self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._span_s is None:
            return
        to_device = painter.transform()
        painter.resetTransform()
        left, right = (to_device.m11() * edge + to_device.dx() for edge in self._span_s)
        top, bottom = to_device.m22() * AXIS_TOP + to_device.dy(), to_device.dy()
        rect = QRectF(round(left), top + 1, max(2.0, round(right - left)), bottom - top - 2)
        painter.fillRect(rect, color(palette().accent, 60))
        painter.setPen(QPen(QColor(palette().text), 2))
        painter.drawRect(rect)
        font = ui_font(12, bold=True)
        painter.setFont(font)
        width = QFontMetricsF(font).horizontalAdvance(self._text) + 12
        (first_s, last_s), _ = self.getViewBox().viewRange()
        leftmost, rightmost = (to_device.m11() * edge + to_device.dx() for edge in (first_s, last_s))
        at = min(max(rect.center().x() - width / 2, leftmost), rightmost - width)
        plate = QRectF(at, top + px(24), width, px(20))
        painter.fillRect(plate, color(palette().window, 225))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self._text)
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
    """All windows in one item, distinguished by shape as well as colour: accepted windows have solid edges and a check
    mark, rejected ones are hatched, undecided ones plain; the selected window is framed and brighter."""

    _MARK_WIDTH, _NARROW = 14, 4
    _GAP_HEIGHT, _MIN_GAP_LABEL_WIDTH = 7, 54

    def __init__(self) -> None:
        super().__init__()
        self._spans: tuple[Span, ...] = ()
        self._cuts_s: tuple[float, ...] = ()
        self._gaps_s: NDArray[np.float64] = np.zeros((0, 2))
        self._candidate_s: tuple[float, float] | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        return self._spans

    @property
    def candidate(self) -> tuple[float, float] | None:
        """Start and end of the inspected window, seconds."""
        return self._candidate_s

    def set_spans(self, spans: Sequence[Span]) -> None:
        if tuple(spans) != self._spans:
            self._spans = tuple(spans)
            self.update()

    def set_candidate(self, span_s: tuple[float, float] | None) -> None:
        """Set start and end of the inspected window, seconds; None hides it."""
        if span_s != self._candidate_s:
            self._candidate_s = span_s
            self.update()

    def set_cuts(self, cuts_s: Sequence[float]) -> None:
        self._cuts_s = tuple(cuts_s)
        self.update()

    @property
    def gaps_s(self) -> NDArray[np.float64]:
        """(N, 2) float64, see `set_gaps`."""
        return self._gaps_s

    def set_gaps(self, gaps_s: NDArray[np.float64]) -> None:
        """Set the spans without a face.

        Args:
            gaps_s: (N, 2) float64, start and end in seconds, ascending.
        """
        if not np.array_equal(gaps_s, self._gaps_s):
            self._gaps_s = gaps_s
            self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        (first_s, last_s), _ = self.getViewBox().viewRange()
        to_device = painter.transform()
        painter.resetTransform()
        top, bottom = to_device.m22() * AXIS_TOP + to_device.dy(), to_device.dy()

        def to_x(seconds: float) -> float:
            return float(to_device.m11() * seconds + to_device.dx())

        self._draw_gaps(painter, to_device, QRectF(QPointF(to_x(first_s), top), QPointF(to_x(last_s), bottom)))
        painter.setPen(QPen(color(palette().muted, 150), 1, Qt.PenStyle.DashLine))
        for cut_s in self._cuts_s:
            if first_s <= cut_s <= last_s:
                x = round(to_x(cut_s)) + 0.5
                painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        for span in sorted(self._spans, key=lambda one: one.selected):
            if span.stop_s >= first_s and span.start_s <= last_s:
                left, right = to_x(span.start_s), to_x(span.stop_s)
                self._draw(painter, QRectF(left, top, max(2.0, right - left), bottom - top), span)
        if self._candidate_s is not None:
            left, right = (to_x(edge) for edge in self._candidate_s)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(palette().text), 1, Qt.PenStyle.DashLine))
            painter.setBrush(color(palette().text, 14))
            painter.drawRect(QRectF(round(left), top + 1, max(2.0, round(right - left)), bottom - top - 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setTransform(to_device)

    def _draw_gaps(self, painter: QPainter, to_device: QTransform, area: QRectF) -> None:
        """Hatch spans without a face at the bottom of the plot; skip those narrower than a pixel."""
        edges = self._gaps_s * to_device.m11() + to_device.dx()
        edges = edges[(edges[:, 1] >= area.left()) & (edges[:, 0] <= area.right())]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(ui_font(12))
        for left, right in edges[np.diff(edges, axis=1)[:, 0] >= 1].clip(area.left(), area.right()).tolist():
            painter.fillRect(QRectF(left, area.top(), right - left, area.height()), color(palette().window, 150))
            foot = QRectF(left, area.bottom() - self._GAP_HEIGHT, right - left, self._GAP_HEIGHT)
            painter.fillRect(foot, QBrush(color(palette().muted, 150), Qt.BrushStyle.FDiagPattern))
            if right - left > self._MIN_GAP_LABEL_WIDTH:
                painter.setPen(QColor(palette().muted))
                painter.drawText(foot.translated(0, -18).adjusted(0, -4, 0, 4), Qt.AlignmentFlag.AlignCenter, "no face")

    def _draw(self, painter: QPainter, rect: QRectF, span: Span) -> None:
        accepted, rejected = span.decision is Decision.ACCEPTED, span.decision is Decision.REJECTED
        tint = palette().accepted if accepted else palette().faint if rejected else palette().accent
        if rect.width() < self._NARROW and not span.selected:  # too narrow for details
            painter.fillRect(rect, color(tint, 200))
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(rect, color(tint, (20 if rejected else 34) + (42 if span.selected else 0)))
        if rejected:
            painter.fillRect(rect, QBrush(color(palette().muted, 90), Qt.BrushStyle.BDiagPattern))
        edge = color(tint, 255 if accepted or span.selected else 110)
        painter.setPen(QPen(edge, 2 if accepted else 1))
        if not span.selected:
            painter.drawLine(rect.topLeft(), rect.bottomLeft())
            painter.drawLine(rect.topRight(), rect.bottomRight())
        else:
            painter.setPen(QPen(QColor(palette().text if rejected else tint), 2))
            painter.drawRect(rect.adjusted(0, 1, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(rect.center().x(), rect.y() + 12)
        marked = accepted or rejected
        numbered = rect.width() >= 8 * len(str(span.number)) + (20 if marked else 4)
        if numbered:
            painter.setFont(ui_font(12, bold=span.selected))
            painter.setPen(QColor(palette().text if span.selected else palette().muted))
            number_rect = QRectF(middle.x() - 12 + (8 if marked else 0), rect.y() + 4, 24, 16)
            painter.drawText(number_rect, Qt.AlignmentFlag.AlignCenter, str(span.number))
        if not marked or rect.width() < self._MARK_WIDTH:
            return
        at = middle - QPointF(8 if numbered else 0, 0)
        painter.setPen(QPen(QColor(palette().accepted if accepted else palette().rejected), 2))
        if accepted:
            painter.drawPolyline([at + QPointF(-5, 0), at + QPointF(-1, 4), at + QPointF(5, -4)])
        else:
            painter.drawLine(at + QPointF(-4, -4), at + QPointF(4, 4))
            painter.drawLine(at + QPointF(-4, 4), at + QPointF(4, -4))
