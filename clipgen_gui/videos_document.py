"""The open videos as the app holds them: which there are, which is on screen, what of it is selected and looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.project import Project
from clipgen_engine.ranking import Ranker
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_gui.settings_document import SettingsDocument
from clipgen_gui.video_entry import Key, VideoEntry, VideoState, WindowRow
from clipgen_gui.window_filter import WindowFilter


class VideosDocument(SettingsDocument):
    """The videos part of the session, with selection and playhead."""

    videos_changed = Signal()  # the list of videos, or the state of one of them
    current_changed = Signal()  # another video is on screen, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    ranking_changed = Signal()  # the current video's windows, curves or decisions, and with them maybe the selection
    selection_changed = Signal()  # another window is selected, or another place asked about
    filter_changed = Signal()  # other windows are listed, or in another order
    window_chosen = Signal()  # the curator went to a window to look at it
    track_changed = Signal()  # another face is looked at
    position_changed = Signal(int)
    failed = Signal(object, str)  # entry, sentence

    def __init__(self, project: Project | None, parent: QObject | None) -> None:
        super().__init__(project, parent)
        self.videos: list[VideoEntry] = []
        self.current: VideoEntry | None = None
        self.filter = WindowFilter()
        self.by_disagreement = False  # how the windows are sorted
        self._rank_timer = QTimer(self)  # 0 ms: all changes of one turn of the event loop make one ranking
        self._rank_timer.setSingleShot(True)
        self._rank_timer.setInterval(0)
        self._rank_timer.timeout.connect(self.rank_now)
        self.settings_changed.connect(self._rank_timer.start)

    # Videos

    def open_paths(self, paths: Iterable[Path]) -> list[VideoEntry]:
        """Add videos (each once) and put the first of them on screen."""
        known = {entry.path: entry for entry in self.videos}
        opened = []
        for path in paths:
            path = path.expanduser().absolute()
            if path not in known:
                known[path] = VideoEntry(path)
                self.videos.append(known[path])
            opened.append(known[path])
        if opened:
            self.videos_changed.emit()
            self.set_current(opened[0])
        return opened

    def set_current(self, entry: VideoEntry) -> None:
        if entry is self.current:
            return
        if self.current is not None:
            self.memory.keep_place(self.current)
        self.current = entry
        if entry.ranking is None or entry.ranking.settings != self.settings:
            entry.rank(self.settings)
        self.set_filter(self.filter.for_another_video())
        self.current_changed.emit()
        self.analysis_changed.emit()
        self.ranking_changed.emit()
        self.selection_changed.emit()

    def step_video(self, step: int) -> None:
        """Go to the next or previous video, if there is one."""
        if self.current is None:
            return
        index = self.videos.index(self.current) + step
        if 0 <= index < len(self.videos):
            self.set_current(self.videos[index])

    def set_info(self, entry: VideoEntry, info: VideoInfo) -> None:
        """The index of a video became known."""
        if entry.info is not None:
            return
        entry.info = info
        self.memory.recall(entry)
        if entry is self.current:
            self.current_changed.emit()

    def set_state(self, entry: VideoEntry, state: VideoState, message: str = "") -> None:
        if (entry.state, entry.message) == (state, message):
            return
        entry.state, entry.message = state, message
        self.videos_changed.emit()

    def fail(self, entry: VideoEntry, message: str) -> None:
        """The video cannot be used; the sentence says why. Said once, however often it is found out."""
        if entry.state is VideoState.FAILED:
            return
        self.set_state(entry, VideoState.FAILED, message)
        self.failed.emit(entry, message)

    def set_analysis(self, entry: VideoEntry, analysis: Analysis, ranker: Ranker, *, complete: bool) -> None:
        """Take over an analysis, or the part of it that exists so far."""
        self.set_info(entry, analysis.video)
        entry.analysis, entry.ranker = analysis, ranker
        if complete:
            entry.state, entry.message = VideoState.DONE, ""
        entry.rank(self.settings)
        if complete:
            self.videos_changed.emit()
        if entry is self.current:
            self.analysis_changed.emit()
            self.ranking_changed.emit()

    def set_tokens(self, entry: VideoEntry, analysis: Analysis, ranker: Ranker) -> None:
        """Take over other tokens of an analysis that is there already; its faces stay."""
        entry.analysis, entry.ranker = analysis, ranker
        entry.rank(self.settings)
        if entry is self.current:
            self.analysis_changed.emit()
            self.ranking_changed.emit()

    def rank_now(self) -> None:
        """Rank the current video under the settings as they are, without waiting for the timer."""
        self._rank_timer.stop()
        if self.current is not None:
            self.current.rank(self.settings)
            self.ranking_changed.emit()

    def _settle(self) -> None:
        if self._rank_timer.isActive():
            self.rank_now()

    # Selection and position

    def select(self, key: Key | None, *, seek: bool = True) -> None:
        """Select a window of the current video, and go to its first frame."""
        entry = self.current
        if entry is None:
            return
        if key != entry.selected or entry.place is not None:
            entry.selected, entry.place = key, None
            if key is not None and key[2] != entry.track:
                entry.track = key[2]
                self.track_changed.emit()
            self.selection_changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

    def ask_about(self, frame: int | None) -> None:
        """Ask why the window centred at this frame is not in the list; nothing else stays selected."""
        entry = self.current
        if entry is not None and frame != entry.place:
            entry.place = frame
            if frame is not None:
                entry.selected = None
            self.selection_changed.emit()

    def choose_track(self, track_id: int) -> None:
        """Look at this face: its window under the playhead is selected, and windows made by hand are of it."""
        entry = self.current
        if entry is None or track_id == entry.track:
            return
        entry.track = track_id
        if entry.selected is not None and entry.selected[2] != track_id:
            here = (row for row in entry.rows if row.overlaps(entry.position, entry.position + 1))
            entry.selected = next((row.key for row in here if row.sequence.track_id == track_id), None)
        self.track_changed.emit()
        self.selection_changed.emit()

    @property
    def shown_rows(self) -> tuple[WindowRow, ...]:
        """The windows of the video on screen that the filter lists, in the order in which they are listed."""
        return self.filter.of(self._ordered_rows)

    @property
    def _ordered_rows(self) -> tuple[WindowRow, ...]:
        rows = self.current.rows if self.current is not None else ()
        return tuple(sorted(rows, key=_disagreement)) if self.by_disagreement else rows

    def sort_by_disagreement(self, on: bool) -> None:
        """List first what the two kinds of tokens disagree about most, or what scores best."""
        if on != self.by_disagreement:
            self.by_disagreement = on
            self.filter_changed.emit()

    def place_in_list(self, key: Key) -> int:
        """Where a window stands in the list, from 0, whether the filter lists it or not; -1 where it is none of it."""
        return next((place for place, row in enumerate(self._ordered_rows) if row.key == key), -1)

    def set_filter(self, wanted: WindowFilter) -> None:
        """List the windows that meet these conditions."""
        if wanted != self.filter:
            self.filter = wanted
            self.filter_changed.emit()

    def step_selection(self, step: int) -> None:
        """Select the listed window below or above; from none the first or the last."""
        entry = self.current
        shown = self.shown_rows
        if entry is None or not shown:
            return
        selected = entry.selected_row
        if selected is None:
            row = shown[0 if step > 0 else -1]
        else:  # it need not be listed itself: its place tells what is above and below
            here = self.place_in_list(selected.key)
            beyond = [one for one in shown if (self.place_in_list(one.key) - here) * step > 0]
            if not beyond:
                return
            row = beyond[0 if step > 0 else -1]
        self.select(row.key)

    def seek(self, frame: int) -> None:
        """Put the playhead on this frame, or on the nearest there is."""
        entry = self.current
        if entry is None or not entry.frame_count:
            return
        frame = min(max(frame, 0), entry.frame_count - 1)
        if frame != entry.position:
            entry.position = frame
            self.position_changed.emit(frame)


def _disagreement(row: WindowRow) -> float:
    """Ascends from the strongest disagreement; windows without one come last."""
    pair = row.sequence.variations
    return 1.0 if pair is None else -abs(pair.disagreement)
