"""The filter of the window list. No Qt imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.statistics import SplitOf
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.windows import WindowId, WindowList


@dataclass(frozen=True)
class WindowFilter:
    """A window is listed if it meets all conditions that are set. An empty text means: without any."""

    decision: Decision | None = None
    contested: bool = False  # only windows on which curators disagreed
    tag: str | None = None
    subject: str | None = None
    reason: str | None = None  # of rejection
    curator: str | None = None
    day: str | None = None  # of the decision: ISO date, local time
    split: str | None = None  # of the dataset that the next export would write
    score: tuple[float, float] | None = None  # from, below
    video: VideoEntry | None = None
    track_id: int | None = None  # of the current video
    split_of: SplitOf | None = field(default=None, compare=False, repr=False)  # needed with `split`

    @property
    def active(self) -> bool:
        return self != WindowFilter()

    @property
    def words(self) -> tuple[str, ...]:
        """The conditions on windows of any face, in a few words each."""
        texts = (
            (self.tag, "{}", "no tag"),
            (self.subject, "{}", "no subject"),
            (self.reason, "{}", "no reason"),
            (self.curator, "by {}", "by nobody"),
            (self.day, "{}", "no date"),
            (self.split, "{}", "no split"),
            (self.video and self.video.path.stem, "{}", ""),
            (self.score and f"{self.score[0]:.2f}–{self.score[1]:.2f}", "{}", ""),
        )
        given = tuple((form.format(text) if text else without) for text, form, without in texts if text is not None)
        conflicts = ("conflicts",) if self.contested else ()
        return ((self.decision.capitalize(),) if self.decision is not None else ()) + conflicts + given

    def matches(self, window: WindowId) -> bool:
        """Whether the window meets all conditions but that on its score."""
        entry, key = window
        review = entry.reviews.get(key)
        subject = entry.subjects.get(key[2], "")
        return (
            (self.decision is None or (review.decision if review else Decision.UNDECIDED) is self.decision)
            and (not self.contested or key in entry.conflicts)
            and (self.tag is None or _has_tag(review, self.tag))
            and (self.subject is None or subject == self.subject)
            and (self.video is None or entry is self.video)
            and (self.track_id is None or key[2] == self.track_id)
            and self._decided_so(review)
            and (self.split is None or self.split_of is None or self._split(subject, entry) == self.split)
        )

    def _decided_so(self, review: WindowReview | None) -> bool:
        if self.reason is None and self.curator is None and self.day is None:
            return True
        if review is None or review.decision is Decision.UNDECIDED:
            return False
        return (
            (self.reason is None or (review.decision is Decision.REJECTED and review.reason == self.reason))
            and (self.curator is None or review.decided_by == self.curator)
            and (self.day is None or _local_day(review.decided_at) == self.day)
        )

    def _split(self, subject: str, entry: VideoEntry) -> str:
        return self.split_of(subject, entry.fingerprint or "") if self.split_of is not None else ""

    def places(self, windows: WindowList) -> Sequence[int]:
        """The places of the matching windows, ascending."""
        if not self.active:
            return range(len(windows))
        found = self._matching(windows)
        if self.score is not None:
            low, high = self.score
            found = [place for place in found if low <= windows[place].score < high]
        return found

    def _matching(self, windows: WindowList) -> list[int]:
        if windows.reviewed is not None and self._needs_review:
            places = (windows.place_of(window) for window in windows.reviewed() if self.matches(window))
            return sorted(place for place in places if place is not None)
        if windows.reviewed is not None and self == WindowFilter(Decision.UNDECIDED):
            decided = (one for one in windows.reviewed() if one.entry.decision_of(one.key) is not Decision.UNDECIDED)
            gone = {windows.place_of(window) for window in decided}
            return [place for place in range(len(windows)) if place not in gone]
        return [place for place, window in enumerate(windows.ids) if self.matches(window)]

    @property
    def _needs_review(self) -> bool:
        """Whether only windows with a review can match."""
        decided = self.decision not in (None, Decision.UNDECIDED)
        about_decisions = (self.reason, self.curator, self.day) != (None, None, None)
        return decided or self.contested or bool(self.tag) or about_decisions

    def for_another_video(self) -> WindowFilter:
        """The filter without the conditions that apply to one video only."""
        return replace(self, track_id=None)

    def for_one_video(self) -> WindowFilter:
        """The filter without the conditions that are about the whole project."""
        return replace(WindowFilter(), decision=self.decision, tag=self.tag, reason=self.reason, score=self.score)


def _has_tag(review: WindowReview | None, tag: str) -> bool:
    tags = review.tags if review is not None else ()
    return tag in tags if tag else not tags


def _local_day(decided_at: str) -> str:
    """The local date of a stored time; empty if it is not valid."""
    try:
        return datetime.fromisoformat(decided_at).astimezone().date().isoformat()
    except ValueError:
        return ""


def tag_counts(windows: Iterable[WindowId]) -> dict[str, int]:
    """Number of windows with each tag, in alphabetical order of the tags."""
    counts: dict[str, int] = {}
    for entry, key in windows:
        review = entry.reviews.get(key)
        for tag in review.tags if review else ():
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))
