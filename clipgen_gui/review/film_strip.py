"""The ranked windows as a film strip: first, most different and last frame of each."""

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

from clipgen_engine.types import Analysis, Decision, VideoInfo
from clipgen_gui.commands.keymap import choosing_keys, keymap
from clipgen_gui.document.entry import Key, WindowRow
from clipgen_gui.look.theme import color, follow_theme, icon, palette, px, ui_font
from clipgen_gui.review.model import DECISION_ICONS, AnyIndex, WindowsModel
from clipgen_gui.review.thumbnail_crops import face_crop, fitted, telling_frames
from clipgen_gui.review.thumbnails import ClipRequest, ClipServer
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named

_BUDGET_BYTES = 48 * 1024 * 1024
_AHEAD = 6  # rows beyond the visible ones whose pictures are decoded too
_ROW_HEIGHT, _LEFT, _RIGHT, _MARK = 84, 30, 74, 16  # with text of the usual size
_GAP, _PAD = 3, 4
_WIDTH_STEP = 8  # while the panel is drawn wider, pictures are decoded anew at these steps only


class FilmStrip(QListView):
    """The rows of the table beside it, with pictures that a thread of its own decodes."""

    mark_clicked = Signal(object)  # QModelIndex; `clicked` came before

    def __init__(self, model: WindowsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.server = ClipServer(_BUDGET_BYTES, self)
        self._video: VideoInfo | None = None
        self._analysis: Analysis | None = None
        self._requests: dict[Key, ClipRequest] = {}
        self._size = (0, 0)  # of a picture, px of the screen, for which the requests are
        self.setModel(model)
        self.setItemDelegate(_StripDelegate(self, model))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else its coming would resize the rows
        follow(self, keymap.changed, lambda: named(self, "Film strip of the best windows", choosing_keys()))
        self.viewport().setToolTip("")
        self._want_timer = QTimer(self)  # 0 ms: once after a repaint, whatever was scrolled in it
        self._want_timer.setSingleShot(True)
        self._want_timer.setInterval(0)
        self._want_timer.timeout.connect(self._want)
        self.server.ready.connect(lambda _: self.viewport().update())
        follow_theme(self, self.scheduleDelayedItemsLayout)

    def show_analysis(self, video: VideoInfo | None, analysis: Analysis | None) -> None:
        """Where the pictures and the faces on them come from."""
        if (video, analysis) != (self._video, self._analysis):
            self._video, self._analysis = video, analysis
            self._requests.clear()
            self.viewport().update()

    def request(self, row: WindowRow) -> ClipRequest | None:
        """The pictures of this window at the size that they have now."""
        if self._video is None or self._analysis is None:
            return None
        width, height = size = self._decoded_size()
        if size != self._size:
            self._size = size
            self._requests.clear()
        if row.key not in self._requests:
            crop = face_crop(self._analysis, row.key, width / height)
            frames = telling_frames(self._analysis, row.key)
            self._requests[row.key] = ClipRequest(self._video, frames, crop, fitted(crop, width, height))
        return self._requests[row.key]

    def picture_rects(self, row: QRect) -> list[QRect]:
        """Where the three pictures of a row are."""
        width, height = self._picture_size()
        left, top = row.x() + px(_LEFT), row.y() + _PAD
        return [QRect(left + place * (width + _GAP), top, width, height) for place in range(3)]

    def _picture_size(self) -> tuple[int, int]:
        room = (self.viewport().width() - px(_LEFT) - px(_RIGHT) - 2 * _GAP) // 3
        return max(40, room // _WIDTH_STEP * _WIDTH_STEP), px(_ROW_HEIGHT) - 2 * _PAD

    def _decoded_size(self) -> tuple[int, int]:
        width, height = self._picture_size()
        ratio = self.devicePixelRatioF()
        return round(width * ratio), round(height * ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._want_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        current = self.currentIndex()
        if current.isValid():
            self.scrollTo(current)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._want_timer.stop()
        self.server.want(())

    def _want(self) -> None:
        """Ask for the pictures of the rows in sight, then for those near them."""
        rows = self._rows.rows
        if not rows or not self.isVisible():
            self.server.want(())
            return
        first = self.indexAt(QPoint(1, 1)).row()
        last = self.indexAt(QPoint(1, self.viewport().height() - 1)).row()
        first, last = max(first, 0), last if last >= 0 else len(rows) - 1
        parts = (rows[first : last + 1], rows[last + 1 : last + 1 + _AHEAD], rows[max(0, first - _AHEAD) : first])
        requests = [self.request(row) for part in parts for row in sorted(part, key=lambda row: row.key)]
        self.server.want([request for request in requests if request is not None])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and index.isValid() and event.position().x() < px(_LEFT):
            self.mark_clicked.emit(index)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            if index.isValid():
                QToolTip.showText(event.globalPos(), self._told(index, event.pos()), self)
            return True
        return super().viewportEvent(event)

    def _told(self, index: AnyIndex, position: QPoint) -> str:
        row = self._rows.rows[index.row()]
        request = self.request(row)
        for place, rect in enumerate(self.picture_rects(self.visualRect(index))):
            if request is not None and rect.contains(position):
                which = ("First frame", "Most different from the mean expression", "Last frame")[place]
                return f"{which}: frame {request.frames[place]}"
        return str(index.data(Qt.ItemDataRole.ToolTipRole))


class _StripDelegate(QStyledItemDelegate):
    """Paints number and decision, three pictures, and score, time and tags."""

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
        mark = QRect(0, 0, px(_MARK), px(_MARK))
        mark.moveCenter(QPoint(rect.x() + px(_LEFT) // 2, rect.center().y() + px(8)))
        icon(*DECISION_ICONS[row.decision]).paint(painter, mark)
        self._paint_pictures(painter, rect, row)
        self._paint_words(painter, rect, row)
        painter.restore()

    def _paint_pictures(self, painter: QPainter, rect: QRect, row: WindowRow) -> None:
        colors = palette()
        request = self._strip.request(row)
        clip = self._strip.server.get(request) if request else None
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, room in enumerate(self._strip.picture_rects(rect)):
            painter.fillRect(room, QColor(colors.stage))
            if clip is not None and clip.pictures:
                picture = clip.pictures[place]
                size = picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
                target = QRect(QPoint(), size)
                target.moveCenter(room.center())
                painter.drawImage(target, picture)
            if row.decision is Decision.REJECTED:
                painter.fillRect(room, color(colors.stage, 150))
        if clip is not None and clip.problem:
            painter.setPen(QColor(colors.muted))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, clip.problem)

    def _paint_words(self, painter: QPainter, rect: QRect, row: WindowRow) -> None:
        colors = palette()
        left = self._strip.picture_rects(rect)[2].right() + 8
        words = QRect(left, rect.y() + _PAD, rect.right() - left - 2, rect.height() - 2 * _PAD)
        line = px(18)
        rejected = row.decision is Decision.REJECTED
        painter.setPen(QColor(colors.muted if rejected else colors.text))
        painter.setFont(ui_font(13, bold=True))
        top = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        score = row.sequence.combined_score
        painter.drawText(QRect(words.x(), words.y(), words.width(), line), top, f"{score:.2f}")
        bar = QRectF(words.x(), words.y() + line, min(words.width() - 4, px(52)), 3)
        painter.fillRect(bar, QColor(colors.border))
        bar.setWidth(bar.width() * min(max(score, 0.0), 1.0))
        painter.fillRect(bar, QColor(colors.combined))
        font = ui_font(11)
        metrics = QFontMetrics(font)
        painter.setFont(font)
        lines = [(self._model.start_text(row), colors.muted), (", ".join(row.tags), colors.accent)]
        lines.append((row.note, colors.muted))
        below = words.y() + line + px(7)
        for place, (text, tint) in enumerate(one for one in lines if one[0]):
            at = QRect(words.x(), below + place * px(16), words.width(), px(16))
            painter.setPen(QColor(tint))
            painter.drawText(at, top, metrics.elidedText(text, Qt.TextElideMode.ElideRight, at.width()))
