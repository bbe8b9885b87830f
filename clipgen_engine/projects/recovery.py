"""Recover a damaged project from its readable rows and its newest backup."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clipgen_engine.errors import DamagedProjectError, OutputError, ProjectError
from clipgen_engine.files import locked_file
from clipgen_engine.projects.backups import backups_of
from clipgen_engine.projects.conflicts import OPINION_COLUMNS, stored_opinion
from clipgen_engine.projects.file import looks_like_database
from clipgen_engine.projects.records import WINDOW_COLUMNS, stored_window
from clipgen_engine.projects.store import Project
from clipgen_engine.untrusted import parse_json

_TABLES = ("video", "marked_window", "conflict", "subject", "setting", "app_state", "export")
_BESIDE = ("-wal", "-shm")  # SQLite side files; they may hold the latest decisions


@dataclass(frozen=True)
class Recovery:
    """The result of a recovery."""

    set_aside: Path  # path of the damaged file
    videos: int  # in the recovered project
    decisions: int
    backup_at: datetime | None  # time of the backup used, if any

    def sentence(self, name: str) -> str:
        """Return a message for the user."""
        kept = f"the damaged file was kept as {self.set_aside.name}"
        if not self.videos:
            return f"{name} was damaged and none of it could be read; {kept}, and an empty project was created."
        backup = f", using the backup of {self.backup_at:%Y-%m-%d %H:%M} UTC" if self.backup_at else ""
        return (
            f"{name} was damaged; {self.videos} videos and {self.decisions} decisions were recovered{backup}; {kept}."
        )


def open_or_recover(path: Path, *, whatever: bool = False) -> tuple[Project, str]:
    """Open a project, recovering it first if it is damaged. Also returns a message about the recovery, or "".

    Args:
        whatever: also set aside and replace files that are not projects; for paths owned by clipgen.

    Raises:
        ProjectError: it can be neither opened nor recovered.
    """
    try:
        return Project(path), ""
    except DamagedProjectError:
        pass
    except ProjectError:
        if not whatever or not path.is_file() or looks_like_database(path):
            raise
    recovery = recover_project(path, whatever=whatever)
    return Project(path), recovery.sentence(path.name)


def recover_project(path: Path, *, whatever: bool = False) -> Recovery:
    """Replace a damaged project with its recovered copy. The damaged file is kept under another name.

    Args:
        whatever: see `open_or_recover`.

    Raises:
        ProjectError: it is open elsewhere, is not a project and has no backup, or cannot be replaced.
    """
    lock = locked_file(path.with_name(path.name + ".lock"))
    if lock is None:
        raise ProjectError(f"{path.name} is open in another window", "Close it there first")
    try:
        with lock:
            backup = next(iter(backups_of(path)), None)
            if backup is None and not whatever and not looks_like_database(path):
                raise ProjectError(f"{path.name} is not a clipgen project", "Choose a .clipgen file")
            with tempfile.TemporaryDirectory(prefix="clipgen-") as folder:
                rescued = Path(folder) / "recovered.clipgen"
                counts = _fill(rescued, [path] if backup is None else [backup, path])
                set_aside = _set_aside(path)
                with Project(rescued) as project:
                    project.copy_to(path)
    except (OSError, OutputError, sqlite3.Error) as error:
        raise ProjectError(
            f"{path.name} is damaged and could not be recovered ({error})", "Restore a backup"
        ) from error
    made = None if backup is None else datetime.fromtimestamp(backup.stat().st_mtime, UTC)
    return Recovery(set_aside, *counts, made)


def _fill(rescued: Path, sources: list[Path]) -> tuple[int, int]:
    """Merge the readable rows of several files, later ones winning. Returns the numbers of videos and decisions."""
    with Project(rescued):
        pass  # create an empty project
    with closing(sqlite3.connect(rescued)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        for source in sources:
            for table in _TABLES:
                names = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
                insert = f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
                for row in _readable_rows(source, table, names):
                    # skip invalid rows and constraint violations
                    with suppress(sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, OverflowError):
                        _check_row(table, dict(zip(names, row, strict=True)))
                        target.execute(insert, row)
        for table in ("marked_window", "conflict", "subject", "export"):
            target.execute(f"DELETE FROM {table} WHERE video_id NOT IN (SELECT id FROM video)")
        target.commit()
        (videos,) = target.execute("SELECT count(*) FROM video").fetchone()
        (decisions,) = target.execute("SELECT count(*) FROM marked_window WHERE decision != 'undecided'").fetchone()
    return videos, decisions


def _check_row(table: str, row: dict[str, Any]) -> None:
    """Raise if a project could not parse this row."""
    if table == "marked_window":
        stored_window(tuple(row[name] for name in WINDOW_COLUMNS))
    elif table == "conflict":
        stored_opinion(tuple(row[name] for name in OPINION_COLUMNS))
    elif table == "video":
        Path(row["path"])
        if row["selected"]:
            _start, _stop, _track_id = parse_json(row["selected"])
    elif table == "export":
        tuple(parse_json(row["clips"])), dict(parse_json(row["details"]))
    elif table in ("setting", "app_state"):
        parse_json(row["value"])


def _readable_rows(path: Path, table: str, names: list[str]) -> list[tuple[Any, ...]]:
    """Return the rows before the first unreadable page and after the last one."""
    found: dict[tuple[Any, ...], None] = {}
    for order in ("ASC", "DESC"):
        with (
            suppress(sqlite3.Error, ValueError),
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        ):
            source.text_factory = lambda value: value.decode("utf-8", "replace")
            for row in source.execute(f"SELECT {', '.join(names)} FROM {table} NOT INDEXED ORDER BY rowid {order}"):
                found[row] = None
    return list(found)


def _set_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(target.with_name(target.name + suffix))
    path.replace(target)
    return target
