"""Which of the ranked windows are listed. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from clipgen_engine.types import Decision
from clipgen_gui.document.entry import WindowRow


@dataclass(frozen=True)
class WindowFilter:
    """A window is listed where it meets every condition that is set."""

    decision: Decision | None = None
    tag: str = ""
    track_id: int | None = None

    @property
    def active(self) -> bool:
        return self != WindowFilter()

    def matches(self, row: WindowRow) -> bool:
        return (
            (self.decision is None or row.decision is self.decision)
            and (not self.tag or self.tag in row.tags)
            and (self.track_id is None or row.sequence.track_id == self.track_id)
        )

    def of(self, rows: tuple[WindowRow, ...]) -> tuple[WindowRow, ...]:
        """The rows that are listed, in their order."""
        return tuple(row for row in rows if self.matches(row)) if self.active else rows

    def for_another_video(self) -> WindowFilter:
        """The filter without what means something in one video only."""
        return replace(self, track_id=None)


def tag_counts(rows: Iterable[WindowRow]) -> dict[str, int]:
    """How many of the rows have each tag, by tag in alphabetical order."""
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row.tags:
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))
