"""A project: one SQLite file that holds videos, settings and every decision, each committed when it is made."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from clipgen_engine.closing import Closing
from clipgen_engine.errors import ProjectError
from clipgen_engine.files import strict_json
from clipgen_engine.types import Decision, Sequence

_APPLICATION_ID = 0x636C6970  # "clip": tells a project from other SQLite files
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
)

Key = tuple[int, int, int]


@dataclass(frozen=True)
class StoredWindow:
    """A decision, or a window made by hand, as the project keeps it."""

    sequence: Sequence
    decision: Decision
    by_hand: bool
    decided_at: str = field(default="", compare=False)  # UTC, ISO 8601; filled in when it is stored


@dataclass(frozen=True)
class StoredVideo:
    """A video of the project."""

    video_id: int
    path: Path
    fingerprint: str
    position: int  # playhead, frame index
    selected: Key | None


class Project(Closing):
    """An open project. Every method that writes has committed when it returns; usable from one thread at a time.

    A second opener, in this process or another, gets a read-only project: its writes raise ProjectError.
    """

    def __init__(self, path: Path) -> None:
        """Open a project, or make one where there is no file.

        Raises:
            ProjectError: the file is no project, is damaged, was made by a newer clipgen, or cannot be opened.
        """
        self.path = path
        self._guard = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = _locked(path.with_name(path.name + ".lock"))
            self.read_only = self._lock_file is None
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if self.read_only else 'rwc'}",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )
        except (OSError, sqlite3.Error) as error:
            self._release()
            raise ProjectError(f"The project {path} cannot be opened ({error})", "Choose another place") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise ProjectError(
                f"{path.name} is no clipgen project, or is damaged ({error})", "Choose another"
            ) from error
        except ProjectError:
            self.close()
            raise

    def _prepare(self) -> None:
        version = self._number("user_version")
        if version and self._number("application_id") != _APPLICATION_ID:
            raise ProjectError(f"{self.path.name} is a database of another program", "Choose a .clipgen file")
        if version > len(_MIGRATIONS):
            raise ProjectError(
                f"{self.path.name} was made by a newer clipgen", "Install the newest clipgen, or choose another project"
            )
        if self.read_only:
            return
        if not version and self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ProjectError(f"{self.path.name} is a database of another program", "Choose a .clipgen file")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # a decision survives a power cut, too
        self._database.execute("PRAGMA foreign_keys = ON")
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            self._database.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; "
                f"PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
            )

    def _number(self, pragma: str) -> int:
        return int(self._database.execute(f"PRAGMA {pragma}").fetchone()[0])

    def add_video(self, path: Path, fingerprint: str) -> StoredVideo:
        """The video of this fingerprint, added where it is new; a video that moved gets its new path."""
        known = self._video_where("fingerprint = ?", fingerprint)
        if known is None or (known.path != path and not self.read_only):
            self._write(
                lambda: self._database.execute(
                    "INSERT INTO video (fingerprint, path, added_at) VALUES (?, ?, ?) "
                    "ON CONFLICT (fingerprint) DO UPDATE SET path = excluded.path",
                    (fingerprint, str(path), _now()),
                )
            )
            known = self._video_where("fingerprint = ?", fingerprint)
        assert known is not None
        return known

    def videos(self) -> list[StoredVideo]:
        """All videos in the order in which they were added."""
        rows = self._database.execute("SELECT id, path, fingerprint, position, selected FROM video ORDER BY id")
        return [_stored_video(row) for row in rows]

    def windows(self, video_id: int) -> dict[Key, StoredWindow]:
        """All decisions and hand-made windows of a video."""
        rows = self._database.execute(
            "SELECT start_frame, stop_frame, track_id, decision, by_hand, decided_at, scores "
            "FROM marked_window WHERE video_id = ? ORDER BY start_frame, stop_frame, track_id",
            (video_id,),
        )
        return {window.sequence.key: window for window in map(_stored_window, rows)}

    def mark(self, video_id: int, changes: Mapping[Key, StoredWindow | None]) -> None:
        """Store decisions, all or none of them; None takes one away."""

        def write() -> None:
            for (start, stop, track_id), window in changes.items():
                if window is None:
                    self._database.execute(
                        "DELETE FROM marked_window "
                        "WHERE video_id = ? AND start_frame = ? AND stop_frame = ? AND track_id = ?",
                        (video_id, start, stop, track_id),
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO marked_window VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            video_id, start, stop, track_id, window.decision.value, window.by_hand, _now(),
                            _scores_text(window.sequence),
                        ),
                    )  # fmt: skip

        self._write(write)

    def set_place(self, video_id: int, position: int, selected: Key | None) -> None:
        """Store where the curator is in a video."""
        place = position, None if selected is None else strict_json(selected), video_id
        self._write(lambda: self._database.execute("UPDATE video SET position = ?, selected = ? WHERE id = ?", place))

    def settings(self) -> dict[str, Any]:
        """Stored settings, plain JSON values by name."""
        rows = self._database.execute("SELECT name, value FROM setting")
        return {name: json.loads(value) for name, value in rows}

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Store settings by name; others stay."""
        rows = [(name, strict_json(value)) for name, value in settings.items()]
        self._write(lambda: self._database.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", rows))

    def add_export(self, video_id: int, folder: Path, clips: list[str]) -> None:
        """Record that clips of a video were written."""
        row = video_id, _now(), str(folder), strict_json(clips)
        self._write(
            lambda: self._database.execute(
                "INSERT INTO export (video_id, exported_at, folder, clips) VALUES (?, ?, ?, ?)", row
            )
        )

    def exports(self, video_id: int) -> list[tuple[str, Path, list[str]]]:
        """Time (UTC, ISO 8601), folder and clip names of each export of a video, oldest first."""
        rows = self._database.execute(
            "SELECT exported_at, folder, clips FROM export WHERE video_id = ? ORDER BY id", (video_id,)
        )
        return [(at, Path(folder), json.loads(clips)) for at, folder, clips in rows]

    def close(self) -> None:
        """Close the file; the next opener may write."""
        self._database.close()
        self._release()

    def _video_where(self, condition: str, value: object) -> StoredVideo | None:
        row = self._database.execute(
            f"SELECT id, path, fingerprint, position, selected FROM video WHERE {condition}", (value,)
        ).fetchone()
        return None if row is None else _stored_video(row)

    def _write(self, statements: Callable[[], object]) -> None:
        if self.read_only:
            raise ProjectError(f"{self.path.name} is open in another window", "Decide there, or close it")
        with self._guard:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    statements()
                    self._database.execute("COMMIT")
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise ProjectError(
                    f"{self.path.name} could not be written ({error})", "Free some space or choose another place"
                ) from error

    def _release(self) -> None:
        lock_file = getattr(self, "_lock_file", None)
        if lock_file is not None:
            lock_file.close()  # the lock goes with it, and with the process should that be killed
            self._lock_file = None


def _stored_video(row: tuple[Any, ...]) -> StoredVideo:
    video_id, path, fingerprint, position, selected = row
    start_stop_track = json.loads(selected) if selected else None
    return StoredVideo(video_id, Path(path), fingerprint, position, start_stop_track and tuple(start_stop_track))


def _stored_window(row: tuple[Any, ...]) -> StoredWindow:
    start, stop, track_id, decision, by_hand, decided_at, text = row
    scores = json.loads(text)
    sequence = Sequence(
        rank=0,
        start_frame=start,
        stop_frame=stop,
        track_id=track_id,
        terms=scores["terms"],
        combined_score=scores["combined_score"],
        top_channels=tuple((name, change) for name, change in scores["top_channels"]),
    )
    return StoredWindow(sequence, Decision(decision), bool(by_hand), decided_at)


def _scores_text(sequence: Sequence) -> str:
    return strict_json(
        {
            "terms": dict(sequence.terms),
            "combined_score": sequence.combined_score,
            "top_channels": sequence.top_channels,
        }
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _locked(path: Path) -> IO[bytes] | None:
    """An open file that nobody else can lock meanwhile, or None where somebody else has."""
    file = path.open("ab")
    try:
        try:
            import fcntl
        except ImportError:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
