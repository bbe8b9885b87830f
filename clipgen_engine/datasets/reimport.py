"""Restore a project from an export folder, with all its decisions, tags, notes and subjects."""

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
from clipgen_engine.projects.records import WindowReview, as_reason
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.records import scored_sequence
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision
from clipgen_engine.untrusted import is_sha256


@dataclass(frozen=True)
class ImportedExport:
    """The inputs of an export, as recorded in its manifest."""

    sources: tuple[ExportSource, ...]
    ranking: RankingSettings
    manifest: Manifest


def read_export(path: Path) -> ImportedExport:
    """Read the manifest of an export, from its path or from the folder.

    Raises:
        OutputError: the manifest is missing, damaged, or was written by a newer clipgen.
    """
    source = path if path.name == MANIFEST_NAME else path / MANIFEST_NAME
    try:
        manifest = read_manifest(source)
    except OSError as error:
        raise OutputError(
            f"{path} is not an export folder: {MANIFEST_NAME} cannot be read",
            "Choose a folder written by a clipgen export",
        ) from error
    try:
        sources = tuple(_source(entry) for entry in manifest.sources)
        ranking = RankingSettings(**_current(manifest.settings["ranking"]))
    except (KeyError, TypeError, ValueError, AttributeError, SettingError) as error:
        raise OutputError(
            f"{source} is damaged or has an unsupported version ({error})", "Choose another folder"
        ) from error
    return ImportedExport(sources, ranking, manifest)


def import_export(export: ImportedExport, project: Project, cancel: threading.Event | None = None) -> int:
    """Add the videos, decisions, tags, notes and subjects of an export to a project, in one transaction.

    Existing entries of the project take precedence.

    Returns:
        Number of windows added.

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
            existing = project.windows(video.video_id)
            new = {window.sequence.key: window for window in source.windows if window.sequence.key not in existing}
            project.save_reviews(video.video_id, new)
            added += len(new)
            subjects = project.subjects(video.video_id)
            for track_id, subject_id in source.subjects.items():
                if track_id not in subjects:
                    project.set_subject(video.video_id, track_id, subject_id)
    return added


def new_project_of(export: ImportedExport, path: Path, cancel: threading.Event | None = None) -> None:
    """Create a project from an export, atomically. Never overwrites an existing file.

    Raises:
        OutputError: the path already exists, or cannot be written.
        ProjectError: the temporary copy cannot be written.
        Cancelled: the event was set.
    """
    if path.exists():
        raise OutputError(f"{path} already exists", "Choose another name")
    # built in a temporary folder: SQLite creates side files next to an open project
    with tempfile.TemporaryDirectory(prefix="clipgen-") as folder, Project(Path(folder) / path.name) as project:
        import_export(export, project, cancel)
        project.copy_to(path)


def _current(ranking: Mapping[str, Any]) -> dict[str, Any]:
    """Ranking settings without the defaults of exports from before facial actions were the default metric."""
    settings = dict(ranking)
    if "blinks" not in settings and settings.get("variation_metric") == "token_spread":
        del settings["variation_metric"]
        settings["regions"] = {region: value for region, value in settings["regions"].items() if value != 1}
    return settings


def _source(entry: Mapping[str, Any]) -> ExportSource:
    if not is_sha256(entry["fingerprint"]):
        raise ValueError("a fingerprint is no SHA-256")
    return ExportSource(
        path=Path(entry["path"]),
        fingerprint=entry["fingerprint"],
        windows=tuple(_window(record) for record in entry["windows"]),
        subjects={int(track_id): str(subject) for track_id, subject in entry["subjects"].items()},
    )


def _window(record: Mapping[str, Any]) -> WindowReview:
    key = record["start_frame"], record["end_frame"] + 1, record["track_id"]
    return WindowReview(
        scored_sequence(key, record),
        Decision(record["decision"]),
        bool(record["by_hand"]),
        tuple(map(str, record["tags"])),
        str(record["note"]),
        str(record["decided_at"]),
        str(record.get("decided_by", "")),  # missing in older exports
        as_reason(str(record.get("reason", ""))) if record["decision"] == Decision.REJECTED else "",
    )
