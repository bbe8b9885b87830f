"""The ranked windows as a film strip: first, most distinct and last frame of each."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QHideEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from clipgen_engine.types import Decision, FaceTrack
from clipgen_gui.commands.keymap import decision_key_hint, keymap
from clipgen_gui.document.windows import WindowId, WindowRow
from clipgen_gui.look.theme import color, follow_theme, icon, palette, px, ui_font
from clipgen_gui.review.model import DECISION_ICONS, AnyIndex, WindowsModel
from clipgen_gui.review.table import paint_stack
from clipgen_gui.review.thumbnail_crops import face_crop, fit_size, representative_frames
from clipgen_gui.review.thumbnails import ClipRequest, ClipServer, by_video
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named

_BUDGET_BYTES = 48 * 1024 * 1024
_PREFETCH_ROWS = 6  # prefetched on each side of the visible rows
_ROW_HEIGHT, _LEFT, _RIGHT, _DECISION_ICON = 84, 30, 74, 16  # at the default text size
_GAP, _PAD = 3, 4
_WIDTH_STEP = 8  # px; limits re-decoding while the panel is resized


class FilmStrip(QListView):
    """List view on the table's model with thumbnails decoded in a background thread."""

    mark_clicked = Signal(object)  # QModelIndex; emitted after `clicked`

    def __init__(self, model: WindowsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.server = ClipServer(_BUDGET_BYTES, self)
        self._requests: dict[WindowId, tuple[tuple[FaceTrack, ...], ClipRequest]] = {}  # after what it was made from
        self._size = (0, 0)  # picture size of the cached requests, device px
        self.setModel(model)
        self.setItemDelegate(_StripDelegate(self, model))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # its appearance would resize the rows
        follow(self, keymap.changed, lambda: named(self, "Film strip of the best windows", decision_key_hint()))
        self.viewport().setToolTip("")
        self._request_timer = QTimer(self)  # 0 ms: coalesces requests after a repaint
        self._request_timer.setSingleShot(True)
        self._request_timer.setInterval(0)
        self._request_timer.timeout.connect(self._request_clips)
        self.server.ready.connect(lambda _: self.viewport().update())
        follow_theme(self, self.scheduleDelayedItemsLayout)

    def request(self, row: WindowRow) -> ClipRequest | None:
        """Return the request for this window's pictures at the current size."""
        analysis = row.analysis
        if analysis is None:
            return None
        width, height = size = self._decoded_size()
        if size != self._size:
            self._size = size
            self._requests.clear()
        made_from, request = self._requests.get(row.id, (None, None))
        if made_from is not analysis.tracks or request is None:
            crop = face_crop(analysis, row.key, width / height)
            frames = representative_frames(analysis, row.key)
            request = ClipRequest(analysis.video, frames, crop, fit_size(crop, width, height))
            self._requests[row.id] = analysis.tracks, request
        return request

    def picture_rects(self, row: QRect) -> list[QRect]:
        """Return the rectangles of a row's three pictures."""
        width, height = self._picture_size()
        left, top = row.x() + px(_LEFT), row.y() + _PAD
        return [QRect(left + slot * (width + _GAP), top, width, height) for slot in range(3)]

    def _picture_size(self) -> tuple[int, int]:
        area = (self.viewport().width() - px(_LEFT) - px(_RIGHT) - 2 * _GAP) // 3
        return max(40, area // _WIDTH_STEP * _WIDTH_STEP), px(_ROW_HEIGHT) - 2 * _PAD

    def _decoded_size(self) -> tuple[int, int]:
        width, height = self._picture_size()
        ratio = self.devicePixelRatioF()
        return round(width * ratio), round(height * ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._request_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        current = self.currentIndex()
        if current.isValid():
            self.scrollTo(current)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._request_timer.stop()
        self.server.set_requests(())

    def _request_clips(self) -> None:
        """Request pictures for the visible rows, then for their neighbours."""
        rows = self._rows.rows
        if not rows or not self.isVisible():
            self.server.set_requests(())
            return
        first = self.indexAt(QPoint(1, 1)).row()
        last = self.indexAt(QPoint(1, self.viewport().height() - 1)).row()
        first, last = max(first, 0), last if last >= 0 else len(rows) - 1
        parts = (
            rows[first : last + 1],
            rows[last + 1 : last + 1 + _PREFETCH_ROWS],
            rows[max(0, first - _PREFETCH_ROWS) : first],
        )
        requests = [self.request(row) for part in parts for row in sorted(part, key=by_video)]
        self.server.set_requests([request for request in requests if request is not None])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and index.isValid() and event.position().x() < px(_LEFT):
            self.mark_clicked.emit(index)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            if index.isValid():
                QToolTip.showText(event.globalPos(), self._tooltip(index, event.pos()), self)
            return True
        return super().viewportEvent(event)

    def _tooltip(self, index: AnyIndex, position: QPoint) -> str:
        row = self._rows.rows[index.row()]
        request = self.request(row)
        for slot, rect in enumerate(self.picture_rects(self.visualRect(index))):
            if request is not None and rect.contains(position):
                which = ("First frame", "Farthest from the mean expression", "Last frame")[slot]
                return f"{which}: frame {request.frames[slot]}"
        return str(index.data(Qt.ItemDataRole.ToolTipRole))


class _StripDelegate(QStyledItemDelegate):
    """Paints number and decision, three pictures, then score, time, tags and note."""

    def __init__(self, strip: FilmStrip, model: WindowsModel) -> None:
        super().__init__(strip)
        self._strip, self._model = strip, model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, px(_ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = self._model.rows[index.row()]
        rect, colors = option.rect, palette()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colors.hover))
        painter.setFont(ui_font(13))
        painter.setPen(QColor(colors.muted))
        number = QRect(rect.x(), rect.y() + _PAD, px(_LEFT), px(20))
        painter.drawText(number, Qt.AlignmentFlag.AlignCenter, str(row.number))
        if self._model.rows.is_in_stack(index.row()):
            painter.fillRect(QRect(rect.x() + 2, rect.y(), 3, rect.height()), QColor(colors.border))
        icon_rect = QRect(0, 0, px(_DECISION_ICON), px(_DECISION_ICON))
        icon_rect.moveCenter(QPoint(rect.x() + px(_LEFT) // 2, rect.center().y() + px(8)))
        icon(*DECISION_ICONS[row.decision]).paint(painter, icon_rect)
        self._paint_pictures(painter, rect, row)
        self._paint_text(painter, rect, row)
        corner = QRect(rect.left(), rect.y() + _PAD, rect.width() - 2, px(20))
        paint_stack(painter, corner, self._model.rows.stack_text(index.row()))
        painter.restore()

    def _paint_pictures(self, painter: QPainter, rect: QRect, row: WindowRow) -> None:
        colors = palette()
        request = self._strip.request(row)
        clip = self._strip.server.get(request) if request else None
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for slot, area in enumerate(self._strip.picture_rects(rect)):
            painter.fillRect(area, QColor(colors.stage))
            if clip is not None and clip.pictures:
                picture = clip.pictures[slot]
                size = picture.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
                target = QRect(QPoint(), size)
                target.moveCenter(area.center())
                painter.drawImage(target, picture)
            if row.decision is Decision.REJECTED:
                painter.fillRect(area, color(colors.stage, 150))
        if clip is not None and clip.problem:
            painter.setPen(QColor(colors.muted))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, clip.problem)

    def _paint_text(self, painter: QPainter, rect: QRect, row: WindowRow) -> None:
        colors = palette()
        left = self._strip.picture_rects(rect)[2].right() + 8
        text_rect = QRect(left, rect.y() + _PAD, rect.right() - left - 2, rect.height() - 2 * _PAD)
        line = px(18)
        rejected = row.decision is Decision.REJECTED
        painter.setPen(QColor(colors.muted if rejected else colors.text))
        painter.setFont(ui_font(13, bold=True))
        top = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        score = row.score
        painter.drawText(QRect(text_rect.x(), text_rect.y(), text_rect.width(), line), top, f"{score:.2f}")
        bar = QRectF(text_rect.x(), text_rect.y() + line, min(text_rect.width() - 4, px(52)), 3)
        painter.fillRect(bar, QColor(colors.border))
        bar.setWidth(bar.width() * min(max(score, 0.0), 1.0))
        painter.fillRect(bar, QColor(colors.combined))
        font = ui_font(11)
        metrics = QFontMetrics(font)
        painter.setFont(font)
        lines = [(row.entry.path.stem, colors.text)] if self._model.with_videos else []
        lines += [(self._model.start_text(row), colors.muted), (", ".join(row.tags), colors.accent)]
        lines.append((row.note, colors.muted))
        below = text_rect.y() + line + px(7)
        for slot, (text, tint) in enumerate(one for one in lines if one[0]):
            at = QRect(text_rect.x(), below + slot * px(16), text_rect.width(), px(16))
            painter.setPen(QColor(tint))
            painter.drawText(at, top, metrics.elidedText(text, Qt.TextElideMode.ElideRight, at.width()))
