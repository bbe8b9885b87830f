"""Windows that look and move alike are stacked, the best on top: by the clustering, and from analyses."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipgen_engine.errors import Cancelled
from clipgen_engine.expression_tokens.backends import load_backend
from clipgen_engine.projects.ranker import DecidedWindows, ProjectRanker, RankedWindows
from clipgen_engine.projects.stacks import ALIKE, Stacker, stacked
from clipgen_engine.ranking.trajectories import CHANNELS, MARGIN, POINTS, SHAPE, trajectories
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, FaceTrack, Float32Array, Float64Array, Int64Array
from tests.engine.projects.test_ranker import made
from tests.support.analyses import FakeTrack, make_analysis

SETTINGS = RankingSettings(num_sequences=8)


def courses(seed: int, count: int, kinds: int) -> tuple[Float32Array, Float64Array]:
    """Windows of a few kinds: some alike, some shifted against each other, some with points that are not known."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.3, (kinds, SHAPE[0] + 2 * MARGIN, SHAPE[1]))
    base = np.cumsum(steps, axis=1) * rng.choice([0.0, 0.3, 1.0], (kinds, 1, 1))
    kind, shift = rng.integers(0, kinds, count), rng.integers(0, 2 * MARGIN + 1, count)
    values = base[kind[:, np.newaxis], shift[:, np.newaxis] + np.arange(SHAPE[0])]
    values = (values + rng.normal(0, 0.05, values.shape)).astype(np.float32)
    for row in np.flatnonzero(rng.random(count) < 0.2):
        values[row, rng.integers(0, SHAPE[0]) :] = np.nan
    return values, np.round(rng.random(count), 1)  # with ties


def distance(one: Float32Array, other: Float32Array) -> float:
    """Of two windows, as the module describes it; infinite if there is nothing to compare."""
    middle, found = slice(MARGIN, MARGIN + POINTS), [np.inf]
    for shift in range(-MARGIN, MARGIN + 1):
        moved = slice(MARGIN + shift, MARGIN + shift + POINTS)
        for a, b in ((one[middle], other[moved]), (one[moved], other[middle])):
            apart = float(np.sqrt(np.mean(np.sum((a.astype(np.float64) - b) ** 2, axis=1))))
            found.append(np.inf if np.isnan(apart) else apart)
    return min(found)


def partition(top: Int64Array) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(top == one).tolist()) for one in set(top.tolist())}


kinds = st.integers(1, 12)
counts = st.integers(0, 150)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=50)
@given(seeds, counts, kinds)
def test_every_window_is_in_the_stack_that_the_definition_puts_it_in(seed: int, count: int, kind_count: int) -> None:
    values, score = courses(seed, count, kind_count)
    score = score + np.linspace(0, 0.01, count)  # without ties
    top = stacked(values, score)
    leaders: list[int] = []
    for window in np.argsort(-score).tolist():
        apart = [distance(values[window], values[leader]) for leader in leaders]
        if any(abs(one - ALIKE) < 1e-4 for one in apart):
            return  # too close to call in float32
        first = next((leader for leader, one in zip(leaders, apart, strict=True) if one <= ALIKE), window)
        assert top[window] == first
        if first == window:
            leaders.append(window)


@settings(deadline=None, max_examples=50)
@given(seeds, counts, kinds)
def test_the_best_is_on_top_and_leads_its_stack(seed: int, count: int, kind_count: int) -> None:
    values, score = courses(seed, count, kind_count)
    top = stacked(values, score)
    assert top.shape == (count,)
    assert (top[top] == top).all(), "the top is in its own stack, so that every window is in exactly one"
    for stack in partition(top):
        members = sorted(stack)
        assert top[members[0]] == max(members, key=lambda one: (score[one], -one)), "the first of the best"


@settings(deadline=None, max_examples=50)
@given(seeds, counts, kinds)
def test_the_order_of_equal_scores_does_not_matter(seed: int, count: int, kind_count: int) -> None:
    values, score = courses(seed, count, kind_count)
    order = np.random.default_rng(seed).permutation(count)
    moved = stacked(values[order], score[order])
    back = {frozenset(order[list(stack)].tolist()) for stack in partition(moved)}
    assert back == partition(stacked(values, score))


