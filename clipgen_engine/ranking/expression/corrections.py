"""Remove what blinks, head turns and glances do to the curves of facial actions.

Blinks are bridged by a grey-scale opening in time: the maximum, over all spans around a frame, of the minimum over the
span. It removes every rise shorter than the span and leaves longer ones untouched, without a threshold for a blink.

MediaPipe's blendshapes follow the pose of the head, and the lids the gaze, by an amount that differs from face to face,
so that no table of corrections fits. What a face does is therefore fitted within the video: over a second to either
side, the slope of each action against yaw, pitch, roll and gaze, but never steeper than turns of a head with an
unchanging face were seen to cause. An expression that coincides with a turn keeps all of its movement beyond that.
"""

from __future__ import annotations

import numpy as np

from clipgen_engine.ranking.expression.actions import ACTIONS, action_values
from clipgen_engine.types import Float32Array, Float64Array, Int64Array, read_only

BLINK_S = 0.4  # blinks last 0.1 to 0.4 s (Stern, Walrath & Goldstein, Psychophysiology 21(1), 1984)
_TOLERANCE_S = 1e-6  # of time stamps that are rounded to ticks
_FIT_S = 1.0  # to either side of a block
_BLOCK_S = 0.2  # frames that share a fit
_STILL_DEG = 2.0  # ridge: slopes against smaller rotations are not trusted
_GAZE_DEG = 25.0  # a full glance counts like a rotation by this much
REACH_S = max(_FIT_S + _BLOCK_S, BLINK_S)  # a frame's actions depend on the frames within it
# fixed point, so that results do not depend on where in a video a face is
_VALUE_UNITS, _ANGLE_UNITS = 1 << 14, 1 << 6
# lid movements, with the sign that makes a blink a rise
_LIDS = {"eyes_closed": 1, "eyes_narrow": 1, "eyes_wide": -1}


# Ranges that follow a rotation by 25 degrees of yaw, pitch and roll: the steepest of 18 heads, turned by the depth of
# their mesh in both directions (`make truth`), rounded up; of brows what nine in ten heads stay below, as raised brows
# also mislead the estimate of the pose and must not vanish with it.
_FOLLOWS_TURNS = {
    "brows_inner_up": (0.25, 0.45, 0.3),
    "brows_up": (0.25, 0.25, 0.25),
    "brows_down": (0.15, 0.2, 0.1),
    "eyes_closed": (0.2, 0.1, 0.1),
    "eyes_narrow": (0.3, 0.55, 0.15),
    "eyes_wide": (0.05, 0.05, 0.05),
    "mouth_smile": (0.2, 0.35, 0.2),
    "mouth_frown": (0.25, 0.3, 0.05),
    "mouth_pucker": (0.4, 0.4, 0.25),
    "mouth_funnel": (0.2, 0.15, 0.15),
    "upper_lip_up": (0.55, 0.55, 0.1),
    "lower_lip_down": (0.5, 0.4, 0.2),
    "mouth_stretch": (0.6, 0.75, 0.1),
    "mouth_dimple": (0.35, 0.6, 0.2),
    "lips_pressed": (0.2, 0.65, 0.2),
    "lips_closed": (0.1, 0.05, 0.05),
    "lower_lip_rolls": (0.1, 0.15, 0.2),
    "upper_lip_rolls": (0.1, 0.1, 0.2),
    "chin_up": (0.35, 0.8, 0.15),
    "upper_lip_shrug": (0.55, 1, 0.15),
    "mouth_left": (0.1, 0.05, 0.05),
    "jaw_open": (0.25, 0.2, 0.05),
    "jaw_left": (0.1, 0.05, 0.05),
}
# Ranges that follow a full glance to the left and upwards: lids by anatomy, mouth and jaw a little by the model.
_FOLLOWS_GAZE = {"eyes_closed": (0.2, 0.3), "eyes_narrow": (0.3, 0.4), "eyes_wide": (0.1, 0.3)}
_LEAK = (0.1, 0.1)


