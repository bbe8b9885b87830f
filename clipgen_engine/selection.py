"""Which windows are taken: best first, none too close to another."""

from __future__ import annotations

from collections.abc import Iterable

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
) -> list[int]:
    """Greedy choice of non-overlapping windows of one video.

    Args:
        score: (W,) float64; -inf marks a window that may not be taken.
        start_frame: (W,) int64, ascending; windows of several tracks may start at one frame.
        length: frames of each window.
        count: how many are taken at most.
        min_gap: frames that stay free between two taken windows.
        occupied: half-open frame spans that are taken already.

    Returns:
        Positions in `score`, best first; equal scores: the earlier position first.
    """
    padded = np.full(-(-len(score) // _BLOCK) * _BLOCK, -np.inf)
    padded[: len(score)] = score
    blocks = padded.reshape(-1, _BLOCK)
    best_of_block = blocks.max(axis=1, initial=-np.inf)

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
    chosen: list[int] = []
    while len(chosen) < count and len(blocks):
        block = int(best_of_block.argmax())
        if best_of_block[block] == -np.inf:
            break
        position = block * _BLOCK + int(blocks[block].argmax())
        chosen.append(position)
        close_off(int(start_frame[position]), int(start_frame[position]) + length)
    return chosen
