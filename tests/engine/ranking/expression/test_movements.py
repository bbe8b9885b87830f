"""Movements in words, and the noise floor."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clipgen_engine.ranking.expression.actions import ACTIONS
from clipgen_engine.ranking.expression.movements import Movements, movement_words
from clipgen_engine.ranking.terms import default_multipliers
from clipgen_engine.settings import RankingSettings

MULTIPLIERS = default_multipliers(RankingSettings())
T = np.linspace(0, 1, 30)


def moving(**curves: NDArray[np.float64]) -> Movements:
    values = np.zeros((len(ACTIONS), len(T)))
    for name, curve in curves.items():
        values[list(ACTIONS).index(name)] = curve
    return Movements(np.zeros((len(T), 51), np.float32), values)


@pytest.mark.parametrize(
    ("name", "curve", "words"),
    [
        ("jaw_open", T, "jaw opens"),
        ("jaw_open", 1 - T, "jaw closes"),
        ("jaw_open", np.sin(np.pi * T), "jaw opens"),
        ("jaw_open", np.sin(np.pi * T**0.3), "jaw opens"),
        ("mouth_smile", 1 - np.sin(np.pi * T), "smile fades"),
        ("gaze_left", -np.sin(np.pi * T), "looks right"),
        ("gaze_left", np.clip(5 * T - 2, -1, 1), "looks left"),
    ],
)
def test_words_follow_what_is_seen(name: str, curve: NDArray[np.float64], words: str) -> None:
    found, change = moving(**{name: curve}).actions(MULTIPLIERS)[0]
    assert found == name
    assert movement_words(found, change) == words
    assert abs(change) == pytest.approx(np.ptp(curve))


def test_what_does_not_count_comes_after_what_does() -> None:
    both = moving(gaze_left=T, mouth_smile=0.3 * T)
    assert [name for name, _ in both.actions(MULTIPLIERS)[:2]] == ["mouth_smile", "gaze_left"]
    assert [name for name, _ in both.actions(MULTIPLIERS | {"gaze": 1.0})[:2]] == ["gaze_left", "mouth_smile"]
    assert moving(gaze_left=T, mouth_smile=0.01 * T).actions(MULTIPLIERS)[0][0] == "gaze_left"
    np.testing.assert_array_equal(both.strongest(MULTIPLIERS), 0.3 * T)


def test_unknown_movements_are_named_as_they_are() -> None:
    assert movement_words("jawOpen", 0.4) == "jawOpen"


def test_noise_floor_follows_jitter_and_not_movement() -> None:
    rng = np.random.default_rng(0)
    slow = moving(jaw_open=np.sin(2 * np.pi * T)).noise_floor(MULTIPLIERS)
    jitter = moving(jaw_open=rng.normal(0, 0.1, len(T))).noise_floor(MULTIPLIERS)
    assert slow < 0.1 < 0.2 < jitter
    assert moving(gaze_left=rng.normal(0, 1, len(T))).noise_floor(MULTIPLIERS) == pytest.approx(0.03, abs=1e-4)
