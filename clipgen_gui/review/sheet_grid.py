"""The cells of the contact sheet: windows that all play at once, in loops, from memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from clipgen_engine.types import Analysis, Decision, Float64Array
from clipgen_gui.document.entry import Key, WindowRow
from clipgen_gui.look.theme import ON_PICTURE, color, follow_theme, palette, px, ui_font
from clipgen_gui.review.thumbnail_crops import face_crop, fitted, sampled_frames, whole_picture
from clipgen_gui.review.thumbnails import Clip, ClipRequest, ClipServer
from clipgen_gui.widgets.cards import named

_GAP = 4
_RING = 4  # around a picture: the mark of the selected one
_TICK_MS = 12
_SETTLE_MS = 120  # after a resize, before pictures of the new size are decoded
_USUAL_FRAMES = 48  # pictures a window at most, and those for which the size of a picture is chosen


@dataclass(frozen=True)
class SheetCell:
    """One place of the grid. Without a row the window has left the list meanwhile."""

    key: Key
    row: WindowRow | None
    digit: str  # key that accepts it; empty: none

    @property
    def decision(self) -> Decision:
        return self.row.decision if self.row else Decision.UNDECIDED


@dataclass(frozen=True, eq=False)
class _Loop:
    """What a cell plays: a clip, and when each of its pictures is due."""

    clip: Clip
    frames: tuple[int, ...]
    times_s: Float64Array  # (N,) seconds since the window began
    duration_s: float

    def at(self, seconds: float) -> int:
        """Picture that is due, -1 without pictures."""
        if not self.clip.pictures:
            return -1
        return max(0, int(np.searchsorted(self.times_s, seconds % self.duration_s, side="right")) - 1)


class SheetGrid(QWidget):
    """Plays and paints; who uses it says what stands in the cells, and hears what was clicked."""

    clicked = Signal(int, object)  # cell, Decision

    def __init__(self, server: ClipServer, budget_bytes: int, parent: QWidget | None = None) -> None:
        """
        Args:
            budget_bytes: of the server; two pages of pictures are kept within it.
        """
        super().__init__(parent)
        self._server, self._budget = server, budget_bytes
        self.clock: Callable[[], float] = time.monotonic
        self.cells: tuple[SheetCell, ...] = ()
        self.columns = 3
        self._analysis: Analysis | None = None
        self._following: tuple[Key, ...] = ()
        self._whole = False
        self._selected: Key | None = None
        self._hovered = -1
        self._speed = 1.0
        self._paused_s: float | None = None  # loop time at which it stands still
        self._anchor_s = (0.0, 0.0)  # clock and loop time
        self._loops: dict[Key, _Loop] = {}
        self._drawn: list[int] = []  # picture that each cell shows
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._want)
        server.ready.connect(self._take)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        named(self, "Contact sheet", "")
        follow_theme(self, self.update)

    # What is shown

    def show_cells(
        self, analysis: Analysis | None, cells: Sequence[SheetCell], following: Sequence[Key], columns: int
    ) -> None:
        """Fill the grid, row by row; `following` are the windows of the next page, decoded ahead."""
        keys = [cell.key for cell in cells]
        same = (
            (analysis and analysis.tracks) is (self._analysis and self._analysis.tracks)  # its tokens may be others
            and columns == self.columns
            and keys == [cell.key for cell in self.cells]
            and tuple(following) == self._following
        )
        if keys != [cell.key for cell in self.cells]:
            self._anchor_s = self.clock(), 0.0  # a page begins with the first frames
            self._paused_s = None if self._paused_s is None else 0.0
        self._analysis, self.cells, self.columns = analysis, tuple(cells), columns
        self._following = tuple(following)
        if not same:
            self._want()
        self._describe()
        self.update()

    def set_selected(self, key: Key | None) -> None:
        if key != self._selected:
            self._selected = key
            self._describe()
            self.update()

    def set_whole(self, on: bool) -> None:
        """Show whole pictures instead of faces."""
        self._whole = on
        self._want()

    def set_speed(self, speed: float) -> None:
        now = self.seconds
        self._speed, self._anchor_s = speed, (self.clock(), now)

    @property
    def paused(self) -> bool:
        return self._paused_s is not None

    def set_paused(self, on: bool) -> None:
        """Stop all loops where they are, or go on from there."""
        if on and self._paused_s is None:
            self._paused_s = self.seconds
        elif not on and self._paused_s is not None:
            self._anchor_s, self._paused_s = (self.clock(), self._paused_s), None

    @property
    def seconds(self) -> float:
        """Time since the loops of this page began, in seconds of video."""
        if self._paused_s is not None:
            return self._paused_s
        return self._anchor_s[1] + (self.clock() - self._anchor_s[0]) * self._speed

    def shown_frame(self, place: int) -> int:
        """Index of the frame that a cell shows now, -1 while there is none."""
        loop = self._loops.get(self.cells[place].key)
        at = loop.at(self.seconds) if loop else -1
        return loop.frames[at] if loop and at >= 0 else -1

    # Pictures

    def request(self, key: Key) -> ClipRequest | None:
        """The pictures of this window at the size that they have now."""
        if self._analysis is None:
            return None
        room = self._picture_rect(0)
        start, stop, _ = key
        frames = sampled_frames(start, stop, _USUAL_FRAMES)
        kept = 2 * self.columns**2
        ratio = self.devicePixelRatioF()
        width, height = room.width() * ratio, room.height() * ratio
        shrink = min(1.0, sqrt(self._budget / (kept * len(frames) * 4 * width * height)))
        video = self._analysis.video
        crop = whole_picture(video) if self._whole else face_crop(self._analysis, key, width / height)
        return ClipRequest(video, frames, crop, fitted(crop, int(width * shrink), int(height * shrink)))

    def _want(self) -> None:
        """Ask for the pictures of this page and the next; what was shown stays until they are there."""
        self._settle.stop()
        if not self.isVisible():
            return
        on_page = [cell.key for cell in self.cells]
        self._loops = {key: loop for key, loop in self._loops.items() if key in on_page}
        in_time = (*sorted(on_page), *sorted(self._following))
        requests = {key: self.request(key) for key in in_time}
        self._server.want([request for request in requests.values() if request is not None])
        for key in on_page:
            request = requests[key]
            if request is not None:
                self._load(key, request)

    def _take(self, request: ClipRequest) -> None:
        for cell in self.cells:
            if cell.key[0] == request.frames[0] and request == self.request(cell.key):
                self._load(cell.key, request)

    def _load(self, key: Key, request: ClipRequest) -> None:
        clip = self._server.get(request)
        if clip is None:
            return
        times, (start, stop, _) = request.video.times_s, key
        end_s = float(times[stop]) if stop < len(times) else request.video.duration_s
        self._loops[key] = _Loop(
            clip, request.frames, times[list(request.frames)] - times[start], end_s - float(times[start])
        )
        self.update()

    def _tick(self) -> None:
        """Repaint the cells whose picture is no longer the due one."""
        now = self.seconds
        due = [loop.at(now) if (loop := self._loops.get(cell.key)) else -1 for cell in self.cells]
        if len(due) != len(self._drawn):
            self.update()
            return
        for place, (drawn, wanted) in enumerate(zip(self._drawn, due, strict=True)):
            if drawn != wanted:
                self.update(self.cell_rect(place))

    # Geometry

    def cell_rect(self, place: int) -> QRect:
        """Where a cell is."""
        width = (self.width() - _GAP * (self.columns - 1)) / self.columns
        height = (self.height() - _GAP * (self.columns - 1)) / self.columns
        row, column = divmod(place, self.columns)
        left, top = round(column * (width + _GAP)), round(row * (height + _GAP))
        return QRect(left, top, int(width), int(height))

    def _picture_rect(self, place: int) -> QRect:
        return self.cell_rect(place).adjusted(_RING, _RING, -_RING, -_RING)

    def cell_at(self, position: QPoint) -> int:
        """Number of the cell there, -1 where there is none."""
        places = range(len(self.cells))
        return next((place for place in places if self.cell_rect(place).contains(position)), -1)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        now = self.seconds
        if len(self._drawn) != len(self.cells):
            self._drawn = [-1] * len(self.cells)
        for place, cell in enumerate(self.cells):
            if event.rect().intersects(self.cell_rect(place)):
                self._paint_cell(painter, place, cell, now)

    def _paint_cell(self, painter: QPainter, place: int, cell: SheetCell, now: float) -> None:
        rect = QRectF(self._picture_rect(place))
        loop = self._loops.get(cell.key)
        at = self._drawn[place] = loop.at(now) if loop else -1
        if loop is not None and at >= 0:
            _paint_picture(painter, self._picture_rect(place), loop.clip.pictures[at])
        else:
            painter.fillRect(rect, QColor(ON_PICTURE.stage))
            painter.setFont(ui_font(12))
            painter.setPen(QColor(ON_PICTURE.muted))
            problem = loop.clip.problem if loop else "…"
            painter.drawText(
                rect.adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, problem
            )
        if cell.row is None or cell.decision is Decision.REJECTED:
            painter.fillRect(rect, color(ON_PICTURE.stage, 160))
        _paint_plates(painter, rect, cell)
        colors = palette()
        decided = {Decision.ACCEPTED: colors.accepted, Decision.REJECTED: colors.rejected}.get(cell.decision)
        tint = decided or (colors.faint if place == self._hovered else colors.border)
        corners = QPainterPath()  # painting over them costs a fraction of clipping the picture to them
        corners.addRect(rect)
        corners.addRoundedRect(rect, 5, 5)
        painter.fillPath(corners, QColor(colors.card))
        painter.setPen(QPen(QColor(tint), 2 if decided else 1))
        painter.drawRoundedRect(rect, 5, 5)
        if cell.key == self._selected:
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), 7, 7)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.cell_at(event.position().toPoint())
        if place >= 0 and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            accept = event.button() is Qt.MouseButton.LeftButton
            self.clicked.emit(place, Decision.ACCEPTED if accept else Decision.REJECTED)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.cell_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, place: int) -> None:
        if place != self._hovered:
            self._hovered = place
            self.setCursor(Qt.CursorShape.PointingHandCursor if place >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            place = self.cell_at(event.pos())
            if place >= 0:
                QToolTip.showText(event.globalPos(), _told(self.cells[place]), self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settle.start()

    def showEvent(self, event: QShowEvent) -> None:
        self._anchor_s = self.clock(), 0.0
        self._timer.start()
        self._want()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        self._server.want(())

    def _describe(self) -> None:
        selected = next((cell for cell in self.cells if cell.key == self._selected), None)
        self.setAccessibleDescription(_told(selected) if selected else f"{len(self.cells)} windows")


def _paint_picture(painter: QPainter, room: QRect, picture: QImage) -> None:
    """In the middle of its room; scaled only while it was decoded for another size."""
    size = picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(QPoint(), size)
    target.moveCenter(room.center())
    if size.width() < room.width() or size.height() < room.height():
        painter.fillRect(room, QColor(ON_PICTURE.stage))
    painter.drawImage(target, picture)


def _told(cell: SheetCell) -> str:
    if cell.row is None:
        return "This window is no longer in the list."
    sequence = cell.row.sequence
    text = f"Window {cell.row.number}, {cell.decision}, score {sequence.combined_score:.2f}"
    text += f": frames {sequence.start_frame} to {sequence.stop_frame - 1}"
    return f"{text}. Accept with {cell.digit} or a click." if cell.digit else f"{text}. Accept with a click."


def _paint_plates(painter: QPainter, rect: QRectF, cell: SheetCell) -> None:
    """The key at the top left, the decision at the top right, number and score at the bottom left."""
    widest = rect.width() - 14
    if cell.digit:
        _paint_plate(painter, rect.topLeft() + QPointF(7, 7), cell.digit, widest, bold=True)
    if cell.row is None:
        text = "no longer in the list"
    else:
        text = "   ".join([f"#{cell.row.number}", f"{cell.row.sequence.combined_score:.2f}", *cell.row.tags])
    _paint_plate(painter, rect.bottomLeft() + QPointF(7, -7 - px(21)), text, widest)
    centre = rect.topRight() + QPointF(-19, 19)
    if cell.decision is Decision.UNDECIDED:
        return
    accepted = cell.decision is Decision.ACCEPTED
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ON_PICTURE.accepted if accepted else ON_PICTURE.rejected))
    painter.drawEllipse(centre, 11, 11)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(ON_PICTURE.on_accent), 2.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    if accepted:
        painter.drawPolyline([centre + QPointF(-5, 0), centre + QPointF(-1.5, 4), centre + QPointF(5, -4)])
    else:
        painter.drawLine(centre + QPointF(-4, -4), centre + QPointF(4, 4))
        painter.drawLine(centre + QPointF(-4, 4), centre + QPointF(4, -4))


def _paint_plate(painter: QPainter, at: QPointF, text: str, widest: float, *, bold: bool = False) -> None:
    font = ui_font(12, bold=bold)
    painter.setFont(font)
    height = px(21)
    metrics = QFontMetrics(font)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(widest) - 14)
    plate = QRectF(at.x(), at.y(), max(height, metrics.horizontalAdvance(text) + 14), height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ON_PICTURE.stage, 190))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(ON_PICTURE.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
