"""Mapping of source frames to clip PTS."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from clipgen_engine.clips.timing import clip_plan
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import VideoInfo
from tests.support.analyses import FakeTrack, make_analysis

STEADY = make_analysis(FakeTrack(0, np.zeros((90, 51), np.float32), np.zeros((90, 2), np.float32))).video  # 30 fps


def video_with(pts: list[int], time_base: Fraction, rate: Fraction = Fraction(30)) -> VideoInfo:
    return replace(STEADY, pts=np.array(pts, np.int64), start_pts=pts[0], time_base=time_base, average_rate=rate)


def test_source_timestamps_are_preserved() -> None:
    video = video_with([100, 133, 170, 250, 260], Fraction(1, 1000))
    plan = clip_plan(video, 1, 4, ExportSettings())
    assert plan.frame_index.tolist() == [1, 2, 3]
    assert plan.pts.tolist() == [0, 37, 117]
    assert (plan.begin_s, plan.duration_s) == (Fraction(133, 1000), Fraction(127, 1000))


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (30, [*range(10, 16)]),
        (60, [10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15]),
        (15, [10, 12, 14]),
        (20, [10, 11, 13, 14]),
        (29.97, [*range(10, 16)]),
    ],
)
def test_constant_rate_repeats_and_drops_the_expected_frames(fps: float, expected: list[int]) -> None:
    plan = clip_plan(STEADY, 10, 16, ExportSettings(fps=fps))
    assert plan.frame_index.tolist() == expected
    assert plan.pts.tolist() == list(range(len(expected)))
    assert plan.time_base == 1 / plan.rate


def test_broadcast_rates_are_exact() -> None:
    assert clip_plan(STEADY, 0, 9, ExportSettings(fps=23.976)).rate == Fraction(24000, 1001)
    assert clip_plan(STEADY, 0, 9, ExportSettings(fps=12.5)).rate == Fraction(25, 2)


def test_rounded_timestamps_neither_repeat_nor_drop_frames() -> None:
    pts = [round(number * 1000 / 30) + jitter for number, jitter in enumerate([0, 3, -4, 6, 0, -9, 2, 5])]
    plan = clip_plan(video_with(pts, Fraction(1, 1000)), 0, 8, ExportSettings(fps=30))
    assert plan.frame_index.tolist() == list(range(8))


def test_frozen_frame_is_repeated_at_constant_rate() -> None:
    video = video_with([0, 1, 2, 12, 13, 14], Fraction(1, 30))
    plan = clip_plan(video, 0, 6, ExportSettings(fps=30))
    assert plan.frame_index.tolist() == [0, 1, *[2] * 10, 3, 4, 5]


def test_container_without_timestamps_preserves_the_duration() -> None:
    video = video_with([0, 10, 40, 50, 60, 130], Fraction(1, 1000))
    plan = clip_plan(video, 0, 5, ExportSettings(), keeps_times=False)
    assert plan.pts.tolist() == [0, 1, 2, 3, 4]
    assert 5 * plan.time_base == pytest.approx(plan.duration_s, rel=1e-3)
    even = clip_plan(STEADY, 0, 5, ExportSettings(), keeps_times=False)
    assert even.rate == 30


def test_wrong_nominal_rate_is_ignored() -> None:
    labelled_120 = video_with([number * 4 for number in range(30)], Fraction(1, 120), Fraction(120))
    plan = clip_plan(labelled_120, 10, 30, ExportSettings())
    assert plan.rate == 30
    assert plan.duration_s == Fraction(20, 30)
    in_milliseconds = video_with(
        [round(number * 1001 / 24) for number in range(9)], Fraction(1, 1000), Fraction(24000, 1001)
    )
    assert clip_plan(in_milliseconds, 3, 5, ExportSettings()).rate == Fraction(24000, 1001)
