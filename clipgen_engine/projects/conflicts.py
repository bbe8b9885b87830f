"""Conflicts: windows that one curator accepted and another one rejected, and who said what."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from clipgen_engine.projects.file import ProjectFile
from clipgen_engine.projects.matching import SAME_FROM, overlap, same_moments
from clipgen_engine.projects.records import Key, as_reason
from clipgen_engine.types import Decision
from clipgen_engine.untrusted import as_text

OPINION_COLUMNS = (
    *("start_frame", "stop_frame", "track_id", "curator"),
    *("decision", "reason", "note", "decided_at"),
)
_OPINION = ", ".join(OPINION_COLUMNS)


@dataclass(frozen=True)
class Opinion:
    """What one curator decided on a window."""

    key: Key
    curator: str  # empty: not recorded
    decision: Decision  # accepted or rejected
    reason: str
    note: str
    decided_at: str  # UTC, ISO 8601


@dataclass(frozen=True)
class Conflict:
    """A moment on which curators disagree. Their windows are stored as undecided ones until somebody decides."""

    opinions: tuple[Opinion, ...]  # by time of the window, then by name

    @property
    def keys(self) -> tuple[Key, ...]:
        """The windows, in the order of time; several where the curators chose other frames."""
        return tuple(dict.fromkeys(opinion.key for opinion in self.opinions))

    @property
    def key(self) -> Key:
        """The window to decide on: the one accepted last."""
        accepted = [one for one in self.opinions if one.decision is Decision.ACCEPTED]
        return max(accepted or self.opinions, key=lambda one: (one.decided_at, one.key)).key


class ConflictFile(ProjectFile):
    """A project file with its conflicts."""

    def conflicts(self) -> dict[int, tuple[Conflict, ...]]:
        """Return the conflicts that nobody has settled, by video id, in the order of time. Skips rows of no video."""
        found: dict[int, dict[Key, list[Opinion]]] = {}
        for video_id, opinion in self.rows(
            f"SELECT video_id, {_OPINION} FROM conflict WHERE video_id IN (SELECT id FROM video) "
            "ORDER BY video_id, start_frame, stop_frame, track_id, curator",
            read=lambda row: (row[0], stored_opinion(row[1:])),
        ):
            found.setdefault(video_id, {}).setdefault(opinion.key, []).append(opinion)
        return {
            video_id: tuple(
                Conflict(tuple(opinion for key in keys for opinion in by_key[key]))
                for keys in sorted(same_moments({key: {one.curator for one in by_key[key]} for key in by_key}))
            )
            for video_id, by_key in found.items()
        }

    def set_conflicts(self, video_id: int, opinions: Iterable[Opinion]) -> None:
        """Store the opinions in conflict on windows of a video, instead of those it has."""
        rows = [
            (video_id, *one.key, one.curator, one.decision.value, one.reason, one.note, one.decided_at)
            for one in opinions
        ]

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM conflict WHERE video_id = ?", (video_id,))
            database.executemany(
                f"INSERT INTO conflict (video_id, {_OPINION}) VALUES (?, {', '.join('?' * len(OPINION_COLUMNS))})", rows
            )

        self.write(write)


def settle(database: sqlite3.Connection, video_id: int, key: Key) -> None:
    """Delete the conflict that a decision on this window settles, if any."""
    found = database.execute(
        "SELECT start_frame, stop_frame, track_id, curator FROM conflict WHERE video_id = ? AND track_id = ? "
        "AND typeof(start_frame) = 'integer' AND typeof(stop_frame) = 'integer' AND start_frame < stop_frame",
        (video_id, key[2]),
    )
    deciders: dict[Key, set[str]] = {}
    for start, stop, track_id, curator in found:
        deciders.setdefault((start, stop, track_id), set()).add(curator)
    for keys in same_moments(deciders):
        # a trimmed window settles what it was trimmed from, but not what stands beside it under its own frames
        if key in keys or (key not in deciders and max(overlap(key, one) for one in keys) >= SAME_FROM):
            database.executemany(
                "DELETE FROM conflict WHERE video_id = ? AND start_frame = ? AND stop_frame = ? AND track_id = ?",
                [(video_id, *one) for one in keys],
            )


def stored_opinion(row: tuple[Any, ...]) -> Opinion:
    """The opinion in a row of `OPINION_COLUMNS`.

    Raises:
        ValueError or TypeError: the row is damaged.
    """
    start, stop, track_id, curator, decision, reason, note, decided_at = row
    if Decision(decision) is Decision.UNDECIDED or not int(start) < int(stop):
        raise ValueError("a conflict is no decision on a window")
    return Opinion(
        (int(start), int(stop), int(track_id)),
        as_text(curator),
        Decision(decision),
        as_reason(as_text(reason)),
        as_text(note),
        as_text(decided_at),
    )
