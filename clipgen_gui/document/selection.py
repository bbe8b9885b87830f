"""Selection, inspected frame, window filter and playhead, and which windows are listed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal

from clipgen_engine.types import Decision, Int64Array
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.project_windows import ProjectWindows
from clipgen_gui.document.stacks import Folded, folded
from clipgen_gui.document.windows import Key, WindowId, WindowList, WindowRow

_NOT_FOLDED = (None, None, None), Folded([], [], 0, 0)


class Scope(StrEnum):
    """Whose windows are listed."""

    VIDEO = "video"
    PROJECT = "project"


class SelectedDocument(Protocol):
    """The part of the session that the selection uses."""

    current: VideoEntry | None
    project_windows: ProjectWindows

    def set_current(self, entry: VideoEntry | None) -> None: ...

    def load_review(self, entry: VideoEntry) -> None: ...


class Selection(QObject):
    """The state is stored in the entries, so that each video keeps its own; only scope, filter and order are shared."""

    changed = Signal()  # the selected window or the inspected frame changed
    scope_changed = Signal()  # before `filter_changed`
    stacking_changed = Signal()  # before `filter_changed`
    filter_changed = Signal()  # the listed windows or their order changed
    window_chosen = Signal()  # the curator jumped to a window
    track_changed = Signal()  # the face in focus changed
    position_changed = Signal(int)

    def __init__(self, document: SelectedDocument, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self.scope = Scope.VIDEO
        self.filter = WindowFilter()
        self.full_subjects: frozenset[str] = frozenset()
        self.left_out = 0  # undecided windows of full subjects, in the scope of the project
        self.stacking = False  # whether similar windows of the project are stacked
        self.stack_counts: tuple[int, int] | None = None  # stacks and windows that pass the filter; None: not stacked
        self._folded: tuple[tuple[object, object, object], Folded] = _NOT_FOLDED  # after what it was made of
        self._passing: Sequence[int] = ()  # places of the windows that pass the filter, ascending
        self._opened: set[WindowId] = set()  # windows whose stacks are open
        self.by_disagreement = False  # sort order of the windows of a video; False: by score
        # the last lists, after what they were made of
        self._ordered: tuple[object, bool, WindowList] = (None, False, WindowList.of(()))
        self._shown: tuple[object, WindowFilter, WindowList, Sequence[int]] = (None, self.filter, WindowList.of(()), ())

    # Which windows are listed

    def set_scope(self, scope: Scope) -> None:
        """List the windows of the current video, or of the whole project."""
        if scope is not self.scope:
            self.scope = scope
            whole = scope is Scope.PROJECT
            self.filter = self.filter.for_another_video() if whole else self.filter.for_one_video()
            self.scope_changed.emit()
            self.filter_changed.emit()

    @property
    def rows(self) -> WindowList:
        """The windows in scope, in display order."""
        if self.scope is Scope.PROJECT:
            return self._document.project_windows.windows
        rows = self._document.current.rows if self._document.current is not None else ()
        known, by_disagreement, ordered = self._ordered
        if known is not rows or by_disagreement is not self.by_disagreement:
            ordered = WindowList.of(sorted(rows, key=_disagreement) if self.by_disagreement else rows)
            self._ordered = rows, self.by_disagreement, ordered
        return ordered

    @property
    def shown_rows(self) -> WindowList:
        """The windows in scope that pass the filter, in display order."""
        return self._filtered()[0]

    def _filtered(self) -> tuple[WindowList, Sequence[int]]:
        """The windows that pass the filter, and their places among all windows."""
        rows = self.rows
        known, wanted, shown, places = self._shown
        if known is not rows or wanted != self.filter:
            places = self._without_full(rows, self.filter.places(rows))
            self.stack_counts, self._passing = None, places
            if rows.stacks is None:
                shown = rows if len(places) == len(rows) else rows.picked(places)
            else:
                fold_from, fold = self._folded
                ids, stacks, of = fold_from
                same = rows.ids is ids and rows.stacks is stacks and places == of
                fold = fold if same else self._fold(rows, places, rows.stacks)
                self.stack_counts = fold.stack_count, fold.window_count
                self._folded = (rows.ids, rows.stacks, places), fold
                kept = shown.ids if same and shown.marks is fold.marks else None
                places, shown = fold.places, rows.picked(fold.places, fold.marks, kept)
            self._shown = rows, self.filter, shown, places
        return shown, places

    def _fold(self, rows: WindowList, places: Sequence[int], stacks: Int64Array) -> Folded:
        """Fold stacks, but for the open ones; the selected window is never hidden."""
        open_places = (rows.place_of(window) for window in self._opened)
        opened = {int(stacks[place]) for place in open_places if place is not None}
        fold = folded(places, stacks, opened)
        selected = rows.place_of(self.selected)
        hidden = selected is not None and bisect_left(places, selected) < bisect_right(places, selected)
        if selected is not None and self.selected is not None and hidden and selected not in fold.places:
            self._opened.add(self.selected)
            fold = folded(places, stacks, opened | {int(stacks[selected])})
        return fold

    # Stacks of similar windows

    def set_stacking(self, on: bool) -> None:
        """Stack similar windows in the scope of the project."""
        if on != self.stacking:
            self.stacking = on
            self._opened.clear()
            self.stacking_changed.emit()

    def stack_of(self, window: WindowId | None) -> list[WindowId]:
        """The windows in the stack of a listed window that pass the filter, the best first; only itself if alone."""
        rows, place = self.rows, self.rows.place_of(window)
        if window is None or place is None or rows.stacks is None:
            return [] if window is None else [window]
        _ = self.shown_rows
        passing = np.asarray(self._passing, np.int64)
        members = passing[rows.stacks[passing] == rows.stacks[place]].tolist()
        return [rows.ids[one] for one in members] if place in members else [window]

    def toggle_stack(self) -> bool:
        """Open or close the stack of the selected window; return whether it is in one."""
        members = self.stack_of(self.selected)
        if len(members) < 2:
            return False
        if self._opened.isdisjoint(members):
            self._opened.add(members[0])
        else:
            self._opened.difference_update(members)
            self.go_to(members[0])
        self._fold_again()
        return True

    def _fold_again(self) -> None:
        self._folded = _NOT_FOLDED
        self._shown = (None, self.filter, WindowList.of(()), ())
        self.filter_changed.emit()

    def _reveal(self, window: WindowId) -> None:
        """Open the stack of a window that has been selected below its top."""
        known, wanted, shown, _ = self._shown
        hidden = known is self.rows and wanted == self.filter and shown.marks and shown.place_of(window) is None
        if hidden and len(self.stack_of(window)) > 1:
            self._fold_again()

    def _without_full(self, rows: WindowList, places: Sequence[int]) -> Sequence[int]:
        """Leave out undecided windows of subjects that have enough, unless the filter asks for the subject."""
        self.left_out = 0
        full = self.full_subjects - {self.filter.subject}
        if self.scope is not Scope.PROJECT or not full:
            return places
        kept = [place for place in places if not _undecided_of(rows.ids[place], full)]
        self.left_out = len(places) - len(kept)
        return kept

    def set_full_subjects(self, subjects: frozenset[str]) -> None:
        """List no undecided windows of these subjects in the scope of the project."""
        if subjects != self.full_subjects:
            self.full_subjects = subjects
            self._fold_again()

    def set_filter(self, wanted: WindowFilter) -> None:
        """List the windows that pass this filter."""
        if wanted != self.filter:
            self.filter = wanted
            self.filter_changed.emit()

    def sort_by_disagreement(self, on: bool) -> None:
        """Sort by disagreement between the two kinds of tokens, or by score."""
        if on != self.by_disagreement:
            self.by_disagreement = on
            self.filter_changed.emit()

    # The selected window

    @property
    def selected(self) -> WindowId | None:
        """The selected window, which need not be listed."""
        return self._document.current.selected_window if self._document.current is not None else None

    @property
    def selected_row(self) -> WindowRow | None:
        """The row of the selected window, as listed, else as it is among the windows of its video."""
        entry = self._document.current
        return None if entry is None else self.rows.row_of(entry.selected_window) or entry.selected_row

    def number_of(self, row: WindowRow) -> int:
        """The number of a window in the list."""
        place = self.rows.place_of(row.id) if self.scope is Scope.PROJECT else None
        return row.number if place is None else place + 1

    def select(self, key: Key | None, *, seek: bool = True) -> None:
        """Select a window of the current video and seek to its first frame."""
        entry = self._document.current
        if entry is None:
            return
        if key != entry.selected or entry.inspected is not None:
            entry.selected, entry.inspected = key, None
            if key is not None and key[2] != entry.track:
                entry.track = key[2]
                self.track_changed.emit()
            if key is not None:
                self._reveal(WindowId(entry, key))
            self.changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

    def go_to(self, window: WindowId, *, seek: bool = True) -> None:
        """Select a window of any video, making that the current one."""
        entry, key = window
        if entry is self._document.current:
            self.select(key, seek=seek)
            return
        self._document.load_review(entry)  # which holds the last playhead and selection
        entry.selected, entry.inspected, entry.track, entry.position = key, None, key[2], max(key[0], 0)
        self._document.set_current(entry)
        self._reveal(window)
        if seek:
            self.window_chosen.emit()

    def step(self, step: int) -> bool:
        """Select the next listed window below (1) or above (-1); without a selection, the first or last.

        Returns:
            False at the end of the list.
        """
        shown, places = self._filtered()
        if not shown:
            return False
        here, shown_at = self.rows.place_of(self.selected), shown.place_of(self.selected)
        if here is None:
            at = 0 if step > 0 else len(shown) - 1
        elif shown_at is not None:
            at = shown_at + step
        else:  # the filter hides the selected window
            places = sorted(places)
            at = bisect_right(places, here) if step > 0 else bisect_left(places, here) - 1
        if not 0 <= at < len(shown):
            return False
        self.go_to(shown.ids[at])
        return True

    def inspect(self, frame: int | None) -> None:
        """Inspect why the window centred at this frame is not listed. Clears the selection."""
        entry = self._document.current
        if entry is not None and frame != entry.inspected:
            entry.inspected = frame
            if frame is not None:
                entry.selected = None
            self.changed.emit()

    def choose_track(self, track_id: int) -> None:
        """Focus on this face. Selects its window under the playhead; new manual windows use this face."""
        entry = self._document.current
        if entry is None or track_id == entry.track:
            return
        entry.track = track_id
        if entry.selected is not None and entry.selected[2] != track_id:
            here = (row.key for row in entry.rows if row.overlaps(entry.position, entry.position + 1))
            entry.selected = next((key for key in here if key[2] == track_id), None)
        self.track_changed.emit()
        self.changed.emit()

    def seek(self, frame: int) -> None:
        """Move the playhead to this frame, clamped to the video."""
        entry = self._document.current
        if entry is None or not entry.frame_count:
            return
        frame = min(max(frame, 0), entry.frame_count - 1)
        if frame != entry.position:
            entry.position = frame
            self.position_changed.emit(frame)


def _undecided_of(window: WindowId, subjects: frozenset[str]) -> bool:
    entry, key = window
    return entry.subjects.get(key[2], "") in subjects and entry.decision_of(key) is Decision.UNDECIDED


def _disagreement(row: WindowRow) -> float:
    """Sort key: the strongest disagreement first, windows without one last."""
    pair = row.sequence.variations
    return 1.0 if pair is None else -abs(pair.disagreement)