def _steepest() -> Float64Array:
    turns = [_FOLLOWS_TURNS.get(name, (0.0, 0.0, 0.0)) for name in ACTIONS]
    leaks = {name: _LEAK for name in _FOLLOWS_TURNS if ACTIONS[name].region in ("mouth", "jaw")}
    glances = [(leaks | _FOLLOWS_GAZE).get(name, (0.0, 0.0)) for name in ACTIONS]
    return read_only(np.hstack((np.array(turns) / 25, np.array(glances) / _GAZE_DEG)).T)


_STEEPEST = _steepest()  # (5, A) ranges per degree of yaw, pitch, roll, gaze to the left, gaze upwards
_FOLLOWING = np.flatnonzero(_STEEPEST.any(axis=0))  # actions
_GAZE = [list(ACTIONS).index(name) for name in ("gaze_left", "gaze_up")]


def corrected_actions(
    blendshapes: Float32Array, head_pose_deg: Float32Array, times_s: Float64Array, *, bridge_blinks: bool = True
) -> Float32Array:
    """(N, A) float32: facial actions of a track in ranges, without turns, glances and, optionally, blinks.

    Args:
        blendshapes: (N, 51) float32, 0..1.
        head_pose_deg: (N, 3) float32, yaw, pitch, roll.
        times_s: (N,) float64, increasing.
        bridge_blinks: remove lid movements shorter than a blink.
    """
    seen = action_values(blendshapes)
    values, gaze = seen.copy(), seen[:, _GAZE]
    if bridge_blinks:
        lids = [list(ACTIONS).index(name) for name in _LIDS]
        signs = np.array(list(_LIDS.values()), np.float32)[:, np.newaxis]
        curves = np.ascontiguousarray(values[:, lids].T) * signs
        values[:, lids] = (without_short_rises(curves, times_s) * signs).T
        rolled = without_short_rises(np.ascontiguousarray(gaze.T), times_s)
        gaze = -without_short_rises(-rolled, times_s).T  # the eyes roll while they are closed
    return _whole(values) - _explained(seen, head_pose_deg, times_s, gaze)


def without_turns(values: Float32Array, head_pose_deg: Float32Array, times_s: Float64Array) -> Float32Array:
    """(N, A) float32: actions in ranges, less what the rotations of head and eyes explain."""
    without: Float32Array = _whole(values) - _explained(values, head_pose_deg, times_s, values[:, _GAZE])
    return without


def _explained(
    seen: Float32Array, head_pose_deg: Float32Array, times_s: Float64Array, gaze: Float32Array
) -> Float32Array:
    """(N, A) float32: how far rotations of head and eyes explain that actions differ from those in the first frame.

    The explained change from frame to frame is the local slope times the rotation.

    Args:
        seen: (N, A) float32, to which the slopes are fitted.
        gaze: (N, 2) float32, gaze to the left and upwards that is to be explained.
    """
    explained = np.zeros_like(seen)
    if len(seen) < 2:
        return explained
    angles, moved = _angles(head_pose_deg, seen[:, _GAZE]), _angles(head_pose_deg, gaze)
    units = np.rint(seen[:, _FOLLOWING].astype(np.float64) * _VALUE_UNITS)
    blocks = _Blocks(times_s)
    slopes = _slopes(blocks, blocks.split(angles), blocks.split(units))
    turned = np.diff(moved, axis=0, prepend=moved[:1]) / _ANGLE_UNITS
    step = blocks.join(blocks.split(turned) @ slopes)
    explained[:, _FOLLOWING] = np.cumsum(np.rint(step * _VALUE_UNITS), axis=0) / _VALUE_UNITS
    return explained


def _whole(values: Float32Array) -> Float32Array:
    """Round to whole units, so that differences to whole numbers of units are exact."""
    whole: Float32Array = np.rint(values * np.float32(_VALUE_UNITS)) / np.float32(_VALUE_UNITS)
    return whole


def _angles(head_pose_deg: Float32Array, gaze: Float32Array) -> Float64Array:
    """(N, 5) float64: rotations of head and eyes in whole units, so that their sums are exact."""
    rotations = np.hstack((head_pose_deg, gaze * np.float32(_GAZE_DEG)))
    return np.rint(rotations.astype(np.float64) * _ANGLE_UNITS)