@settings(deadline=None, max_examples=50)
@given(seeds, st.integers(1, 80), kinds, st.floats(0, 2), st.floats(0, 2))
def test_the_best_stack_grows_with_the_distance_allowed(
    seed: int, count: int, kind_count: int, one: float, other: float
) -> None:
    values, score = courses(seed, count, kind_count)
    score[0] = 2.0
    narrow, wide = (stacked(values, score, alike=alike) for alike in sorted((one, other)))
    assert set(np.flatnonzero(narrow == 0).tolist()) <= set(np.flatnonzero(wide == 0).tolist())


def test_everything_alike_is_one_stack_and_nothing_alike_none() -> None:
    values, score = courses(1, 700, 5)
    known = np.isfinite(values).all(axis=(1, 2))
    values, score = values[known], score[known]
    assert (stacked(values, score, alike=1e3) == int(np.argmax(score))).all()
    assert stacked(values, score, alike=0.0).tolist() == list(range(len(score)))
    same = np.repeat(values[:1], 2500, axis=0)
    assert not stacked(same, np.linspace(1, 0, 2500)).any()


def test_stacking_can_be_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        stacked(*courses(0, 10, 2), cancel=cancel)
    ranker = ProjectRanker()
    ranker.add({1: made(0)})
    with pytest.raises(Cancelled):
        Stacker().stacks(ranker.rank(SETTINGS, {}), cancel)


# From analyses


def moving(seed: int, frames: int = 400) -> FaceTrack:
    """A track that moves slowly enough to be sampled."""
    rng = np.random.default_rng(seed)
    knots = np.arange(0, frames + 12, 12)

    def smooth(low: float, high: float, columns: int) -> Float32Array:
        values = rng.uniform(low, high, (len(knots), columns))
        found = [np.interp(np.arange(frames), knots, values[:, column]) for column in range(columns)]
        return np.stack(found, axis=1).astype(np.float32)

    brightness = smooth(0.4, 0.6, 1)[:, 0]
    center = np.full((frames, 2), 300, np.float32)
    made = FakeTrack(0, smooth(0, 1, 51), center, measures={"brightness": brightness})
    return replace(make_analysis(made).tracks[0], head_pose_deg=smooth(-20, 20, 3))


def only(track: FaceTrack, rows: Int64Array) -> FaceTrack:
    return replace(track, **{name: value[rows] for name, value in vars(track).items() if isinstance(value, np.ndarray)})


def filmed(track: FaceTrack, frames_kept: Int64Array | None = None) -> Analysis:
    """An analysis of a video of this track, or of some of its frames, at their times."""
    video = make_analysis(frame_count=int(track.frame_index[-1]) + 1).video
    if frames_kept is not None:
        track = replace(only(track, frames_kept), frame_index=np.arange(len(frames_kept)))
        pts = video.pts[frames_kept] - video.pts[frames_kept[0]]
        rate = Fraction(len(frames_kept) * 15360, int(pts[-1]) + 512)
        video = replace(video, pts=pts, average_rate=rate.limit_denominator(1001))
    analysis = make_analysis(frame_count=video.frame_count)
    return replace(analysis, video=video, tracks=(track,), tokens=load_backend("blendshapes").tokens((track,)))


def groups(ranked: RankedWindows, top: Int64Array) -> list[set[int]]:
    """Ids of the videos in each stack of more than one window."""
    found = [{int(ranked.video[place]) for place in stack} for stack in partition(top) if len(stack) > 1]
    assert sum(map(len, partition(top))) == len(ranked)
    return found


def test_the_same_footage_in_another_video_is_stacked() -> None:
    one, other = moving(1), moving(2)
    ranker = ProjectRanker()
    ranker.add({1: filmed(one), 2: filmed(other)})
    ranker.add({3: filmed(one, np.arange(47, 400))})
    ranked = ranker.rank(SETTINGS, {})
    stacker = Stacker()
    top = stacker.stacks(ranked)
    found = groups(ranked, top)
    assert found == [{1, 3}] * len(found)
    assert len(found) >= 5
    for place, best in enumerate(top.tolist()):
        if best != place:
            starts = [int(ranked.key[at, 0]) + (47 if ranked.video[at] == 3 else 0) for at in (place, best)]
            assert abs(starts[0] - starts[1]) <= 3 * MARGIN + 1
    assert stacker.stacks(ranked).tolist() == top.tolist(), "from what is kept"
    ranker.add({3: filmed(other)})
    found = groups(again := ranker.rank(SETTINGS, {}), stacker.stacks(again))
    assert {2, 3} in found, "what is kept of another analysis is not used"
    assert {1, 3} not in found


