"""Greedy non-maximum suppression of windows, with a minimum gap: of one video, or of many videos side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from clipgen_engine.types import Float64Array, Int64Array

_BLOCK = 1024
_SMALL_BLOCK = 128  # of groups, which are shorter


def select_windows(
    score: Float64Array,
    start_frame: Int64Array,
    length: int,
    count: int,
    *,
    min_gap: int = 0,
    occupied: Iterable[tuple[int, int]] = (),
    diversity: float = 0.0,
    similarity: Callable[[int], Float64Array] | None = None,
    taken: Iterable[int] = (),
) -> list[int]:
    """Greedily select non-overlapping windows of one video.

    Args:
        score: (W,) float64; -inf excludes a window.
        start_frame: (W,) int64, ascending; windows of several tracks may share a start frame.
        length: window length in frames.
        count: maximum number of windows.
        min_gap: minimum number of frames between two selected windows.
        occupied: half-open frame spans that are already taken.
        diversity: 0 to 1. Each pick maximises (1 - diversity) * score - diversity * (maximum similarity to the
            previous picks): maximal marginal relevance (Carbonell and Goldstein, 1998).
        similarity: returns the similarity (W,), -1 to 1, of all windows to the one at a position; required with
            `diversity`.
        taken: positions treated as previous picks for the diversity; their spans must be in `occupied`.

    Returns:
        Positions in `score` in order of selection; ties are resolved in favour of the lower position.
    """
    padded = np.full(-(-len(score) // _BLOCK) * _BLOCK, -np.inf)
    padded[: len(score)] = score
    blocks = padded.reshape(-1, _BLOCK)
    best_of_block = blocks.max(axis=1, initial=-np.inf)
    max_similarity = np.full(len(score) if diversity else 0, -np.inf)

    def penalise_similar(position: int) -> None:
        """Lower the scores of windows similar to the one at this position."""
        if not diversity or similarity is None:
            return
        np.maximum(max_similarity, similarity(position), out=max_similarity)
        is_open = padded[: len(score)] > -np.inf
        lowered = (1 - diversity) * np.where(is_open, score, 0) - diversity * max_similarity
        padded[: len(score)] = np.where(is_open, lowered, -np.inf)
        blocks.max(axis=1, initial=-np.inf, out=best_of_block)

    def exclude(start: int, stop: int) -> None:
        """Exclude all windows that overlap this span or violate the gap around it."""
        first = int(np.searchsorted(start_frame, start - length - min_gap, side="right"))
        last = int(np.searchsorted(start_frame, stop + min_gap, side="left"))
        if first < last:
            padded[first:last] = -np.inf
            touched = slice(first // _BLOCK, (last - 1) // _BLOCK + 1)
            best_of_block[touched] = blocks[touched].max(axis=1)

    for start, stop in occupied:
        exclude(start, stop)
    for position in taken:
        penalise_similar(position)
    chosen: list[int] = []
    while len(chosen) < count and len(blocks):
        block = int(best_of_block.argmax())
        if best_of_block[block] == -np.inf:
            break
        position = block * _BLOCK + int(blocks[block].argmax())
        chosen.append(position)
        exclude(int(start_frame[position]), int(start_frame[position]) + length)
        penalise_similar(position)
    return chosen


class GroupedWindows:
    """Windows in groups, such as the videos of a project, from each of which the best are selected.

    What `select` returns for a group is what `select_windows` would return for its windows alone. All groups advance by
    one window in each round, so that the work is vectorised over the groups.
    """

    def __init__(self, start_frame: Int64Array, edges: Int64Array) -> None:
        """
        Args:
            start_frame: (W,) int64, ascending within each group.
            edges: (G + 1,) int64: group g has the windows from edges[g] up to edges[g + 1].
        """
        sizes = np.diff(edges)
        self._edges = edges
        block_count = -(-sizes // _SMALL_BLOCK)
        self._filled = np.flatnonzero(block_count)  # groups with windows
        self._first_block = (np.cumsum(block_count) - block_count)[self._filled]
        self._blocks_of = block_count[self._filled]
        # each group begins with a block of its own
        self._shift = (np.cumsum(block_count) - block_count) * _SMALL_BLOCK - edges[:-1]
        self._place = np.arange(len(start_frame)) + np.repeat(self._shift, sizes)
        self._block_total = int(block_count.sum())
        # start frames, counted through the groups
        self._apart = int(start_frame.max(initial=0)) + 1
        self._key = start_frame + np.repeat(np.arange(len(sizes)) * self._apart, sizes)

    def select(
        self,
        score: Float64Array,
        length: int,
        counts: Int64Array,
        *,
        min_gap: int = 0,
        occupied: tuple[Int64Array, Int64Array, Int64Array] | None = None,
        diversity: float = 0.0,
        similarity: Callable[[int, int], Float64Array] | None = None,
        taken: Iterable[tuple[int, int]] = (),
    ) -> Int64Array:
        """Greedily select non-overlapping windows of each group.

        Args:
            score: (W,) float64; -inf excludes a window.
            length: window length in frames.
            counts: (G,) int64, maximum number of windows of each group.
            min_gap: minimum number of frames between two selected windows of a group.
            occupied: group, first frame and stop frame of spans that are already taken, (K,) int64 each.
            diversity: see `select_windows`.
            similarity: of all windows of a group to the one at a position.
            taken: group and position of windows treated as previous picks for the diversity.

        Returns:
            (N,) int64 positions in `score`, ordered by round.
        """
        padded = np.full(self._block_total * _SMALL_BLOCK, -np.inf)
        padded[self._place] = score
        blocks = padded.reshape(-1, _SMALL_BLOCK)
        best_of_block = blocks.max(axis=1, initial=-np.inf)
        max_similarity: dict[int, Float64Array] = {}

        def penalise_similar(group: int, position: int) -> None:
            assert similarity is not None
            similar = similarity(group, position)
            max_similarity[group] = np.maximum(max_similarity.get(group, -np.inf), similar)
            own = slice(int(self._edges[group]), int(self._edges[group + 1]))
            places = self._place[own]
            is_open = padded[places] > -np.inf
            lowered = (1 - diversity) * np.where(is_open, score[own], 0) - diversity * max_similarity[group]
            padded[places] = np.where(is_open, lowered, -np.inf)
            touched = slice(int(places[0]) // _SMALL_BLOCK, int(places[-1]) // _SMALL_BLOCK + 1)
            best_of_block[touched] = blocks[touched].max(axis=1)

        def exclude(groups: Int64Array, starts: Int64Array, stops: Int64Array) -> None:
            """Exclude all windows of these groups that overlap the spans or violate the gap around them."""
            base = groups * self._apart
            low = base + np.maximum(starts - length - min_gap + 1, 0)
            high = base + np.minimum(stops + min_gap, self._apart)
            first = np.searchsorted(self._key, low)
            counts = np.maximum(np.searchsorted(self._key, high) - first, 0)
            places = np.repeat(first + self._shift[groups] - (np.cumsum(counts) - counts), counts)
            places += np.arange(len(places))
            padded[places] = -np.inf
            touched = np.zeros(self._block_total, np.bool_)
            touched[places // _SMALL_BLOCK] = True
            best_of_block[touched] = blocks[touched].max(axis=1)

        if occupied is not None and len(occupied[0]):
            exclude(*occupied)
        for group, position in taken if diversity else ():
            penalise_similar(group, position)
        left = counts[self._filled]
        chosen = [np.zeros(0, np.int64)]
        while len(self._filled):
            best = np.maximum.reduceat(best_of_block, self._first_block)
            going = (best > -np.inf) & (left > 0)
            if not going.any():
                break
            hits = np.flatnonzero(best_of_block == np.repeat(np.where(going, best, np.nan), self._blocks_of))
            owners = np.searchsorted(self._first_block, hits, side="right") - 1
            hits = hits[np.diff(owners, prepend=-1) > 0]  # the first of each group
            groups = self._filled[going]
            places = hits * _SMALL_BLOCK + blocks[hits].argmax(axis=1)
            positions = places - self._shift[groups]
            chosen.append(positions)
            left = left - going
            starts = self._key[positions] - groups * self._apart
            exclude(groups, starts, starts + length)
            for group, position in zip(groups.tolist(), positions.tolist(), strict=True) if diversity else ():
                penalise_similar(group, position)
        return np.concatenate(chosen)