class _Blocks:
    """Frames in blocks of equal duration, each padded with zeros to the number of frames of the largest."""

    def __init__(self, times_s: Float64Array) -> None:
        block = np.floor((times_s + _TOLERANCE_S) / _BLOCK_S).astype(np.int64)
        ids, first, count = np.unique(block, return_index=True, return_counts=True)
        self.count: Int64Array = count
        self._frame = first[:, np.newaxis] + np.arange(count.max())
        self._here = np.arange(count.max()) < count[:, np.newaxis]
        self._frame[~self._here] = 0
        reach = round(_FIT_S / _BLOCK_S)
        self._from = np.searchsorted(ids, ids - reach)
        self._to = np.searchsorted(ids, ids + reach, side="right")

    def split(self, columns: Float64Array) -> Float64Array:
        """(N, K) -> (B, M, K)."""
        parts: Float64Array = columns[self._frame] * self._here[..., np.newaxis]
        return parts

    def join(self, parts: Float64Array) -> Float64Array:
        """(B, M, K) -> (N, K)."""
        columns: Float64Array = parts[self._here]
        return columns

    def around(self, sums: Float64Array) -> Float64Array:
        """(B, ...): sums over each block and those within the fit's reach."""
        total = np.concatenate([np.zeros_like(sums[:1]), np.cumsum(sums, axis=0)])
        near: Float64Array = total[self._to] - total[self._from]
        return near


def _slopes(blocks: _Blocks, angles: Float64Array, units: Float64Array) -> Float64Array:
    """(B, 5, F) float64: slopes around each block, in ranges per degree."""
    number = blocks.around(blocks.count.astype(np.float64))[:, np.newaxis, np.newaxis]
    angle_sum, unit_sum = (blocks.around(part.sum(axis=1))[:, np.newaxis] for part in (angles, units))
    across = angles.transpose(0, 2, 1)

    def covariance(other: Float64Array, other_sum: Float64Array) -> Float64Array:
        difference = number * blocks.around(across @ other) - angle_sum.transpose(0, 2, 1) * other_sum
        mean: Float64Array = difference / number**2
        return mean

    rotation = covariance(angles, angle_sum) / _ANGLE_UNITS**2 + np.eye(angles.shape[2]) * _STILL_DEG**2
    mixed = covariance(units, unit_sum) / (_ANGLE_UNITS * _VALUE_UNITS)
    steepest = _STEEPEST[:, _FOLLOWING]
    limited: Float64Array = np.clip(np.linalg.solve(rotation, mixed), -steepest, steepest)
    return limited


def without_short_rises(values: Float32Array, times_s: Float64Array, span_s: float = BLINK_S) -> Float32Array:
    """Lower every rise that lasts less than a span to the higher of the values around it.

    Args:
        values: (K, N) float32, curves.
        times_s: (N,) float64, increasing, at which each frame begins.
        span_s: rises of at least this duration are kept.

    Returns:
        (K, N) float32, nowhere above `values`. At either end only spans within the curve count.
    """
    if values.shape[1] < 2:
        return values
    # frames [start, stop) begin within a span from the first of them
    stop = np.searchsorted(times_s, times_s + (span_s - _TOLERANCE_S), side="left")
    last = int(np.searchsorted(stop, len(stop), side="left"))  # the last span that fits
    start = np.arange(last + 1)
    lowest = _extremes(values, start, stop[: last + 1], np.minimum)
    # spans that contain a frame: from the first that reaches it to the one that starts at it
    reaching = np.searchsorted(stop[: last + 1], np.arange(len(stop)), side="right")
    return _extremes(lowest, reaching, np.minimum(np.arange(len(stop)), last) + 1, np.maximum)


def _extremes(values: Float32Array, start: Int64Array, stop: Int64Array, extreme: np.ufunc) -> Float32Array:
    """(K, M): extreme of each run [start, stop), not empty, from two overlapping runs of a power of two."""
    level = np.frexp(stop - start)[1] - 1  # floor(log2(length))
    result = np.empty((values.shape[0], len(start)), np.float32)
    runs = values
    for exponent in range(int(level.max(initial=0)) + 1):
        at = np.flatnonzero(level == exponent)
        result[:, at] = extreme(runs[:, start[at]], runs[:, stop[at] - (1 << exponent)])
        runs = extreme(runs[:, : -(1 << exponent)], runs[:, 1 << exponent :])
    return result
