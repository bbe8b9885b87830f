"""The frames between looks: where their faces are, in which order they are handed out, when they count as exact."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.analysis.best_windows import BestWindows, frames_behind
from clipgen_engine.analysis.gap_queue import GapQueue
from clipgen_engine.analysis.gaps import Gap, gaps_of
from clipgen_engine.analysis.segments import Segment, draft_stride, merged
from clipgen_engine.faces.region import FaceRegion
from clipgen_engine.faces.smoothing import REACH_S, exact_frames, smoothed
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from tests.support.paths import SAMPLE
from tests.support.tracklets import part

VIDEO = probe(SAMPLE)
HERE, THERE = FaceRegion(100, 100, 50, 0.0), FaceRegion(140, 100, 50, 0.0)


def test_a_face_between_two_looks_is_between_its_places() -> None:
    gap = Gap(1, 4, {0: HERE, 1: HERE}, {0: THERE})
    assert [round(gap.regions(frame)[0].center_x) for frame in (1, 2, 3)] == [110, 120, 130]
    assert gap.regions(3)[1] == HERE  # lost in the look that follows


def test_gaps_end_at_cuts_and_segments() -> None:
    looked = part(0, 0, 3, left=0, look=0, entry=None)
    rows = looked.rows | {"frame_index": np.array([0, 4, 8]), "region": np.full((3, 4), 50, np.float32)}
    result = replace(merged([looked], exact=False), rows=rows, looks=(0, 4, 6, 8), shot_starts=(0, 6))
    gaps = list(gaps_of(Segment(0, 0, 10, 0), result))
    assert [(gap.start, gap.stop, bool(gap.after)) for gap in gaps] == [(1, 4, True), (5, 6, False), (9, 10, False)]


@given(
    st.lists(st.tuples(st.integers(0, 390), st.integers(1, 60)), max_size=4),
    st.booleans(),
    st.integers(0, 100),
)
def test_every_wanted_gap_is_handed_out_once(spans: list[tuple[int, int]], rest_too: bool, boundary: int) -> None:
    segments = [Segment(0, 0, boundary * 4, 0), Segment(1, boundary * 4, 400, boundary * 4)]
    queue = GapQueue(VIDEO, AnalysisSettings(), segments)
    queue.add(Gap(start, start + 3, {0: HERE}, {}) for start in range(1, 400, 4))
    wanted = [(start, start + count) for start, count in spans]
    queue.want(wanted, rest_too=rest_too)
    seen: list[int] = []
    while (task := queue.next_task()) is not None:
        assert len({gap.start >= boundary * 4 for gap in task.gaps}) == 1  # tasks do not cross segments
        assert list(task.gaps) == sorted(task.gaps, key=lambda gap: gap.start)
        seen += [gap.start for gap in task.gaps]
    assert len(seen) == len(set(seen))
    overlapping = {g for g in range(1, 400, 4) if any(g < stop and start < g + 3 for start, stop in wanted)}
    assert set(seen) == (set(range(1, 400, 4)) if rest_too else overlapping)
    first = [number for number, start in enumerate(seen) if start in overlapping]
    assert first == list(range(len(first)))  # the wanted ones come first
    queue.close(seen)
    assert queue.frames_open(wanted) == 0


def test_stride_is_shorter_at_low_frame_rates() -> None:
    strides = {
        rate: draft_stride(replace(VIDEO, average_rate=Fraction(rate)), AnalysisSettings())
        for rate in (1, 8, 15, 25, 60)
    }
    assert strides == {1: 1, 8: 1, 15: 2, 25: 4, 60: 5}
    assert draft_stride(VIDEO, AnalysisSettings(draft_stride=1)) == 1


@given(st.integers(2, 80), st.integers(0, 2**32 - 1), st.floats(10, 120))
def test_smoothing_depends_on_nothing_out_of_reach(count: int, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.2, 1.8, count)) / rate
    values = rng.random((count, 3), np.float32)
    changed = rng.random(count) < 0.2
    other = np.where(changed[:, np.newaxis], values + 1, values).astype(np.float32)
    exact = exact_frames(~changed, times, np.array([[0, count]]))
    np.testing.assert_array_equal(smoothed(values, times)[exact], smoothed(other, times)[exact])
    near = np.abs(times[:, np.newaxis] - times) <= REACH_S - 1e-6
    assert not (exact & (near & changed).any(axis=1)).any()


def test_smoothing_keeps_what_is_constant_and_the_ends() -> None:
    times = np.arange(20) / 30
    np.testing.assert_allclose(smoothed(np.full(20, 0.3, np.float32), times), 0.3, atol=1e-7)
    spike = np.zeros(20, np.float32)
    spike[10] = 1
    smooth = smoothed(spike, times)
    assert smooth.argmax() == 10
    assert smooth[7] == smooth[13] == 0
    assert smooth.sum() == pytest.approx(1, abs=1e-6)


def test_frames_behind_a_window_reach_beyond_it() -> None:
    start, stop = frames_behind(VIDEO, 300, 330)
    assert 30 < 300 - start < 60
    assert 30 < stop - 330 < 60
    assert frames_behind(VIDEO, 0, 30)[0] == 0


def test_contenders_are_the_drafts_that_could_be_selected(sample_analysis: Analysis) -> None:
    settings = RankingSettings(num_sequences=3)
    count = sample_analysis.analyzed_frames
    draft = replace(sample_analysis, exact=np.zeros(count, np.bool_))
    best = BestWindows()
    spans = best.contenders(draft, settings)
    selected = Ranker(sample_analysis).rank(settings).sequences
    assert spans == [frames_behind(sample_analysis.video, one.start_frame, one.stop_frame) for one in selected]
    partly = np.zeros(count, np.bool_)
    for start, stop in spans:
        partly[start:stop] = True
    assert best.contenders(replace(sample_analysis, exact=partly), settings) == []  # these drafts were right
    assert BestWindows().contenders(sample_analysis, settings) == []
