"""What a cell of the contact sheet shows, and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen

from clipgen_engine.types import Decision
from clipgen_gui.document.windows import Key, WindowId, WindowRow
from clipgen_gui.look.theme import ON_PICTURE, color, px, ui_font


@dataclass(frozen=True)
class SheetCell:
    """One cell of the grid."""

    row: WindowRow
    listed: bool  # False if the window has left the list
    digit: str  # key that accepts the window; empty if none
    stack: str = ""  # how many windows it stands for; empty: only itself

    @property
    def id(self) -> WindowId:
        return self.row.id

    @property
    def key(self) -> Key:
        return self.row.key

    @property
    def decision(self) -> Decision:
        return self.row.decision


def paint_picture(painter: QPainter, area: QRect, picture: QImage) -> None:
    """Paint a picture centred; scale it only if it was decoded for another size."""
    size = picture.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(QPoint(), size)
    target.moveCenter(area.center())
    if size.width() < area.width() or size.height() < area.height():
        painter.fillRect(area, QColor(ON_PICTURE.stage))
    painter.drawImage(target, picture)


def cell_description(cell: SheetCell) -> str:
    if not cell.listed:
        return "This window is no longer listed."
    start, stop, _ = cell.row.key
    text = f"Window {cell.row.number}, {cell.decision}, score {cell.row.score:.2f}"
    text += f": frames {start} to {stop - 1} of {cell.row.entry.path.name}"
    text += f", {cell.stack} alike" if cell.stack else ""
    return f"{text}. Press {cell.digit} or click to accept." if cell.digit else f"{text}. Click to accept."


def paint_labels(painter: QPainter, rect: QRectF, cell: SheetCell, *, with_video: bool) -> None:
    """Paint the key (top left), the decision (top right), and number, score, video and tags (bottom left)."""
    max_width = rect.width() - 14
    if cell.digit:
        _paint_label(painter, rect.topLeft() + QPointF(7, 7), cell.digit, max_width, bold=True)
    name = [cell.row.entry.path.stem] if with_video else []
    stack = [cell.stack] if cell.stack else []
    text = "   ".join([f"#{cell.row.number}", *stack, f"{cell.row.score:.2f}", *cell.row.tags, *name])
    if not cell.listed:
        text = "no longer listed"
    _paint_label(painter, rect.bottomLeft() + QPointF(7, -7 - px(21)), text, max_width)
    center = rect.topRight() + QPointF(-19, 19)
    if cell.decision is Decision.UNDECIDED:
        return
    accepted = cell.decision is Decision.ACCEPTED
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ON_PICTURE.accepted if accepted else ON_PICTURE.rejected))
    painter.drawEllipse(center, 11, 11)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(ON_PICTURE.on_accent), 2.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    if accepted:
        painter.drawPolyline([center + QPointF(-5, 0), center + QPointF(-1.5, 4), center + QPointF(5, -4)])
    else:
        painter.drawLine(center + QPointF(-4, -4), center + QPointF(4, 4))
        painter.drawLine(center + QPointF(-4, 4), center + QPointF(4, -4))


def _paint_label(painter: QPainter, at: QPointF, text: str, max_width: float, *, bold: bool = False) -> None:
    font = ui_font(12, bold=bold)
    painter.setFont(font)
    height = px(21)
    metrics = QFontMetrics(font)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(max_width) - 14)
    plate = QRectF(at.x(), at.y(), max(height, metrics.horizontalAdvance(text) + 14), height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ON_PICTURE.stage, 190))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(ON_PICTURE.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
