"""What the curator decides about windows: accept, reject, trim, add, tag, note and name, each step undoable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Literal, Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QUndoStack

from clipgen_engine.projects.store import WindowReview, now
from clipgen_engine.ranking.explanation import explain_frame
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import Key, VideoEntry, WindowRow
from clipgen_gui.document.ranking_controls import RankingControls
from clipgen_gui.document.selection import Selection
from clipgen_gui.document.storage import ProjectStorage
from clipgen_gui.document.undo import ReviewWindows, SetSubject

_SHORTEST = 2  # frames; one frame has no variation
WithKey = Callable[[str, str], str]  # text, name of a command


class ReviewedDocument(Protocol):
    """The session, as far as decisions need it."""

    current: VideoEntry | None
    storage: ProjectStorage
    undo_stack: QUndoStack
    controls: RankingControls
    selection: Selection
    refused: SignalInstance
    ranking_changed: SignalInstance
    video_changed: SignalInstance

    def set_current(self, entry: VideoEntry | None) -> None: ...

    def settle(self) -> None: ...


class Decisions(QObject):
    """Every method acts on the selected window of the video on screen, unless it says otherwise."""

    subjects_changed = Signal()  # a face of a video was named

    def __init__(self, document: ReviewedDocument, with_key: WithKey, parent: QObject) -> None:
        """
        Args:
            with_key: appends the key of a command to a sentence.
        """
        super().__init__(parent)
        self._document, self._with_key = document, with_key

    def decide(self, decision: Decision, *, advance: bool = True) -> None:
        """Decide on the selected window and go on to the next undecided one.

        To accept while a place is asked about accepts the window there. To undecide a window that was made by hand
        and is undecided gives it up.
        """
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            if entry is not None and entry.inspected is not None and decision is Decision.ACCEPTED:
                self.accept_inspected()
            return
        undecide = decision is Decision.UNDECIDED
        given_up = undecide and row.by_hand and row.decision is decision
        if row.decision is not decision or given_up:
            verb = "Give up" if given_up else {"accepted": "Accept", "rejected": "Reject"}.get(decision, "Undecide")
            review = replace(entry.review_of(row), decision=decision, decided_at="" if undecide else now())
            self._review(entry, row, None if given_up else review, f"{verb} window {row.number}")
        if advance and not undecide:
            self._select_next_undecided(entry, row.key)

    def decide_all(self, keys: Iterable[Key], decision: Decision) -> None:
        """Decide on several windows of the video on screen, in one step to undo."""
        entry, wanted = self._document.current, set(keys)
        rows = [row for row in entry.rows if row.key in wanted and row.decision is not decision] if entry else []
        if entry is None or not rows:
            return
        verb = {Decision.ACCEPTED: "Accept", Decision.REJECTED: "Reject"}.get(decision, "Undecide")
        text = f"{verb} window {rows[0].number}" if len(rows) == 1 else f"{verb} {len(rows)} windows"
        at = "" if decision is Decision.UNDECIDED else now()
        changes = {row.key: _kept(row, replace(entry.review_of(row), decision=decision, decided_at=at)) for row in rows}
        self._document.undo_stack.push(
            ReviewWindows(self._apply_reviews, entry, changes, rows[0].key, rows[0].key, text)
        )

    def _select_next_undecided(self, entry: VideoEntry, after: Key) -> None:
        """Of the listed windows; after the last comes the first."""
        decided = self._document.selection.index_of(after)
        undecided = [row for row in self._document.selection.shown_rows if row.decision is Decision.UNDECIDED]
        if undecided:
            later = (row for row in undecided if self._document.selection.index_of(row.key) > decided)
            self._document.selection.select(next(later, undecided[0]).key)

    def accept_inspected(self) -> None:
        """Accept the window at the place that is asked about."""
        if self._document.current is not None and self._document.current.inspected is not None:
            self._accept_at(self._document.current, self._document.current.inspected)

    def accept_here(self) -> None:
        """Accept the window that is asked about while the playhead is in it, else the one centred at the playhead."""
        entry = self._document.current
        if entry is None:
            return
        candidate = entry.candidate
        asked = candidate is not None and candidate[0] <= entry.position < candidate[1]
        self._accept_at(entry, entry.inspected if asked and entry.inspected is not None else entry.position)

    def _accept_at(self, entry: VideoEntry, frame: int) -> None:
        self._document.settle()
        if entry.ranker is None or entry.ranking is None:
            self._document.refused.emit("There is nothing to choose from before the video is analysed.")
            return
        found = explain_frame(entry.ranker, entry.ranking, frame, entry.track_for(frame))
        if isinstance(found, str):
            self._document.refused.emit(found)
            return
        row = next((row for row in entry.rows if row.key == found.key), None)
        if row is not None:
            self._document.selection.select(row.key, seek=False)
            self.decide(Decision.ACCEPTED, advance=False)
        else:
            self._make(entry, found.key, Decision.ACCEPTED, None, f"Accept the window around frame {frame}")

    def trim(self, edge: Literal["start", "end"]) -> None:
        """Let the selected window begin or end with the frame under the playhead."""
        self._document.settle()
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            self._document.refused.emit(
                self._with_key("Select a window first", "next_window") + ", then trim it at the playhead."
            )
            return
        start, stop, track = row.key
        key = (entry.position, stop, track) if edge == "start" else (start, entry.position + 1, track)
        if key[1] - key[0] < _SHORTEST:
            wanted = "before the last" if edge == "start" else "after the first"
            self._document.refused.emit(f"Put the playhead {wanted} frame of window {row.number} to trim its {edge}.")
        else:
            self.trim_to(key[0], key[1], edge)

    def trim_to(self, start: int, stop: int, edge: Literal["start", "end"]) -> None:
        """Let the selected window be these frames (half-open); the name of the edge is for the undo step."""
        self._document.settle()
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is not None and row is not None and stop - start >= _SHORTEST:
            key = (start, stop, row.sequence.track_id)
            if key != row.key:
                self._make(entry, key, row.decision, row, f"Trim the {edge} of window {row.number}")

    def accept_span(self, start: int, stop: int) -> None:
        """Accept these frames (half-open) as a window made by hand, of the face that is looked at or else the best."""
        self._document.settle()
        entry = self._document.current
        if entry is None or entry.ranker is None or stop - start < _SHORTEST:
            return
        spans = [(start, stop, track.track_id) for track in entry.analysis.tracks] if entry.analysis else []
        found = [one for key in spans if (one := entry.ranker.describe(key, self._document.controls.settings))]
        if not found:
            self._document.refused.emit(f"The face is not seen in every frame from {start} to {stop - 1}.")
            return
        best = max(found, key=lambda one: (one.track_id == entry.track, one.combined_score))
        self._make(entry, best.key, Decision.ACCEPTED, None, f"Accept frames {start} to {stop - 1}")

    def _make(self, entry: VideoEntry, key: Key, decision: Decision, instead_of: WindowRow | None, text: str) -> None:
        """Add a window by hand."""
        start, stop, track = key
        sequence = entry.ranker.describe(key, self._document.controls.settings) if entry.ranker else None
        if sequence is None:
            self._document.refused.emit(f"The face is not seen in every frame from {start} to {stop - 1}.")
            return
        apart = self._document.controls.settings.scope == "track"
        for row in entry.rows:
            other = row is not instead_of and row.decision is Decision.ACCEPTED and row.overlaps(start, stop)
            if other and decision is not Decision.REJECTED and not (apart and row.sequence.track_id != track):
                self._document.refused.emit(
                    f"It would overlap window {row.number}, which is accepted. "
                    f"{self._with_key('Undecide that first', 'undecide')}."
                )
                return
        before = instead_of.key if instead_of else None
        changes: dict[Key, WindowReview | None] = {before: None} if before else {}
        review = entry.review_of(instead_of) if instead_of else WindowReview(sequence, decision, decided_at=now())
        changes[key] = replace(review, sequence=sequence, by_hand=True)
        self._document.undo_stack.push(ReviewWindows(self._apply_reviews, entry, changes, before, key, text))
        self._document.selection.select(key, seek=False)

    # Tags, notes, subjects

    def set_tags(self, tags: Iterable[str]) -> None:
        """Give the selected window these tags instead of those that it has."""
        wanted = tuple(sorted({tag.strip() for tag in tags} - {""}))
        entry, row = self._selected("tag it")
        if entry is not None and row is not None and wanted != row.tags:
            self._review(entry, row, replace(entry.review_of(row), tags=wanted), f"Tag window {row.number}")

    def set_tag(self, tag: str, on: bool) -> None:
        """Put one tag on the selected window, or take it off."""
        entry, row = self._selected("tag it")
        if entry is not None and row is not None:
            self.set_tags([*row.tags, tag] if on else [one for one in row.tags if one != tag.strip()])

    def set_note(self, text: str) -> None:
        """Write a note on the selected window. What is typed without a longer pause is one step to undo."""
        entry, row = self._selected("write a note on it")
        if entry is not None and row is not None and text != row.note:
            review = replace(entry.review_of(row), note=text)
            self._review(
                entry, row, review, f"Note on window {row.number}", gesture=self._document.controls.current_gesture()
            )

    def set_subject(self, track_id: int, subject_id: str) -> None:
        """Say who a track of the video on screen shows; empty: nobody says it."""
        entry, subject_id = self._document.current, subject_id.strip()
        if entry is not None and subject_id != entry.subjects.get(track_id, ""):
            self._document.undo_stack.push(SetSubject(self._apply_subject, entry, track_id, subject_id))

    def _apply_subject(self, entry: VideoEntry, track_id: int, subject_id: str) -> None:
        if subject_id:
            entry.subjects[track_id] = subject_id
        else:
            entry.subjects.pop(track_id, None)
        self._document.storage.save_subject(entry, track_id, subject_id)
        self.subjects_changed.emit()

    def _selected(self, purpose: str) -> tuple[VideoEntry | None, WindowRow | None]:
        entry = self._document.current
        row = entry.selected_row if entry else None
        if row is None:
            self._document.refused.emit(self._with_key("Select a window first", "next_window") + f", then {purpose}.")
        return entry, row

    def _review(
        self, entry: VideoEntry, row: WindowRow, review: WindowReview | None, text: str, gesture: int = 0
    ) -> None:
        """Change the review of a listed window."""
        changes = {row.key: _kept(row, review) if review else None}
        step = ReviewWindows(self._apply_reviews, entry, changes, row.key, row.key, text, gesture)
        self._document.undo_stack.push(step)

    def _apply_reviews(self, entry: VideoEntry, changes: Mapping[Key, WindowReview | None], show: Key | None) -> None:
        entry.apply_reviews(changes, self._document.controls.settings)
        self._document.storage.save_reviews(entry, changes)
        if show is not None:
            self._document.set_current(entry)
            if entry.resting:
                entry.selected = show  # its analysis is on its way
        if entry is self._document.current:
            self._document.ranking_changed.emit()
            if show is not None and any(row.key == show for row in entry.rows):
                self._document.selection.select(show)
        self._document.video_changed.emit(entry)


def _kept(row: WindowRow, review: WindowReview) -> WindowReview | None:
    """The review with the current scores of the window, or None where it holds nothing worth keeping."""
    return replace(review, sequence=row.sequence) if review.worth_keeping else None
