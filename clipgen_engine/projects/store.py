"""A project: one SQLite file that holds videos, settings and every decision, each committed when it is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clipgen_engine.files import strict_json
from clipgen_engine.projects.file import ProjectFile
from clipgen_engine.types import Decision, Sequence
from clipgen_engine.untrusted import parse_json

Key = tuple[int, int, int]


def now() -> str:
    """This moment as a project stores it: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class WindowReview:
    """A window as the project keeps it: decided, made by hand, tagged or with a note."""

    sequence: Sequence
    decision: Decision
    manual: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    # UTC, ISO 8601; empty while undecided, and for a decision that is to be stored: at that time
    decided_at: str = field(default="", compare=False)

    @property
    def pinned(self) -> bool:
        """Whether the window is listed even where the ranking would not select it."""
        return self.decision is not Decision.REJECTED and self.worth_keeping

    @property
    def worth_keeping(self) -> bool:
        """Whether it holds anything that the ranking would not produce by itself."""
        return self.decision is not Decision.UNDECIDED or self.manual or bool(self.tags or self.note)


@dataclass(frozen=True)
class StoredVideo:
    """A video of the project, as a list shows it: nothing here needs the file itself."""

    video_id: int
    path: Path
    fingerprint: str | None  # None until somebody looked into the file
    added_at: str  # UTC, ISO 8601
    position: int  # playhead, frame index
    selected: Key | None
    state: str  # of the analysis; what the app calls it
    message: str  # why it failed
    duration_s: float | None
    window_count: int | None  # windows that were listed last; None: not analysed
    analysis: str  # name of its entry in the analysis cache; empty: none
    accepted: int
    rejected: int


@dataclass(frozen=True)
class StoredExport:
    """Clips of one video that were written at one time."""

    exported_at: str  # UTC, ISO 8601
    folder: Path
    clips: tuple[str, ...]  # file names
    details: Mapping[str, Any]  # layout, settings: whatever made them


_VIDEO = """
    SELECT id, path, fingerprint, added_at, position, selected, state, message, duration_s, window_count, analysis,
        (SELECT count(*) FROM marked_window WHERE video_id = video.id AND decision = 'accepted'),
        (SELECT count(*) FROM marked_window WHERE video_id = video.id AND decision = 'rejected')
    FROM video
"""


