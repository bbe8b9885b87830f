"""Table model of the ranked windows, shared by all views."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from clipgen_engine.ranking.expression.movements import movement_words, within_noise
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import BLENDSHAPES, Decision
from clipgen_gui.document.entry import Key, WindowRow
from clipgen_gui.support.formatting import clock

_DIFFERENCE_HELP = (
    "How much higher (+) or lower (−) the learned tokens rank the window within the video than the blendshapes do."
    " Click to sort by disagreement; click again to sort by score."
)
AnyIndex = QModelIndex | QPersistentModelIndex
DECISION_ICONS = {  # icon name and palette role
    Decision.ACCEPTED: ("check-circle", "accepted"),
    Decision.REJECTED: ("close-circle", "rejected"),
    Decision.UNDECIDED: ("circle-outline", "faint"),
}


class WindowsModel(QAbstractTableModel):
    """Columns: rank, start, one per score, optional difference, decision."""

    SCORE_COLUMN = 2

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[WindowRow, ...] = ()
        self._times_s: Any = ()
        self._terms: tuple[str, ...] = ()
        self._scores: list[tuple[str, str]] = []
        self._headings: list[str] = []
        self._has_differences = False
        self._any_learned = False
        self.any_draft = False
        self.show((), (), ())

    def show(self, rows: tuple[WindowRow, ...], times_s: Any, terms: tuple[str, ...]) -> None:
        """Replace the windows. If only values changed, emit `dataChanged` for the affected cells instead of a reset."""
        has_differences = any(row.sequence.variations for row in rows)
        self._any_learned = any(row.sequence.scored_by != BLENDSHAPES for row in rows)
        self.any_draft = any(not row.sequence.exact for row in rows)
        same = times_s is self._times_s and terms == self._terms and has_differences == self._has_differences
        if len(rows) != len(self.rows) or not same or not self._headings:
            self.beginResetModel()
            self.rows, self._times_s, self._terms, self._has_differences = rows, times_s, terms, has_differences
            self._scores = [(COMBINED, "Score")]
            self._scores += [(name, TERMS[name].short_label) for name in terms]
            differ = ["Differ"] if has_differences else []
            self._headings = ["#", "Start", *(heading for _, heading in self._scores), *differ, ""]
            self.endResetModel()
            return
        before, self.rows = self.rows, rows
        last = len(self._headings) - 1
        for position, (old, new) in enumerate(zip(before, rows, strict=True)):
            if _appearance(old) != _appearance(new):
                self.dataChanged.emit(self.index(position, 0), self.index(position, last))
            elif old.sequence.combined_score != new.sequence.combined_score:
                cell = self.index(position, self.SCORE_COLUMN)
                self.dataChanged.emit(cell, cell)

    def score(self, row: int, column: int) -> tuple[float, str] | None:
        """Return value and name of a score cell; None for other columns."""
        if not self.SCORE_COLUMN <= column < self.SCORE_COLUMN + len(self._scores):
            return None
        name, _ = self._scores[column - self.SCORE_COLUMN]
        sequence = self.rows[row].sequence
        return (sequence.combined_score if name == COMBINED else sequence.terms[name]), name

    @property
    def difference_column(self) -> int | None:
        """Column of the disagreement between learned tokens and blendshapes; None if only one of them scored."""
        return self.decision_column - 1 if self._has_differences else None

    def is_pending(self, row: WindowRow) -> bool:
        """Whether this window still lacks learned tokens while others are scored by them."""
        return self._any_learned and row.sequence.scored_by == BLENDSHAPES

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
            if role == Qt.ItemDataRole.ToolTipRole and section == self.difference_column:
                return _DIFFERENCE_HELP
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            score = self.score(index.row(), column)
            if score is not None:
                drafted = column == self.SCORE_COLUMN and not row.sequence.exact
                return f"≈{score[0]:.2f}" if drafted else f"{score[0]:.2f}"
            if column == 0:
                return str(row.number)
            if column == self.difference_column:
                pair = row.sequence.variations
                return f"{pair.disagreement:+.2f}" if pair else "…"
            return self.start_text(row) if column == 1 else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return _description(row, is_pending=self.is_pending(row))
        return None

    def start_text(self, row: WindowRow) -> str:
        """Return the start time of the window."""
        return clock(float(self._times_s[row.sequence.start_frame]))

    def row_of(self, key: Key | None) -> int | None:
        """Return the row index of this window; None if it is not listed."""
        return next((position for position, row in enumerate(self.rows) if row.key == key), None)


def _appearance(row: WindowRow) -> tuple[object, ...]:
    """Return everything a row displays except its scores."""
    sequence = row.sequence
    scored = sequence.scored_by, sequence.variations, sequence.exact
    return row.key, row.decision, row.number, row.tags, row.note, scored


def _description(row: WindowRow, *, is_pending: bool) -> str:
    sequence = row.sequence
    lines = [f"Window {row.number}, {row.decision}: frames {sequence.start_frame} to {sequence.stop_frame - 1}"]
    moving = [movement_words(*movement) for movement in sequence.movements or sequence.top_channels]
    if moving:
        lines.append("moves most: " + ", ".join(moving))
    if within_noise(sequence):
        lines.append("the expression variation is not above the noise of the measurement")
    if not sequence.exact:
        lines.append("scores of a draft, which looked at every few frames; they become exact soon")
    pair = sequence.variations
    if pair is not None:
        lines.append(
            f"expression variation {pair.learned:.2f} by learned tokens, {pair.blendshapes:.2f} by blendshapes;"
            f" rank difference {pair.disagreement:+.0%}"
        )
    elif is_pending:
        lines.append("scored by blendshapes; its learned tokens are pending")
    if row.tags:
        lines.append("tags: " + ", ".join(row.tags))
    if row.note:
        lines.append(f"note: {row.note}")
    return "\n".join(lines)
