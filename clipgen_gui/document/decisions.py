"""The curator's decisions on windows: accept, reject, trim, add, tag, note and subject. All undoable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QUndoStack

from clipgen_engine.projects.records import WindowReview, as_reason, now
from clipgen_engine.ranking.explanation import explain_frame
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.ranking_controls import RankingControls
from clipgen_gui.document.selection import Selection
from clipgen_gui.document.storage import ProjectStorage
from clipgen_gui.document.undo import Changes, ReviewWindows, SetSubject
from clipgen_gui.document.windows import Key, WindowId, WindowRow

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
    video_changed: SignalInstance
    all_decided: SignalInstance

    def reviews_changed(self, entries: Iterable[VideoEntry]) -> None: ...

    def flush_ranking(self) -> None: ...


class Decisions(QObject):
    """Methods act on the selected window, which is one of the current video, unless documented otherwise."""

    subjects_changed = Signal()  # the subject of a track changed
    rejected = Signal(object)  # tuple of WindowId, by the curator just now
    accepted = Signal()

    def __init__(self, document: ReviewedDocument, with_key: WithKey, parent: QObject) -> None:
        """
        Args:
            with_key: appends the key of a command to a text.
        """
        super().__init__(parent)
        self._document, self._with_key = document, with_key
        self.curator = ""  # recorded with each decision

    def decide(self, decision: Decision, *, advance: bool = True) -> None:
        """Decide on the selected window and select the next undecided one.

        While a frame is inspected, accepting accepts the window around it. Undeciding an undecided manual window
        removes it.
        """
        entry = self._document.current
        row = self._document.selection.selected_row
        if entry is None or row is None:
            if entry is not None and entry.inspected is not None and decision is Decision.ACCEPTED:
                self.accept_inspected()
            return
        undecide = decision is Decision.UNDECIDED
        removed = undecide and row.manual and row.decision is decision
        if row.decision is not decision or removed:
            verb = "Remove" if removed else {"accepted": "Accept", "rejected": "Reject"}.get(decision, "Undecide")
            review = self._decided(row.blank_review, decision)
            self._review(row, None if removed else review, f"{verb} window {self._number(row)}")
            self._announce((row.id,), decision)
        if advance and not undecide:
            self._select_next_undecided(row.id)

    def decide_all(self, windows: Iterable[WindowId], decision: Decision) -> None:
        """Decide on several listed windows, of any videos, in one undo step."""
        listed = (self._document.selection.rows.row_of(window) for window in windows)
        rows = [row for row in listed if row is not None and row.decision is not decision]
        if not rows:
            return
        verb = {Decision.ACCEPTED: "Accept", Decision.REJECTED: "Reject"}.get(decision, "Undecide")
        text = f"{verb} window {self._number(rows[0])}" if len(rows) == 1 else f"{verb} {len(rows)} windows"
        changes: dict[VideoEntry, dict[Key, WindowReview | None]] = {}
        for row in rows:
            review = self._decided(row.blank_review, decision)
            changes.setdefault(row.entry, {})[row.key] = _kept(row, review)
        self._push(changes, rows[0].id, rows[0].id, text)
        self._announce(tuple(row.id for row in rows), decision)

    def decide_stack(self, decision: Decision) -> None:
        """Decide on the stack of the selected window in one undo step, and select the next undecided window.

        Either all are rejected, or the selected one is accepted and the others are rejected as duplicates of it.
        """
        selection = self._document.selection
        selected, members = selection.selected, selection.stack_of(selection.selected)
        rows = [row for window in members if (row := selection.rows.row_of(window)) is not None]
        if len(rows) < 2 or selected is None:
            self.decide(decision)
            return
        changes: dict[VideoEntry, dict[Key, WindowReview | None]] = {}
        for row in rows:
            wanted = decision if row.id == selected else Decision.REJECTED
            if row.decision is not wanted:
                reason = "duplicate" if wanted is not decision else ""
                review = replace(self._decided(row.blank_review, wanted), reason=reason)
                changes.setdefault(row.entry, {})[row.key] = _kept(row, review)
        if changes:
            verb = "Accept" if decision is Decision.ACCEPTED else "Reject"
            self._push(changes, selected, selected, f"{verb} stack of {len(rows)} windows")
            self._announce(tuple(members), decision)
        self._select_next_undecided(selected)

    def _decided(self, review: WindowReview, decision: Decision) -> WindowReview:
        """The review with this decision of the curator, made now."""
        at, by = ("", "") if decision is Decision.UNDECIDED else (now(), self.curator)
        return replace(review, decision=decision, decided_at=at, decided_by=by, reason="")

    def _announce(self, windows: tuple[WindowId, ...], decision: Decision) -> None:
        if decision is Decision.REJECTED:
            self.rejected.emit(windows)
        else:
            self.accepted.emit()

    def set_reason(self, windows: Iterable[WindowId], reason: str) -> None:
        """Say why windows were rejected; an empty reason clears it. Others are left alone."""
        reason = as_reason(reason)
        changes: dict[VideoEntry, dict[Key, WindowReview | None]] = {}
        first: WindowId | None = None
        for window in windows:
            entry, key = window
            review = entry.reviews.get(key)
            if review is not None and review.decision is Decision.REJECTED and review.reason != reason:
                changes.setdefault(entry, {})[key] = replace(review, reason=reason)
                first = first or window
        if first is not None:
            self._push(changes, first, first, f"Reason: {reason}" if reason else "Clear the reason")

    def _select_next_undecided(self, after: WindowId) -> None:
        """Select the next undecided window of the filtered list, wrapping around at the end."""
        rows, shown = self._document.selection.rows, self._document.selection.shown_rows
        decided, at = rows.place_of(after), shown.place_of(after)
        first: WindowId | None = None
        for number, window in enumerate(shown.ids):
            if window.entry.decision_of(window.key) is not Decision.UNDECIDED:
                continue
            first = first or window
            if at is not None and number < at:
                continue
            place = rows.place_of(window)
            if at is not None or decided is None or (place is not None and place > decided):
                self._document.selection.go_to(window)
                return
        if first is not None:
            self._document.selection.go_to(first)
        else:
            self._document.all_decided.emit()

    def _number(self, row: WindowRow) -> int:
        return self._document.selection.number_of(row)

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
        row = self._document.selection.selected_row
        if entry is None or row is None:
            self._document.refused.emit(
                self._with_key("Select a window first", "next_window") + ", then trim it at the playhead."
            )
            return
        start, stop, track = row.key
        key = (entry.position, stop, track) if edge == "start" else (start, entry.position + 1, track)
        if key[1] - key[0] < _MIN_FRAMES:
            limit = "before the last" if edge == "start" else "after the first"
            self._document.refused.emit(
                f"Move the playhead {limit} frame of window {self._number(row)} to trim its {edge}."
            )
        else:
            self.trim_to(key[0], key[1], edge)

    def trim_to(self, start: int, stop: int, edge: Literal["start", "end"]) -> None:
        """Trim the selected window to these frames (half-open). `edge` names the undo step."""
        self._document.flush_ranking()
        entry = self._document.current
        row = self._document.selection.selected_row
        if entry is not None and row is not None and stop - start >= _MIN_FRAMES:
            key = (start, stop, row.key[2])
            if key != row.key:
                self._make(entry, key, row.decision, row, f"Trim {edge} of window {self._number(row)}")

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
            replaced = instead_of is not None and row.key == instead_of.key
            other = not replaced and row.decision is Decision.ACCEPTED and row.overlaps(start, stop)
            if other and decision is not Decision.REJECTED and not (apart and row.key[2] != track):
                self._document.refused.emit(
                    f"It would overlap window {self._number(row)}, which is accepted. "
                    f"{self._with_key('Undecide that first', 'undecide')}."
                )
                return
        changes: dict[Key, WindowReview | None] = {instead_of.key: None} if instead_of else {}
        new = WindowReview(sequence, Decision.UNDECIDED)
        review = instead_of.blank_review if instead_of else self._decided(new, decision)
        changes[key] = replace(review, sequence=sequence, manual=True)
        self._push({entry: changes}, instead_of.id if instead_of else None, WindowId(entry, key), text)
        self._document.selection.select(key, seek=False)

    # Tags, notes, subjects

    def set_tags(self, tags: Iterable[str]) -> None:
        """Replace the tags of the selected window."""
        wanted = tuple(sorted({tag.strip() for tag in tags} - {""}))
        row = self._selected("tag it")
        if row is not None and wanted != row.tags:
            self._review(row, replace(row.blank_review, tags=wanted), f"Tag window {self._number(row)}")

    def set_tag(self, tag: str, on: bool) -> None:
        """Add a tag to the selected window, or remove it."""
        row = self._selected("tag it")
        if row is not None:
            self.set_tags([*row.tags, tag] if on else [one for one in row.tags if one != tag.strip()])

    def set_note(self, text: str) -> None:
        """Set the note of the selected window. Typing without a longer pause forms one undo step."""
        row = self._selected("add a note")
        if row is not None and text != row.note:
            gesture = self._document.controls.current_gesture()
            review = replace(row.blank_review, note=text)
            self._review(row, review, f"Note on window {self._number(row)}", gesture=gesture)

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

    def _selected(self, purpose: str) -> WindowRow | None:
        row = self._document.selection.selected_row
        if row is None:
            self._document.refused.emit(self._with_key("Select a window first", "next_window") + f", then {purpose}.")
        return row

    def _review(self, row: WindowRow, review: WindowReview | None, text: str, gesture: int = 0) -> None:
        """Push an undo step that changes the review of a listed window."""
        kept = _kept(row, review) if review else None
        self._push({row.entry: {row.key: kept}}, row.id, row.id, text, gesture)

    def _push(
        self, changes: Changes, before: WindowId | None, after: WindowId | None, text: str, gesture: int = 0
    ) -> None:
        self._document.undo_stack.push(ReviewWindows(self._apply_reviews, changes, before, after, text, gesture))

    def _apply_reviews(self, changes: Changes, show: WindowId | None) -> None:
        for entry, reviews in changes.items():
            entry.apply_reviews(reviews, self._document.controls.settings)
        self._document.storage.save_reviews(changes)
        self._document.reviews_changed(changes)
        if show is not None:
            self._document.selection.go_to(show)
        for entry in changes:
            self._document.video_changed.emit(entry)


def _kept(row: WindowRow, review: WindowReview) -> WindowReview | None:
    """The review with the current scores of the window, or None if it holds nothing worth storing."""
    return replace(review, sequence=row.sequence) if review.worth_keeping else None
