"""Rolling backups of every project, in the user's data folder: a damaged project is recovered from them."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import platformdirs

from clipgen_engine.errors import OutputError
from clipgen_engine.files import private_file, private_folder, replacing

_KEPT = 3

_log = logging.getLogger(__name__)


def backups_folder() -> Path:
    """Where the backups of all projects are."""
    return Path(platformdirs.user_data_dir("clipgen", appauthor=False)) / "backups"


def backups_of(project: Path) -> list[Path]:
    """The backups of the project at this path, the newest first."""
    folder = _folder_of(project)
    return sorted(folder.glob("*.clipgen"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def back_up(database: sqlite3.Connection, project: Path) -> None:
    """Copy an open, healthy project unless its newest backup is as new; the oldest copies are removed.

    A backup that cannot be written is logged, and work goes on without it.
    """
    try:
        changed_ns = max(path.stat().st_mtime_ns for path in _files_of(project))
        known = backups_of(project)
        if known and known[0].stat().st_mtime_ns >= changed_ns:
            return
        target = private_folder(_folder_of(project)) / f"{changed_ns}.clipgen"
        copy_database(database, target)
        for path in backups_of(project)[_KEPT:]:
            path.unlink(missing_ok=True)
    except (OSError, OutputError, sqlite3.Error) as error:
        _log.warning("%s is not backed up: %s", project, error)


def copy_database(database: sqlite3.Connection, target: Path) -> None:
    """Write all that is committed to another path, as one file that only its owner may read.

    Raises:
        OutputError: it cannot be written there.
        sqlite3.Error: the source is damaged, or the target cannot be written.
    """
    with replacing(target, private=True) as temporary:
        private_file(temporary)
        with closing(sqlite3.connect(temporary)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it


def _files_of(project: Path) -> list[Path]:
    """The file and its write-ahead log."""
    return [path for path in (project, project.with_name(f"{project.name}-wal")) if path.exists()]


def _folder_of(project: Path) -> Path:
    digest = hashlib.sha256(str(project.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return backups_folder() / f"{project.stem[:60]}-{digest}"
