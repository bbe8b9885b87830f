"""Explains why the selected window or the inspected frame is or is not listed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.ranking.explanation import Explanation, explain, explain_frame
from clipgen_engine.ranking.ranker import COMBINED, Ranking
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import Key, WindowRow

_SETTLE_MS = 80  # debounces drags, whose next step makes an answer stale


@dataclass(frozen=True, eq=False)
class Answer:
    """The explanation of one window."""

    title: str
    verdict: str
    explanation: Explanation | None = None  # None: there is no window to explain
    lost_to: WindowRow | None = None
    acceptable: bool = False  # not listed, but can be added manually


class Explainer(QObject):
    """Answers immediately on a new selection, and again once the ranking has settled."""

    answered = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._answered_s = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.answer_now)
        self.answer: Answer | None = None
        session.ranking_changed.connect(lambda: self._timer.start(_SETTLE_MS))
        session.selection.changed.connect(self._schedule)
        session.current_changed.connect(self._schedule)
        session.selection.scope_changed.connect(self._schedule)

    def _schedule(self) -> None:
        """Answer the first request of a drag immediately, and debounce the following ones."""
        idle = not self._timer.isActive() and time.monotonic() - self._answered_s > _SETTLE_MS / 1000
        self._timer.start(0 if idle else _SETTLE_MS)

    def answer_now(self) -> None:
        """Answer without waiting for the timer."""
        self._timer.stop()
        entry = self._session.current
        self.answer = _answer(entry, self._session.selection.number_of) if entry is not None else None
        self._answered_s = time.monotonic()
        self.answered.emit()


def _answer(entry: VideoEntry, number_of: Callable[[WindowRow], int]) -> Answer | None:
    """
    Args:
        number_of: returns the number of a window in the list, which may be that of the whole project.
    """
    ranking, ranker = entry.ranking, entry.ranker
    if ranking is None or ranker is None:
        return None
    row = entry.selected_row
    if row is not None:
        explanation = explain(ranker, _numbered(entry, ranking), row.key)
        return Answer(f"Window {number_of(row)}", _verdict_on_row(row, entry), explanation, _row_of(entry, explanation))
    if entry.inspected is None:
        return None
    found = explain_frame(ranker, _numbered(entry, ranking), entry.inspected, entry.track_for(entry.inspected))
    if isinstance(found, str):
        return Answer(f"Frame {entry.inspected}", found)
    listed = _row_with(entry, found.key)
    if listed is not None:
        return Answer(f"Window {number_of(listed)}", _verdict_on_row(listed, entry), found)
    title = f"Frames {found.key[0]} to {found.key[1] - 1}"
    return Answer(title, _verdict_on_other(entry, ranking, found), found, _row_of(entry, found), acceptable=True)


def _numbered(entry: VideoEntry, ranking: Ranking) -> Ranking:
    """The ranking with the numbers shown in the table, which include rejected windows."""
    kept = [row for row in entry.rows if row.decision is not Decision.REJECTED]
    return replace(ranking, sequences=tuple(replace(row.sequence, rank=row.number) for row in kept))


def _row_with(entry: VideoEntry, key: Key) -> WindowRow | None:
    return next((row for row in entry.rows if row.key == key), None)


def _row_of(entry: VideoEntry, explanation: Explanation | None) -> WindowRow | None:
    """The row of the window that this one lost to."""
    lost_to = explanation.lost_to if explanation else None
    return _row_with(entry, lost_to.key) if lost_to else None


def _verdict_on_row(row: WindowRow, entry: VideoEntry) -> str:
    if row.decision is Decision.REJECTED:
        because = f" ({row.reason})" if row.reason else ""
        return f"Number {row.number} of {len(entry.rows)} in this video, rejected{because}; its frames stay free."
    how = "accepted" if row.decision is Decision.ACCEPTED else "proposed"
    by_hand = ", added manually" if row.manual else ""
    if row.opinions and row.decision is Decision.UNDECIDED:
        return f"Curators disagree: {row.opinions}."
    return f"Number {row.number} of {len(entry.rows)} in this video, {how}{by_hand}."


def _verdict_on_other(entry: VideoEntry, ranking: Ranking, explanation: Explanation) -> str:
    if explanation.lost_to is not None or not all(gate.passed for gate in explanation.gates):
        return explanation.verdict
    start, stop, _ = explanation.key
    gap = ranking.settings.min_gap
    for row in entry.rows:
        if row.decision is Decision.REJECTED and row.overlaps(start - gap, stop + gap):
            return f"Not proposed: it overlaps number {row.number}, which was rejected."
    diversity = ranking.settings.diversity
    if diversity and explanation.standings[COMBINED].value >= min(one.combined_score for one in ranking.sequences):
        return f"Not proposed: it looks too similar to the proposed windows (diversity {diversity:.2f})."
    return explanation.verdict
