"""Which faces get a learned token of their own, and what stands between two of them."""

from __future__ import annotations

import numpy as np

from clipgen_engine.types import BoolArray, Float32Array, Float64Array, Int64Array

_STRAIGHT = 1e-4  # radians from 0 or from pi at which the arc between two tokens is not well defined


def own_rows(frame_index: Int64Array, stride: int) -> BoolArray:
    """(N,) bool: faces of a track on every `stride`-th frame of the video, and both ends of each run of frames.

    The frames are those of the video's count, so that tokens of one stride serve for its multiples too.
    """
    gap = np.diff(frame_index) > 1
    begins, ends = np.concatenate([[True], gap]), np.concatenate([gap, [True]])
    own: BoolArray = (frame_index % stride == 0) | begins[: len(frame_index)] | ends[: len(frame_index)]
    return own


def interpolated(values: Float32Array, frame_index: Int64Array, stride: int) -> tuple[Float32Array, BoolArray]:
    """Fill in the tokens between two known ones that are at most `stride` frames apart.

    Args:
        values: (N, D) float32 of length 1; NaN where no token is known.

    Returns:
        (N, D) float32 with arcs on the unit sphere (slerp; Shoemake, 1985) filled in, and (N,) bool: filled in.
    """
    known = ~np.isnan(values[:, 0])
    count, rows = len(values), np.arange(len(values))
    before = np.maximum.accumulate(np.where(known, rows, -1))
    after = np.minimum.accumulate(np.where(known, rows, count)[::-1])[::-1]
    gaps = np.flatnonzero(~known & (before >= 0) & (after < count))
    first, last = before[gaps], after[gaps]
    distance = frame_index[last] - frame_index[first]
    near = (distance <= stride) & (distance == last - first)  # on frames without the face nothing is made up
    gaps, first, last, distance = gaps[near], first[near], last[near], distance[near]
    share = (frame_index[gaps] - frame_index[first]) / distance
    filled, made = values.copy(), np.zeros(count, np.bool_)
    filled[gaps] = slerp(values[first], values[last], share)
    made[gaps] = True
    return filled, made


def slerp(start: Float32Array, end: Float32Array, share: Float64Array) -> Float32Array:
    """(K, D) float32: points on the great circles from start to end (K, D), all of length 1, at shares (K,) 0..1."""
    angle = np.arccos(np.clip(np.einsum("kd,kd->k", start, end, dtype=np.float64), -1, 1))
    bent = (angle > _STRAIGHT) & (angle < np.pi - _STRAIGHT)
    sine = np.where(bent, np.sin(angle), 1)
    left = np.where(bent, np.sin((1 - share) * angle) / sine, 1 - share)
    right = np.where(bent, np.sin(share * angle) / sine, share)
    points = left[:, np.newaxis] * start + right[:, np.newaxis] * end
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    result: Float32Array = np.where(lengths > _STRAIGHT, points / np.maximum(lengths, _STRAIGHT), start)
    return result.astype(np.float32)
