"""A project: one SQLite file with videos, settings and decisions, each committed immediately."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clipgen_engine.files import strict_json
from clipgen_engine.projects.conflicts import ConflictFile, settle
from clipgen_engine.projects.records import (
    WINDOW_COLUMNS,
    Key,
    StoredExport,
    StoredVideo,
    WindowReview,
    as_reason,
    named_value,
    now,
    stored_export,
    stored_path,
    stored_video,
    stored_window,
)
from clipgen_engine.ranking.records import scores_record
from clipgen_engine.types import Decision

_VIDEO = """
    SELECT id, path, fingerprint, added_at, position, selected, state, message, duration_s, frame_count,
        window_count, analysis,
        (SELECT count(*) FROM marked_window WHERE video_id = video.id AND decision = 'accepted'),
        (SELECT count(*) FROM marked_window WHERE video_id = video.id AND decision = 'rejected')
    FROM video
"""
_WINDOW = ", ".join(WINDOW_COLUMNS)


class Project(ConflictFile):
    """An open project. Writing methods commit before returning. Usable from one thread at a time.

    Later openers, in any process, get a read-only project, whose writes raise ProjectError.
    """

    # Videos

    def videos(self) -> list[StoredVideo]:
        """Return the videos that are not removed, in queue order."""
        return self.rows(f"{_VIDEO} WHERE removed_at IS NULL ORDER BY queue_place, id", read=stored_video)

    def add_videos(self, paths: Iterable[Path]) -> list[StoredVideo]:
        """Return the videos at these paths. New ones are appended to the queue, removed ones restored."""
        paths = list(paths)
        ids: list[int] = []

        def write(database: sqlite3.Connection) -> None:
            for path in paths:
                known = database.execute("SELECT max(id) FROM video WHERE path = ?", (stored_path(path),)).fetchone()[0]
                ids.append(known or _insert(database, path, None))
                database.execute("UPDATE video SET removed_at = NULL WHERE id = ?", (ids[-1],))

        self.write(write)
        return [self.video(video_id) for video_id in ids]

    def add_video(self, path: Path, fingerprint: str) -> StoredVideo:
        """Return the video with this fingerprint, added if new. Updates the path of a moved file."""
        return self.identify(self.add_videos([path])[0].video_id, fingerprint)

    def insert_video(self, video: StoredVideo) -> int:
        """Append a copy of a video of another project, without its windows. Returns its id in this one."""
        made: list[int] = []
        self.write(lambda database: made.append(_insert(database, video.path, video.fingerprint)))
        self.describe_video(
            made[0],
            state=video.state,
            message=video.message,
            duration_s=video.duration_s,
            frame_count=video.frame_count,
            window_count=video.window_count,
            analysis=video.analysis,
        )
        return made[0]

    def video(self, video_id: int) -> StoredVideo:
        (video,) = self.rows(f"{_VIDEO} WHERE id = ?", video_id, read=stored_video)
        assert isinstance(video, StoredVideo)
        return video

    def video_of(self, fingerprint: str) -> StoredVideo | None:
        """Return the video with this fingerprint, including removed ones."""
        return next(iter(self.rows(f"{_VIDEO} WHERE fingerprint = ?", fingerprint, read=stored_video)), None)

    def identify(self, video_id: int, fingerprint: str) -> StoredVideo:
        """Return the video matching the file at this video's path, now that its fingerprint is known.

        Usually the same video. If the project has this fingerprint under another path, that video is returned, with
        its path updated if the file has moved. If the file was replaced, a new video is returned; the old one is
        removed, and restored with its decisions when its file is found again.
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
                database.execute("UPDATE video SET path = ? WHERE id = ?", (stored_path(video.path), found))
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
        frame_count: int | None = None,
        window_count: int | None = None,
        analysis: str | None = None,
    ) -> None:
        """Update the properties of a video. None leaves a value unchanged."""
        given = {
            "path": None if path is None else stored_path(path),
            "state": state,
            "message": message,
            "duration_s": duration_s,
            "frame_count": frame_count,
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
        """Store the queue order."""
        rows = list(enumerate(video_ids, start=1))
        self.write(lambda database: database.executemany("UPDATE video SET queue_place = ? WHERE id = ?", rows))

    def remove_videos(self, video_ids: Iterable[int]) -> None:
        """Remove videos from the list. Their decisions are kept, and restored when a video is added again."""
        rows = [(now(), video_id) for video_id in video_ids]
        self.write(lambda database: database.executemany("UPDATE video SET removed_at = ? WHERE id = ?", rows))

    def restore_videos(self, video_ids: Iterable[int]) -> None:
        """Restore removed videos at their previous queue positions."""
        rows = [(video_id,) for video_id in video_ids]
        self.write(lambda database: database.executemany("UPDATE video SET removed_at = NULL WHERE id = ?", rows))

    def set_position(self, video_id: int, position: int, selected: Key | None) -> None:
        """Store the playhead and selected window of a video."""
        values = position, None if selected is None else strict_json(selected), video_id
        self.write(
            lambda database: database.execute("UPDATE video SET position = ?, selected = ? WHERE id = ?", values),
            durable=False,
        )

    # Windows

    def windows(self, video_id: int) -> dict[Key, WindowReview]:
        """Return all windows of a video that are decided, added manually, tagged or have a note."""
        windows = self.rows(
            f"SELECT {_WINDOW} FROM marked_window WHERE video_id = ? ORDER BY start_frame, stop_frame, track_id",
            video_id,
            read=stored_window,
        )
        return {window.sequence.key: window for window in windows}

    def all_windows(self) -> dict[int, dict[Key, WindowReview]]:
        """Return what `windows` returns for every video that has any, by video id."""
        found: dict[int, dict[Key, WindowReview]] = {}
        for video_id, window in self.rows(
            f"SELECT video_id, {_WINDOW} FROM marked_window WHERE video_id IN (SELECT id FROM video) "
            "ORDER BY video_id, start_frame, stop_frame, track_id",
            read=lambda row: (row[0], stored_window(row[1:])),
        ):
            found.setdefault(video_id, {})[window.sequence.key] = window
        return found

    def save_reviews(self, video_id: int, changes: Mapping[Key, WindowReview | None]) -> None:
        """Store windows in one transaction. None deletes a window. A decision settles the conflict on its window.

        Only rejected windows keep a reason.
        """

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
                        f"INSERT OR REPLACE INTO marked_window (video_id, {_WINDOW}) "
                        f"VALUES (?, {', '.join('?' * len(WINDOW_COLUMNS))})",
                        (
                            video_id, start, stop, track_id, window.decision.value, window.manual, decided_at,
                            window.decided_by, strict_json(scores_record(window.sequence)), strict_json(window.tags),
                            window.note, window.reason if window.decision is Decision.REJECTED else "",
                        ),
                    )  # fmt: skip
                    if not undecided:
                        settle(database, video_id, (start, stop, track_id))

        self.write(write)

    def tags(self) -> dict[str, int]:
        """Return every tag of the project with its window count, in alphabetical order."""
        rows = self.rows("SELECT value, count(*) FROM marked_window, json_each(tags) GROUP BY value ORDER BY value")
        return dict(rows)

    def reasons(self) -> dict[str, int]:
        """Return every reason of rejection of the project with its window count, the most frequent first."""
        rows = self.rows(
            "SELECT reason, count(*) FROM marked_window WHERE reason != '' AND decision = 'rejected' "
            "GROUP BY reason ORDER BY count(*) DESC, reason"
        )
        return {as_reason(str(reason)): count for reason, count in rows}

    # Subjects

    def subjects(self, video_id: int) -> dict[int, str]:
        """Return the subject ids of a video by track id."""
        rows = self.rows("SELECT track_id, subject_id FROM subject WHERE video_id = ? ORDER BY track_id", video_id)
        return dict(rows)

    def all_subjects(self) -> dict[int, dict[int, str]]:
        """Return what `subjects` returns for every video that has any, by video id."""
        found: dict[int, dict[int, str]] = {}
        for video_id, track_id, subject_id in self.rows("SELECT video_id, track_id, subject_id FROM subject"):
            found.setdefault(video_id, {})[track_id] = subject_id
        return found

    def set_subject(self, video_id: int, track_id: int, subject_id: str) -> None:
        """Set the subject of a track. An empty id clears it."""

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM subject WHERE video_id = ? AND track_id = ?", (video_id, track_id))
            if subject_id:
                database.execute("INSERT INTO subject VALUES (?, ?, ?)", (video_id, track_id, subject_id))

        self.write(write)

    def subject_ids(self) -> list[str]:
        """Return every subject id of the project, in alphabetical order."""
        return [subject_id for (subject_id,) in self.rows("SELECT DISTINCT subject_id FROM subject ORDER BY 1")]

    # Settings

    def settings(self) -> dict[str, Any]:
        """Return the stored ranking settings, plain JSON values by name."""
        return dict(self.rows("SELECT name, value FROM setting", read=named_value))

    def set_settings(self, settings: Mapping[str, Any]) -> None:
        """Store ranking settings by name. Others are unchanged."""
        self._set_named("setting", settings)

    def app_state(self) -> dict[str, Any]:
        """Return the app state of this project, plain JSON values by name."""
        return dict(self.rows("SELECT name, value FROM app_state", read=named_value))

    def set_app_state(self, values: Mapping[str, Any]) -> None:
        """Store app state by name. Other values are unchanged."""
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
        """Record an export of clips of a video."""
        row = video_id, now(), stored_path(folder), strict_json(list(clips)), strict_json(dict(details or {}))
        self.write(
            lambda database: database.execute(
                "INSERT INTO export (video_id, exported_at, folder, clips, details) VALUES (?, ?, ?, ?, ?)", row
            )
        )

    def exports(self, video_id: int) -> list[StoredExport]:
        """Return the exports of a video, oldest first."""
        query = "SELECT exported_at, folder, clips, details FROM export WHERE video_id = ? ORDER BY id"
        return self.rows(query, video_id, read=stored_export)


def _insert(database: sqlite3.Connection, path: Path, fingerprint: str | None) -> int:
    row_id = database.execute(
        "INSERT INTO video (fingerprint, path, added_at, queue_place) "
        "VALUES (?, ?, ?, (SELECT coalesce(max(queue_place), 0) + 1 FROM video))",
        (fingerprint, stored_path(path), now()),
    ).lastrowid
    assert row_id is not None
    return row_id
