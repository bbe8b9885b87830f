"""The mutable document of the app: open videos, settings and decisions. Views read it and call its methods."""

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
from clipgen_gui.document.project_windows import ProjectWindows
from clipgen_gui.document.ranking_controls import RankingControls
from clipgen_gui.document.selection import Scope, Selection
from clipgen_gui.document.storage import ProjectStorage
from clipgen_gui.document.undo import RemoveVideos

_SAVE_VIEW_MS = 400
_HELD_ORDER_MS = 1000  # until it is tried again to sort a list that had to hold still
_SHORT_FRAMES = 20_000  # videos up to this long are ranked without a thread when they become current
_KEPT_LOADED = 3  # videos whose analyses stay in memory, the current one among them


def _without_key(text: str, command: str) -> str:
    return text


class Session(QObject):
    """The open project. Changes go through methods of the session or its parts and are announced by signals."""

    project_changed = Signal()  # another project was opened, or the project was saved to another file
    videos_changed = Signal()  # videos were added, removed or reordered
    video_changed = Signal(object)  # state or counts of this entry
    current_changed = Signal()  # the current video changed, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    ranking_changed = Signal()  # windows, curves or decisions of the current video; may move the selection
    failed = Signal(object, str)  # entry, message
    released = Signal(object)  # the analysis of this entry was evicted from memory
    goals_changed = Signal()
    duplicate_found = Signal(object, object)  # an entry that is left out, and the listed one of the same video
    all_decided = Signal()  # the last undecided window of the list was decided
    notified = Signal(str)  # message about something the curator did not trigger
    refused = Signal(str)  # message why a request cannot be met

    def __init__(
        self, project: Project | None = None, parent: QObject | None = None, with_key: WithKey = _without_key
    ) -> None:
        """
        Args:
            project: where decisions are saved; None: not saved.
            with_key: appends the key of a command to a text.
        """
        super().__init__(parent)
        self.storage = ProjectStorage(project, self.refused.emit)
        self.undo_stack = QUndoStack(self)
        self.videos: list[VideoEntry] = self.storage.videos()
        self.current: VideoEntry | None = None
        self.controls = RankingControls(
            self.storage.settings(), self.undo_stack, lambda settings: self.storage.save_settings(settings), self
        )
        self.project_windows = ProjectWindows(self)
        self.selection = Selection(self, self)
        self.decisions = Decisions(self, with_key, self)
        self._loaded: list[VideoEntry] = []  # least recently used first
        self._rank_timer = _timer(self, 0, self.rank_now)  # coalesces the changes of one event loop turn
        self.controls.changed.connect(self._rank_timer.start)
        self._view_timer = _timer(self, _SAVE_VIEW_MS, self._save_view)
        self.hold_order: Callable[[], bool] = lambda: False  # whether listed windows must not move now
        self._order_timer = _timer(self, _HELD_ORDER_MS, self._release_order)
        # a ranking may move the selection without emitting selection.changed
        for signal in (self.selection.position_changed, self.selection.changed, self.ranking_changed):
            signal.connect(self._view_moved)

    @property
    def settings(self) -> RankingSettings:
        """The current ranking settings."""
        return self.controls.settings

    @property
    def ranking_pending(self) -> bool:
        """Whether a ranking is pending after a change of settings."""
        return self._rank_timer.isActive()

    # The project

    def open_project(self, project: Project | None) -> None:
        """Save and close the open project, then switch to this one."""
        self.close()
        for entry in self.videos:
            entry.video_id = None  # late results must not be stored in the new project
        self.undo_stack.clear()
        self.storage = ProjectStorage(project, self.refused.emit)
        self.videos, self.current, self._loaded = self.storage.videos(), None, []
        self.project_windows.clear()
        self.controls.replace_all(self.storage.settings())
        self.project_changed.emit()
        self.videos_changed.emit()
        self._emit_current_changed()
        self.resume()

    def save_as(self, path: Path) -> None:
        """Save the project to another file and continue there.

        Raises:
            ClipgenError: the file cannot be written or opened.
        """
        self._save_view()
        self.controls.save_now()
        unsaved = self.storage.path is None
        self.storage.save_as(path)
        if unsaved:
            self.storage.import_entries(self.videos)
            self.controls.save_now()
            if self.current is not None:
                self.storage.save_current(self.current)
            self.rank_now()
        self.project_changed.emit()

    def resume(self) -> None:
        """Show the video that was current when the project was closed."""
        if self.current is None and self.videos:
            last = self.storage.current_id()
            found = next((entry for entry in self.videos if entry.video_id == last), self.videos[0])
            self.set_current(found)

    def close(self) -> None:
        """Save pending changes and close the project."""
        self._save_view()
        self.controls.save_now()
        self.storage.close()

    # Videos

    def open_paths(self, paths: Iterable[Path]) -> list[VideoEntry]:
        """Add videos, skipping known ones, and show the first."""
        known = {entry.path: entry for entry in self.videos}
        opened, new = [], []
        for path in paths:
            path = path.expanduser().absolute()
            if path not in known:
                known[path] = VideoEntry(path)
                new.append(known[path])
            opened.append(known[path])
        if new:
            self.storage.add_entries(new)
            self.videos += new
            self.videos_changed.emit()
        if opened:
            self.set_current(opened[0])
        return opened

    def remove(self, entries: Sequence[VideoEntry]) -> None:
        """Remove videos from the project. Undo or opening them again restores them with all decisions."""
        removed = {index: entry for index, entry in enumerate(self.videos) if entry in entries}
        if removed:
            what = entries[0].path.name if len(removed) == 1 else f"{len(removed)} videos"
            self.undo_stack.push(RemoveVideos(self._take_out, self._put_back, removed, f"Remove {what}"))

    def _take_out(self, entries: Sequence[VideoEntry]) -> None:
        self.storage.remove(entries)
        index = self.videos.index(self.current) if self.current in self.videos else 0
        self.videos = [entry for entry in self.videos if entry not in entries]
        self.videos_changed.emit()
        if self.current not in self.videos:
            self.set_current(self.videos[min(index, len(self.videos) - 1)] if self.videos else None)

    def _put_back(self, entries: Mapping[int, VideoEntry]) -> None:
        self.storage.restore(entries.values())
        for index, entry in entries.items():
            if entry not in self.videos:
                self.videos.insert(index, entry)
        self.videos_changed.emit()

    def move(self, entries: Sequence[VideoEntry], index: int) -> None:
        """Move videos in the queue, before the one now at this index."""
        moved = [entry for entry in self.videos if entry in entries]
        before = [entry for entry in self.videos[:index] if entry not in moved]
        after = [entry for entry in self.videos[index:] if entry not in moved]
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
            self.storage.load_review(entry)
            self._take_ranked(entry)
            self._mark_used(entry)
            if entry.ranking is None or entry.ranking.requested != self.settings:
                entry.rank(self.settings)
        if self.selection.scope is Scope.VIDEO:
            self.selection.set_filter(self.selection.filter.for_another_video())
        self._emit_current_changed()

    def _take_ranked(self, entry: VideoEntry) -> None:
        """Show an analysis that the ranking of the project has in memory at once."""
        analysis = self.project_windows.analysis_of(entry) if entry.unloaded else None
        if analysis is not None and analysis.video.frame_count <= _SHORT_FRAMES:
            entry.analysis = replace(analysis, video=replace(analysis.video, path=entry.path))
            entry.info, entry.ranker, entry.unchecked = entry.analysis.video, Ranker(entry.analysis), True

    def load_review(self, entry: VideoEntry) -> None:
        """Load the stored decisions, playhead and selection of a video, once."""
        self.storage.load_review(entry)

    def _emit_current_changed(self) -> None:
        self.current_changed.emit()
        self.analysis_changed.emit()
        self.ranking_changed.emit()
        self.selection.changed.emit()

    # Results about a video

    def identify(self, entry: VideoEntry, fingerprint: str) -> VideoEntry:
        """Set the fingerprint of an entry and return the entry that its file belongs to.

        Usually that is the entry itself. If the video is already listed, the existing entry is returned and this one
        is removed.
        """
        stored = self.storage.identify(entry, fingerprint)
        entry.fingerprint = fingerprint
        if stored is None or stored.video_id == entry.video_id:
            return entry
        other = next((one for one in self.videos if one.video_id == stored.video_id), None)
        if other is None:
            entry.unload()
            self.storage.rebind(entry, stored)
            self.storage.load_review(entry)
            if entry is self.current:
                self.storage.save_current(entry)
            self.video_changed.emit(entry)
            return entry
        entry.video_id = None
        if stored.path == entry.path:
            self.relink(other, entry.path)
        else:
            self.duplicate_found.emit(entry, other)
        self.videos.remove(entry)
        self.videos_changed.emit()
        if entry is self.current:
            self.set_current(other)
        return other

    def relink(self, entry: VideoEntry, path: Path) -> None:
        """Relink a video to the file at this path."""
        entry.unload()
        entry.path = path
        if entry.state is VideoState.MISSING:
            entry.state = VideoState.DONE if entry.analysis_name else VideoState.WAITING
            entry.message = ""
        self.storage.save_outcome(entry)
        self.video_changed.emit(entry)
        if entry is self.current:
            self._emit_current_changed()

    def set_info(self, entry: VideoEntry, info: VideoInfo) -> None:
        """Take over the index of a video."""
        if entry.info is not None:
            return
        entry.info, entry.duration_s = info, info.duration_s
        entry = self.identify(entry, info.fingerprint)
        entry.info = entry.info or replace(info, path=entry.path)
        self.storage.load_review(entry)
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
        """Set the progress of the analysis (0..1)."""
        entry.progress = share
        self.video_changed.emit(entry)

    def fail(self, entry: VideoEntry, message: str) -> None:
        """Mark a video as failed or missing. Reported once, even if it fails repeatedly."""
        if entry.state in (VideoState.FAILED, VideoState.MISSING):
            return
        missing = entry.fingerprint is not None and not entry.path.exists()
        self.set_state(entry, VideoState.MISSING if missing else VideoState.FAILED, message)
        self.failed.emit(entry, message)

    def set_analysis(
        self, entry: VideoEntry, analysis: Analysis, ranker: Ranker, *, complete: bool, name: str = ""
    ) -> None:
        """Take over an analysis, or a partial one.

        Args:
            name: of the stored analysis, for reloading; empty: not stored.
        """
        if entry in self.videos:
            self.set_info(entry, analysis.video)
        if entry not in self.videos:
            return  # removed meanwhile, or merged with an entry already listed
        hold_order = entry.is_draft and self.hold_order()
        entry.analysis, entry.ranker = analysis, ranker
        self._mark_used(entry)
        if complete:
            entry.state, entry.message = VideoState.DONE, ""
            entry.analysis_name = name
        entry.rank(self.settings, hold_order=hold_order)
        self._order_timer.start()
        if complete:
            self.storage.save_outcome(entry)
        self.video_changed.emit(entry)
        if entry is self.current:
            self.analysis_changed.emit()
            self.ranking_changed.emit()

    def set_tokens(self, entry: VideoEntry, analysis: Analysis, ranker: Ranker) -> None:
        """Replace the tokens of the loaded analysis; its faces stay."""
        entry.analysis, entry.ranker = analysis, ranker
        entry.rank(self.settings)
        if entry is self.current:
            self.analysis_changed.emit()
            self.ranking_changed.emit()

    def _release_order(self) -> None:
        """Sort the list anew once nobody reviews it."""
        if self.hold_order():
            self._order_timer.start()
        elif self.current is not None and not self.current.in_order:
            self.rank_now()

    def _mark_used(self, entry: VideoEntry) -> None:
        """Mark an entry as most recently used and unload the least recently used ones that can be reloaded."""
        self._loaded = [one for one in self._loaded if one is not entry and one.ranker is not None]
        if entry.ranker is not None:
            self._loaded.append(entry)
        for one in self._loaded[:-_KEPT_LOADED]:
            if one is not self.current and one.state is VideoState.DONE and one.analysis_name:
                one.unload()
                self.released.emit(one)

    def rank_now(self) -> None:
        """Rank the current video with the current settings, without waiting for the timer."""
        self._rank_timer.stop()
        if self.current is not None:
            self.current.rank(self.settings)
            self.video_changed.emit(self.current)
            self.ranking_changed.emit()

    def flush_ranking(self) -> None:
        """Rank now if a ranking is pending."""
        if self._rank_timer.isActive():
            self.rank_now()

    def reviews_changed(self, entries: Iterable[VideoEntry]) -> None:
        """Show changed reviews of these videos."""
        if self.selection.scope is Scope.PROJECT:
            self.project_windows.refresh(hold_order=True)
        if any(entry is self.current for entry in entries):
            self.ranking_changed.emit()

    # Selection and playhead

    def _view_moved(self) -> None:
        if not self._view_timer.isActive():
            self._view_timer.start()

    def _save_view(self) -> None:
        self._view_timer.stop()
        if self.current is not None and self.current.review_loaded:
            self.storage.save_position(self.current)


def _timer(parent: QObject, interval_ms: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(call)
    return timer
