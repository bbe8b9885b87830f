"""The ranked windows as a table: a bar and a number for each score."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
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
from clipgen_gui.commands.keymap import choosing_keys, keymap
from clipgen_gui.document.entry import WindowRow
from clipgen_gui.look.theme import follow_theme, icon, palette, px, ui_font
from clipgen_gui.review.model import DECISION_ICONS, AnyIndex, WindowsModel
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named
from clipgen_gui.widgets.score_style import term_color

_ROW_HEIGHT = 30  # with text of the usual size
_MARK = 16
_WAITING_ALPHA = 0.4  # of the bars of windows whose learned tokens are still to come
_LABEL = 12  # the small signs of tags and notes


class WindowsTable(QTableView):
    """One row a window."""

    difference_clicked = Signal(bool)  # the heading of the disagreement, else another one

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
        follow(self, keymap.changed, lambda: named(self, "Best windows", choosing_keys()))
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
        fixed = [(0, 30), (1, 92), (self._rows.decision_column, 30)]
        if self._rows.difference_column is not None:
            fixed.append((self._rows.difference_column, 52))
        for column, width in fixed:
            columns.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            columns.resizeSection(column, px(width))

    def _heading_clicked(self, column: int) -> None:
        if self._rows.difference_column is not None:
            self.difference_clicked.emit(column == self._rows.difference_column)

    def show_order(self, *, by_difference: bool) -> None:
        """An arrow over the column that the rows are sorted by; none in the order of their scores."""
        columns = self.horizontalHeader()
        columns.setSortIndicatorShown(by_difference)
        if by_difference and self._rows.difference_column is not None:
            columns.setSortIndicator(self._rows.difference_column, Qt.SortOrder.DescendingOrder)


class _RowDelegate(QStyledItemDelegate):
    """Paints a score as a short bar and its number, and the decision as a mark."""

    def __init__(self, model: WindowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        follow_theme(self, self._dress)

    def _dress(self) -> None:
        self._font = ui_font(13)
        self._number_width = QFontMetrics(self._font).horizontalAdvance("0.00") + 2

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect: QRect = option.rect
        colors = palette()
        place, column = index.row(), index.column()
        row = self._model.rows[place]
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colors.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colors.hover))
        if column == self._model.decision_column:
            mark = QRect(0, 0, px(_MARK), px(_MARK))
            mark.moveCenter(rect.center())
            icon(*DECISION_ICONS[row.decision]).paint(painter, mark)
            return
        painter.setFont(self._font)
        waits = self._model.waits(row)
        quiet = column == 0 or row.decision is Decision.REJECTED or waits
        painter.setPen(QColor(colors.muted if quiet else colors.text))
        text = self._model.data(index)
        score = self._model.score(place, column)
        if score is None:
            painter.drawText(rect.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
            if column == 1:
                _paint_labels(painter, rect, row)
            return
        length = max(8, rect.width() - self._number_width - 18)
        left, top = rect.x() + 5, rect.center().y() - 1
        painter.drawText(
            QRect(left + length + 7, rect.y(), self._number_width, rect.height()), Qt.AlignmentFlag.AlignVCenter, text
        )
        value, name = score
        painter.fillRect(QRectF(left, top, length, 3), QColor(colors.border))
        tint = QColor(term_color(name))
        tint.setAlphaF(_WAITING_ALPHA if waits else 1.0)
        painter.fillRect(QRectF(left, top, length * min(max(value, 0.0), 1.0), 3), tint)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(40, px(_ROW_HEIGHT))


def _paint_labels(painter: QPainter, cell: QRect, row: WindowRow) -> None:
    """Small signs at the right of a cell: the window has tags, has a note."""
    side = px(_LABEL)
    place = QRect(cell.right() - side - 2, cell.center().y() - side // 2, side, side)
    for there, name in ((row.note, "note-text-outline"), (row.tags, "tag-outline")):
        if there:
            icon(name, "muted").paint(painter, place)
            place.translate(-side - 1, 0)
