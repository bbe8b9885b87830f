"""What moves within a window, and how much of it is mere jitter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.ranking.expression.actions import ACTION_REGIONS, ACTIONS
from clipgen_engine.types import Float32Array, Float64Array, Sequence

_CHANNELS = tuple(BLENDSHAPE_REGIONS)
_ACTIONS = tuple(ACTIONS)
_UNCOUNTED = 0.01  # importance of a movement that does not count: of its variance
_BASE = 0.03  # what slow drift of the mesh reaches on still faces
_CORRELATED = 3.0  # deviation of the jitter relative to white noise with the same second difference


def movement_words(name: str, change: float) -> str:
    """Return a movement in words: `smile`, `brows up`, `looks left`.

    Args:
        name: a facial action; other names, as of projects made before there were actions, are returned as they are.
        change: positive if the action increases.
    """
    action = ACTIONS.get(name)
    if action is None:
        return name
    return action.rise if change >= 0 else action.fall


def within_noise(sequence: Sequence) -> bool:
    """Whether a window's expression variation is not above its noise floor, if that is known."""
    if sequence.noise_floor is None:
        return False
    return sequence.terms["expression_variation"] <= sequence.noise_floor


@dataclass(frozen=True, eq=False)
class Movements:
    """The blendshapes and actions of a window."""

    blendshapes: Float32Array  # (L, 51)
    values: Float64Array  # (A, L), facial actions in ranges

    @cached_property
    def channels(self) -> tuple[tuple[str, float], ...]:
        """All blendshapes by descending variance, each with its signed change.

        The change is maximum minus minimum, and positive if the maximum comes after the minimum.
        """
        values = self.blendshapes
        direction = np.where(values.argmax(axis=0) >= values.argmin(axis=0), 1, -1)
        change = direction * (values.max(axis=0) - values.min(axis=0))
        return tuple((_CHANNELS[row], float(change[row])) for row in np.argsort(-values.var(axis=0), kind="stable"))

    def actions(self, multipliers: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        """Return all facial actions with their signed change in ranges, by descending share in the expression.

        The change is maximum minus minimum. Its sign is that of the way from start to end, or, where the action
        returns, of its excursion: a jaw that opens and closes again has opened.
        An action of a region that does not count is ranked as if it moved a tenth as much.

        Args:
            multipliers: of each region.
        """
        order = np.argsort(-self._variances * _importance(multipliers), kind="stable")
        return tuple((_ACTIONS[row], self._changes[row]) for row in order)

    @cached_property
    def _variances(self) -> Float64Array:
        variances: Float64Array = self.values.var(axis=1)
        return variances

    def strongest(self, multipliers: Mapping[str, float]) -> Float64Array:
        """(L,): the first of `actions`."""
        row = int((self._variances * _importance(multipliers)).argmax())
        strongest: Float64Array = self.values[row]
        return strongest

    @cached_property
    def _changes(self) -> list[float]:
        start, end = self.values[:, 0], self.values[:, -1]
        highest, lowest = self.values.max(axis=1), self.values.min(axis=1)
        way, span = end - start, highest - lowest
        excursion = (highest - np.maximum(start, end)) - (np.minimum(start, end) - lowest)
        rises = np.where(np.abs(way) >= span / 2, way, excursion) >= 0
        changes: list[float] = np.where(rises, span, -span).tolist()
        return changes

    def noise_floor(self, multipliers: Mapping[str, float]) -> float:
        """Return the expression variation that the jitter of the measurement can cause in a still face.

        Jitter dominates the second difference x[i-1] - 2 x[i] + x[i+1], whose variance is 6 s^2 for white noise of
        variance s^2; its median square (0.455 of the variance for a normal distribution) is robust to the few frames
        in which the face moves fast. Measurements are smoothed, so that the jitter of neighbouring frames is alike
        and its second difference smaller than that of white noise: the factor was measured on still faces with sensor
        noise, motion blur and compression.

        Args:
            multipliers: of each region.
        """
        if self.values.shape[1] < 3:
            return _BASE
        weights = np.array([multipliers[region] for region in ACTION_REGIONS])
        noise = _BASE**2 + _CORRELATED**2 * float(weights @ self._jitter)
        return float(np.sqrt(noise / (1 + noise)))

    @cached_property
    def _jitter(self) -> Float64Array:
        """(A,): variance of white noise with the same median second difference."""
        squares = np.square(np.diff(self.values, n=2, axis=1))
        jitter: Float64Array = np.median(squares, axis=1) / (6 * 0.455)
        return jitter


def _importance(multipliers: Mapping[str, float]) -> Float64Array:
    return np.array([multipliers[region] or _UNCOUNTED for region in ACTION_REGIONS])
