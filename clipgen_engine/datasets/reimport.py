"""An export folder -> a project again, with every decision, tag, note and subject that stood behind it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipgen_engine.datasets.manifest import MANIFEST_NAME, Manifest, read_manifest
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.errors import Cancelled, OutputError, SettingError
from clipgen_engine.projects.store import Project, WindowReview
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision, Sequence


@dataclass(frozen=True)
class ImportedExport:
    """What an export was made of."""

    sources: tuple[ExportSource, ...]
    ranking: RankingSettings
    manifest: Manifest


def read_export(path: Path) -> ImportedExport:
    """Read an export folder, or its manifest.

    Raises:
        OutputError: there is no manifest, or it is damaged or of a newer clipgen.
    """
    place = path if path.name == MANIFEST_NAME else path / MANIFEST_NAME
    try:
        manifest = read_manifest(place)
    except OSError as error:
        raise OutputError(
            f"{path} is no export folder: there is no {MANIFEST_NAME} to be read",
            "Choose a folder that clipgen exported to",
        ) from error
    try:
        sources = tuple(_source(entry) for entry in manifest.sources)
        ranking = RankingSettings(**manifest.settings["ranking"])
    except (KeyError, TypeError, ValueError, AttributeError, SettingError) as error:
        raise OutputError(f"{place} is damaged or of another version ({error})", "Choose another folder") from error
    return ImportedExport(sources, ranking, manifest)


def import_export(export: ImportedExport, project: Project, cancel: threading.Event | None = None) -> int:
    """Add the videos, decisions, tags, notes and subjects of an export to a project, all or nothing. What the project
    has itself stays.

    Returns:
        How many windows were added.

    Raises:
        ProjectError: the project cannot be written.
        Cancelled: the event was set.
    """
    added = 0
    with project.together():
        if not project.settings():
            project.set_settings(export.ranking.as_dict())
        for source in export.sources:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            video = project.add_video(source.path, source.fingerprint)
            there = project.windows(video.video_id)
            new = {window.sequence.key: window for window in source.windows if window.sequence.key not in there}
            project.save_reviews(video.video_id, new)
            added += len(new)
            subjects = project.subjects(video.video_id)
            for track_id, subject_id in source.subjects.items():
                if track_id not in subjects:
                    project.set_subject(video.video_id, track_id, subject_id)
    return added


def new_project_of(export: ImportedExport, path: Path, cancel: threading.Event | None = None) -> None:
    """Make a project of an export. It is there whole, or not at all; nothing is replaced.

    Raises:
        OutputError: something is there already, or it cannot be written there.
        ProjectError: it cannot be written where temporary files are.
        Cancelled: the event was set.
    """
    if path.exists():
        raise OutputError(f"{path} is there already", "Choose another name")
    # elsewhere at first: a project leaves other files beside it while it is written
    with tempfile.TemporaryDirectory(prefix="clipgen-") as folder, Project(Path(folder) / path.name) as project:
        import_export(export, project, cancel)
        project.copy_to(path)


def _source(entry: Mapping[str, Any]) -> ExportSource:
    return ExportSource(
        path=Path(entry["path"]),
        fingerprint=entry["fingerprint"],
        windows=tuple(_window(record) for record in entry["windows"]),
        subjects={int(track_id): subject for track_id, subject in entry["subjects"].items()},
    )


def _window(record: Mapping[str, Any]) -> WindowReview:
    sequence = Sequence(
        rank=0,
        start_frame=record["start_frame"],
        stop_frame=record["end_frame"] + 1,
        track_id=record["track_id"],
        terms=dict(record["terms"]),
        combined_score=record["combined_score"],
        top_channels=tuple((name, change) for name, change in record["top_channels"]),
    )
    return WindowReview(
        sequence,
        Decision(record["decision"]),
        bool(record["by_hand"]),
        tuple(record["tags"]),
        record["note"],
        record["decided_at"],
    )
