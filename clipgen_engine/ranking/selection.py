"""Greedy non-maximum suppression of windows, with a minimum gap."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from clipgen_engine.types import Float64Array, Int64Array

_BLOCK = 1024


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
