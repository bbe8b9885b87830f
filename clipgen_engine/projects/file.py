"""The SQLite file of a project: single-writer locking, schema migration and live copies."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clipgen_engine.closing import Closing
from clipgen_engine.errors import DamagedProjectError, OutputError, ProjectError
from clipgen_engine.files import locked_file, private_file
from clipgen_engine.projects.backups import back_up, copy_database

_APPLICATION_ID = 0x636C6970  # "clip": distinguishes projects from other SQLite files
# SQL: the combined score of a window; NULL for a damaged record. Indexed, so that it must stay as it is
DECIDED_SCORE = "CASE WHEN json_valid(scores) THEN json_extract(scores, '$.combined_score') END"
_MIGRATIONS = (
    """
    CREATE TABLE video (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        added_at TEXT NOT NULL,
        position INTEGER NOT NULL DEFAULT 0,
        selected TEXT
    );
    CREATE TABLE marked_window (
        video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        start_frame INTEGER NOT NULL,
        stop_frame INTEGER NOT NULL,
        track_id INTEGER NOT NULL,
        decision TEXT NOT NULL,
        by_hand INTEGER NOT NULL,
        decided_at TEXT NOT NULL,
        scores TEXT NOT NULL,
        PRIMARY KEY (video_id, start_frame, stop_frame, track_id)
    );
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE export (
        id INTEGER PRIMARY KEY,
        video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        exported_at TEXT NOT NULL,
        folder TEXT NOT NULL,
        clips TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE new_video (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT UNIQUE,
        path TEXT NOT NULL,
        added_at TEXT NOT NULL,
        removed_at TEXT,
        queue_place INTEGER NOT NULL,
        position INTEGER NOT NULL DEFAULT 0,
        selected TEXT,
        state TEXT NOT NULL DEFAULT 'waiting',
        message TEXT NOT NULL DEFAULT '',
        duration_s REAL,
        window_count INTEGER,
        analysis TEXT NOT NULL DEFAULT ''
    );
    INSERT INTO new_video (id, fingerprint, path, added_at, queue_place, position, selected)
        SELECT id, fingerprint, path, added_at, id, position, selected FROM video;
    DROP TABLE video;
    ALTER TABLE new_video RENAME TO video;
    CREATE INDEX video_path ON video (path);
    ALTER TABLE marked_window ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE marked_window ADD COLUMN note TEXT NOT NULL DEFAULT '';
    CREATE TABLE subject (
        video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        track_id INTEGER NOT NULL,
        subject_id TEXT NOT NULL,
        PRIMARY KEY (video_id, track_id)
    );
    CREATE TABLE app_state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    ALTER TABLE export ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
    """,
    # token_spread was the default metric, not a choice: such projects get the new default
    """
    DELETE FROM setting WHERE name = 'variation_metric' AND value = '"token_spread"';
    """,
    # a conflict is a decision of one of several curators who disagree
    """
    ALTER TABLE marked_window ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    ALTER TABLE marked_window ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
    CREATE TABLE conflict (
        video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        start_frame INTEGER NOT NULL,
        stop_frame INTEGER NOT NULL,
        track_id INTEGER NOT NULL,
        curator TEXT NOT NULL,
        decision TEXT NOT NULL,
        reason TEXT NOT NULL,
        note TEXT NOT NULL,
        decided_at TEXT NOT NULL,
        PRIMARY KEY (video_id, start_frame, stop_frame, track_id, curator)
    );
    """,
    # the index holds what statistics are counted from, so that they need not read the scores
    f"""
    ALTER TABLE video ADD COLUMN frame_count INTEGER;
    CREATE INDEX decided_window ON marked_window (
        decision, video_id, track_id, start_frame, stop_frame, decided_at, decided_by, reason,
        {DECIDED_SCORE}
    );
    """,
)
SCHEMA_VERSION = len(_MIGRATIONS)
_CHECKED_BYTES = 64 << 20  # larger files are not checked on opening: too slow
_RECOVER = "Open it in the app to recover its data"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def looks_like_database(path: Path) -> bool:
    """Whether the file has an SQLite header, or is empty."""
    with path.open("rb") as file:
        return file.read(16) in (b"SQLite format 3\0", b"")


class ProjectFile(Closing):
    """An open project file. The first opener can write; later ones, in any process, are read-only."""

    def __init__(self, path: Path) -> None:
        """Open or create a project. An older schema is migrated, after a copy is saved next to the file.

        Raises:
            ProjectError: the file is not a project, is damaged, was made by a newer clipgen, or cannot be opened.
        """
        self.path = path
        self._guard = threading.Lock()
        self._collecting = False  # whether `together` holds a transaction open
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = locked_file(path.with_name(path.name + ".lock"))
            self.read_only = self._lock_file is None
            if not self.read_only:
                private_file(path)
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )
        except (OSError, sqlite3.Error) as error:
            self._release()
            raise ProjectError(f"The project {path} cannot be opened ({error})", "Choose another path") from error
        try:
            self._database.text_factory = bytes.decode
            self._prepare()
        except sqlite3.OperationalError as error:
            self.close()
            raise ProjectError(f"The project {path} cannot be opened ({error})", "Choose another path") from error
        except (sqlite3.DatabaseError, ValueError) as error:  # the message may contain bytes of the file
            self.close()
            if not looks_like_database(path):
                raise ProjectError(f"{path.name} is not a clipgen project", "Choose a .clipgen file") from error
            raise DamagedProjectError(f"{path.name} is damaged ({_one_line(error)})", _RECOVER) from error
        except OutputError as error:
            self.close()
            raise ProjectError(
                f"{path.name} could not be copied before its migration. {error.message}", error.hint
            ) from error
        except ProjectError:
            self.close()
            raise

    def _prepare(self) -> None:
        version = self._number("user_version")
        if version and self._number("application_id") != _APPLICATION_ID:
            raise ProjectError(f"{self.path.name} is a database of another program", "Choose a .clipgen file")
        if version > SCHEMA_VERSION:
            raise ProjectError(
                f"{self.path.name} was made by a newer clipgen", "Install the newest clipgen, or choose another project"
            )
        if self.read_only:
            if version < SCHEMA_VERSION:
                raise ProjectError(
                    f"{self.path.name} is open in an older clipgen", "Close it there, then open it again"
                )
            return
        if not version and self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ProjectError(f"{self.path.name} is a database of another program", "Choose a .clipgen file")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # decisions survive a power cut
        if 0 < version < SCHEMA_VERSION:
            self.copy_to(self.path.with_name(f"{self.path.name}.v{version}"))
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            self._database.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; "
                f"PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
            )
        if self.path.stat().st_size <= _CHECKED_BYTES:
            (found,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
        if version:
            back_up(self._database, self.path)
        self._database.execute("PRAGMA foreign_keys = ON")  # after the migrations, which drop and recreate tables

    def _number(self, pragma: str) -> int:
        return int(self._database.execute(f"PRAGMA {pragma}").fetchone()[0])

    def rows(self, query: str, *values: object, read: Callable[[tuple[Any, ...]], Any] = tuple) -> list[Any]:
        """Return all rows of a query.

        Args:
            read: converts a row; its errors are reported as damage.

        Raises:
            ProjectError: see `reading`.
        """
        with self.reading():
            return [read(row) for row in self._database.execute(query, values)]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Convert errors while reading and parsing stored values to project errors.

        Raises:
            DamagedProjectError: the stored values are invalid.
            ProjectError: the file cannot be read.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ProjectError(f"{self.path.name} cannot be read ({error})", "Check the disk") from error
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise DamagedProjectError(f"{self.path.name} is damaged ({_one_line(error)})", _RECOVER) from error

    def write(self, statements: Callable[[sqlite3.Connection], object], *, durable: bool = True) -> None:
        """Run statements in one transaction, committed on return.

        Args:
            durable: flush to disk, to survive a power cut. Not needed for data that can be recomputed; even without
                it the commit survives a crash of the process.

        Raises:
            ProjectError: the file is open elsewhere, or cannot be written.
        """
        if self._collecting:
            statements(self._database)
            return
        with self._transaction(durable):
            statements(self._database)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Group all writes in this context into one durable transaction. Rolls back on any exception.

        Raises:
            ProjectError: see `write`.
        """
        with self._transaction(durable=True):
            self._collecting = True
            try:
                yield
            finally:
                self._collecting = False

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[None]:
        if self.read_only:
            raise ProjectError(f"{self.path.name} is open in another window", "Review it there, or close it")
        with self._guard:
            try:
                self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self._database.execute("COMMIT")
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise ProjectError(
                    f"{self.path.name} could not be written ({error})", "Free some space, or choose another folder"
                ) from error

    def copy_to(self, path: Path) -> None:
        """Copy the committed state to another path, overwriting it.

        Raises:
            OutputError: the copy cannot be written.
        """
        try:
            copy_database(self._database, path)
        except sqlite3.Error as error:
            raise OutputError(f"{path} could not be written ({error})", "Choose another folder") from error

    def close(self) -> None:
        """Close the file and release the write lock."""
        self._database.close()
        self._release()

    def _release(self) -> None:
        lock_file = getattr(self, "_lock_file", None)
        if lock_file is not None:
            lock_file.close()  # releases the lock; the OS does if the process is killed
            self._lock_file = None
