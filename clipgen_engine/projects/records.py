"""Values of a project as read from its rows, and how rows become such values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clipgen_engine.ranking.records import scored_sequence
from clipgen_engine.types import Decision, Sequence
from clipgen_engine.untrusted import as_text, parse_json

Key = tuple[int, int, int]  # start frame, stop frame (half-open), track id
REASONS = ("blurred", "wrong person", "talking", "cut", "hands", "duplicate")  # of rejection; others are free text
MAX_REASON = 60  # characters


WINDOW_COLUMNS = (
    *("start_frame", "stop_frame", "track_id", "decision", "by_hand"),
    *("decided_at", "decided_by", "scores", "tags", "note", "reason"),
)


def as_reason(text: str) -> str:
    """Return the text as a reason of rejection: on one line, trimmed and not too long."""
    return " ".join(text.split())[:MAX_REASON].strip()


def now() -> str:
    """Return the current time as stored in projects: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class WindowReview:
    """A window stored in the project: decided, added manually, tagged or with a note."""

    sequence: Sequence
    decision: Decision
    manual: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    # UTC, ISO 8601; empty while undecided. Set on saving if empty
    decided_at: str = field(default="", compare=False)
    decided_by: str = field(default="", compare=False)  # name of the curator; empty: not recorded
    reason: str = ""  # why it was rejected; empty: none given
    contested: bool = field(default=False, compare=False)  # curators disagreed on it; see `conflicts`

    @property
    def pinned(self) -> bool:
        """Whether the window is listed even if the ranking would not select it."""
        return self.decision is not Decision.REJECTED and self.worth_keeping

    @property
    def worth_keeping(self) -> bool:
        """Whether it holds any user input."""
        return self.decision is not Decision.UNDECIDED or self.manual or bool(self.tags or self.note or self.contested)


@dataclass(frozen=True)
class StoredVideo:
    """A video of the project, as shown in lists. Does not require the file to be present."""

    video_id: int
    path: Path
    fingerprint: str | None  # None until the file was probed
    added_at: str  # UTC, ISO 8601
    position: int  # playhead, frame index
    selected: Key | None
    state: str  # analysis state, as named by the app
    message: str  # reason of failure
    duration_s: float | None
    frame_count: int | None  # with the duration, the average frame rate; None: stored by an earlier clipgen
    window_count: int | None  # windows last listed; None: not analysed
    analysis: str  # entry name in the analysis cache; empty if none
    accepted: int
    rejected: int


@dataclass(frozen=True)
class StoredExport:
    """Clips of one video written by one export."""

    exported_at: str  # UTC, ISO 8601
    folder: Path
    clips: tuple[str, ...]  # file names
    details: Mapping[str, Any]  # layouts, settings


def stored_path(path: Path) -> str | bytes:
    """A path as text, or as bytes where its name is not UTF-8: SQLite's text always is."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def named_value(row: tuple[Any, ...]) -> tuple[str, Any]:
    name, value = row
    return str(name), parse_json(value)


def stored_export(row: tuple[Any, ...]) -> StoredExport:
    exported_at, folder, clips, details = row
    return StoredExport(exported_at, Path(os.fsdecode(folder)), tuple(parse_json(clips)), parse_json(details))


def stored_video(row: tuple[Any, ...]) -> StoredVideo:
    video_id, path, fingerprint, added_at, position, selected, *rest = row
    start_stop_track = parse_json(selected) if selected else None
    key = start_stop_track and tuple(start_stop_track)
    return StoredVideo(video_id, Path(os.fsdecode(path)), fingerprint, added_at, position, key, *rest)


def stored_window(row: tuple[Any, ...]) -> WindowReview:
    """The review in a row of `WINDOW_COLUMNS`."""
    start, stop, track_id, decision, manual, decided_at, decided_by, text, tags, note, reason = row
    sequence = scored_sequence((start, stop, track_id), parse_json(text))
    return WindowReview(
        sequence,
        Decision(decision),
        bool(manual),
        tuple(map(as_text, parse_json(tags))),
        as_text(note),
        as_text(decided_at),
        as_text(decided_by),
        as_reason(as_text(reason)) if decision == Decision.REJECTED else "",
    )
