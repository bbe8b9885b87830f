"""Persistence: how the session reads and writes the project."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from clipgen_engine.errors import ClipgenError, ProjectError, SettingError
from clipgen_engine.projects.conflicts import Conflict
from clipgen_engine.projects.goals import Goal, goals_of, set_goals
from clipgen_engine.projects.records import StoredVideo, WindowReview
from clipgen_engine.projects.statistics import ProjectStatistics, SplitOf, project_statistics
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import Tally, VideoEntry, VideoState
from clipgen_gui.document.windows import Key

if TYPE_CHECKING:
    from clipgen_engine.datasets.request import ExportSource

_log = logging.getLogger(__name__)
_Value = TypeVar("_Value")
_CURRENT = "current_video"


class ProjectStorage:
    """The session's access to the project. Write failures are reported and do not interrupt the work."""

    def __init__(self, project: Project | None, report_error: Callable[[str], None]) -> None:
        """
        Args:
            project: None: nothing is stored.
            report_error: receives a message when something could not be stored.
        """
        self._project = project
        self._report_error = report_error

    @property
    def project(self) -> Project | None:
        """The project itself, for reading only."""
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
        """Copy the project to another path and continue there.

        Raises:
            ClipgenError: the file cannot be written or opened; the current project stays in use.
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
        """The videos of the project in queue order. Does not access their files."""
        return [_apply_stored(VideoEntry(one.path), one) for one in self._read(Project.videos, list[StoredVideo]())]

    def current_id(self) -> int | None:
        """Id of the last current video."""
        state: dict[str, Any] = self._read(Project.app_state, {})
        current = state.get(_CURRENT)
        return current if isinstance(current, int) else None

    def add_entries(self, entries: Sequence[VideoEntry]) -> None:
        """Add new entries to the project, and restore the stored data of videos that it knows already."""
        project = self._project
        if project is None or not entries:
            return
        if not self.writes:
            known = {one.path: one for one in project.videos()}
            for entry in entries:
                if entry.path in known:
                    _apply_stored(entry, known[entry.path])
            return
        try:
            stored = project.add_videos(entry.path for entry in entries)
        except ProjectError as error:
            self._report_error(str(error))
            return
        for entry, one in zip(entries, stored, strict=True):
            _apply_stored(entry, one)

    def import_entries(self, entries: Iterable[VideoEntry]) -> None:
        """Store entries with all decisions made while there was no project."""
        project = self._project
        assert project is not None
        for entry in entries:
            was = copy(entry)
            if was.fingerprint is None:
                (stored,) = project.add_videos([was.path])
            else:
                stored = project.add_video(was.path, was.fingerprint)
            _apply_stored(entry, stored)
            self.load_review(entry)
            entry.state, entry.message, entry.duration_s = was.state, was.message, was.duration_s
            entry.analysis_name, entry.tally = was.analysis_name, was.tally
            entry.position, entry.selected, entry.track = was.position, was.selected, was.track
            entry.reviews |= was.reviews
            entry.subjects |= was.subjects
            self.save_outcome(entry)
            self.save_reviews({entry: was.reviews})
            for track_id, subject_id in was.subjects.items():
                self.save_subject(entry, track_id, subject_id)
            self.save_position(entry)

    def identify(self, entry: VideoEntry, fingerprint: str) -> StoredVideo | None:
        """Record the fingerprint of an entry. Return the stored video it belongs to; None if nothing is stored."""
        if self._project is None:
            return None
        if not self.writes or entry.video_id is None:
            return self._read(lambda project: project.video_of(fingerprint), None)
        try:
            return self._project.identify(entry.video_id, fingerprint)
        except ProjectError as error:
            self._report_error(str(error))
            return None

    def rebind(self, entry: VideoEntry, stored: StoredVideo) -> None:
        """Bind an entry to a stored video, keeping the path of the entry."""
        path = entry.path
        _apply_stored(entry, stored)
        entry.path, entry.review_loaded = path, False

    def load_review(self, entry: VideoEntry) -> None:
        """Load the stored decisions, subjects, playhead and selection of a video, once."""
        if self._project is None or entry.video_id is None or entry.review_loaded:
            return
        entry.review_loaded = True
        try:
            video = self._project.video(entry.video_id)
            entry.reviews = self._project.windows(entry.video_id)
            entry.subjects = self._project.subjects(entry.video_id)
            _apply_conflicts(entry, self._project.conflicts().get(entry.video_id, ()))
        except ProjectError as error:
            self._report_error(str(error))
            return
        _apply_view(entry, video)

    def save_outcome(self, entry: VideoEntry) -> None:
        """Store the state of the analysis."""
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
                frame_count=entry.frame_count or None,
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

    def save_reviews(self, changes: Mapping[VideoEntry, Mapping[Key, WindowReview | None]]) -> None:
        """Commit decisions on windows of any videos together; they are on disk when this returns."""

        def write(project: Project) -> None:
            with project.together():
                for entry, reviews in changes.items():
                    if entry.video_id is not None:
                        project.save_reviews(entry.video_id, reviews)
                        _open_again(project, entry, entry.video_id, reviews)

        self._write_any(write)

    def load_reviews(self, entries: Iterable[VideoEntry]) -> None:
        """Load the stored reviews of many videos at once."""
        missing = {entry.video_id: entry for entry in entries if not entry.review_loaded and entry.video_id is not None}
        if not missing:
            return
        reviews = self._read(Project.all_windows, dict[int, dict[Key, WindowReview]]())
        subjects = self._read(Project.all_subjects, dict[int, dict[int, str]]())
        conflicts = self._read(Project.conflicts, dict[int, tuple[Conflict, ...]]())
        for stored in self._read(Project.videos, list[StoredVideo]()):
            entry = missing.get(stored.video_id)
            if entry is not None:
                entry.review_loaded = True
                entry.reviews = reviews.get(stored.video_id, {})
                entry.subjects = subjects.get(stored.video_id, {})
                _apply_conflicts(entry, conflicts.get(stored.video_id, ()))
                _apply_view(entry, stored)

    def save_subject(self, entry: VideoEntry, track_id: int, subject_id: str) -> None:
        """Commit the subject of a track; an empty id clears it."""
        self._write(entry, lambda project, video_id: project.set_subject(video_id, track_id, subject_id))

    def tags(self) -> list[str]:
        """All tags of the project in alphabetical order, for completion."""
        return list(self._read(Project.tags, dict[str, int]()))

    def reasons(self) -> list[str]:
        """All reasons of rejection in the project, the most frequent first."""
        return list(self._read(Project.reasons, dict[str, int]()))

    def curator(self) -> str:
        """The curator to whom this project was assigned; empty if none."""
        name = self._read(Project.app_state, dict[str, Any]()).get("curator")
        return name if isinstance(name, str) else ""

    def subject_ids(self) -> list[str]:
        """All subject ids of the project, in alphabetical order."""
        return self._read(Project.subject_ids, list[str]())

    def save_export(
        self, entry: VideoEntry, folder: Path, clips: list[str], details: Mapping[str, Any] | None = None
    ) -> None:
        """Record an export and the details of how it was made."""
        self._write(entry, lambda project, video_id: project.add_export(video_id, folder, clips, details))

    def export_sources(self) -> tuple[ExportSource, ...]:
        """The videos of the project that have decisions."""
        from clipgen_engine.datasets.request import project_sources  # deferred: not needed to show the window

        return project_sources(self._project) if self._project is not None else ()

    # Statistics

    def statistics(self, split_of: SplitOf | None) -> ProjectStatistics:
        """The numbers of the project; those of an empty one if nothing is stored.

        Raises:
            ProjectError: the project cannot be read.
        """
        return ProjectStatistics() if self._project is None else project_statistics(self._project, split_of)

    def goals(self) -> tuple[Goal, ...]:
        """The goals of the project.

        Raises:
            ProjectError: the project cannot be read.
        """
        return () if self._project is None else goals_of(self._project)

    def save_goals(self, goals: Iterable[Goal]) -> None:
        self._write_any(lambda project: set_goals(project, goals))

    # Settings

    def settings(self) -> RankingSettings:
        """The last used ranking settings."""
        stored: dict[str, Any] = self._read(Project.settings, {})
        known = {one.name for one in fields(RankingSettings)}
        try:
            return RankingSettings(**{name: value for name, value in stored.items() if name in known})
        except (SettingError, TypeError):  # written by another version
            _log.warning("ignoring stored settings that do not fit this version: %s", stored)
            return RankingSettings()

    def save_settings(self, settings: RankingSettings) -> None:
        self._write_any(lambda project: project.set_settings(settings.as_dict()))

    def _read(self, read: Callable[[Project], _Value], default: _Value) -> _Value:
        """What the project says; the default without one, or where it cannot be read."""
        if self._project is None:
            return default
        try:
            return read(self._project)
        except ProjectError as error:
            self._report_error(str(error))
            return default

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
            self._report_error(str(error))


def _ids(entries: Iterable[VideoEntry]) -> list[int]:
    return [entry.video_id for entry in entries if entry.video_id is not None]


def _apply_conflicts(entry: VideoEntry, conflicts: Iterable[Conflict]) -> None:
    """Mark the windows that curators disagree on, so that they are listed."""
    for conflict in conflicts:
        review = entry.reviews.get(conflict.key)
        if review is not None:
            entry.conflicts[conflict.key] = conflict
            entry.reviews[conflict.key] = replace(review, contested=True)


def _open_again(project: Project, entry: VideoEntry, video_id: int, reviews: Mapping[Key, WindowReview | None]) -> None:
    """Store the conflicts again whose decision was undone."""
    undone = [
        entry.conflicts[key]
        for key, review in reviews.items()
        if review is not None and review.decision is Decision.UNDECIDED and key in entry.conflicts
    ]
    if undone:
        left = [one for one in project.conflicts().get(video_id, ()) if one not in undone]
        project.set_conflicts(video_id, [opinion for one in (*left, *undone) for opinion in one.opinions])


def _apply_view(entry: VideoEntry, stored: StoredVideo) -> None:
    entry.position, entry.selected = max(stored.position, 0), stored.selected
    entry.track = None if stored.selected is None else stored.selected[2]


def _apply_stored(entry: VideoEntry, stored: StoredVideo) -> VideoEntry:
    """Copy the stored data of a video, without its windows, into the entry."""
    entry.video_id, entry.path, entry.fingerprint = stored.video_id, stored.path, stored.fingerprint
    entry.state = VideoState(stored.state) if stored.state in set(VideoState) else VideoState.WAITING
    entry.message, entry.duration_s, entry.added_at = stored.message, stored.duration_s, stored.added_at
    entry.analysis_name = stored.analysis
    entry.tally = None
    if stored.window_count is not None:
        entry.tally = Tally(stored.window_count, stored.accepted, stored.rejected)
    return entry
