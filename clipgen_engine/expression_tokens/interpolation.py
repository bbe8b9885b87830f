"""Choice of the frames whose learned token is computed, and interpolation in between."""

from __future__ import annotations

import numpy as np

from clipgen_engine.types import BoolArray, Float32Array, Float64Array, Int64Array

_DEGENERATE = 1e-4  # radians from 0 or pi within which the arc between two tokens is ill-defined


def own_rows(frame_index: Int64Array, stride: int) -> BoolArray:
    """(N,) bool: rows of a track on every `stride`-th frame of the video, and both ends of each contiguous run.

    Frames are counted from the start of the video, so that tokens of one stride can be reused for its multiples.
    """
    gap = np.diff(frame_index) > 1
    begins, ends = np.concatenate([[True], gap]), np.concatenate([gap, [True]])
    own: BoolArray = (frame_index % stride == 0) | begins[: len(frame_index)] | ends[: len(frame_index)]
    return own


def interpolated(values: Float32Array, frame_index: Int64Array, stride: int) -> tuple[Float32Array, BoolArray]:
    """Interpolate missing tokens between known ones that are at most `stride` frames apart.

    Args:
        values: (N, D) float32, unit length; NaN where missing.

    Returns:
        (N, D) float32, interpolated on the unit sphere (slerp; Shoemake, 1985), and (N,) bool: interpolated rows.
    """
    known = ~np.isnan(values[:, 0])
    count, rows = len(values), np.arange(len(values))
    before = np.maximum.accumulate(np.where(known, rows, -1))
    after = np.minimum.accumulate(np.where(known, rows, count)[::-1])[::-1]
    gaps = np.flatnonzero(~known & (before >= 0) & (after < count))
    first, last = before[gaps], after[gaps]
    distance = frame_index[last] - frame_index[first]
    near = (distance <= stride) & (distance == last - first)  # do not interpolate across frames without the face
    gaps, first, last, distance = gaps[near], first[near], last[near], distance[near]
    share = (frame_index[gaps] - frame_index[first]) / distance
    filled, made = values.copy(), np.zeros(count, np.bool_)
    filled[gaps] = slerp(values[first], values[last], share)
    made[gaps] = True
    return filled, made


def slerp(start: Float32Array, end: Float32Array, share: Float64Array) -> Float32Array:
    """(K, D) float32: spherical interpolation between unit vectors start and end (K, D) at shares (K,), 0..1."""
    angle = np.arccos(np.clip(np.einsum("kd,kd->k", start, end, dtype=np.float64), -1, 1))
    regular = (angle > _DEGENERATE) & (angle < np.pi - _DEGENERATE)
    sine = np.where(regular, np.sin(angle), 1)
    left = np.where(regular, np.sin((1 - share) * angle) / sine, 1 - share)
    right = np.where(regular, np.sin(share * angle) / sine, share)
    points = left[:, np.newaxis] * start + right[:, np.newaxis] * end
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    result: Float32Array = np.where(lengths > _DEGENERATE, points / np.maximum(lengths, _DEGENERATE), start)
    return result.astype(np.float32)
