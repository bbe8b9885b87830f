"""Blinks, head turns and glances are removed from the curves of facial actions; expressions are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.ranking.expression.actions import ACTIONS, action_values
from clipgen_engine.ranking.expression.corrections import corrected_actions, without_short_rises, without_turns

NAMES = list(ACTIONS)
SECONDS = np.arange(90) / 30


def slow_opening(values: NDArray[np.float32], times_s: NDArray[np.float64], span_s: float) -> NDArray[np.float32]:
    """By its definition: the maximum over all spans around a frame of the minimum over the span."""
    spans = [np.flatnonzero((times_s >= start) & (times_s < start + span_s - 1e-6)) for start in times_s]
    last = next(number for number, span in enumerate(spans) if span[-1] == len(times_s) - 1)
    opened = np.full(len(values), -np.inf, np.float32)
    for span in spans[: last + 1]:
        opened[span] = np.maximum(opened[span], values[span].min())
    return opened


@given(st.integers(0, 10_000), st.integers(2, 60), st.floats(0.05, 1.0))
def test_short_rises_are_removed_as_defined(seed: int, count: int, span_s: float) -> None:
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.uniform(0.005, 0.2, count))
    values = rng.random((2, count), np.float32)
    opened = without_short_rises(values, times_s, span_s)
    np.testing.assert_array_equal(opened, [slow_opening(row, times_s, span_s) for row in values])
    assert (opened <= values).all()


@pytest.mark.parametrize(("frames", "kept"), [(3, False), (8, False), (11, False), (12, True), (25, True)])
@pytest.mark.parametrize("start", [0, 40])
def test_a_blink_lasts_less_than_four_tenths_of_a_second(frames: int, kept: bool, start: int) -> None:
    closed = np.zeros((1, 90), np.float32)
    closed[0, start : start + frames] = 1.0
    assert without_short_rises(closed, SECONDS).max() == float(kept)


def test_lids_are_bridged_and_nothing_else() -> None:
    blendshapes = np.random.default_rng(0).random((90, 51), np.float32) * 0.1
    blendshapes[:, [region == "gaze" for region in BLENDSHAPE_REGIONS.values()]] = 0  # lids and mouth follow glances
    still = np.zeros((90, 3), np.float32)
    bridged, counted = (corrected_actions(blendshapes, still, SECONDS, bridge_blinks=on) for on in (True, False))
    changed = [name for name, one, other in zip(NAMES, bridged.T, counted.T, strict=True) if (one != other).any()]
    assert changed == ["eyes_closed", "eyes_narrow", "eyes_wide"]


def turned(slope_per_deg: float, smile: float = 0.0) -> NDArray[np.float32]:
    """The smile of a head that turns by 25 degrees, follows the turn, and smiles besides."""
    values = np.zeros((90, len(NAMES)), np.float32)
    values[:, NAMES.index("mouth_smile")] = slope_per_deg * yaw() + smile * np.sin(np.linspace(0, 9 * np.pi, 90))
    pose = np.zeros((90, 3), np.float32)
    pose[:, 0] = yaw()
    return without_turns(values, pose, SECONDS)[:, NAMES.index("mouth_smile")]


def yaw() -> NDArray[np.float32]:
    return (12.5 - 12.5 * np.cos(np.linspace(0, 2 * np.pi, 90))).astype(np.float32)


def test_what_follows_a_turn_is_removed() -> None:
    assert np.ptp(turned(0.006)) < 0.15 * 0.006 * 25


def test_a_movement_beyond_what_a_turn_explains_is_kept() -> None:
    steep = 0.04  # a smile that coincides with the turn
    assert np.ptp(turned(steep)) > 0.75 * steep * 25


def test_an_expression_during_a_turn_is_kept() -> None:
    assert np.ptp(turned(0.006, smile=0.4)) == pytest.approx(0.8, abs=0.08)


def test_without_rotation_nothing_changes() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.3, (90, len(NAMES))).astype(np.float32)
    values[:, [NAMES.index("gaze_left"), NAMES.index("gaze_up")]] = 0.2
    np.testing.assert_allclose(without_turns(values, np.ones((90, 3), np.float32), SECONDS), values, atol=1e-4)


@given(st.integers(0, 1000))
def test_the_result_does_not_depend_on_what_came_long_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blendshapes, pose = rng.random((240, 51), np.float32), rng.normal(0, 9, (240, 3)).astype(np.float32)
    times_s = np.arange(240) / 30
    whole = corrected_actions(blendshapes, pose, times_s)[150:200]
    part = corrected_actions(blendshapes[60:], pose[60:], times_s[60:])[90:140]
    np.testing.assert_allclose(whole - whole[0], part - part[0], atol=1e-6)


def test_every_channel_belongs_to_one_action() -> None:
    eye = np.eye(51, dtype=np.float32)
    assert ((action_values(eye) != 0).sum(axis=1) == 1).all()


def test_left_and_right_are_alike() -> None:
    channels = [channel for action in ACTIONS.values() for channel in action.channels]
    assert len(set(channels)) == len(channels) == 51
    for action in ACTIONS.values():
        assert action.range > 0
        assert action.rise != action.fall
