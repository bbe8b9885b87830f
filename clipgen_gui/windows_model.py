"""The ranked windows as rows, for every view that lists them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from clipgen_engine.ranking import COMBINED
from clipgen_engine.score_terms import TERMS
from clipgen_engine.types import Decision
from clipgen_gui.timecode import clock
from clipgen_gui.video_entry import Key, WindowRow

AnyIndex = QModelIndex | QPersistentModelIndex
DECISION_ICONS = {  # name and role of the colour
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
            if _looks(old) != _looks(new):
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

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._headings[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            score = self.score(index.row(), column)
            if score is not None:
                return f"{score[0]:.2f}"
            if column == 0:
                return str(row.number)
            return self.start_text(row) if column == 1 else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return _description(row)
        return None

    def start_text(self, row: WindowRow) -> str:
        """When the window begins."""
        return clock(float(self._times_s[row.sequence.start_frame]))

    def place_of(self, key: Key | None) -> int | None:
        """Number of the row of this window, from 0; None where it is not listed."""
        return next((place for place, row in enumerate(self.rows) if row.key == key), None)


def _looks(row: WindowRow) -> tuple[object, ...]:
    """All of a row that is shown and no score."""
    return row.key, row.decision, row.number, row.tags, row.note


def _description(row: WindowRow) -> str:
    sequence = row.sequence
    lines = [f"Window {row.number}, {row.decision}: frames {sequence.start_frame} to {sequence.stop_frame - 1}"]
    if sequence.top_channels:
        lines.append("moves most: " + ", ".join(name for name, _ in sequence.top_channels[:4]))
    if row.tags:
        lines.append("tags: " + ", ".join(row.tags))
    if row.note:
        lines.append(f"note: {row.note}")
    return "\n".join(lines)
