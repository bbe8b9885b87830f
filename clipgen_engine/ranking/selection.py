"""Which windows are taken: best first, none too close to another."""

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
    """Greedy choice of non-overlapping windows of one video.

    Args:
        score: (W,) float64; -inf marks a window that may not be taken.
        start_frame: (W,) int64, ascending; windows of several tracks may start at one frame.
        length: frames of each window.
        count: how many are taken at most.
        min_gap: frames that stay free between two taken windows.
        occupied: half-open frame spans that are taken already.
        diversity: 0 to 1. Each next pick maximises (1 - diversity) * score - diversity * (largest similarity to
            what is picked), as maximal marginal relevance (Carbonell and Goldstein, 1998) does.
        similarity: similarity (W,) of every window to the one at a position, -1 to 1; needed with `diversity`.
        taken: positions that count as picked already for the diversity (their spans go into `occupied`).

    Returns:
        Positions in `score` in the order of choice; equal scores: the earlier position first.
    """
    padded = np.full(-(-len(score) // _BLOCK) * _BLOCK, -np.inf)
    padded[: len(score)] = score
    blocks = padded.reshape(-1, _BLOCK)
    best_of_block = blocks.max(axis=1, initial=-np.inf)
    nearest = np.full(len(score) if diversity else 0, -np.inf)

    def turn_from(position: int) -> None:
        """Lower the score of what is similar to the window at this position."""
        if not diversity or similarity is None:
            return
        np.maximum(nearest, similarity(position), out=nearest)
        is_open = padded[: len(score)] > -np.inf
        lowered = (1 - diversity) * np.where(is_open, score, 0) - diversity * nearest
        padded[: len(score)] = np.where(is_open, lowered, -np.inf)
        blocks.max(axis=1, initial=-np.inf, out=best_of_block)

    def close_off(start: int, stop: int) -> None:
        """No window that touches this span, with the gap around it, may be taken any more."""
        first = int(np.searchsorted(start_frame, start - length - min_gap, side="right"))
        last = int(np.searchsorted(start_frame, stop + min_gap, side="left"))
        if first < last:
            padded[first:last] = -np.inf
            touched = slice(first // _BLOCK, (last - 1) // _BLOCK + 1)
            best_of_block[touched] = blocks[touched].max(axis=1)

    for start, stop in occupied:
        close_off(start, stop)
    for position in taken:
        turn_from(position)
    chosen: list[int] = []
    while len(chosen) < count and len(blocks):
        block = int(best_of_block.argmax())
        if best_of_block[block] == -np.inf:
            break
        position = block * _BLOCK + int(blocks[block].argmax())
        chosen.append(position)
        close_off(int(start_frame[position]), int(start_frame[position]) + length)
        turn_from(position)
    return chosen
