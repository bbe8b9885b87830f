"""Expansion of given files and folders into video files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clipgen_engine.datasets.manifest import MANIFEST_NAME, read_manifest
from clipgen_engine.errors import OutputError

SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".mxf",
)  # fmt: skip


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Expand folders into the videos they contain. Return the files and the folders without videos.

    Files are kept whatever their suffix; opening them reports errors. Clips exported by clipgen are skipped in
    folders that contain their manifest; a folder that contains only the clips is expanded normally.
    """
    files: list[Path] = []
    empty: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found, exported = [], set()
        for one in path.rglob("*"):
            if one.suffix.lower() in SUFFIXES and one.is_file():
                found.append(one)
            elif one.name == MANIFEST_NAME:
                exported |= _exported(one)
        videos = sorted(one for one in found if one not in exported)
        files += videos
        if not videos:
            empty.append(path)
    return files, empty


def _exported(manifest: Path) -> set[Path]:
    try:
        return {manifest.parent / name for name in read_manifest(manifest).files}
    except (OutputError, OSError):
        return set()  # reported when the export itself is opened
