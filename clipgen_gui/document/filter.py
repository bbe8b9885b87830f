"""The filter of the window list. No Qt imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clipgen_engine.types import Decision
from clipgen_gui.document.windows import WindowId, WindowList


@dataclass(frozen=True)
class WindowFilter:
    """A window is listed if it meets all conditions that are set."""

    decision: Decision | None = None
    tag: str = ""
    subject: str = ""
    reason: str = ""  # of rejection
    track_id: int | None = None  # of the current video

    @property
    def active(self) -> bool:
        return self != WindowFilter()

    def matches(self, window: WindowId) -> bool:
        entry, key = window
        review = entry.reviews.get(key)
        return (
            (self.decision is None or (review.decision if review else Decision.UNDECIDED) is self.decision)
            and (not self.tag or (review is not None and self.tag in review.tags))
            and (not self.reason or (review is not None and self.reason == review.reason))
            and (not self.subject or entry.subjects.get(key[2]) == self.subject)
            and (self.track_id is None or key[2] == self.track_id)
        )

    def places(self, windows: WindowList) -> Sequence[int]:
        """The places of the matching windows, ascending."""
        if not self.active:
            return range(len(windows))
        return [place for place, window in enumerate(windows.ids) if self.matches(window)]

    def for_another_video(self) -> WindowFilter:
        """The filter without the conditions that apply to one video only."""
        return replace(self, track_id=None)


def tag_counts(windows: Iterable[WindowId]) -> dict[str, int]:
    """Number of windows with each tag, in alphabetical order of the tags."""
    counts: dict[str, int] = {}
    for entry, key in windows:
        review = entry.reviews.get(key)
        for tag in review.tags if review else ():
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))
