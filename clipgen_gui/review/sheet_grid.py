"""The grid of the contact sheet: windows that loop simultaneously from memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from clipgen_engine.types import Decision, Float64Array
from clipgen_gui.document.windows import WindowId, WindowRow
from clipgen_gui.look.theme import ON_PICTURE, color, follow_theme, palette, ui_font
from clipgen_gui.review.sheet_cell import SheetCell, cell_description, paint_labels, paint_picture
from clipgen_gui.review.thumbnail_crops import face_crop, fit_size, full_frame, sampled_frames
from clipgen_gui.review.thumbnails import Clip, ClipRequest, ClipServer, by_video
from clipgen_gui.widgets.cards import named

_GAP = 4
_SELECTION_MARGIN = 4  # around a picture, for the selection outline
_TICK_MS = 12
_DEBOUNCE_MS = 120  # after a resize, before re-decoding
_DECIDING = {Qt.MouseButton.LeftButton: Decision.ACCEPTED, Qt.MouseButton.RightButton: Decision.REJECTED}
_MAX_FRAMES = 48  # per window; also determines the picture size within the budget


@dataclass(frozen=True, eq=False)
class _Loop:
    """A decoded clip and the due time of each picture."""

    clip: Clip
    frames: tuple[int, ...]
    times_s: Float64Array  # (N,) float64, relative to the start of the window
    duration_s: float

    def at(self, seconds: float) -> int:
        """Return the index of the due picture; -1 without pictures."""
        if not self.clip.pictures:
            return -1
        return max(0, int(np.searchsorted(self.times_s, seconds % self.duration_s, side="right")) - 1)


class SheetGrid(QWidget):
    """Plays and paints the cells it is given; emits `clicked` for decisions."""

    clicked = Signal(int, object)  # cell, Decision
    swept = Signal(object, object)  # indices of the cells that the pointer went over, Decision

    def __init__(self, server: ClipServer, budget_bytes: int, parent: QWidget | None = None) -> None:
        """
        Args:
            budget_bytes: of the server; two pages of pictures must fit.
        """
        super().__init__(parent)
        self._server, self._budget = server, budget_bytes
        self.clock: Callable[[], float] = time.monotonic
        self.cells: tuple[SheetCell, ...] = ()
        self.columns = 3
        self._following: tuple[WindowRow, ...] = ()
        self._made_from: tuple[object, ...] = ()  # what the requested pictures depend on
        self._whole = False
        self._selected: WindowId | None = None
        self._with_videos = False
        self._requests: dict[WindowId, ClipRequest] = {}
        self._hovered = -1
        self._swept: list[int] = []  # cells under the pointer since the button was pressed
        self._sweeping = Qt.MouseButton.NoButton
        self._speed = 1.0
        self._paused_s: float | None = None  # loop time while paused
        self._anchor_s = (0.0, 0.0)  # clock and loop time
        self._loops: dict[WindowId, _Loop] = {}
        self._painted: list[int] = []  # picture index painted in each cell
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._resize_timer = QTimer(self)
        self._resize_timer.setSingleShot(True)
        self._resize_timer.setInterval(_DEBOUNCE_MS)
        self._resize_timer.timeout.connect(self._request_clips)
        server.ready.connect(self._on_clip_ready)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        named(self, "Contact sheet", "")
        follow_theme(self, self.update)

    # Content

    def show_cells(
        self, cells: Sequence[SheetCell], following: Sequence[WindowRow], columns: int, *, with_videos: bool = False
    ) -> None:
        """Fill the grid row by row; prefetch the windows of the next page (`following`).

        Args:
            with_videos: name the video of each window.
        """
        if [cell.id for cell in cells] != [cell.id for cell in self.cells]:
            self._anchor_s = self.clock(), 0.0  # restart the loops on a new page
            self._paused_s = None if self._paused_s is None else 0.0
        self.cells, self.columns, self._with_videos = tuple(cells), columns, with_videos
        self._following = tuple(following)
        rows = (*(cell.row for cell in cells), *following)
        # new tokens do not change the pictures
        made_from = columns, *((row.id, id(row.analysis and row.analysis.tracks)) for row in rows)
        if made_from != self._made_from:
            self._made_from = made_from
            self._request_clips()
        self._update_description()
        self.update()

    def set_selected(self, window: WindowId | None) -> None:
        if window != self._selected:
            self._selected = window
            self._update_description()
            self.update()

    def set_whole(self, on: bool) -> None:
        """Show whole frames instead of faces."""
        self._whole = on
        self._request_clips()

    def set_speed(self, speed: float) -> None:
        now = self.seconds
        self._speed, self._anchor_s = speed, (self.clock(), now)

    @property
    def paused(self) -> bool:
        return self._paused_s is not None

    def set_paused(self, on: bool) -> None:
        """Pause all loops, or resume them."""
        if on and self._paused_s is None:
            self._paused_s = self.seconds
        elif not on and self._paused_s is not None:
            self._anchor_s, self._paused_s = (self.clock(), self._paused_s), None

    @property
    def seconds(self) -> float:
        """Video time since the loops of this page started, seconds."""
        if self._paused_s is not None:
            return self._paused_s
        return self._anchor_s[1] + (self.clock() - self._anchor_s[0]) * self._speed

    def shown_frame(self, index: int) -> int:
        """Return the frame index that a cell shows now; -1 if none."""
        loop = self._loops.get(self.cells[index].id)
        at = loop.at(self.seconds) if loop else -1
        return loop.frames[at] if loop and at >= 0 else -1

    # Pictures

    def request(self, row: WindowRow) -> ClipRequest | None:
        """Return the request for this window's pictures at the current size."""
        analysis = row.analysis
        if analysis is None:
            return None
        area = self._picture_rect(0)
        start, stop, _ = row.key
        frames = sampled_frames(start, stop, _MAX_FRAMES)
        clip_count = 2 * self.columns**2
        ratio = self.devicePixelRatioF()
        width, height = area.width() * ratio, area.height() * ratio
        shrink = min(1.0, sqrt(self._budget / (clip_count * len(frames) * 4 * width * height)))
        video = analysis.video
        crop = full_frame(video) if self._whole else face_crop(analysis, row.key, width / height)
        return ClipRequest(video, frames, crop, fit_size(crop, int(width * shrink), int(height * shrink)))

    def _request_clips(self) -> None:
        """Request the pictures of this page and the next; current pictures stay until the new ones arrive."""
        self._resize_timer.stop()
        if not self.isVisible():
            return
        on_page = [cell.row for cell in self.cells]
        shown = {row.id for row in on_page}
        self._loops = {window: loop for window, loop in self._loops.items() if window in shown}
        by_page = (*sorted(on_page, key=by_video), *sorted(self._following, key=by_video))
        self._requests = {row.id: request for row in by_page if (request := self.request(row)) is not None}
        self._server.set_requests(list(self._requests.values()))
        for window in shown & self._requests.keys():
            self._load(window, self._requests[window])

    def _on_clip_ready(self, request: ClipRequest) -> None:
        for cell in self.cells:
            if self._requests.get(cell.id) == request:
                self._load(cell.id, request)

    def _load(self, window: WindowId, request: ClipRequest) -> None:
        clip = self._server.get(request)
        if clip is None:
            return
        times, (start, stop, _) = request.video.times_s, window.key
        end_s = float(times[stop]) if stop < len(times) else request.video.duration_s
        self._loops[window] = _Loop(
            clip, request.frames, times[list(request.frames)] - times[start], end_s - float(times[start])
        )
        self.update()

    def _tick(self) -> None:
        """Repaint the cells whose due picture changed."""
        now = self.seconds
        due = [loop.at(now) if (loop := self._loops.get(cell.id)) else -1 for cell in self.cells]
        if len(due) != len(self._painted):
            self.update()
            return
        for index, (painted, wanted) in enumerate(zip(self._painted, due, strict=True)):
            if painted != wanted:
                self.update(self.cell_rect(index))

    # Geometry

    def cell_rect(self, index: int) -> QRect:
        """Return the rectangle of a cell."""
        width = (self.width() - _GAP * (self.columns - 1)) / self.columns
        height = (self.height() - _GAP * (self.columns - 1)) / self.columns
        row, column = divmod(index, self.columns)
        left, top = round(column * (width + _GAP)), round(row * (height + _GAP))
        return QRect(left, top, int(width), int(height))

    def _picture_rect(self, index: int) -> QRect:
        return self.cell_rect(index).adjusted(
            _SELECTION_MARGIN, _SELECTION_MARGIN, -_SELECTION_MARGIN, -_SELECTION_MARGIN
        )

    def cell_at(self, position: QPoint) -> int:
        """Return the index of the cell at this position; -1 if none."""
        indices = range(len(self.cells))
        return next((index for index in indices if self.cell_rect(index).contains(position)), -1)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        now = self.seconds
        if len(self._painted) != len(self.cells):
            self._painted = [-1] * len(self.cells)
        for index, cell in enumerate(self.cells):
            if event.rect().intersects(self.cell_rect(index)):
                self._paint_cell(painter, index, cell, now)

    def _paint_cell(self, painter: QPainter, index: int, cell: SheetCell, now: float) -> None:
        rect = QRectF(self._picture_rect(index))
        loop = self._loops.get(cell.id)
        at = self._painted[index] = loop.at(now) if loop else -1
        if loop is not None and at >= 0:
            paint_picture(painter, self._picture_rect(index), loop.clip.pictures[at])
        else:
            painter.fillRect(rect, QColor(ON_PICTURE.stage))
            painter.setFont(ui_font(12))
            painter.setPen(QColor(ON_PICTURE.muted))
            problem = loop.clip.problem if loop else "…"
            painter.drawText(
                rect.adjusted(12, 12, -12, -12), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, problem
            )
        if not cell.listed or cell.decision is Decision.REJECTED:
            painter.fillRect(rect, color(ON_PICTURE.stage, 160))
        paint_labels(painter, rect, cell, with_video=self._with_videos)
        colors = palette()
        decided = {Decision.ACCEPTED: colors.accepted, Decision.REJECTED: colors.rejected}.get(cell.decision)
        if index in self._swept:
            decided = colors.accepted if self._sweeping is Qt.MouseButton.LeftButton else colors.rejected
        tint = decided or (colors.faint if index == self._hovered else colors.border)
        corners = QPainterPath()  # painting over the corners is much cheaper than clipping the picture
        corners.addRect(rect)
        corners.addRoundedRect(rect, 5, 5)
        painter.fillPath(corners, QColor(colors.card))
        painter.setPen(QPen(QColor(tint), 2 if decided else 1))
        painter.drawRoundedRect(rect, 5, 5)
        if cell.id == self._selected:
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), 7, 7)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.cell_at(event.position().toPoint())
        if index >= 0 and event.button() in _DECIDING:
            self._swept, self._sweeping = [index], event.button()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.cell_at(event.position().toPoint())
        self._hover(index)
        if self._swept and index >= 0 and index not in self._swept:
            self._swept.append(index)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._swept or event.button() is not self._sweeping:
            return
        swept, self._swept = self._swept, []
        if len(swept) == 1:
            self.clicked.emit(swept[0], _DECIDING[event.button()])
        else:
            self.swept.emit(tuple(swept), _DECIDING[event.button()])
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            index = self.cell_at(event.pos())
            if index >= 0:
                QToolTip.showText(event.globalPos(), cell_description(self.cells[index]), self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._resize_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        self._anchor_s = self.clock(), 0.0
        self._timer.start()
        self._request_clips()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        self._server.set_requests(())

    def _update_description(self) -> None:
        selected = next((cell for cell in self.cells if cell.id == self._selected), None)
        self.setAccessibleDescription(cell_description(selected) if selected else f"{len(self.cells)} windows")
