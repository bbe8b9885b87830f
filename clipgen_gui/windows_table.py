"""The ranked windows of the video on screen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.ranking import COMBINED
from clipgen_engine.score_terms import TERMS
from clipgen_engine.types import Decision
from clipgen_gui.cards import Card, chip, named, term_color
from clipgen_gui.session import Session
from clipgen_gui.theme import follow_theme, icon, palette, px, ui_font
from clipgen_gui.timecode import clock
from clipgen_gui.video_entry import WindowRow

_AnyIndex = QModelIndex | QPersistentModelIndex
_ROW_HEIGHT = 30  # with text of the usual size
_MARK = 16
_DECISIONS = {
    Decision.ACCEPTED: ("check-circle", "accepted"),
    Decision.REJECTED: ("close-circle", "rejected"),
    Decision.UNDECIDED: ("circle-outline", "faint"),
}


class WindowsModel(QAbstractTableModel):
    """Rank, start, one column for each score, decision."""

    SCORE_COLUMN = 2

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[WindowRow, ...] = ()
        self._times_s: Any = ()
        self._terms: tuple[str, ...] = ()
        self._scores: list[tuple[str, str]] = []
        self._headings: list[str] = []
        self.show((), (), ())

    def show(self, rows: tuple[WindowRow, ...], times_s: Any, terms: tuple[str, ...]) -> None:
        """Take over the windows. While their number stays, only the cells that changed are painted anew."""
        if len(rows) != len(self.rows) or times_s is not self._times_s or terms != self._terms or not self._headings:
            self.beginResetModel()
            self.rows, self._times_s, self._terms = rows, times_s, terms
            self._scores = [(COMBINED, "Score")]
            self._scores += [(name, TERMS[name].short_label) for name in terms]
            self._headings = ["#", "Start", *(heading for _, heading in self._scores), ""]
            self.endResetModel()
            return
        before, self.rows = self.rows, rows
        last = len(self._headings) - 1
        for place, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old.key != new.key or old.decision is not new.decision or old.number != new.number:
                self.dataChanged.emit(self.index(place, 0), self.index(place, last))
            elif old.sequence.combined_score != new.sequence.combined_score:
                cell = self.index(place, self.SCORE_COLUMN)
                self.dataChanged.emit(cell, cell)

    def score(self, row: int, column: int) -> tuple[float, str] | None:
        """Value and name of a score cell; None in the other columns."""
        if not self.SCORE_COLUMN <= column < self.decision_column:
            return None
        name, _ = self._scores[column - self.SCORE_COLUMN]
        sequence = self.rows[row].sequence
        return (sequence.combined_score if name == COMBINED else sequence.terms[name]), name

    @property
    def decision_column(self) -> int:
        return len(self._headings) - 1

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._headings[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            score = self.score(index.row(), column)
            if score is not None:
                return f"{score[0]:.2f}"
            if column == 0:
                return str(row.number)
            return clock(float(self._times_s[row.sequence.start_frame])) if column == 1 else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._description(row)
        return None

    def _description(self, row: WindowRow) -> str:
        sequence = row.sequence
        text = f"Window {row.number}, {row.decision}: frames {sequence.start_frame} to {sequence.stop_frame - 1}"
        if sequence.top_channels:
            text += "\nmoves most: " + ", ".join(name for name, _ in sequence.top_channels[:4])
        return text


class _RowDelegate(QStyledItemDelegate):
    """Paints a score as a short bar and its number, and the decision as a mark."""

    def __init__(self, model: WindowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        follow_theme(self, self._dress)

    def _dress(self) -> None:
        self._font = ui_font(13)
        self._number_width = QFontMetrics(self._font).horizontalAdvance("0.00") + 2

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
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
            icon(*_DECISIONS[row.decision]).paint(painter, mark)
            return
        painter.setFont(self._font)
        painter.setPen(QColor(colors.muted if column == 0 or row.decision is Decision.REJECTED else colors.text))
        text = self._model.data(index)
        score = self._model.score(place, column)
        if score is None:
            painter.drawText(rect.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
            return
        length = max(8, rect.width() - self._number_width - 18)
        left, top = rect.x() + 5, rect.center().y() - 1
        painter.drawText(
            QRect(left + length + 7, rect.y(), self._number_width, rect.height()), Qt.AlignmentFlag.AlignVCenter, text
        )
        value, name = score
        painter.fillRect(QRectF(left, top, length, 3), QColor(colors.border))
        painter.fillRect(QRectF(left, top, length * min(max(value, 0.0), 1.0), 3), QColor(term_color(name)))

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        return QSize(40, px(_ROW_HEIGHT))


class WindowsTable(Card):
    """Choosing a row goes to the window; a click on its mark changes the decision."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Best windows", parent)
        self._session = session
        self.count = chip()
        self.header.addWidget(self.count)
        self.model = WindowsModel()
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_RowDelegate(self.model, self.view))
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows, columns = self.view.verticalHeader(), self.view.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setHighlightSections(False)
        columns.setSectionsClickable(False)
        columns.setMinimumSectionSize(24)
        self.model.modelReset.connect(self._size_columns)
        named(self.view, "Best windows", "↑ ↓ choose · A accept · R reject · U undecide")
        self.view.viewport().setToolTip("")
        self.body.addWidget(self.view)
        self._hint = QLabel(self.view)
        self._hint.setObjectName("muted")
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        QVBoxLayout(self.view).addWidget(self._hint)
        self.view.clicked.connect(self._clicked)
        follow_theme(self, self._size_rows)
        session.current_changed.connect(self._show)
        session.ranking_changed.connect(self._show)
        session.selection_changed.connect(self._show_selection)
        self._show()

    def set_hint(self, text: str) -> None:
        """A sentence in the empty table; empty for none."""
        self._hint.setText(text)
        self._hint.setVisible(bool(text))

    def _size_rows(self) -> None:
        rows = self.view.verticalHeader()
        rows.setMinimumSectionSize(px(_ROW_HEIGHT))
        rows.setDefaultSectionSize(px(_ROW_HEIGHT))
        self._size_columns()

    def _size_columns(self) -> None:
        columns = self.view.horizontalHeader()
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 30), (1, 74), (self.model.decision_column, 30)):
            columns.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            columns.resizeSection(column, px(width))

    def _show(self) -> None:
        entry = self._session.current
        if entry is None or entry.ranking is None or entry.info is None:
            self.model.show((), (), self._session.shown_terms)
            self.count.setVisible(False)
            return
        self.model.show(entry.rows, entry.info.times_s, self._session.shown_terms)
        proposed = sum(row.decision is not Decision.REJECTED for row in entry.rows)
        self.count.setText(f"{proposed} of {entry.ranking.valid_count}")
        self.count.setToolTip(
            f"{proposed} windows chosen of {entry.ranking.valid_count} that pass every condition"
            f" ({entry.ranking.window_count} in all)"
        )
        self.count.setVisible(bool(entry.ranking.window_count))
        self._show_selection()

    def _show_selection(self) -> None:
        entry = self._session.current
        selected = entry.selected if entry else None
        row = next((place for place, one in enumerate(self.model.rows) if one.key == selected), None)
        if row is None:
            self.view.selectionModel().clear()
        elif self.view.currentIndex().row() != row or not self.view.selectionModel().hasSelection():
            index = self.model.index(row, 0)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().setCurrentIndex(index, flags)
            self.view.scrollTo(index)

    def _clicked(self, index: QModelIndex) -> None:
        row = self.model.rows[index.row()]
        self._session.select(row.key)
        if index.column() == self.model.decision_column:
            accepted = row.decision is Decision.ACCEPTED
            self._session.decide(Decision.UNDECIDED if accepted else Decision.ACCEPTED, advance=False)
