"""What outlives the window: the project that keeps every decision, and how the session reads and writes it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from clipgen_engine.errors import ProjectError, SettingError
from clipgen_engine.project import Project, StoredWindow
from clipgen_engine.settings import RankingSettings
from clipgen_gui.video_entry import Key, Mark, VideoEntry

if TYPE_CHECKING:
    from clipgen_engine.export_items import ExportSource

_log = logging.getLogger(__name__)


def default_project_path() -> Path:
    """The unnamed project that is used where the curator names none."""
    return Path(platformdirs.user_data_dir("clipgen", appauthor=False)) / "unnamed.clipgen"


class Memory:
    """A project as the session uses it. Where it cannot be written, the curator is told and work goes on."""

    def __init__(self, project: Project | None, complain: Callable[[str], None]) -> None:
        """
        Args:
            project: None: nothing is kept.
            complain: is given a sentence when something could not be stored.
        """
        self._project = project
        self._complain = complain
        self._video_ids: dict[VideoEntry, int] = {}

    @property
    def writes(self) -> bool:
        return self._project is not None and not self._project.read_only

    def settings(self) -> RankingSettings:
        """The settings that were used last."""
        stored = self._project.settings() if self._project else {}
        try:
            return RankingSettings(**stored)
        except (SettingError, TypeError):  # of another version: the defaults serve
            _log.warning("the stored settings do not fit this version and are left out: %s", stored)
            return RankingSettings()

    def recall(self, entry: VideoEntry) -> None:
        """Give a video, whose index just became known, the decisions, place and selection that it had."""
        project, info = self._project, entry.info
        if project is None or info is None:
            return
        known = {video.fingerprint for video in project.videos()}
        if project.read_only and info.fingerprint not in known:
            return
        try:
            video = project.add_video(entry.path, info.fingerprint)
        except ProjectError as error:
            self._complain(str(error))
            return
        self._video_ids[entry] = video.video_id
        windows = project.windows(video.video_id)
        entry.mark(
            {
                key: Mark(one.decision, one.sequence, one.by_hand, one.tags, one.note, one.decided_at)
                for key, one in windows.items()
            }
        )
        entry.subjects = project.subjects(video.video_id)
        entry.position = min(max(video.position, 0), max(info.frame_count - 1, 0))
        entry.selected = video.selected

    def keep_marks(self, entry: VideoEntry, changes: Mapping[Key, Mark | None]) -> None:
        """Commit decisions; they are on disk when this returns."""
        stored = {key: None if mark is None else _stored(mark) for key, mark in changes.items()}
        self._write(entry, lambda project, video_id: project.mark(video_id, stored))

    def keep_subject(self, entry: VideoEntry, track_id: int, subject_id: str) -> None:
        """Commit who a track shows; empty: nobody says it."""
        self._write(entry, lambda project, video_id: project.set_subject(video_id, track_id, subject_id))

    def tags(self) -> list[str]:
        """Every tag that the project knows, in alphabetical order: what a curator may mean again."""
        return list(self._project.tags()) if self._project else []

    def subject_ids(self) -> list[str]:
        """Every subject id that the project knows, in alphabetical order."""
        return self._project.subject_ids() if self._project else []

    def keep_place(self, entry: VideoEntry) -> None:
        self._write(entry, lambda project, video_id: project.set_place(video_id, entry.position, entry.selected))

    def keep_export(
        self, entry: VideoEntry, folder: Path, clips: list[str], details: Mapping[str, Any] | None = None
    ) -> None:
        """Record that clips were written; the details say what made them."""
        self._write(entry, lambda project, video_id: project.add_export(video_id, folder, clips, details))

    def export_sources(self) -> tuple[ExportSource, ...]:
        """The videos of the project that have decisions."""
        from clipgen_engine.export_items import project_sources  # the window does not wait for it

        return project_sources(self._project) if self._project is not None else ()

    def keep_settings(self, settings: RankingSettings) -> None:
        if self._project is not None and self.writes:
            try:
                self._project.set_settings(settings.as_dict())
            except ProjectError as error:
                self._complain(str(error))

    def close(self) -> None:
        if self._project is not None:
            self._project.close()
            self._project = None

    def _write(self, entry: VideoEntry, write: Callable[[Project, int], None]) -> None:
        video_id = self._video_ids.get(entry)
        if self._project is None or video_id is None or not self.writes:
            return
        try:
            write(self._project, video_id)
        except ProjectError as error:
            self._complain(str(error))


def _stored(mark: Mark) -> StoredWindow:
    return StoredWindow(mark.sequence, mark.decision, mark.by_hand, mark.tags, mark.note, mark.decided_at)
