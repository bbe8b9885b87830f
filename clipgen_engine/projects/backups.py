"""Rolling backups of every project in the user data folder, for recovery of damaged projects."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from clipgen_engine.errors import OutputError
from clipgen_engine.files import private_file, private_folder, replacing
from clipgen_engine.user_folders import backups_folder

_KEPT = 3

_log = logging.getLogger(__name__)


def backups_of(project: Path) -> list[Path]:
    """Return the backups of the project at this path, newest first."""
    folder = _folder_of(project)
    return sorted(folder.glob("*.clipgen"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def back_up(database: sqlite3.Connection, project: Path) -> None:
    """Back up an open, intact project unless the newest backup is up to date. Deletes the oldest backups.

    Failures are logged, not raised.
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
        _log.warning("Could not back up %s: %s", project, error)


def copy_database(database: sqlite3.Connection, target: Path) -> None:
    """Copy the committed state to a single file, readable by its owner only.

    Raises:
        OutputError: the target cannot be written.
        sqlite3.Error: the source is damaged, or the target cannot be written.
    """
    with replacing(target, private=True) as temporary:
        private_file(temporary)
        with closing(sqlite3.connect(temporary)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # no side files


def _files_of(project: Path) -> list[Path]:
    """Return the existing ones of database and write-ahead log."""
    return [path for path in (project, project.with_name(f"{project.name}-wal")) if path.exists()]


def _folder_of(project: Path) -> Path:
    digest = hashlib.sha256(str(project.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return backups_folder() / f"{project.stem[:60]}-{digest}"
