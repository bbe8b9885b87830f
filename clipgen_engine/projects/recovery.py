"""A damaged project: what can still be read of it, completed by its newest backup, becomes a project again."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clipgen_engine.errors import OutputError, ProjectError
from clipgen_engine.files import locked_file
from clipgen_engine.projects.backups import backups_of
from clipgen_engine.projects.file import looks_like_database
from clipgen_engine.projects.store import Project, stored_window
from clipgen_engine.untrusted import parse_json

_TABLES = ("video", "marked_window", "subject", "setting", "app_state", "export")
_BESIDE = ("-wal", "-shm")  # SQLite's own files; without them the set-aside copy would lack the latest decisions


@dataclass(frozen=True)
class Recovery:
    """What became of a damaged project."""

    set_aside: Path  # the damaged file
    videos: int  # in the recovered project
    decisions: int
    backup_at: datetime | None  # when the backup was made that completed it; None: there was none

    def sentence(self, name: str) -> str:
        """One sentence for the user."""
        kept = f"the damaged file was kept as {self.set_aside.name}"
        if not self.videos:
            return f"{name} was damaged and nothing of it could be read; {kept}, and an empty project was started."
        backup = f", completed by the backup of {self.backup_at:%Y-%m-%d %H:%M} UTC" if self.backup_at else ""
        return (
            f"{name} was damaged; {self.videos} videos and {self.decisions} decisions were recovered{backup}; {kept}."
        )


def recover_project(path: Path) -> Recovery:
    """Put a recovered project in the place of a damaged one, which is kept under another name.

    Raises:
        ProjectError: it is open elsewhere, is not a project at all and has no backup, or cannot be replaced.
    """
    lock = locked_file(path.with_name(path.name + ".lock"))
    if lock is None:
        raise ProjectError(f"{path.name} is open in another window", "Close that first")
    try:
        with lock:
            backup = next(iter(backups_of(path)), None)
            if backup is None and not looks_like_database(path):
                raise ProjectError(f"{path.name} is not a clipgen project", "Choose a .clipgen file")
            with tempfile.TemporaryDirectory(prefix="clipgen-") as folder:
                rescued = Path(folder) / "recovered.clipgen"
                if backup is not None:
                    shutil.copyfile(backup, rescued)
                counts = _fill(rescued, path)
                set_aside = _set_aside(path)
                with Project(rescued) as project:
                    project.copy_to(path)
    except (OSError, OutputError, sqlite3.Error) as error:
        raise ProjectError(
            f"{path.name} is damaged and could not be recovered ({error})", "Restore a backup"
        ) from error
    made = None if backup is None else datetime.fromtimestamp(backup.stat().st_mtime, UTC)
    return Recovery(set_aside, *counts, made)


def _fill(rescued: Path, damaged: Path) -> tuple[int, int]:
    """Overlay what the damaged file still says on the backup; numbers of videos and decisions that are there then."""
    with Project(rescued):  # creates an empty one, or brings the backup to the latest schema
        pass
    with closing(sqlite3.connect(rescued)) as target:
        target.execute("PRAGMA foreign_keys = OFF")
        for table in _TABLES:
            names = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
            found = _readable_rows(damaged, table, names)
            places = ", ".join("?" * len(names))
            for row in found:
                # a row that makes no sense or breaks a constraint is damage, too
                with suppress(sqlite3.Error, ValueError, KeyError, TypeError, AttributeError):
                    _check_row(table, dict(zip(names, row, strict=True)))
                    target.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({places})", row)
        for table in ("marked_window", "subject", "export"):
            target.execute(f"DELETE FROM {table} WHERE video_id NOT IN (SELECT id FROM video)")
        target.commit()
        (videos,) = target.execute("SELECT count(*) FROM video").fetchone()
        (decisions,) = target.execute("SELECT count(*) FROM marked_window WHERE decision != 'undecided'").fetchone()
    return videos, decisions


def _check_row(table: str, row: dict[str, Any]) -> None:
    """Raise one of several errors where a project could not make sense of this row."""
    if table == "marked_window":
        columns = (
            "start_frame",
            "stop_frame",
            "track_id",
            "decision",
            "by_hand",
            "decided_at",
            "scores",
            "tags",
            "note",
        )
        stored_window(tuple(row[name] for name in columns))
    elif table == "video":
        Path(row["path"])
        if row["selected"]:
            _start, _stop, _track_id = parse_json(row["selected"])
    elif table == "export":
        tuple(parse_json(row["clips"])), dict(parse_json(row["details"]))
    elif table in ("setting", "app_state"):
        parse_json(row["value"])


def _readable_rows(path: Path, table: str, names: list[str]) -> list[tuple[Any, ...]]:
    """The rows of a table before the first unreadable page, and those after the last one."""
    found: dict[tuple[Any, ...], None] = {}
    for order in ("ASC", "DESC"):
        with (
            suppress(sqlite3.Error),
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
