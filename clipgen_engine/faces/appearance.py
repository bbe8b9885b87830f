"""What tells one face of a shot from another: the shape of its mesh whatever its pose and size, and its colours."""

from __future__ import annotations

import numpy as np

from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

# Mesh points that the expression hardly moves: forehead and temples, eye corners, nose.
_FIRM_POINTS = np.array(
    [
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 109, 67, 103, 54, 21, 162, 127, 234, 93),
        *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2),
    ]
)
_LOOK_PX = 8
# Distances between them do not depend on the pose; every seventh pair is enough.
_PAIRS = np.stack(np.triu_indices(len(_FIRM_POINTS), 1))[:, ::7]
_SHAPE_WEIGHT = 3.0  # of distances in mean distances, against brightness 0..1


def face_descriptor(pixels: UInt8Array, points: Float32Array) -> Float32Array:
    """(D,) float32 whose root-mean-square difference between two faces says how unlike they are.

    Args:
        pixels: (H, W, 3) uint8 RGB picture.
        points: (478, 3) float32 mesh, px of that picture.
    """
    firm = points[_FIRM_POINTS]
    distances = np.linalg.norm(firm[_PAIRS[0]] - firm[_PAIRS[1]], axis=1)
    shape = _SHAPE_WEIGHT * distances / max(float(distances.mean()), 1e-6)
    return np.concatenate([shape, _look(pixels, points)]).astype(np.float32)


def unlikeness(one: Float32Array, other: Float32Array) -> float:
    """Root-mean-square difference of two descriptors."""
    return float(np.sqrt(((one - other) ** 2).mean()))


def _look(pixels: UInt8Array, points: Float32Array) -> Float32Array:
    """(192,) float32, 0..1: the visible face as a tiny picture."""
    limit = np.array(pixels.shape[1::-1])
    low = np.clip(points[:, :2].min(axis=0), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(points[:, :2].max(axis=0)), low + 1, limit).astype(int)
    face = pixels[low[1] : high[1], low[0] : high[0]]
    tiny = cv2.resize(face, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA)
    look: Float32Array = tiny.astype(np.float32).ravel() / np.float32(255)
    return look
