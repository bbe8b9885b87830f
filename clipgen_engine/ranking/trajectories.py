"""What a face does around the middle of a window, sampled over time, to compare windows of any videos."""

from __future__ import annotations

import numpy as np

from clipgen_engine.ranking.expression.actions import ACTIONS, action_values
from clipgen_engine.types import FaceTrack, Float32Array, Float64Array

POINTS = 10  # over the length of a window
MARGIN = 4  # further points on either side, at which windows that start earlier or later are compared
CHANNELS = (*ACTIONS, "yaw", "pitch", "roll", "brightness")
SHAPE = MARGIN + POINTS + MARGIN, len(CHANNELS)
_SCALE = np.array([*[1.0] * len(ACTIONS), *[1 / 5] * 3, 8.0])  # of the channels
_WIDTH = 3  # steps
_TICK_S = 1e-6  # shortest frame


def trajectories(track: FaceTrack, times_s: Float64Array, middle_s: Float64Array, step_s: float) -> Float32Array:
    """(N, MARGIN + POINTS + MARGIN, C) float32: facial actions, head pose and brightness at points in time.

    A point is the mean over three steps, so that windows that begin between the points of another are like it, too.
    Actions are those of `action_values`, in ranges; angles are in units of 5 degrees, brightness (0..1) in units of an
    eighth. Blinks and what follows a turn of the head stay in: they are the same in another copy of the footage, while
    what a correction removes depends on where the video begins. Points at which the face is missing for more than half
    of the time are NaN.

    Args:
        times_s: (F + 1,) float64, of the frames of the video, and its end.
        middle_s: (N,) float64, middle of each window.
        step_s: time between two points.
    """
    columns = action_values(track.blendshapes[:, 1:]), track.head_pose_deg, track.brightness[:, np.newaxis]
    values = np.concatenate(columns, axis=1) * _SCALE
    sums = np.concatenate([np.zeros((1, len(CHANNELS))), np.cumsum(values, axis=0, dtype=np.float64)])
    edges_s = middle_s[:, np.newaxis] + (np.arange(SHAPE[0] + _WIDTH) - (SHAPE[0] + _WIDTH - 1) / 2) * step_s
    edges = np.interp(edges_s, times_s, np.arange(len(times_s)))  # frames; limited to the video
    whole = np.floor(edges).astype(np.int64)
    row = np.searchsorted(track.frame_index, whole)
    inner = np.minimum(row, len(values) - 1)
    part = np.where(track.frame_index[inner] == whole, edges - whole, 0)
    seen = (row + part)[:, _WIDTH:] - (row + part)[:, :-_WIDTH]  # frames
    frames = _WIDTH * step_s / max(float(np.median(np.diff(times_s))), _TICK_S)
    with np.errstate(invalid="ignore"):
        at = sums[row] + part[..., np.newaxis] * values[inner]
        found = (at[:, _WIDTH:] - at[:, :-_WIDTH]) / seen[..., np.newaxis]
    found[seen < frames / 2] = np.nan
    sampled: Float32Array = found.astype(np.float32)
    return sampled
