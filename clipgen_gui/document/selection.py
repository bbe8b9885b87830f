"""What of the current video is selected, inspected and listed, and where its playhead is."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Signal

from clipgen_gui.document.entry import Key, VideoEntry, WindowRow
from clipgen_gui.document.filter import WindowFilter


class HasCurrent(Protocol):
    """Whatever knows the video on screen."""

    current: VideoEntry | None


class Selection(QObject):
    """The state itself is the entry's, so that each video keeps its own; only the filter and the order are shared."""

    changed = Signal()  # another window is selected, or another frame inspected
    filter_changed = Signal()  # other windows are listed, or in another order
    window_chosen = Signal()  # the curator went to a window to watch it
    track_changed = Signal()  # another face is in focus
    position_changed = Signal(int)

    def __init__(self, document: HasCurrent, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self.filter = WindowFilter()
        self.by_disagreement = False  # how the windows are sorted

    def select(self, key: Key | None, *, seek: bool = True) -> None:
        """Select a window of the current video, and go to its first frame."""
        entry = self._document.current
        if entry is None:
            return
        if key != entry.selected or entry.inspected is not None:
            entry.selected, entry.inspected = key, None
            if key is not None and key[2] != entry.track:
                entry.track = key[2]
                self.track_changed.emit()
            self.changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

    def inspect(self, frame: int | None) -> None:
        """Ask why the window centred at this frame is not in the list; nothing else stays selected."""
        entry = self._document.current
        if entry is not None and frame != entry.inspected:
            entry.inspected = frame
            if frame is not None:
                entry.selected = None
            self.changed.emit()

    def choose_track(self, track_id: int) -> None:
        """Focus on this face: its window under the playhead is selected, and manual windows follow it."""
        entry = self._document.current
        if entry is None or track_id == entry.track:
            return
        entry.track = track_id
        if entry.selected is not None and entry.selected[2] != track_id:
            here = (row for row in entry.rows if row.overlaps(entry.position, entry.position + 1))
            entry.selected = next((row.key for row in here if row.sequence.track_id == track_id), None)
        self.track_changed.emit()
        self.changed.emit()

    @property
    def shown_rows(self) -> tuple[WindowRow, ...]:
        """The windows of the current video that pass the filter, in display order."""
        return self.filter.of(self._ordered_rows)

    @property
    def _ordered_rows(self) -> tuple[WindowRow, ...]:
        rows = self._document.current.rows if self._document.current is not None else ()
        return tuple(sorted(rows, key=_disagreement)) if self.by_disagreement else rows

    def sort_by_disagreement(self, on: bool) -> None:
        """Sort by how much the two kinds of tokens disagree, or by score."""
        if on != self.by_disagreement:
            self.by_disagreement = on
            self.filter_changed.emit()

    def index_of(self, key: Key) -> int:
        """Position of a window in the unfiltered list, from 0; -1 where it is not part of it."""
        return next((index for index, row in enumerate(self._ordered_rows) if row.key == key), -1)

    def set_filter(self, wanted: WindowFilter) -> None:
        """List the windows that meet these conditions."""
        if wanted != self.filter:
            self.filter = wanted
            self.filter_changed.emit()

    def step(self, step: int) -> None:
        """Select the next listed window below (1) or above (-1); without a selection the first or the last."""
        entry = self._document.current
        shown = self.shown_rows
        if entry is None or not shown:
            return
        selected = entry.selected_row
        if selected is None:
            row = shown[0 if step > 0 else -1]
        else:  # the filter may hide the selected window; its index still tells what is above and below
            here = self.index_of(selected.key)
            beyond = [one for one in shown if (self.index_of(one.key) - here) * step > 0]
            if not beyond:
                return
            row = beyond[0 if step > 0 else -1]
        self.select(row.key)

    def seek(self, frame: int) -> None:
        """Move the playhead to this frame, or to the nearest one that exists."""
        entry = self._document.current
        if entry is None or not entry.frame_count:
            return
        frame = min(max(frame, 0), entry.frame_count - 1)
        if frame != entry.position:
            entry.position = frame
            self.position_changed.emit(frame)


def _disagreement(row: WindowRow) -> float:
    """Sort key: the strongest disagreement first, windows without one last."""
    pair = row.sequence.variations
    return 1.0 if pair is None else -abs(pair.disagreement)
