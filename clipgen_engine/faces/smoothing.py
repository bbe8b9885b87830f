"""Smoothing of what is measured of a face, over a tenth of a second.

The landmarks of single pictures tremble. MediaPipe smooths each of them over time with a filter that lags behind:
while a head moves, the points of its face lag by different amounts, and the face seems to change its expression. Here
the measurements are smoothed instead, with a kernel that ends after three frames at 30 per second: it does not lag,
and what it says of a frame is known as soon as the frames around it are.
"""

from __future__ import annotations

import numpy as np

from clipgen_engine.types import BoolArray, Float32Array, Float64Array, Int64Array

_SIGMA_S = 1 / 30  # standard deviation of the kernel, seconds
REACH_S = 0.07  # half the width of the kernel
_TOLERANCE_S = 1e-9  # of differences of times


def smoothed(values: Float32Array, times_s: Float64Array) -> Float32Array:
    """Weighted means over the rows within reach; exactly the same for a row whatever lies beyond.

    Args:
        values: (N,) or (N, K) float32, finite.
        times_s: (N,) float64, increasing.
    """
    rows = values.reshape(len(values), -1)
    result = np.empty_like(rows)
    near: list[Float64Array] = []  # weight of the row at each offset
    for offset in range(1, len(rows)):
        apart = times_s[offset:] - times_s[:-offset]
        weight = np.where(apart <= REACH_S, np.exp(-0.5 * (apart / _SIGMA_S) ** 2), 0.0)
        if not weight.any():
            break
        near.append(weight)
    total_weight = np.ones(len(rows))
    for offset, weight in enumerate(near, 1):
        total_weight[:-offset] += weight
        total_weight[offset:] += weight
    for column in range(rows.shape[1]):  # one by one: ten hours of blendshapes must fit the memory
        curve = rows[:, column].astype(np.float64)
        total = curve.copy()
        for offset, weight in enumerate(near, 1):
            total[:-offset] += weight * curve[offset:]
            total[offset:] += weight * curve[:-offset]
        result[:, column] = total / total_weight
    smooth: Float32Array = result.reshape(values.shape)
    return smooth


def exact_frames(done: BoolArray, times_s: Float64Array, shots: Int64Array) -> BoolArray:
    """(T,) bool: frames whose smoothed measurements are final, as all frames of their shot within reach are done.

    Args:
        done: (T,) bool.
        times_s: (T,) float64, increasing.
        shots: (S, 2) int64 half-open spans of frames.
    """
    exact = np.zeros(len(done), np.bool_)
    for start, stop in shots.tolist():
        exact[start:stop] = all_within(done[start:stop], times_s[start:stop], REACH_S)
    return exact


def all_within(done: BoolArray, times_s: Float64Array, reach_s: float) -> BoolArray:
    """(N,) bool: all rows within reach of a row, itself included, are done.

    Args:
        done: (N,) bool.
        times_s: (N,) float64, increasing.
    """
    open_before = np.concatenate([[0], np.cumsum(~done)])
    first = np.searchsorted(times_s, times_s - reach_s - _TOLERANCE_S)
    last = np.searchsorted(times_s, times_s + reach_s + _TOLERANCE_S, side="right")
    every: BoolArray = open_before[last] == open_before[first]
    return every
