"""Face descriptor for re-identification within a shot: pose- and scale-invariant mesh shape plus colour."""

from __future__ import annotations

import numpy as np

from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

# Landmarks nearly invariant to expression: forehead, temples, eye corners, nose.
_RIGID_POINTS = np.array(
    [
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 109, 67, 103, 54, 21, 162, 127, 234, 93),
        *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2),
    ]
)
_THUMBNAIL_PX = 8
# Pairwise distances are pose-invariant; every seventh pair suffices.
_PAIRS = np.stack(np.triu_indices(len(_RIGID_POINTS), 1))[:, ::7]
_SHAPE_WEIGHT = 3.0  # of distances normalised by their mean, relative to pixel values 0..1


def face_descriptor(pixels: UInt8Array, points: Float32Array) -> Float32Array:
    """Compute the descriptor (D,) float32 of a face; compare with `descriptor_distance`.

    Args:
        pixels: (H, W, 3) uint8 RGB picture.
        points: (478, 3) float32 landmark mesh, px of that picture.
    """
    rigid = points[_RIGID_POINTS]
    distances = np.linalg.norm(rigid[_PAIRS[0]] - rigid[_PAIRS[1]], axis=1)
    shape = _SHAPE_WEIGHT * distances / max(float(distances.mean()), 1e-6)
    return np.concatenate([shape, _thumbnail(pixels, points)]).astype(np.float32)


def descriptor_distance(one: Float32Array, other: Float32Array) -> float:
    """Root-mean-square difference between two descriptors."""
    return float(np.sqrt(((one - other) ** 2).mean()))


def _thumbnail(pixels: UInt8Array, points: Float32Array) -> Float32Array:
    """(192,) float32, 0..1: the visible face as an 8 x 8 px thumbnail."""
    limit = np.array(pixels.shape[1::-1])
    low = np.clip(points[:, :2].min(axis=0), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(points[:, :2].max(axis=0)), low + 1, limit).astype(int)
    face = pixels[low[1] : high[1], low[0] : high[0]]
    tiny = cv2.resize(face, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    thumbnail: Float32Array = tiny.astype(np.float32).ravel() / np.float32(255)
    return thumbnail
