"""Min/max downsampling of long curves to screen resolution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def decimate(
    times: FloatArray, values: FloatArray, first_s: float, last_s: float, columns: int
) -> tuple[FloatArray, FloatArray]:
    """Downsample the part of a curve between two times to the minimum and maximum of at most one bin per column.

    A bin without finite samples yields NaN, so gaps are preserved. One sample beyond either end is kept so that the
    line continues to the edge of the plot.

    Args:
        times: (N,) float64, seconds, ascending.
        values: (N,) float64; NaN where missing.
        columns: pixel columns between `first_s` and `last_s`; a curve that covers a part of them gets its share.

    Returns:
        Times and values, (M,) float64 each.
    """
    start = max(0, int(np.searchsorted(times, first_s)) - 1)
    stop = min(len(times), int(np.searchsorted(times, last_s, side="right")) + 1)
    times, values = times[start:stop], values[start:stop]
    if len(times) and last_s > first_s:
        columns = min(columns, math.ceil(columns * float(times[-1] - times[0]) / (last_s - first_s)) + 1)
    if columns < 1 or len(times) <= 2 * columns:
        return times, values
    size = -(-len(times) // columns)
    groups = -(-len(times) // size)
    padded = np.full(groups * size, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(groups, size)
    low = np.fmin.reduce(table, axis=1)
    high = np.fmax.reduce(table, axis=1)
    starts = np.arange(groups) * size
    middles = np.minimum(starts + size // 2, len(times) - 1)
    # Minimum first on a rising edge, maximum first on a falling one.
    rising = np.nan_to_num(table[:, 0], nan=np.inf) <= np.nan_to_num(values[middles], nan=np.inf)
    out_times, out_values = np.empty(2 * groups), np.empty(2 * groups)
    out_times[0::2], out_times[1::2] = times[starts], times[middles]
    out_values[0::2], out_values[1::2] = np.where(rising, low, high), np.where(rising, high, low)
    return out_times, out_values
