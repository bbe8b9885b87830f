"""Which files are meant when files and folders are given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".mxf",
)  # fmt: skip


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Files as they are, folders as the videos in them; and the folders that hold none.

    A named file is taken whatever it is called: opening it says what is wrong with it.
    """
    files: list[Path] = []
    empty: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())
        files += found
        if not found:
            empty.append(path)
    return files, empty
