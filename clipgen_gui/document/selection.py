"""Selection, inspected frame, window filter and playhead of the current video."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Signal

from clipgen_gui.document.entry import Key, VideoEntry, WindowRow
from clipgen_gui.document.filter import WindowFilter


class HasCurrent(Protocol):
    """Anything that knows the current video."""

    current: VideoEntry | None


class Selection(QObject):
    """The state is stored in the entries, so that each video keeps its own; only filter and order are shared."""

    changed = Signal()  # the selected window or the inspected frame changed
    filter_changed = Signal()  # the listed windows or their order changed
    window_chosen = Signal()  # the curator jumped to a window
    track_changed = Signal()  # the face in focus changed
    position_changed = Signal(int)

    def __init__(self, document: HasCurrent, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self.filter = WindowFilter()
        self.by_disagreement = False  # sort order; False: by score

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
            self.changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

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
        """Sort by disagreement between the two kinds of tokens, or by score."""
        if on != self.by_disagreement:
            self.by_disagreement = on
            self.filter_changed.emit()

    def index_of(self, key: Key) -> int:
        """Index of a window in the unfiltered list, from 0; -1 if it is not listed."""
        return next((index for index, row in enumerate(self._ordered_rows) if row.key == key), -1)

    def set_filter(self, wanted: WindowFilter) -> None:
        """List the windows that pass this filter."""
        if wanted != self.filter:
            self.filter = wanted
            self.filter_changed.emit()

    def step(self, step: int) -> None:
        """Select the next listed window below (1) or above (-1); without a selection, the first or last."""
        entry = self._document.current
        shown = self.shown_rows
        if entry is None or not shown:
            return
        selected = entry.selected_row
        if selected is None:
            row = shown[0 if step > 0 else -1]
        else:  # the filter may hide the selected window, so compare unfiltered indices
            here = self.index_of(selected.key)
            beyond = [one for one in shown if (self.index_of(one.key) - here) * step > 0]
            if not beyond:
                return
            row = beyond[0 if step > 0 else -1]
        self.select(row.key)

    def seek(self, frame: int) -> None:
        """Move the playhead to this frame, clamped to the video."""
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
