from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.ranking.selection import select_windows


def plain_selection(
    score: list[float], start: list[int], length: int, count: int, gap: int, occupied: list[tuple[int, int]]
) -> list[int]:
    """Reference implementation: best first, ties by position, minimum gap."""
    spans = list(occupied)
    chosen = []
    for position in sorted(range(len(score)), key=lambda item: (-score[item], item)):
        begin, end = start[position], start[position] + length
        free = all(end + gap <= first or begin >= last + gap for first, last in spans)
        if len(chosen) < count and score[position] > -np.inf and free:
            chosen.append(position)
            spans.append((begin, end))
    return chosen


# few distinct scores, to provoke ties
SCORES = st.lists(st.sampled_from([-np.inf, 0.1, 0.2, 0.3, 0.30000001, 0.9]), max_size=120)


@given(SCORES, st.data())
def test_selection_equals_the_reference_implementation(score: list[float], data: st.DataObject) -> None:
    start = sorted(data.draw(st.lists(st.integers(0, 150), min_size=len(score), max_size=len(score))))
    length = data.draw(st.integers(2, 20))
    count = data.draw(st.integers(0, 12))
    gap = data.draw(st.integers(0, 15))
    occupied = [
        (a, a + n) for a, n in data.draw(st.lists(st.tuples(st.integers(0, 150), st.integers(1, 30)), max_size=3))
    ]
    got = select_windows(np.array(score), np.array(start, np.int64), length, count, min_gap=gap, occupied=occupied)
    assert got == plain_selection(score, start, length, count, gap, occupied)


def test_selection_equals_the_reference_implementation_over_many_blocks() -> None:
    rng = np.random.default_rng(3)
    score = rng.integers(0, 40, 5000) / 40
    start = np.arange(5000)
    got = select_windows(score, start, 30, 50, min_gap=7)
    assert got == plain_selection(score.tolist(), start.tolist(), 30, 50, 7, [])
