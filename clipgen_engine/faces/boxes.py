"""Box geometry; boxes are (4,) float32 arrays of left, top, width and height in px."""

from __future__ import annotations

import math

import numpy as np

from clipgen_engine.types import Float32Array


def box_center(box: Float32Array) -> Float32Array:
    """(2,) float32, px."""
    center: Float32Array = box[:2] + box[2:] / np.float32(2)
    return center


def box_size(box: Float32Array) -> float:
    """Square root of the area, px; always positive."""
    return math.sqrt(max(float(box[2] * box[3]), 1e-6))


def center_distance(one: Float32Array, other: Float32Array) -> float:
    """Distance between the centres of two boxes, px."""
    return math.dist(box_center(one), box_center(other))


def iou(one: Float32Array, other: Float32Array) -> float:
    """Intersection over union of two boxes, 0..1."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(float(one[2] * one[3] + other[2] * other[3]) - shared, 1e-9)


def contains(box_xywh: Float32Array, point_xy: Float32Array) -> bool:
    """Whether the box contains the point."""
    return bool(np.all(point_xy >= box_xywh[:2]) and np.all(point_xy <= box_xywh[:2] + box_xywh[2:]))
