"""The curator's decisions on windows: accept, reject, trim, add, tag, note and subject. All undoable."""

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

_MIN_FRAMES = 2  # one frame has no variation
WithKey = Callable[[str, str], str]  # text, name of a command


class ReviewedDocument(Protocol):
    """The part of the session that decisions use."""

    current: VideoEntry | None
    storage: ProjectStorage
    undo_stack: QUndoStack
    controls: RankingControls
    selection: Selection
    refused: SignalInstance
    ranking_changed: SignalInstance
    video_changed: SignalInstance

    def set_current(self, entry: VideoEntry | None) -> None: ...

    def flush_ranking(self) -> None: ...


class Decisions(QObject):
    """Methods act on the selected window of the current video, unless documented otherwise."""

    subjects_changed = Signal()  # the subject of a track changed

    def __init__(self, document: ReviewedDocument, with_key: WithKey, parent: QObject) -> None:
        """
        Args:
            with_key: appends the key of a command to a text.
        """
        super().__init__(parent)
        self._document, self._with_key = document, with_key

    def decide(self, decision: Decision, *, advance: bool = True) -> None:
        """Decide on the selected window and select the next undecided one.

        While a frame is inspected, accepting accepts the window around it. Undeciding an undecided manual window
        removes it.
        """
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            if entry is not None and entry.inspected is not None and decision is Decision.ACCEPTED:
                self.accept_inspected()
            return
        undecide = decision is Decision.UNDECIDED
        removed = undecide and row.manual and row.decision is decision
        if row.decision is not decision or removed:
            verb = "Remove" if removed else {"accepted": "Accept", "rejected": "Reject"}.get(decision, "Undecide")
            review = replace(entry.review_of(row), decision=decision, decided_at="" if undecide else now())
            self._review(entry, row, None if removed else review, f"{verb} window {row.number}")
        if advance and not undecide:
            self._select_next_undecided(entry, row.key)

    def decide_all(self, keys: Iterable[Key], decision: Decision) -> None:
        """Decide on several windows of the current video in one undo step."""
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
        """Select the next undecided window of the filtered list, wrapping around at the end."""
        decided = self._document.selection.index_of(after)
        undecided = [row for row in self._document.selection.shown_rows if row.decision is Decision.UNDECIDED]
        if undecided:
            later = (row for row in undecided if self._document.selection.index_of(row.key) > decided)
            self._document.selection.select(next(later, undecided[0]).key)

    def accept_inspected(self) -> None:
        """Accept the window around the inspected frame."""
        if self._document.current is not None and self._document.current.inspected is not None:
            self._accept_at(self._document.current, self._document.current.inspected)

    def accept_at_playhead(self) -> None:
        """Accept the inspected window if it contains the playhead, else the window centred at the playhead."""
        entry = self._document.current
        if entry is None:
            return
        candidate = entry.candidate
        inside = candidate is not None and candidate[0] <= entry.position < candidate[1]
        self._accept_at(entry, entry.inspected if inside and entry.inspected is not None else entry.position)

    def _accept_at(self, entry: VideoEntry, frame: int) -> None:
        self._document.flush_ranking()
        if entry.ranker is None or entry.ranking is None:
            self._document.refused.emit("Analyse the video before accepting windows.")
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
            self._make(entry, found.key, Decision.ACCEPTED, None, f"Accept window around frame {frame}")

    def trim(self, edge: Literal["start", "end"]) -> None:
        """Move the start or end of the selected window to the playhead."""
        self._document.flush_ranking()
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            self._document.refused.emit(
                self._with_key("Select a window first", "next_window") + ", then trim it at the playhead."
            )
            return
        start, stop, track = row.key
        key = (entry.position, stop, track) if edge == "start" else (start, entry.position + 1, track)
        if key[1] - key[0] < _MIN_FRAMES:
            limit = "before the last" if edge == "start" else "after the first"
            self._document.refused.emit(f"Move the playhead {limit} frame of window {row.number} to trim its {edge}.")
        else:
            self.trim_to(key[0], key[1], edge)

    def trim_to(self, start: int, stop: int, edge: Literal["start", "end"]) -> None:
        """Trim the selected window to these frames (half-open). `edge` names the undo step."""
        self._document.flush_ranking()
        entry = self._document.current
        row = entry.selected_row if entry else None
        if entry is not None and row is not None and stop - start >= _MIN_FRAMES:
            key = (start, stop, row.sequence.track_id)
            if key != row.key:
                self._make(entry, key, row.decision, row, f"Trim {edge} of window {row.number}")

    def accept_span(self, start: int, stop: int) -> None:
        """Accept these frames (half-open) as a manual window of the face in focus, else of the best-scoring face."""
        self._document.flush_ranking()
        entry = self._document.current
        if entry is None or entry.ranker is None or stop - start < _MIN_FRAMES:
            return
        spans = [(start, stop, track.track_id) for track in entry.analysis.tracks] if entry.analysis else []
        found = [one for key in spans if (one := entry.ranker.describe(key, self._document.controls.settings))]
        if not found:
            self._document.refused.emit(f"The face is not visible in every frame from {start} to {stop - 1}.")
            return
        best = max(found, key=lambda one: (one.track_id == entry.track, one.combined_score))
        self._make(entry, best.key, Decision.ACCEPTED, None, f"Accept frames {start} to {stop - 1}")

    def _make(self, entry: VideoEntry, key: Key, decision: Decision, instead_of: WindowRow | None, text: str) -> None:
        """Add a manual window, replacing `instead_of`."""
        start, stop, track = key
        sequence = entry.ranker.describe(key, self._document.controls.settings) if entry.ranker else None
        if sequence is None:
            self._document.refused.emit(f"The face is not visible in every frame from {start} to {stop - 1}.")
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
        changes[key] = replace(review, sequence=sequence, manual=True)
        self._document.undo_stack.push(ReviewWindows(self._apply_reviews, entry, changes, before, key, text))
        self._document.selection.select(key, seek=False)

    # Tags, notes, subjects

    def set_tags(self, tags: Iterable[str]) -> None:
        """Replace the tags of the selected window."""
        wanted = tuple(sorted({tag.strip() for tag in tags} - {""}))
        entry, row = self._selected("tag it")
        if entry is not None and row is not None and wanted != row.tags:
            self._review(entry, row, replace(entry.review_of(row), tags=wanted), f"Tag window {row.number}")

    def set_tag(self, tag: str, on: bool) -> None:
        """Add a tag to the selected window, or remove it."""
        entry, row = self._selected("tag it")
        if entry is not None and row is not None:
            self.set_tags([*row.tags, tag] if on else [one for one in row.tags if one != tag.strip()])

    def set_note(self, text: str) -> None:
        """Set the note of the selected window. Typing without a longer pause forms one undo step."""
        entry, row = self._selected("add a note")
        if entry is not None and row is not None and text != row.note:
            review = replace(entry.review_of(row), note=text)
            self._review(
                entry, row, review, f"Note on window {row.number}", gesture=self._document.controls.current_gesture()
            )

    def set_subject(self, track_id: int, subject_id: str) -> None:
        """Name the subject of a track of the current video; an empty id clears it."""
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
        """Push an undo step that changes the review of a listed window."""
        changes = {row.key: _kept(row, review) if review else None}
        step = ReviewWindows(self._apply_reviews, entry, changes, row.key, row.key, text, gesture)
        self._document.undo_stack.push(step)

    def _apply_reviews(self, entry: VideoEntry, changes: Mapping[Key, WindowReview | None], show: Key | None) -> None:
        entry.apply_reviews(changes, self._document.controls.settings)
        self._document.storage.save_reviews(entry, changes)
        if show is not None:
            self._document.set_current(entry)
            if entry.unloaded:
                entry.selected = show  # its analysis is still being loaded
        if entry is self._document.current:
            self._document.ranking_changed.emit()
            if show is not None and any(row.key == show for row in entry.rows):
                self._document.selection.select(show)
        self._document.video_changed.emit(entry)


def _kept(row: WindowRow, review: WindowReview) -> WindowReview | None:
    """The review with the current scores of the window, or None if it holds nothing worth storing."""
    return replace(review, sequence=row.sequence) if review.worth_keeping else None
