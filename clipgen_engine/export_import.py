"""An export folder -> a project again, with every decision, tag, note and subject that stood behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipgen_engine.errors import OutputError, SettingError
from clipgen_engine.export_items import ExportSource
from clipgen_engine.export_manifest import MANIFEST_NAME, Manifest, read_manifest
from clipgen_engine.project import Project, StoredWindow
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision, Sequence


@dataclass(frozen=True)
class ImportedExport:
    """What an export was made of."""

    sources: tuple[ExportSource, ...]
    ranking: RankingSettings
    manifest: Manifest


def is_export(path: Path) -> bool:
    """Whether this is an export folder, or its manifest."""
    return (path / MANIFEST_NAME).is_file() or (path.name == MANIFEST_NAME and path.is_file())


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
    except (KeyError, TypeError, ValueError, SettingError) as error:
        raise OutputError(f"{place} is damaged or of another version ({error})", "Choose another folder") from error
    return ImportedExport(sources, ranking, manifest)


def import_export(path: Path, project: Project) -> int:
    """Add the videos, decisions, tags, notes and subjects of an export to a project; what the project has itself stays.

    Returns:
        How many windows were added.

    Raises:
        OutputError: see `read_export`.
        ProjectError: the project cannot be written.
    """
    export = read_export(path)
    if not project.settings():
        project.set_settings(export.ranking.as_dict())
    added = 0
    for source in export.sources:
        video = project.add_video(source.path, source.fingerprint)
        there = project.windows(video.video_id)
        new = {window.sequence.key: window for window in source.windows if window.sequence.key not in there}
        project.mark(video.video_id, new)
        added += len(new)
        subjects = project.subjects(video.video_id)
        for track_id, subject_id in source.subjects.items():
            if track_id not in subjects:
                project.set_subject(video.video_id, track_id, subject_id)
    return added


def _source(entry: Mapping[str, Any]) -> ExportSource:
    return ExportSource(
        path=Path(entry["path"]),
        fingerprint=entry["fingerprint"],
        windows=tuple(_window(record) for record in entry["windows"]),
        subjects={int(track_id): subject for track_id, subject in entry["subjects"].items()},
    )


def _window(record: Mapping[str, Any]) -> StoredWindow:
    sequence = Sequence(
        rank=0,
        start_frame=record["start_frame"],
        stop_frame=record["end_frame"] + 1,
        track_id=record["track_id"],
        terms=record["terms"],
        combined_score=record["combined_score"],
        top_channels=tuple((name, change) for name, change in record["top_channels"]),
    )
    return StoredWindow(
        sequence,
        Decision(record["decision"]),
        bool(record["by_hand"]),
        tuple(record["tags"]),
        record["note"],
        record["decided_at"],
    )
