"""Vertical columns on one axis: accepted windows above it, rejected ones below."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from clipgen_gui.dashboard.chart import Chart
from clipgen_gui.look.theme import palette, px, ui_font

_HEIGHT, _AXIS, _SIDE = 168, 18, 34  # px at the default text size; axis: height of its labels, side: of the scale
_TEXT = 11
_WIDEST = 30  # px, of a column
_MIN_SHOWN = 2  # px: one decision is visible beside thousands


class ColumnChart(Chart):
    """Position says which part is which, so that the colours need not."""

    def __init__(self, name: str, *, edges: bool = False, parent: QWidget | None = None) -> None:
        """
        Args:
            edges: labels are of the left edges of the columns, rather than of their middles.
        """
        super().__init__(name, parent)
        self._edges = edges

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(160), px(_HEIGHT))

    @property
    def _plot(self) -> QRect:
        """The columns, without labels."""
        return self.rect().adjusted(px(_SIDE), px(4), -px(4), -px(_AXIS))

    def rect_of(self, index: int) -> QRect:
        plot, count = self._plot, max(1, len(self.marks))
        left = plot.left() + round(plot.width() * index / count)
        return QRect(left, plot.top(), plot.left() + round(plot.width() * (index + 1) / count) - left, plot.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(_TEXT))
        plot, colors = self._plot, palette()
        up = max((one.amount for one in self.marks), default=0.0)
        down = max((one.rejected for one in self.marks), default=0.0)
        unit = (plot.height() - 1) / max(1.0, up + down)  # px for each window
        axis = plot.top() + up * unit if up + down else plot.bottom()
        for index in range(len(self.marks)):
            self._paint_column(painter, index, axis, unit)
        painter.setPen(QColor(colors.faint))
        painter.drawLine(plot.left(), round(axis), plot.right(), round(axis))
        painter.setPen(QColor(colors.muted))
        side = QRect(0, 0, px(_SIDE) - px(8), px(14))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for amount, y in ((up, plot.top()), (down, plot.bottom() - px(14))):
            if amount:
                painter.drawText(side.translated(0, y), right, f"{amount:,.0f}")
        self._paint_labels(painter)

    def _paint_column(self, painter: QPainter, index: int, axis: float, unit: float) -> None:
        colors, mark, slot = palette(), self.marks[index], self.rect_of(index)
        active, hovered = self.is_active(mark), index == self.hovered
        if active or hovered:
            painter.fillRect(slot, QColor(colors.selection if active else colors.hover))
        if index == self.shown_current:
            painter.setPen(QColor(colors.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(slot).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        width = min(slot.width() * 0.72, px(_WIDEST))
        left = slot.left() + (slot.width() - width) / 2
        painter.setPen(Qt.PenStyle.NoPen)
        for amount, tint, above in ((mark.amount, colors.accepted, True), (mark.rejected, colors.rejected, False)):
            if amount > 0:
                height = max(_MIN_SHOWN, amount * unit - 1)
                painter.setBrush(QColor(tint))
                painter.drawRoundedRect(QRectF(left, axis - height if above else axis + 1, width, height), 2, 2)

    def _paint_labels(self, painter: QPainter) -> None:
        """Label as many columns as have room, evenly from the first on."""
        if not self.marks:
            return
        metrics, plot = painter.fontMetrics(), self._plot
        widest = max(metrics.horizontalAdvance(one.label) for one in self.marks) + px(8)
        every = max(1, -(-widest * len(self.marks) // max(1, plot.width())))
        for index in range(0, len(self.marks), every):
            slot = self.rect_of(index)
            middle = slot.left() if self._edges else slot.center().x()
            place = QRect(middle - widest // 2, plot.bottom() + px(3), widest, px(_AXIS) - px(3))
            place.moveRight(min(place.right(), self.width()))
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.marks[index].label)
