"""Erases what clipgen keeps of videos outside the projects and exports that the user has saved somewhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.errors import OutputError, ProjectError
from clipgen_engine.files import locked_file, output_error
from clipgen_engine.user_folders import (
    analyses_folder,
    backups_folder,
    data_folder,
    log_folder,
    thumbnails_folder,
    unnamed_project,
)


def forget_video(fingerprint: str) -> list[str]:
    """Erase analyses, tokens, thumbnail and decisions of one video, the latter in the unnamed project and in backups.

    Returns:
        What was erased, a phrase for each kind.

    Raises:
        ProjectError: the unnamed project is open in a window.
        OutputError: something could not be removed.
    """
    erased = []
    entries = AnalysisCache().forget(fingerprint)
    if entries:
        erased.append(f"{entries} cached analyses or sets of tokens")
    thumbnail = thumbnails_folder() / f"{fingerprint}.jpg"
    if thumbnail.exists():
        thumbnail.unlink()
        erased.append("a thumbnail")
    backups = [path for path in backups_folder().glob("*/*.clipgen") if _erase_rows(path, fingerprint)]
    if backups:
        erased.append(f"decisions in {len(backups)} backups of projects")
    with _closed_project(unnamed_project()):
        if unnamed_project().exists() and _erase_rows(unnamed_project(), fingerprint):
            erased.append("decisions in the unnamed project")
    return erased


def forget_everything() -> list[str]:
    """Erase all analyses, tokens, thumbnails, backups, logs and the unnamed project.

    Returns:
        The files and folders that were removed.

    Raises:
        ProjectError: the unnamed project is open in a window.
        OutputError: something could not be removed.
    """
    with _closed_project(unnamed_project()):
        names = [analyses_folder(), thumbnails_folder(), backups_folder()]
        names += [*data_folder().glob("unnamed.*"), *log_folder().glob("clipgen.log*")]
        removed = []
        for path in names:
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.exists() or path.is_symlink():
                    path.unlink()
                else:
                    continue
            except OSError as error:
                raise output_error(path.parent, error) from error
            removed.append(str(path))
    return removed


def _closed_project(path: Path) -> closing:  # type: ignore[type-arg]  # of the lock's file
    """Hold the lock of a project, so that no window has it open meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = locked_file(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise output_error(path.parent, error) from error
    if lock is None:
        raise ProjectError("The unnamed project is open in a window", "Close clipgen first")
    return closing(lock)


def _erase_rows(path: Path, fingerprint: str) -> bool:
    """Delete a video with all that refers to it from a project file, so that its bytes are gone, too."""
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("PRAGMA foreign_keys = ON")
            count = database.execute("DELETE FROM video WHERE fingerprint = ?", (fingerprint,)).rowcount
            database.commit()
            if count:
                database.execute("VACUUM")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return count > 0
    except sqlite3.Error as error:
        raise OutputError(f"{path} could not be changed ({error})", "Use forget --all, or remove the file") from error
