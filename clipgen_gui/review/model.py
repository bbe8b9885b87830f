"""Table model of the ranked windows, shared by all views."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from clipgen_engine.ranking.expression.movements import movement_words, within_noise
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import BLENDSHAPES, Decision
from clipgen_gui.document.windows import WindowId, WindowList, WindowRow
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
    """Columns: rank, video if those of several are listed, start, one per score, optional difference, decision."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = WindowList.of(())
        self.with_videos = False
        self._terms: tuple[str, ...] = ()
        self._scores: list[tuple[str, str]] = []
        self._headings: list[str] = []
        self._has_differences = False
        self.show(self.rows, ())

    def show(self, rows: WindowList, terms: tuple[str, ...], *, with_videos: bool = False) -> None:
        """Replace the windows. If only values changed, emit `dataChanged` for the affected cells instead of a reset.

        Args:
            with_videos: the windows are those of several videos.
        """
        shown = terms, rows.traits.variations, with_videos
        with_stacks = bool(rows.marks)
        same = with_stacks == bool(self.rows.marks) and shown == (self._terms, self._has_differences, self.with_videos)
        if len(rows) != len(self.rows) or not same or not self._headings:
            self.beginResetModel()
            self.rows = rows
            self._terms, self._has_differences, self.with_videos = shown
            self._scores = [(COMBINED, "Score")]
            self._scores += [(name, TERMS[name].short_label) for name in terms]
            video, differ = ["Video"] if with_videos else [], ["Differ"] if self._has_differences else []
            self._headings = ["#", *video, "Start", *(heading for _, heading in self._scores), *differ, ""]
            self.endResetModel()
            return
        before, self.rows = self.rows, rows
        last = len(self._headings) - 1
        if with_videos:  # comparing the rows would describe all of them
            if rows and before is not rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, last))
            return
        for position, (old, new) in enumerate(zip(before, rows, strict=True)):
            if _appearance(old) != _appearance(new):
                self.dataChanged.emit(self.index(position, 0), self.index(position, last))
            elif old.score != new.score:
                cell = self.index(position, self.score_column)
                self.dataChanged.emit(cell, cell)

    @property
    def any_draft(self) -> bool:
        """Whether any of the scores is that of a draft."""
        return self.rows.traits.draft

    @property
    def start_column(self) -> int:
        return 2 if self.with_videos else 1

    @property
    def score_column(self) -> int:
        """The first of the score columns."""
        return self.start_column + 1

    @property
    def term_columns(self) -> range:
        """The columns of the terms of the score."""
        return range(self.score_column + 1, self.score_column + len(self._scores))

    def score(self, row: int, column: int) -> tuple[float, str] | None:
        """Return value and name of a score cell; None for other columns."""
        if not self.score_column <= column < self.score_column + len(self._scores):
            return None
        name, _ = self._scores[column - self.score_column]
        shown = self.rows[row]
        return (shown.score if name == COMBINED else shown.sequence.terms.get(name, 0.0)), name

    @property
    def difference_column(self) -> int | None:
        """Column of the disagreement between learned tokens and blendshapes; None if only one of them scored."""
        return self.decision_column - 1 if self._has_differences else None

    def is_pending(self, row: WindowRow) -> bool:
        """Whether this window still lacks learned tokens while others are scored by them."""
        return self.rows.traits.learned and row.sequence.scored_by == BLENDSHAPES

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
                drafted = column == self.score_column and not row.sequence.exact
                return f"≈{score[0]:.2f}" if drafted else f"{score[0]:.2f}"
            if column == 0:
                return str(row.number)
            if column == self.difference_column:
                pair = row.sequence.variations
                return f"{pair.disagreement:+.2f}" if pair else "…"
            if column == self.start_column:
                return self.start_text(row)
            return row.entry.path.stem if column == 1 else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            text = _description(row, is_pending=self.is_pending(row))
            stack = self.rows.stack_text(index.row())
            text += f"\ntops a stack of {stack[1:]} windows that look and move alike" if stack else ""
            return f"{row.entry.path.name}, {text}" if self.with_videos else text[0].upper() + text[1:]
        return None

    def start_text(self, row: WindowRow) -> str:
        """Return the start time of the window."""
        return "…" if row.start_s is None else clock(row.start_s)

    def row_of(self, window: WindowId | None) -> int | None:
        """Return the row index of this window; None if it is not listed."""
        return self.rows.place_of(window)


def _appearance(row: WindowRow) -> tuple[object, ...]:
    """Return everything a row displays except its scores."""
    sequence = row.sequence
    scored = sequence.scored_by, sequence.variations, sequence.exact
    return row.key, row.review, row.number, scored


def _description(row: WindowRow, *, is_pending: bool) -> str:
    sequence = row.sequence
    lines = [f"window {row.number}, {row.decision}: frames {sequence.start_frame} to {sequence.stop_frame - 1}"]
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
    if row.opinions:
        lines.append(f"conflict: {row.opinions}")
    if row.reason:
        lines.append(f"rejected: {row.reason}")
    if row.tags:
        lines.append("tags: " + ", ".join(row.tags))
    if row.note:
        lines.append(f"note: {row.note}")
    return "\n".join(lines)
