"""The one mutable document of the app: open videos, settings, decisions. Views read it and call its methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_gui.document.decisions import Decisions, WithKey
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.ranking_controls import RankingControls
from clipgen_gui.document.selection import Selection
from clipgen_gui.document.storage import ProjectStorage
from clipgen_gui.document.undo import RemoveVideos

_SAVE_VIEW_MS = 400
_KEPT_LOADED = 3  # videos whose analyses stay in memory, the current one among them


def _without_key(text: str, command: str) -> str:
    return text


class Session(QObject):
    """What is open and decided. Every change goes through a method here or of a part, and returns as a signal."""

    project_changed = Signal()  # another project is open, or it was saved elsewhere
    videos_changed = Signal()  # videos were added, removed or reordered
    video_changed = Signal(object)  # state or numbers of this entry
    current_changed = Signal()  # another video is on screen, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    ranking_changed = Signal()  # the current video's windows, curves or decisions, and with them maybe the selection
    failed = Signal(object, str)  # entry, sentence
    released = Signal(object)  # the analysis of this entry was evicted from memory
    noticed = Signal(str)  # something happened that the curator did not ask for; the sentence says what
    refused = Signal(str)  # a request cannot be met; the sentence says why

    def __init__(
        self, project: Project | None = None, parent: QObject | None = None, with_key: WithKey = _without_key
    ) -> None:
        """
        Args:
            project: where decisions are saved; None: nowhere.
            with_key: appends the key of a command to a sentence.
        """
        super().__init__(parent)
        self.storage = ProjectStorage(project, self.refused.emit)
        self.undo_stack = QUndoStack(self)
        self.videos: list[VideoEntry] = self.storage.videos()
        self.current: VideoEntry | None = None
        self.controls = RankingControls(
            self.storage.settings(), self.undo_stack, lambda settings: self.storage.save_settings(settings), self
        )
        self.selection = Selection(self, self)
        self.decisions = Decisions(self, with_key, self)
        self._loaded: list[VideoEntry] = []  # least recently used first
        self._rank_timer = _timer(self, 0, self.rank_now)  # all changes of one turn of the event loop: one ranking
        self.controls.changed.connect(self._rank_timer.start)
        self._view_timer = _timer(self, _SAVE_VIEW_MS, self._save_view)
        # a ranking may move the selection, and says only that it changed
        for signal in (self.selection.position_changed, self.selection.changed, self.ranking_changed):
            signal.connect(self._view_moved)

    @property
    def settings(self) -> RankingSettings:
        """The ranking settings as they are now."""
        return self.controls.settings

    @property
    def ranks_soon(self) -> bool:
        """Whether a change of settings waits for its ranking."""
        return self._rank_timer.isActive()

    # The project

    def open_project(self, project: Project | None) -> None:
        """Store and leave the project that was open, and go on with this one."""
        self.close()
        for entry in self.videos:
            entry.video_id = None  # what still comes in for it belongs to no project
        self.undo_stack.clear()
        self.storage = ProjectStorage(project, self.refused.emit)
        self.videos, self.current, self._loaded = self.storage.videos(), None, []
        self.controls.replace_all(self.storage.settings())
        self.project_changed.emit()
        self.videos_changed.emit()
        self._say_current()
        self.resume()

    def save_as(self, path: Path) -> None:
        """Give the project a place, and work on it there from now on; raises ClipgenError."""
        self._save_view()
        self.controls.save_now()
        nowhere = self.storage.path is None
        self.storage.save_as(path)
        if nowhere:
            self.storage.take_in(self.videos)
            self.controls.save_now()
            if self.current is not None:
                self.storage.save_current(self.current)
            self.rank_now()
        self.project_changed.emit()

    def resume(self) -> None:
        """Put the video on screen that was there when the project was left."""
        if self.current is None and self.videos:
            last = self.storage.current_id()
            found = next((entry for entry in self.videos if entry.video_id == last), self.videos[0])
            self.set_current(found)

    def close(self) -> None:
        """Store what is not stored at once, and close the project."""
        self._save_view()
        self.controls.save_now()
        self.storage.close()

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
            self.storage.adopt(new)
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
        self.storage.remove(entries)
        place = self.videos.index(self.current) if self.current in self.videos else 0
        self.videos = [entry for entry in self.videos if entry not in entries]
        self.videos_changed.emit()
        if self.current not in self.videos:
            self.set_current(self.videos[min(place, len(self.videos) - 1)] if self.videos else None)

    def _put_back(self, entries: Mapping[int, VideoEntry]) -> None:
        self.storage.restore(entries.values())
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
            self.storage.save_order(self.videos)
            self.videos_changed.emit()

    def set_current(self, entry: VideoEntry | None) -> None:
        if entry is self.current:
            return
        self._save_view()
        self.current = entry
        if entry is not None:
            self.storage.save_current(entry)
            self.storage.recall(entry)
            self._use(entry)
            if entry.ranking is None or entry.ranking.settings != self.settings:
                entry.rank(self.settings)
        self.selection.set_filter(self.selection.filter.for_another_video())
        self._say_current()

    def _say_current(self) -> None:
        self.current_changed.emit()
        self.analysis_changed.emit()
        self.ranking_changed.emit()
        self.selection.changed.emit()

    # What is found out about a video

    def identify(self, entry: VideoEntry, fingerprint: str) -> VideoEntry:
        """The entry that a file belongs to, now that its fingerprint is known: usually the one that it was opened as.

        Another, where the video is in the list already; then the one that it was opened as is gone.
        """
        stored = self.storage.identify(entry, fingerprint)
        entry.fingerprint = fingerprint
        if stored is None or stored.video_id == entry.video_id:
            return entry
        other = next((one for one in self.videos if one.video_id == stored.video_id), None)
        if other is None:
            entry.let_go()
            self.storage.become(entry, stored)
            self.storage.recall(entry)
            if entry is self.current:
                self.storage.save_current(entry)
            self.video_changed.emit(entry)
            return entry
        entry.video_id = None
        if stored.path == entry.path:
            self.found_again(other, entry.path)
        else:
            self.noticed.emit(f"{entry.path.name} is the same video as {other.path.name}, which is in the list.")
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
        self.storage.save_outcome(entry)
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
        self.storage.recall(entry)
        entry.position = min(entry.position, max(info.frame_count - 1, 0))
        if entry is self.current:
            self.current_changed.emit()

    def set_state(self, entry: VideoEntry, state: VideoState, message: str = "") -> None:
        if (entry.state, entry.message) == (state, message):
            return
        entry.state, entry.message, entry.progress = state, message, 0.0
        self.storage.save_outcome(entry)
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
            self.storage.save_outcome(entry)
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

    def settle(self) -> None:
        """Rank at once if a change of settings waits for it."""
        if self._rank_timer.isActive():
            self.rank_now()

    # Selection and playhead

    def _view_moved(self) -> None:
        if not self._view_timer.isActive():
            self._view_timer.start()

    def _save_view(self) -> None:
        self._view_timer.stop()
        if self.current is not None and self.current.recalled:
            self.storage.save_position(self.current)


def _timer(parent: QObject, interval_ms: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(call)
    return timer
