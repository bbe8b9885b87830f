"""Which files are meant when files and folders are given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clipgen_engine.datasets.manifest import MANIFEST_NAME, read_manifest
from clipgen_engine.errors import OutputError

SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".mxf",
)  # fmt: skip


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Files as they are, folders as the videos in them; and the folders that hold none.

    A named file is taken whatever it is called: opening it says what is wrong with it. Clips that clipgen exported to
    a folder or below it are left out: nobody wants the best moments of a clip that was cut as one. Who does names the
    folder in which the clips alone lie.
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
        return set()  # it matters to who opens the export, and is said there
