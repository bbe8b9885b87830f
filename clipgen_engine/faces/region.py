"""The region of a picture that the landmark network looks at: a square around the face, upright with it.

Follows MediaPipe's face landmarker: 1.5 times the longer side of the mesh's bounding box, turned so that the line
through the outer eye corners is level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clipgen_engine.faces.boxes import box_center
from clipgen_engine.types import Float32Array, Float64Array

_MARGIN = 1.5  # side of a region in face sizes
_EYE_CORNERS = (33, 263)  # outer corners, of the person's right and left eye


@dataclass(frozen=True)
class FaceRegion:
    """A turned square, px of the picture. Values are those of float32, so that storing them loses nothing."""

    center_x: float
    center_y: float
    side: float
    angle: float  # radians, clockwise

    @property
    def face_px(self) -> float:
        """Longer side of the face's box, px."""
        return self.side / _MARGIN

    def to_picture(self, side_px: int) -> Float64Array:
        """(2, 3) float64: affine map from px of a square crop of this side to px of the picture."""
        scale = self.side / side_px
        across, down = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        half = side_px / 2
        return np.array(
            [
                [across, -down, self.center_x - half * (across - down)],
                [down, across, self.center_y - half * (down + across)],
            ]
        )

    def differs(self, other: FaceRegion) -> float:
        """By how much another region shows the face differently: shift, zoom or half the turn, the largest."""
        shift = math.hypot(other.center_x - self.center_x, other.center_y - self.center_y) / self.side
        zoom = abs(math.log(other.side / self.side))
        return max(shift, zoom, abs(_turn(self.angle, other.angle)) / 2)

    def towards(self, other: FaceRegion, share: float) -> FaceRegion:
        """The region at this share (0..1) of the way to another."""
        turned = self.angle + share * _turn(self.angle, other.angle)
        return _region(
            self.center_x + share * (other.center_x - self.center_x),
            self.center_y + share * (other.center_y - self.center_y),
            self.side + share * (other.side - self.side),
            turned,
        )

    def as_array(self) -> Float32Array:
        """(4,) float32: centre x, y and side in px, angle in radians."""
        return np.array([self.center_x, self.center_y, self.side, self.angle], np.float32)


def stored_region(values: Float32Array) -> FaceRegion:
    """The region that `as_array` returned."""
    return FaceRegion(*values.tolist())


def region_of_mesh(points: Float32Array) -> FaceRegion:
    """The region for the next look at a face.

    Args:
        points: (478, 2 or 3) float32 landmarks, px.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    middle = (low + high) / 2
    right, left = points[_EYE_CORNERS[0]], points[_EYE_CORNERS[1]]
    angle = math.atan2(float(left[1] - right[1]), float(left[0] - right[0]))
    return _region(float(middle[0]), float(middle[1]), _MARGIN * float((high - low).max()), angle)


def region_around(box_xywh: Float32Array, angle: float = 0.0) -> FaceRegion:
    """The region of a detected face, given its box in px and the slope of its eyes in radians."""
    center = box_center(box_xywh)
    return _region(float(center[0]), float(center[1]), _MARGIN * float(box_xywh[2:].max()), angle)


def _region(center_x: float, center_y: float, side: float, angle: float) -> FaceRegion:
    return stored_region(np.array([center_x, center_y, max(side, 1.0), angle], np.float32))


def _turn(start: float, end: float) -> float:
    """The shorter way from one angle to another, radians."""
    return math.remainder(end - start, 2 * math.pi)
