"""What outlives the window: the project that keeps every decision, and how the session reads and writes it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from clipgen_engine.errors import ClipgenError, ProjectError, SettingError
from clipgen_engine.projects.store import Project, StoredVideo, WindowReview
from clipgen_engine.settings import RankingSettings
from clipgen_gui.document.entry import Key, Tally, VideoEntry, VideoState

if TYPE_CHECKING:
    from clipgen_engine.datasets.request import ExportSource

_log = logging.getLogger(__name__)
_CURRENT = "current_video"


def default_project_path() -> Path:
    """The unnamed project that is used where the curator names none."""
    return Path(platformdirs.user_data_dir("clipgen", appauthor=False)) / "unnamed.clipgen"


class ProjectStorage:
    """A project as the session uses it. Where it cannot be written, the curator is told and work goes on."""

    def __init__(self, project: Project | None, complain: Callable[[str], None]) -> None:
        """
        Args:
            project: None: nothing is kept.
            complain: is given a sentence when something could not be stored.
        """
        self._project = project
        self._complain = complain

    @property
    def project(self) -> Project | None:
        """The project itself, to be read."""
        return self._project

    @property
    def path(self) -> Path | None:
        """The project's file."""
        return self._project.path if self._project else None

    @property
    def writes(self) -> bool:
        return self._project is not None and not self._project.read_only

    def close(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None

    def save_as(self, path: Path) -> None:
        """Copy the project to another path, and keep everything there from now on.

        Raises:
            ClipgenError: it cannot be written or opened there; then everything stays where it is.
        """
        if path.exists():
            with Project(path) as other:
                if other.read_only:
                    raise ProjectError(f"{path.name} is open in another window", "Close it, or choose another name")
        if self._project is not None:
            self._project.copy_to(path)
        project = Project(path)
        if self._project is not None:
            self._project.close()
        self._project = project

    # Videos

    def videos(self) -> list[VideoEntry]:
        """The videos of the project in the order of the queue, without a look at their files."""
        return [_told(VideoEntry(one.path), one) for one in self._project.videos()] if self._project else []

    def current_id(self) -> int | None:
        """The video that was on screen last."""
        return self._project.app_state().get(_CURRENT) if self._project else None

    def adopt(self, entries: Sequence[VideoEntry]) -> None:
        """Take new entries into the project; one that it knows gets what it knows of it."""
        project = self._project
        if project is None or not entries:
            return
        if not self.writes:
            known = {one.path: one for one in project.videos()}
            for entry in entries:
                if entry.path in known:
                    _told(entry, known[entry.path])
            return
        try:
            stored = project.add_videos(entry.path for entry in entries)
        except ProjectError as error:
            self._complain(str(error))
            return
        for entry, one in zip(entries, stored, strict=True):
            _told(entry, one)

    def take_in(self, entries: Iterable[VideoEntry]) -> None:
        """Store entries as they are, with all that was decided while there was no project."""
        project = self._project
        assert project is not None
        for entry in entries:
            was = copy(entry)
            if was.fingerprint is None:
                (stored,) = project.add_videos([was.path])
            else:
                stored = project.add_video(was.path, was.fingerprint)
            _told(entry, stored)
            self.recall(entry)
            entry.state, entry.message, entry.duration_s = was.state, was.message, was.duration_s
            entry.analysis_name, entry.tally = was.analysis_name, was.tally
            entry.position, entry.selected, entry.track = was.position, was.selected, was.track
            entry.reviews |= was.reviews
            entry.subjects |= was.subjects
            self.save_outcome(entry)
            self.save_reviews(entry, was.reviews)
            for track_id, subject_id in was.subjects.items():
                self.save_subject(entry, track_id, subject_id)
            self.save_position(entry)

    def identify(self, entry: VideoEntry, fingerprint: str) -> StoredVideo | None:
        """The video that the file of this entry really is; None where nothing is kept of it."""
        if self._project is None:
            return None
        if not self.writes or entry.video_id is None:
            return self._project.video_of(fingerprint)
        try:
            return self._project.identify(entry.video_id, fingerprint)
        except ProjectError as error:
            self._complain(str(error))
            return None

    def become(self, entry: VideoEntry, stored: StoredVideo) -> None:
        """Let an entry be this video of the project."""
        path = entry.path
        _told(entry, stored)
        entry.path, entry.recalled = path, False

    def recall(self, entry: VideoEntry) -> None:
        """Give a video the decisions, subjects, place and selection that the project has."""
        if self._project is None or entry.video_id is None or entry.recalled:
            return
        entry.recalled = True
        video = self._project.video(entry.video_id)
        entry.reviews = self._project.windows(entry.video_id)
        entry.subjects = self._project.subjects(entry.video_id)
        entry.position, entry.selected = max(video.position, 0), video.selected
        entry.track = None if video.selected is None else video.selected[2]

    def save_outcome(self, entry: VideoEntry) -> None:
        """Store how the analysis stands."""
        running = entry.state in (VideoState.ANALYSING, VideoState.MISSING)
        state = (VideoState.DONE if entry.analysis_name else VideoState.WAITING) if running else entry.state
        self._write(
            entry,
            lambda project, video_id: project.describe_video(
                video_id,
                path=entry.path,
                state=state.value,
                message=entry.message,
                duration_s=entry.duration_s,
                window_count=entry.tally.windows if entry.tally else None,
                analysis=entry.analysis_name,
            ),
        )

    def save_order(self, entries: Iterable[VideoEntry]) -> None:
        self._write_any(lambda project: project.reorder(_ids(entries)))

    def remove(self, entries: Iterable[VideoEntry]) -> None:
        self._write_any(lambda project: project.remove_videos(_ids(entries)))

    def restore(self, entries: Iterable[VideoEntry]) -> None:
        self._write_any(lambda project: project.restore_videos(_ids(entries)))

    def save_position(self, entry: VideoEntry) -> None:
        self._write(entry, lambda project, video_id: project.set_position(video_id, entry.position, entry.selected))

    def save_current(self, entry: VideoEntry) -> None:
        self._write(entry, lambda project, video_id: project.set_app_state({_CURRENT: video_id}))

    # Decisions

    def save_reviews(self, entry: VideoEntry, changes: Mapping[Key, WindowReview | None]) -> None:
        """Commit decisions; they are on disk when this returns."""
        self._write(entry, lambda project, video_id: project.mark(video_id, changes))

    def save_subject(self, entry: VideoEntry, track_id: int, subject_id: str) -> None:
        """Commit who a track shows; empty: nobody says it."""
        self._write(entry, lambda project, video_id: project.set_subject(video_id, track_id, subject_id))

    def tags(self) -> list[str]:
        """Every tag that the project knows, in alphabetical order: what a curator may mean again."""
        return list(self._project.tags()) if self._project else []

    def subject_ids(self) -> list[str]:
        """Every subject id that the project knows, in alphabetical order."""
        return self._project.subject_ids() if self._project else []

    def save_export(
        self, entry: VideoEntry, folder: Path, clips: list[str], details: Mapping[str, Any] | None = None
    ) -> None:
        """Record that clips were written; the details say what made them."""
        self._write(entry, lambda project, video_id: project.add_export(video_id, folder, clips, details))

    def export_sources(self) -> tuple[ExportSource, ...]:
        """The videos of the project that have decisions."""
        from clipgen_engine.datasets.request import project_sources  # the window does not wait for it

        return project_sources(self._project) if self._project is not None else ()

    # Settings

    def settings(self) -> RankingSettings:
        """The settings that were used last."""
        stored = self._project.settings() if self._project else {}
        known = {one.name for one in fields(RankingSettings)}
        try:
            return RankingSettings(**{name: value for name, value in stored.items() if name in known})
        except (SettingError, TypeError):  # of another version: the defaults serve
            _log.warning("the stored settings do not fit this version and are left out: %s", stored)
            return RankingSettings()

    def save_settings(self, settings: RankingSettings) -> None:
        self._write_any(lambda project: project.set_settings(settings.as_dict()))

    def _write(self, entry: VideoEntry, write: Callable[[Project, int], None]) -> None:
        video_id = entry.video_id
        if video_id is not None:
            self._write_any(lambda project: write(project, video_id))

    def _write_any(self, write: Callable[[Project], None]) -> None:
        if self._project is None or not self.writes:
            return
        try:
            write(self._project)
        except ClipgenError as error:
            self._complain(str(error))


def _ids(entries: Iterable[VideoEntry]) -> list[int]:
    return [entry.video_id for entry in entries if entry.video_id is not None]


def _told(entry: VideoEntry, stored: StoredVideo) -> VideoEntry:
    """The entry with what the project knows of it without its windows."""
    entry.video_id, entry.path, entry.fingerprint = stored.video_id, stored.path, stored.fingerprint
    entry.state = VideoState(stored.state) if stored.state in set(VideoState) else VideoState.WAITING
    entry.message, entry.duration_s, entry.added_at = stored.message, stored.duration_s, stored.added_at
    entry.analysis_name = stored.analysis
    entry.tally = None
    if stored.window_count is not None:
        entry.tally = Tally(stored.window_count, stored.accepted, stored.rejected)
    return entry