def test_a_still_face_is_one_stack_and_another_light_is_another() -> None:
    track = moving(3)
    still = replace(
        track,
        blendshapes=np.repeat(track.blendshapes[:1], 400, axis=0),
        head_pose_deg=np.repeat(track.head_pose_deg[:1], 400, axis=0),
        brightness=np.full(400, 0.5, np.float32),
    )
    darker = replace(still, brightness=np.full(400, 0.3, np.float32))
    turned = replace(still, head_pose_deg=still.head_pose_deg + np.array([10, 0, 0], np.float32))
    ranker = ProjectRanker()
    ranker.add({number: filmed(track) for number, track in enumerate((still, darker, turned))})
    ranked = ranker.rank(SETTINGS, {})
    assert sorted(groups(ranked, Stacker().stacks(ranked)), key=min) == [{0}, {1}, {2}]


def test_another_frame_rate_is_the_same_take() -> None:
    """Lengths in seconds: 30 frames of one are 25 of the other."""
    track = moving(4, 360)
    kept = np.flatnonzero((np.arange(360) + 1) % 6)
    ranker = ProjectRanker()
    ranker.add({1: filmed(track), 2: filmed(track, kept)})
    ranked = ranker.rank(replace(SETTINGS, sequence_seconds=1.0, sequence_length=2), {})
    assert groups(ranked, Stacker().stacks(ranked)).count({1, 2}) >= 4


def test_windows_without_an_analysis_or_with_a_missing_face_stay_alone() -> None:
    one = moving(5)
    ranker = ProjectRanker()
    ranker.add({1: filmed(one), 2: filmed(one)})
    decided = {1: DecidedWindows(((0, 9_999, 0), (3, 33, 7)), ((-9, 21, 0),))}
    ranked = ranker.rank(SETTINGS, decided)
    assert Stacker().stacks(ranked).shape == (len(ranked),)
    assert Stacker().stacks(ProjectRanker().rank(SETTINGS, {})).shape == (0,)


def test_points_where_the_face_is_missing_are_not_known() -> None:
    track = moving(6)
    kept = np.flatnonzero((track.frame_index < 100) | (track.frame_index >= 110) | (track.frame_index == 105))
    found = trajectories(only(track, kept), np.arange(401) / 30, np.array([85.0, 15.0, 200.0]) / 30, 0.1)
    known = np.isfinite(found).all(axis=2)
    # a point is the mean over 9 frames; missing are 100 to 104 and 106 to 109
    assert known[0].tolist() == [True] * 14 + [False] * 3 + [True]
    assert known[1].tolist() == [False] * 4 + [True] * 14, "the track begins at frame 0"
    assert known[2].all()
    yaw = found[2, :, CHANNELS.index("yaw")] * 5
    frames = np.arange(200 - 30, 200 + 24, 3)[:, np.newaxis] + np.arange(9)
    assert yaw == pytest.approx(track.head_pose_deg[frames, 0].mean(axis=1), abs=0.01)


def test_kept_trajectories_follow_the_settings() -> None:
    ranker = ProjectRanker()
    ranker.add({1: filmed(moving(7)), 2: filmed(moving(7))})
    stacker = Stacker()
    for wanted in (SETTINGS, replace(SETTINGS, sequence_length=60), replace(SETTINGS, sequence_seconds=0.7), SETTINGS):
        ranked = ranker.rank(wanted, {})
        fresh = ProjectRanker()
        fresh.add({1: filmed(moving(7)), 2: filmed(moving(7))})
        assert stacker.stacks(ranked).tolist() == Stacker().stacks(fresh.rank(wanted, {})).tolist()