class Project(ProjectFile):
    """An open project. Every method that writes has committed when it returns; usable from one thread at a time.

    A second opener, in this process or another, gets a read-only project: its writes raise ProjectError.
    """

    # Videos

    def videos(self) -> list[StoredVideo]:
        """The videos that were not removed, in the order of the queue."""
        return self.rows(f"{_VIDEO} WHERE removed_at IS NULL ORDER BY queue_place, id", read=_stored_video)

    def add_videos(self, paths: Iterable[Path]) -> list[StoredVideo]:
        """The videos at these paths, appended to the queue where they are new; one that was removed is back."""
        paths = list(paths)
        ids: list[int] = []

        def write(database: sqlite3.Connection) -> None:
            for path in paths:
                known = database.execute("SELECT max(id) FROM video WHERE path = ?", (str(path),)).fetchone()[0]
                ids.append(known or _insert(database, path, None))
                database.execute("UPDATE video SET removed_at = NULL WHERE id = ?", (ids[-1],))

        self.write(write)
        return [self.video(video_id) for video_id in ids]

    def add_video(self, path: Path, fingerprint: str) -> StoredVideo:
        """The video of this fingerprint, added where it is new; one that moved gets its new path."""
        return self.identify(self.add_videos([path])[0].video_id, fingerprint)

    def video(self, video_id: int) -> StoredVideo:
        (video,) = self.rows(f"{_VIDEO} WHERE id = ?", video_id, read=_stored_video)
        assert isinstance(video, StoredVideo)
        return video

    def video_of(self, fingerprint: str) -> StoredVideo | None:
        """The video of this fingerprint, removed or not."""
        return next(iter(self.rows(f"{_VIDEO} WHERE fingerprint = ?", fingerprint, read=_stored_video)), None)

    def identify(self, video_id: int, fingerprint: str) -> StoredVideo:
        """The video that the file at this video's path really is, now that its fingerprint is known.

        Usually the same one. Another, where the project knows this file by another path: a file that is gone from
        there has moved, and the other gets the new path. A new one, where the file was replaced: what it was before is
        removed, and back with its decisions when that file is found again.
        """
        video = self.video(video_id)
        if video.fingerprint == fingerprint:
            return video
        other = self.video_of(fingerprint)
        moved = other is not None and not other.path.exists()
        found = video_id

        def write(database: sqlite3.Connection) -> None:
            nonlocal found
            if other is None and video.fingerprint is None:
                database.execute("UPDATE video SET fingerprint = ? WHERE id = ?", (fingerprint, video_id))
                return
            found = _insert(database, video.path, fingerprint) if other is None else other.video_id
            database.execute("UPDATE video SET removed_at = NULL WHERE id = ?", (found,))
            if moved:
                database.execute("UPDATE video SET path = ? WHERE id = ?", (str(video.path), found))
            if video.fingerprint is None:
                database.execute("DELETE FROM video WHERE id = ?", (video_id,))
            else:
                database.execute("UPDATE video SET removed_at = ? WHERE id = ?", (now(), video_id))

        self.write(write, durable=False)
        return self.video(found)

    def describe_video(
        self,
        video_id: int,
        *,
        path: Path | None = None,
        state: str | None = None,
        message: str | None = None,
        duration_s: float | None = None,
        window_count: int | None = None,
        analysis: str | None = None,
    ) -> None:
        """Store what was found out about a video; what is None stays as it is."""
        given = {
            "path": None if path is None else str(path),
            "state": state,
            "message": message,
            "duration_s": duration_s,
            "window_count": window_count,
            "analysis": analysis,
        }
        values = {name: value for name, value in given.items() if value is not None}
        columns = ", ".join(f"{name} = ?" for name in values)
        self.write(
            lambda database: database.execute(f"UPDATE video SET {columns} WHERE id = ?", (*values.values(), video_id)),
            durable=False,
        )

    def reorder(self, video_ids: Iterable[int]) -> None:
        """Store the order of the queue."""
        rows = list(enumerate(video_ids, start=1))
        self.write(lambda database: database.executemany("UPDATE video SET queue_place = ? WHERE id = ?", rows))

    def remove_videos(self, video_ids: Iterable[int]) -> None:
        """Take videos out of the list. Their decisions stay in the file and are back when a video is added again."""
        rows = [(now(), video_id) for video_id in video_ids]
        self.write(lambda database: database.executemany("UPDATE video SET removed_at = ? WHERE id = ?", rows))

    def restore_videos(self, video_ids: Iterable[int]) -> None:
        """Bring removed videos back to where they were."""
        rows = [(video_id,) for video_id in video_ids]
        self.write(lambda database: database.executemany("UPDATE video SET removed_at = NULL WHERE id = ?", rows))

    def set_position(self, video_id: int, position: int, selected: Key | None) -> None:
        """Store where the curator is in a video."""
        place = position, None if selected is None else strict_json(selected), video_id
        self.write(
            lambda database: database.execute("UPDATE video SET position = ?, selected = ? WHERE id = ?", place),
            durable=False,
        )

    # Windows

    def windows(self, video_id: int) -> dict[Key, WindowReview]:
        """All windows of a video that were decided, made by hand, tagged or noted."""
        windows = self.rows(
            "SELECT start_frame, stop_frame, track_id, decision, by_hand, decided_at, scores, tags, note "
            "FROM marked_window WHERE video_id = ? ORDER BY start_frame, stop_frame, track_id",
            video_id,
            read=stored_window,
        )
        return {window.sequence.key: window for window in windows}

    def save_reviews(self, video_id: int, changes: Mapping[Key, WindowReview | None]) -> None:
        """Store windows, all or none of them; None takes one away."""

        def write(database: sqlite3.Connection) -> None:
            for (start, stop, track_id), window in changes.items():
                if window is None:
                    database.execute(
                        "DELETE FROM marked_window "
                        "WHERE video_id = ? AND start_frame = ? AND stop_frame = ? AND track_id = ?",
                        (video_id, start, stop, track_id),
                    )
                else:
                    undecided = window.decision is Decision.UNDECIDED
                    decided_at = window.decided_at or ("" if undecided else now())
                    database.execute(
                        "INSERT OR REPLACE INTO marked_window (video_id, start_frame, stop_frame, track_id, decision, "
                        "by_hand, decided_at, scores, tags, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            video_id, start, stop, track_id, window.decision.value, window.manual, decided_at,
                            _scores_text(window.sequence), strict_json(window.tags), window.note,
                        ),
                    )  # fmt: skip

        self.write(write)

    def tags(self) -> dict[str, int]:
        """Every tag of the project with the number of windows that have it, in alphabetical order."""
        rows = self.rows("SELECT value, count(*) FROM marked_window, json_each(tags) GROUP BY value ORDER BY value")
        return dict(rows)

    # Subjects

    def subjects(self, video_id: int) -> dict[int, str]:
        """Subject ids by track id of a video."""
        rows = self.rows("SELECT track_id, subject_id FROM subject WHERE video_id = ? ORDER BY track_id", video_id)
        return dict(rows)

    def set_subject(self, video_id: int, track_id: int, subject_id: str) -> None:
        """Say who a track shows; empty: nobody says it."""

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM subject WHERE video_id = ? AND track_id = ?", (video_id, track_id))
            if subject_id:
                database.execute("INSERT INTO subject VALUES (?, ?, ?)", (video_id, track_id, subject_id))

        self.write(write)

    def subject_ids(self) -> list[str]:
        """Every subject id of the project, in alphabetical order."""
        return [subject_id for (subject_id,) in self.rows("SELECT DISTINCT subject_id FROM subject ORDER BY 1")]

    # Settings

    def settings(self) -> dict[str, Any]:
        """Stored ranking settings, plain JSON values by name."""
        return dict(self.rows("SELECT name, value FROM setting", read=_named_value))

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Store ranking settings by name; others stay."""
        self._set_named("setting", settings)

    def app_state(self) -> dict[str, Any]:
        """What the app remembers of its own with this project, plain JSON values by name."""
        return dict(self.rows("SELECT name, value FROM app_state", read=_named_value))

    def set_app_state(self, values: Mapping[str, Any]) -> None:
        """Store what the app remembers by name; others stay."""
        self._set_named("app_state", values)

    def _set_named(self, table: str, values: Mapping[str, Any]) -> None:
        rows = [(name, strict_json(value)) for name, value in values.items()]
        self.write(
            lambda database: database.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows), durable=False
        )

    # Exports

    def add_export(
        self, video_id: int, folder: Path, clips: Iterable[str], details: Mapping[str, Any] | None = None
    ) -> None:
        """Record that clips of a video were written."""
        row = video_id, now(), str(folder), strict_json(list(clips)), strict_json(dict(details or {}))
        self.write(
            lambda database: database.execute(
                "INSERT INTO export (video_id, exported_at, folder, clips, details) VALUES (?, ?, ?, ?, ?)", row
            )
        )

    def exports(self, video_id: int) -> list[StoredExport]:
        """The exports of a video, oldest first."""
        query = "SELECT exported_at, folder, clips, details FROM export WHERE video_id = ? ORDER BY id"
        return self.rows(query, video_id, read=_stored_export)


def _insert(database: sqlite3.Connection, path: Path, fingerprint: str | None) -> int:
    row_id = database.execute(
        "INSERT INTO video (fingerprint, path, added_at, queue_place) "
        "VALUES (?, ?, ?, (SELECT coalesce(max(queue_place), 0) + 1 FROM video))",
        (fingerprint, str(path), now()),
    ).lastrowid
    assert row_id is not None
    return row_id


def _named_value(row: tuple[Any, ...]) -> tuple[str, Any]:
    name, value = row
    return str(name), parse_json(value)


def _stored_export(row: tuple[Any, ...]) -> StoredExport:
    exported_at, folder, clips, details = row
    return StoredExport(exported_at, Path(folder), tuple(parse_json(clips)), parse_json(details))


def _stored_video(row: tuple[Any, ...]) -> StoredVideo:
    video_id, path, fingerprint, added_at, position, selected, *rest = row
    start_stop_track = parse_json(selected) if selected else None
    key = start_stop_track and tuple(start_stop_track)
    return StoredVideo(video_id, Path(path), fingerprint, added_at, position, key, *rest)


def stored_window(row: tuple[Any, ...]) -> WindowReview:
    start, stop, track_id, decision, manual, decided_at, text, tags, note = row
    scores = parse_json(text)
    sequence = Sequence(
        rank=0,
        start_frame=int(start),
        stop_frame=int(stop),
        track_id=int(track_id),
        terms={str(name): float(value) for name, value in scores["terms"].items()},
        combined_score=float(scores["combined_score"]),
        top_channels=tuple((name, change) for name, change in scores["top_channels"]),
    )
    return WindowReview(sequence, Decision(decision), bool(manual), tuple(parse_json(tags)), note, decided_at)


def _scores_text(sequence: Sequence) -> str:
    return strict_json(
        {
            "terms": dict(sequence.terms),
            "combined_score": sequence.combined_score,
            "top_channels": sequence.top_channels,
        }
    )
