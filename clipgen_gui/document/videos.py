"""The open videos as the app holds them: which there are, which is on screen, what of it is selected and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_gui.document.entry import Key, VideoEntry, VideoState, WindowRow
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.ranking_settings import SettingsDocument
from clipgen_gui.document.storage import Memory
from clipgen_gui.document.undo import RemoveVideos

_KEEP_PLACE_MS = 400
_KEPT_LOADED = 3  # videos whose analyses stay in memory, the one on screen among them


class VideosDocument(SettingsDocument):
    """The videos part of the session, with selection and playhead."""

    project_changed = Signal()  # another project is open, or it lies elsewhere
    videos_changed = Signal()  # videos were added, removed or put in another order
    video_changed = Signal(object)  # state or numbers of this entry
    current_changed = Signal()  # another video is on screen, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    ranking_changed = Signal()  # the current video's windows, curves or decisions, and with them maybe the selection
    selection_changed = Signal()  # another window is selected, or another place asked about
    filter_changed = Signal()  # other windows are listed, or in another order
    window_chosen = Signal()  # the curator went to a window to look at it
    track_changed = Signal()  # another face is looked at
    position_changed = Signal(int)
    failed = Signal(object, str)  # entry, sentence
    released = Signal(object)  # the analysis of this entry is not in memory any more
    told = Signal(str)  # something happened that the curator did not ask for; the sentence says what

    def __init__(self, project: Project | None, parent: QObject | None) -> None:
        super().__init__(project, parent)
        self.videos: list[VideoEntry] = self.memory.videos()
        self.current: VideoEntry | None = None
        self.filter = WindowFilter()
        self.by_disagreement = False  # how the windows are sorted
        self._loaded: list[VideoEntry] = []  # the one used last at the end
        self._rank_timer = _timer(self, 0, self.rank_now)  # all changes of one turn of the event loop: one ranking
        self.settings_changed.connect(self._rank_timer.start)
        self._place_timer = _timer(self, _KEEP_PLACE_MS, self._keep_place)
        for signal in (self.position_changed, self.selection_changed, self.ranking_changed):
            signal.connect(self._place_moved)  # a ranking may move the selection, and says only that it changed

    # The project

    def open_project(self, project: Project | None) -> None:
        """Store and leave the project that was open, and go on with this one."""
        self.close()
        for entry in self.videos:
            entry.video_id = None  # what still comes in for it belongs to no project
        self.undo_stack.clear()
        self.memory = Memory(project, self.refused.emit)
        self.videos, self.current, self._loaded = self.memory.videos(), None, []
        self._take_settings(self.memory.settings())
        self.project_changed.emit()
        self.videos_changed.emit()
        self._say_current()
        self.resume()

    def save_as(self, path: Path) -> None:
        """Give the project a place, and work on it there from now on; raises ClipgenError."""
        self._keep_place()
        self._keep_settings()
        nowhere = self.memory.path is None
        self.memory.save_as(path)
        if nowhere:
            self.memory.take_in(self.videos)
            self._keep_settings()
            if self.current is not None:
                self.memory.keep_current(self.current)
            self.rank_now()
        self.project_changed.emit()

    def resume(self) -> None:
        """Put the video on screen that was there when the project was left."""
        if self.current is None and self.videos:
            last = self.memory.current_id()
            found = next((entry for entry in self.videos if entry.video_id == last), self.videos[0])
            self.set_current(found)

    def close(self) -> None:
        """Store what is not stored at once, and close the project."""
        self._keep_place()
        self._keep_settings()
        self.memory.close()

    # Videos

    def open_paths(self, paths: Iterable[Path]) -> list[VideoEntry]:
        """Add videos (each once) and put the first of them on screen."""
        known = {entry.path: entry for entry in self.videos}
        opened, new = [], []
        for path in paths:
            path = path.expanduser().absolute()
            if path not in known:
                known[path] = VideoEntry(path)
                new.append(known[path])
            opened.append(known[path])
        if new:
            self.memory.adopt(new)
            self.videos += new
            self.videos_changed.emit()
        if opened:
            self.set_current(opened[0])
        return opened

    def remove(self, entries: Sequence[VideoEntry]) -> None:
        """Take videos out of the project. Undo brings them back, and so does opening them again: nothing is lost."""
        removed = {place: entry for place, entry in enumerate(self.videos) if entry in entries}
        if removed:
            what = entries[0].path.name if len(removed) == 1 else f"{len(removed)} videos"
            self.undo_stack.push(RemoveVideos(self._take_out, self._put_back, removed, f"Remove {what}"))

    def _take_out(self, entries: Sequence[VideoEntry]) -> None:
        self.memory.remove(entries)
        place = self.videos.index(self.current) if self.current in self.videos else 0
        self.videos = [entry for entry in self.videos if entry not in entries]
        self.videos_changed.emit()
        if self.current not in self.videos:
            self.set_current(self.videos[min(place, len(self.videos) - 1)] if self.videos else None)

    def _put_back(self, entries: Mapping[int, VideoEntry]) -> None:
        self.memory.restore(entries.values())
        for place, entry in entries.items():
            if entry not in self.videos:
                self.videos.insert(place, entry)
        self.videos_changed.emit()

    def move(self, entries: Sequence[VideoEntry], place: int) -> None:
        """Put videos at another place of the queue, before the one that is at this place now."""
        moved = [entry for entry in self.videos if entry in entries]
        before = [entry for entry in self.videos[:place] if entry not in moved]
        after = [entry for entry in self.videos[place:] if entry not in moved]
        if moved and self.videos != before + moved + after:
            self.videos = before + moved + after
            self.memory.keep_order(self.videos)
            self.videos_changed.emit()

    def set_current(self, entry: VideoEntry | None) -> None:
        if entry is self.current:
            return
        self._keep_place()
        self.current = entry
        if entry is not None:
            self.memory.keep_current(entry)
            self.memory.recall(entry)
            self._use(entry)
            if entry.ranking is None or entry.ranking.settings != self.settings:
                entry.rank(self.settings)
        self.set_filter(self.filter.for_another_video())
        self._say_current()

    def _say_current(self) -> None:
        self.current_changed.emit()
        self.analysis_changed.emit()
        self.ranking_changed.emit()
        self.selection_changed.emit()

    # What is found out about a video

    def identify(self, entry: VideoEntry, fingerprint: str) -> VideoEntry:
        """The entry that a file belongs to, now that its fingerprint is known: usually the one that it was opened as.

        Another, where the video is in the list already; then the one that it was opened as is gone.
        """
        stored = self.memory.identify(entry, fingerprint)
        entry.fingerprint = fingerprint
        if stored is None or stored.video_id == entry.video_id:
            return entry
        other = next((one for one in self.videos if one.video_id == stored.video_id), None)
        if other is None:
            entry.let_go()
            self.memory.become(entry, stored)
            self.memory.recall(entry)
            if entry is self.current:
                self.memory.keep_current(entry)
            self.video_changed.emit(entry)
            return entry
        entry.video_id = None
        if stored.path == entry.path:
            self.found_again(other, entry.path)
        else:
            self.told.emit(f"{entry.path.name} is the same video as {other.path.name}, which is in the list.")
        self.videos.remove(entry)
        self.videos_changed.emit()
        if entry is self.current:
            self.set_current(other)
        return other

    def found_again(self, entry: VideoEntry, path: Path) -> None:
        """The file of a video lies at this path now."""
        entry.let_go()
        entry.path = path
        if entry.state is VideoState.MISSING:
            entry.state = VideoState.DONE if entry.analysis_name else VideoState.WAITING
            entry.message = ""
        self.memory.keep_outcome(entry)
        self.video_changed.emit(entry)
        if entry is self.current:
            self._say_current()

    def set_info(self, entry: VideoEntry, info: VideoInfo) -> None:
        """The index of a video became known."""
        if entry.info is not None:
            return
        entry.info, entry.duration_s = info, info.duration_s
        entry = self.identify(entry, info.fingerprint)
        entry.info = entry.info or replace(info, path=entry.path)
        self.memory.recall(entry)
        entry.position = min(entry.position, max(info.frame_count - 1, 0))
        if entry is self.current:
            self.current_changed.emit()

    def set_state(self, entry: VideoEntry, state: VideoState, message: str = "") -> None:
        if (entry.state, entry.message) == (state, message):
            return
        entry.state, entry.message, entry.progress = state, message, 0.0
        self.memory.keep_outcome(entry)
        self.video_changed.emit(entry)

    def set_progress(self, entry: VideoEntry, share: float) -> None:
        """This much of the analysis is done (0..1)."""
        entry.progress = share
        self.video_changed.emit(entry)

    def fail(self, entry: VideoEntry, message: str) -> None:
        """The video cannot be used; the sentence says why. Said once, however often it is found out."""
        if entry.state in (VideoState.FAILED, VideoState.MISSING):
            return
        missing = entry.fingerprint is not None and not entry.path.exists()
        self.set_state(entry, VideoState.MISSING if missing else VideoState.FAILED, message)
        self.failed.emit(entry, message)

    def set_analysis(
        self, entry: VideoEntry, analysis: Analysis, ranker: Ranker, *, complete: bool, name: str = ""
    ) -> None:
        """Take over an analysis, or the part of it that exists so far.

        Args:
            name: of the stored analysis, from which it can be had again; empty: it is not stored.
        """
        if entry in self.videos:
            self.set_info(entry, analysis.video)
        if entry not in self.videos:
            return  # it was removed meanwhile, or turned out to be a video that the list had already
        entry.analysis, entry.ranker = analysis, ranker
        self._use(entry)
        if complete:
            entry.state, entry.message = VideoState.DONE, ""
            entry.analysis_name = name
        entry.rank(self.settings)
        if complete:
            self.memory.keep_outcome(entry)
        self.video_changed.emit(entry)
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

    def _use(self, entry: VideoEntry) -> None:
        """Keep in memory what was used last; what is stored can be had again."""
        self._loaded = [one for one in self._loaded if one is not entry and one.ranker is not None]
        if entry.ranker is not None:
            self._loaded.append(entry)
        for one in self._loaded[:-_KEPT_LOADED]:
            if one is not self.current and one.state is VideoState.DONE and one.analysis_name:
                one.let_go()
                self.released.emit(one)

    def rank_now(self) -> None:
        """Rank the current video under the settings as they are, without waiting for the timer."""
        self._rank_timer.stop()
        if self.current is not None:
            self.current.rank(self.settings)
            self.video_changed.emit(self.current)
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

    def _place_moved(self) -> None:
        if not self._place_timer.isActive():
            self._place_timer.start()

    def _keep_place(self) -> None:
        self._place_timer.stop()
        if self.current is not None and self.current.recalled:
            self.memory.keep_place(self.current)


def _disagreement(row: WindowRow) -> float:
    """Ascends from the strongest disagreement; windows without one come last."""
    pair = row.sequence.variations
    return 1.0 if pair is None else -abs(pair.disagreement)


def _timer(parent: QObject, interval_ms: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(call)
    return timer
