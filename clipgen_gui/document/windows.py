"""Listed windows. Rows are made when they are looked at, so that a list of a whole project costs little. No Qt here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Sequences
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, overload

from clipgen_engine.projects.records import WindowReview
from clipgen_engine.types import BLENDSHAPES, Analysis, Decision, Int64Array, Sequence

if TYPE_CHECKING:
    from clipgen_gui.document.entry import VideoEntry

Key = tuple[int, int, int]  # start frame, stop frame, track id
IN_STACK = 0  # mark of a window that is listed below the top of its stack


class WindowId(NamedTuple):
    """A window of a project."""

    entry: VideoEntry
    key: Key


@dataclass(frozen=True)
class WindowRow:
    """A window as shown in the lists and the plot. Numbers count all rows, including rejected ones, so that
    rejecting a window does not renumber the others."""

    entry: VideoEntry
    number: int
    key: Key
    score: float  # combined
    review: WindowReview | None = None
    describe: Callable[[], Sequence] = field(kw_only=True, compare=False, repr=False)
    find_analysis: Callable[[], Analysis | None] = field(kw_only=True, compare=False, repr=False)

    @cached_property
    def sequence(self) -> Sequence:
        """The window with all its scores."""
        return self.describe()

    @property
    def analysis(self) -> Analysis | None:
        """The analysis of its video, if in memory."""
        return self.find_analysis()

    @property
    def start_s(self) -> float | None:
        """When it starts, seconds; None without an analysis in memory."""
        analysis = self.analysis
        return None if analysis is None else float(analysis.video.times_s[self.key[0]])

    @property
    def id(self) -> WindowId:
        return WindowId(self.entry, self.key)

    @property
    def decision(self) -> Decision:
        return Decision.UNDECIDED if self.review is None else self.review.decision

    @property
    def manual(self) -> bool:
        """Whether a curator made or trimmed the window."""
        return self.review is not None and self.review.manual

    @property
    def tags(self) -> tuple[str, ...]:
        return () if self.review is None else self.review.tags

    @property
    def note(self) -> str:
        return "" if self.review is None else self.review.note

    @property
    def reason(self) -> str:
        """Why it was rejected; empty: none given."""
        return "" if self.review is None else self.review.reason

    @property
    def opinions(self) -> str:
        """Who said what, if curators disagreed on it."""
        return self.entry.opinions_on(self.key)

    @property
    def blank_review(self) -> WindowReview:
        """The review of the window, or one without any input."""
        return self.review or WindowReview(self.sequence, Decision.UNDECIDED)

    def overlaps(self, start: int, stop: int) -> bool:
        """Whether the window shares a frame with [start, stop)."""
        return self.key[0] < stop and start < self.key[1]


@dataclass(frozen=True)
class Traits:
    """What any of the windows of a list have."""

    draft: bool = False  # scores of a draft
    learned: bool = False  # scores by learned tokens
    variations: bool = False  # both variations


class WindowList(Sequences[WindowRow]):
    """Rows by place, made on first use."""

    def __init__(
        self,
        ids: Sequences[WindowId],
        make: Callable[[int], WindowRow],
        traits: Callable[[], Traits] = Traits,
        find: Callable[[WindowId], int | None] | None = None,
        reviewed: Callable[[], Iterable[WindowId]] | None = None,
        stacks: Int64Array | None = None,
        marks: Sequences[int] = (),
    ) -> None:
        """
        Args:
            make: returns the row at a place.
            find: returns the place of a window; None: it is looked up among `ids`.
            reviewed: returns the windows with a review, also unlisted ones; None: all may have one.
            stacks: (N,) int64, which stack each window is in; None: they are not stacked.
            marks: of each window, how many are in the stack that it tops, or `IN_STACK`; empty: they are not stacked.
        """
        self.ids = ids
        self.reviewed = reviewed
        self.stacks, self.marks = stacks, marks
        self._make, self._traits, self._find = make, traits, find
        self._made: dict[int, WindowRow] = {}

    @classmethod
    def of(cls, rows: Sequences[WindowRow]) -> WindowList:
        """A list of rows that are made already."""

        def traits() -> Traits:
            sequences = [row.sequence for row in rows]
            return Traits(
                any(not one.exact for one in sequences),
                any(one.scored_by != BLENDSHAPES for one in sequences),
                any(one.variations is not None for one in sequences),
            )

        return cls([row.id for row in rows], rows.__getitem__, traits)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> WindowRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[WindowRow]: ...

    def __getitem__(self, place: int | slice) -> WindowRow | list[WindowRow]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        place = range(len(self))[place]
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]

    @cached_property
    def traits(self) -> Traits:
        return self._traits()

    @cached_property
    def _places(self) -> dict[WindowId, int]:
        return {one: place for place, one in enumerate(self.ids)}

    def again(self) -> WindowList:
        """The same windows, with rows that are made anew."""
        return WindowList(self.ids, self._make, self._traits, self._find, self.reviewed, self.stacks, self.marks)

    def place_of(self, window: WindowId | None) -> int | None:
        """The place of a window; None if it is not listed."""
        if window is None:
            return None
        return self._places.get(window) if self._find is None else self._find(window)

    def row_of(self, window: WindowId | None) -> WindowRow | None:
        """The row of a window; None if it is not listed."""
        place = self.place_of(window)
        return None if place is None else self[place]

    def is_in_stack(self, place: int) -> bool:
        """Whether the row is listed below the top of its stack."""
        return bool(self.marks) and self.marks[place] == IN_STACK

    def stack_text(self, place: int | None) -> str:
        """How many windows the stack has that this row tops, such as "×3"; empty if there is no other."""
        count = self.marks[place] if self.marks and place is not None else 1
        return f"×{count}" if count > 1 else ""

    def picked(
        self, places: Iterable[int], marks: Sequences[int] = (), ids: Sequences[WindowId] | None = None
    ) -> WindowList:
        """The rows at these places, which ascend, but for those of open stacks.

        Args:
            marks: as for a list.
            ids: the windows at these places, if they are listed already.
        """
        chosen = list(places)
        ids = ids or LazyIds(len(chosen), lambda place: self.ids[chosen[place]])
        find = self._found_among(chosen) if IN_STACK in marks else self._find and self._found_in(chosen)
        return WindowList(ids, lambda place: self[chosen[place]], lambda: self.traits, find, marks=marks)

    def _found_in(self, chosen: list[int]) -> Callable[[WindowId], int | None]:
        """Find windows among those at ascending places of this list."""

        def find(window: WindowId) -> int | None:
            place = self.place_of(window)
            at = len(chosen) if place is None else bisect_left(chosen, place)
            return at if at < len(chosen) and chosen[at] == place else None

        return find

    def _found_among(self, chosen: list[int]) -> Callable[[WindowId], int | None]:
        """Find windows among those at any places of this list."""
        at = {place: number for number, place in enumerate(chosen)}

        def find(window: WindowId) -> int | None:
            place = self.place_of(window)
            return None if place is None else at.get(place)

        return find


class LazyIds(Sequences[WindowId]):
    """Ids that are made when they are looked at."""

    def __init__(self, count: int, make: Callable[[int], WindowId]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> WindowId: ...

    @overload
    def __getitem__(self, place: slice) -> list[WindowId]: ...

    def __getitem__(self, place: int | slice) -> WindowId | list[WindowId]:
        if isinstance(place, slice):
            return [self._make(one) for one in range(self._count)[place]]
        return self._make(range(self._count)[place])
