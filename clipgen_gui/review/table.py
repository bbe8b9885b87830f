"""The ranked windows as a table, with a bar and a number per score."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from clipgen_engine.types import Decision
from clipgen_gui.commands.keymap import decision_key_hint, keymap
from clipgen_gui.document.windows import WindowRow
from clipgen_gui.look.theme import follow_theme, icon, palette, px, ui_font
from clipgen_gui.review.model import DECISION_ICONS, AnyIndex, WindowsModel
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named
from clipgen_gui.widgets.score_style import term_color

_ROW_HEIGHT = 30  # at the default text size
_DECISION_ICON = 16
_NARROW = 520  # without room for video names and the terms of the score
_PENDING_ALPHA = 0.4  # of the bars of windows that still lack learned tokens
_BADGE = 12  # tag and note icons
_INDENT = 16  # of the numbers in an open stack
_STACK_ROOM = 34  # for the count of a stack


class WindowsTable(QTableView):
    """One row per window."""

    difference_clicked = Signal(bool)  # True for the disagreement column

    def __init__(self, model: WindowsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        self.setItemDelegate(_RowDelegate(model, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setHighlightSections(False)
        columns.setSectionsClickable(True)
        columns.sectionClicked.connect(self._heading_clicked)
        columns.setMinimumSectionSize(24)
        model.modelReset.connect(self._size_columns)
        follow(self, keymap.changed, lambda: named(self, "Best windows", decision_key_hint()))
        self.viewport().setToolTip("")
        follow_theme(self, self._size_rows)

    def _size_rows(self) -> None:
        rows = self.verticalHeader()
        rows.setMinimumSectionSize(px(_ROW_HEIGHT))
        rows.setDefaultSectionSize(px(_ROW_HEIGHT))
        self._size_columns()

    def _size_columns(self) -> None:
        columns = self.horizontalHeader()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        with_videos = self._rows.with_videos
        fixed = [(0, 44 if with_videos else 30), (self._rows.start_column, 78 if with_videos else 92)]
        if self._rows.rows.marks:
            fixed[1] = (self._rows.start_column, 78 + _STACK_ROOM)
        fixed.append((self._rows.decision_column, 30))
        if with_videos:
            fixed += [(column, 84) for column in (self._rows.score_column, *self._rows.term_columns)]
        if self._rows.difference_column is not None:
            fixed.append((self._rows.difference_column, 52))
        for column, width in fixed:
            columns.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            columns.resizeSection(column, px(width))

        narrow = with_videos and self.viewport().width() < px(_NARROW)
        for column in range(self._rows.columnCount()):
            self.setColumnHidden(column, narrow and column in self._rows.term_columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._size_columns()

    def _heading_clicked(self, column: int) -> None:
        if self._rows.difference_column is not None:
            self.difference_clicked.emit(column == self._rows.difference_column)

    def show_order(self, *, by_difference: bool) -> None:
        """Show the sort indicator if sorted by difference; none if sorted by score."""
        columns = self.horizontalHeader()
        columns.setSortIndicatorShown(by_difference)
        if by_difference and self._rows.difference_column is not None:
            columns.setSortIndicator(self._rows.difference_column, Qt.SortOrder.DescendingOrder)


class _RowDelegate(QStyledItemDelegate):
    """Paints a score as a bar with its number, the decision as an icon."""

    def __init__(self, model: WindowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        follow_theme(self, self._apply_theme)

    def _apply_theme(self) -> None:
        self._font = ui_font(13)
        self._number_width = QFontMetrics(self._font).horizontalAdvance("0.00") + 2
        self._draft_width = QFontMetrics(self._font).horizontalAdvance("≈0.00") + 2

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect: QRect = option.rect
        colors = palette()
        row_index, column = index.row(), index.column()
        row = self._model.rows[row_index]
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colors.hover))
        if column == self._model.decision_column:
            icon_rect = QRect(0, 0, px(_DECISION_ICON), px(_DECISION_ICON))
            icon_rect.moveCenter(rect.center())
            icon(*DECISION_ICONS[row.decision]).paint(painter, icon_rect)
            return
        painter.setFont(self._font)
        pending = self._model.is_pending(row)
        muted = column == 0 or row.decision is Decision.REJECTED or pending
        painter.setPen(QColor(colors.muted if muted else colors.text))
        text = self._model.data(index)
        score = self._model.score(row_index, column)
        if score is None:
            indented = column == 0 and self._model.rows.is_in_stack(row_index)
            room = rect.adjusted(px(_INDENT) if indented else 6, 0, 0, 0)
            elided = QFontMetrics(self._font).elidedText(text, Qt.TextElideMode.ElideMiddle, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, elided)
            if column == self._model.start_column:
                right = paint_stack(painter, rect, self._model.rows.stack_text(row_index))
                _paint_badges(painter, QRect(rect.topLeft(), QPoint(right, rect.bottom())), row)
            return
        marked = column == self._model.score_column and self._model.any_draft
        number_width = self._draft_width if marked else self._number_width
        length = max(8, rect.width() - number_width - 18)
        left, top = rect.x() + 5, rect.center().y() - 1
        number = QRect(left + length + 7, rect.y(), number_width, rect.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        value, name = score
        painter.fillRect(QRectF(left, top, length, 3), QColor(colors.border))
        tint = QColor(term_color(name))
        tint.setAlphaF(_PENDING_ALPHA if pending or not row.sequence.exact else 1.0)
        painter.fillRect(QRectF(left, top, length * min(max(value, 0.0), 1.0), 3), tint)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(40, px(_ROW_HEIGHT))


def paint_stack(painter: QPainter, cell: QRect, text: str) -> int:
    """Paint the count of a stack at the right of a cell; return where the space left of it ends."""
    if not text:
        return cell.right()
    font = ui_font(11, bold=True)
    width, height = QFontMetrics(font).horizontalAdvance(text) + px(10), px(18)
    plate = QRect(cell.right() - width - 2, cell.center().y() - height // 2 + 1, width, height)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette().border))
    painter.drawRoundedRect(plate, height / 2, height / 2)
    painter.setPen(QColor(palette().text))
    painter.setFont(font)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return plate.left() - 2


def _paint_badges(painter: QPainter, cell: QRect, row: WindowRow) -> None:
    """Paint icons at the right of a cell if the window has tags or a note."""
    side = px(_BADGE)
    badge_rect = QRect(cell.right() - side - 2, cell.center().y() - side // 2, side, side)
    for present, name in ((row.note, "note-text-outline"), (row.tags, "tag-outline")):
        if present:
            icon(name, "muted").paint(painter, badge_rect)
            badge_rect.translate(-side - 1, 0)
