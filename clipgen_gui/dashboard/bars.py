"""Horizontal bars: label, bar, mark of the goal, number."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from clipgen_gui.dashboard.chart import Chart, Mark
from clipgen_gui.look.theme import color, icon, palette, px, ui_font

_ROW, _BAR, _GAP, _INSET = 26, 8, 10, 6  # px at the default text size
_CHECK = 14
_TEXT = 12


class BarChart(Chart):
    """One row for each mark; all bars have the same scale."""

    def __init__(self, name: str, aligned: Sequence[BarChart] = (), parent: QWidget | None = None) -> None:
        """
        Args:
            aligned: charts of the same width below each other, whose bars start and end at the same places.
        """
        super().__init__(name, parent)
        self._aligned = aligned

    def sizeHint(self) -> QSize:
        return QSize(px(240), max(1, len(self.marks)) * px(_ROW))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(160), self.sizeHint().height())

    def rect_of(self, index: int) -> QRect:
        return QRect(0, index * px(_ROW), self.width(), px(_ROW))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(_TEXT))
        metrics = painter.fontMetrics()
        labels, numbers = self._columns(metrics)
        longest = max((max(one.amount + one.rejected, one.goal or 0.0) for one in self.marks), default=0.0)
        for index, mark in enumerate(self.marks):
            row = self.rect_of(index)
            self._paint_row(painter, row, mark, index)
            inner = row.adjusted(px(_INSET), 0, -px(_INSET), 0)
            label = QRect(inner.left(), row.top(), labels, row.height())
            number = QRect(inner.right() - numbers + 1, row.top(), numbers, row.height())
            self._paint_texts(painter, label, number, mark)
            left, right = label.right() + 1 + px(_GAP), number.left() - px(_GAP)
            bar = QRectF(left, row.center().y() - px(_BAR) / 2 + 0.5, max(0, right - left), px(_BAR))
            self._paint_bar(painter, bar, mark, longest)

    def _columns(self, metrics: QFontMetrics) -> tuple[int, int]:
        """Widths of the labels and of the numbers, px."""
        room = self.width() - 2 * px(_INSET)
        marks = [mark for chart in (self, *self._aligned) for mark in chart.marks]
        check = px(_CHECK) + px(4) if any(one.full for one in marks) else 0
        number = max((metrics.horizontalAdvance(one.number) for one in marks), default=0) + 2 + check
        label = max((metrics.horizontalAdvance(one.label) for one in marks), default=0) + 2
        return min(label, round(room * 0.42)), min(number, room // 2)

    def _paint_row(self, painter: QPainter, row: QRect, mark: Mark, index: int) -> None:
        colors = palette()
        back = colors.selection if self.is_active(mark) else colors.hover if index == self.hovered else ""
        painter.setPen(Qt.PenStyle.NoPen)
        if back:
            painter.setBrush(QColor(back))
            painter.drawRoundedRect(row, 4, 4)
        if index == self.shown_current:
            painter.setPen(QColor(colors.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(row).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)

    def _paint_texts(self, painter: QPainter, label: QRect, number: QRect, mark: Mark) -> None:
        colors, middle = palette(), Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.accent if self.is_active(mark) else colors.text))
        text = painter.fontMetrics().elidedText(mark.label, Qt.TextElideMode.ElideMiddle, label.width())
        painter.drawText(label, middle | Qt.AlignmentFlag.AlignLeft, text)
        painter.setPen(QColor(colors.muted))
        painter.drawText(number, middle | Qt.AlignmentFlag.AlignRight, mark.number)
        if mark.full:
            side = px(_CHECK)
            left = number.right() - painter.fontMetrics().horizontalAdvance(mark.number) - side - px(4)
            icon("check-circle", "accepted").paint(painter, QRect(left, number.center().y() - side // 2, side, side))

    def _paint_bar(self, painter: QPainter, bar: QRectF, mark: Mark, longest: float) -> None:
        colors = palette()
        round_px = bar.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.raised))
        painter.drawRoundedRect(bar, round_px, round_px)
        if longest <= 0:
            return
        left = bar.left()
        for amount, tint in ((mark.amount, getattr(colors, mark.color)), (mark.rejected, colors.rejected)):
            if amount > 0:
                width = max(bar.height(), bar.width() * amount / longest)
                part = QRectF(left, bar.top(), min(width, bar.right() - left), bar.height())
                painter.setBrush(QColor(tint))
                painter.drawRoundedRect(part, round_px, round_px)
                left = part.right() + px(2)
        if mark.goal is not None:
            at = bar.left() + bar.width() * mark.goal / longest
            tick = QRectF(min(at, bar.right()) - 1, bar.top() - px(3), 2, bar.height() + px(6))
            painter.setBrush(color(colors.card))
            painter.drawRect(tick.adjusted(-1.5, 0, 1.5, 0))  # sets the mark off from the bar
            painter.setBrush(QColor(colors.text))
            painter.drawRect(tick)
