"""Stacks in a list of windows: which rows are shown, and how stacks hold still while they are reviewed. No Qt here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from clipgen_engine.projects.ranker import RankedWindows
from clipgen_engine.types import Int64Array
from clipgen_gui.document.windows import IN_STACK


@dataclass(frozen=True)
class Folded:
    """The shown rows of a list."""

    places: list[int]  # of all windows
    marks: list[int]  # see `WindowList`
    stack_count: int
    window_count: int  # including those that are not shown


def folded(places: Sequence[int], stacks: Int64Array, opened: Collection[int]) -> Folded:
    """Show one row for each stack where its first window is, and below it the others if it is open.

    Args:
        places: of the windows that pass the filter, ascending.
        stacks: (N,) int64, by place.
        opened: stacks that are open.
    """
    every = np.asarray(places, np.int64)
    _, first, stack, count = np.unique(stacks[every], return_index=True, return_inverse=True, return_counts=True)
    top = first[stack]
    is_top = top == np.arange(len(every))
    order = np.lexsort((np.arange(len(every)), top))
    order = order[(is_top | np.isin(stacks[every], list(opened)))[order]]
    marks = np.where(is_top, count[stack], IN_STACK)[order]
    return Folded(every[order].tolist(), marks.tolist(), len(first), len(every))


@dataclass
class HeldStacks:
    """The stacks of the last ranking. Windows that are under review stay in theirs."""

    ranked: RankedWindows | None = None
    stacks: Int64Array = field(default_factory=lambda: np.zeros(0, np.int64))  # (N,) int64, by place in the ranking

    def carried(self, ranked: RankedWindows, top: Int64Array | None = None) -> HeldStacks:
        """The stacks of another ranking in which every known window stays in its stack.

        A new window joins the stack of the window that it is like, if that is known.

        Args:
            top: (N,) int64, of `Stacker`; None: not known yet, so that new windows are alone.
        """
        apart = int(self.stacks.max(initial=-1)) + 1
        before = self.ranked.places if self.ranked is not None else {}
        known = np.array([before.get(window, -1) for window in ranked.places], np.int64)
        like = np.arange(len(ranked)) if top is None else top
        stacks = np.where(known < 0, like + apart, -1)
        stacks[known >= 0] = self.stacks[known[known >= 0]]
        joins = (known < 0) & (known[like] >= 0)
        stacks[joins] = stacks[like[joins]]
        return HeldStacks(ranked, stacks)

    def by_place(self, order: Int64Array) -> Int64Array:
        """(M,) int64: the stacks of listed windows, by place in the list.

        Args:
            order: (M,) int64, place in the ranking of each listed window; further ones are alone.
        """
        apart = int(self.stacks.max(initial=-1)) + 1
        inside = order < len(self.stacks)
        stacks = order + apart
        stacks[inside] = self.stacks[order[inside]]
        return stacks
