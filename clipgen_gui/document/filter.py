"""The filter of the window list. No Qt imports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from clipgen_engine.types import Decision
from clipgen_gui.document.entry import WindowRow


@dataclass(frozen=True)
class WindowFilter:
    """A window is listed if it meets all conditions that are set."""

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
        """The matching rows, in their order."""
        return tuple(row for row in rows if self.matches(row)) if self.active else rows

    def for_another_video(self) -> WindowFilter:
        """The filter without the conditions that apply to one video only."""
        return replace(self, track_id=None)


def tag_counts(rows: Iterable[WindowRow]) -> dict[str, int]:
    """Number of rows with each tag, in alphabetical order of the tags."""
    counts: dict[str, int] = {}
    for row in rows:
        for tag in row.tags:
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))
