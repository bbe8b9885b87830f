"""Per-face measurements other than expression and pose: size, sharpness, brightness, position, mouth opening, looks.

The descriptor, for re-identification within a shot, is the shape of the mesh, independent of pose and scale, and
colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

# Expression-invariant landmarks: eye corners and nose bridge.
_RIGID_POINTS = np.array([33, 133, 362, 263, 168, 6, 197, 195])
_INNER_LIPS = (13, 14)  # midpoints of the inner edges of the upper and lower lip
_PATCH_PX = 64  # common size, so that scores compare: small faces lack fine detail and score lower

# Landmarks nearly invariant to expression: forehead, temples, eye corners, nose.
_FACE_POINTS = np.array(
    [
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 109, 67, 103, 54, 21, 162, 127, 234, 93),
        *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2),
    ]
)
_THUMBNAIL_PX = 8
# Pairwise distances are pose-invariant; every seventh pair suffices.
_PAIRS = np.stack(np.triu_indices(len(_FACE_POINTS), 1))[:, ::7]
_SHAPE_WEIGHT = 3.0  # of distances normalised by their mean, relative to pixel values 0..1


@dataclass(frozen=True, eq=False)
class FaceMeasures:
    """Measurements of one face in one picture; lengths in px of that picture."""

    box_xywh: Float32Array  # (4,) float32, px, of the entire mesh; may extend beyond the picture
    center_xy: Float32Array  # (2,) float32, px; mean of expression-invariant landmarks
    face_share: float  # box area / picture area
    inside_share: float  # 0..1, fraction of the box inside the picture
    sharpness: float  # variance of the Laplacian (grey 0..255) of the face at 64 x 64 px
    brightness: float  # 0..1, mean luma of the face
    mouth_open: float  # gap between the inner lips / face size


def measure_face(pixels: UInt8Array, points: Float32Array) -> FaceMeasures:
    """Measure a face.

    Args:
        pixels: (H, W, 3) uint8 RGB picture.
        points: (478, 2 or 3) float32 landmark mesh, px of that picture.
    """
    height, width = pixels.shape[:2]
    plane = np.ascontiguousarray(points[:, :2].T)  # reductions along contiguous rows are faster
    low, high = plane.min(axis=1), plane.max(axis=1)
    box = np.concatenate([low, high - low]).astype(np.float32)
    area = max(float(box[2] * box[3]), 1e-6)
    left, top = max(0.0, float(low[0])), max(0.0, float(low[1]))
    right, bottom = min(float(width), float(high[0])), min(float(height), float(high[1]))
    inside = max(0.0, right - left) * max(0.0, bottom - top)
    sharpness, brightness = _light(pixels[int(top) : math.ceil(bottom), int(left) : math.ceil(right)])
    upper, lower = points[_INNER_LIPS[0], :2].tolist(), points[_INNER_LIPS[1], :2].tolist()
    return FaceMeasures(
        box_xywh=box,
        center_xy=plane[:, _RIGID_POINTS].mean(axis=1),
        face_share=area / (width * height),
        inside_share=inside / area,
        sharpness=sharpness,
        brightness=brightness,
        mouth_open=math.dist(upper, lower) / math.sqrt(area),
    )


def _light(face: UInt8Array) -> tuple[float, float]:
    """Sharpness and brightness of the visible part of a face; 0 if none is visible."""
    if 0 in face.shape:
        return 0.0, 0.0
    shrinks = min(face.shape[:2]) >= _PATCH_PX
    whole = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(whole, (_PATCH_PX, _PATCH_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    deviation = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1][0, 0])
    return deviation**2, float(cv2.mean(grey)[0]) / 255


def face_descriptor(pixels: UInt8Array, points: Float32Array) -> Float32Array:
    """Compute the descriptor (D,) float32 of a face; compare with `descriptor_distance`.

    Args:
        pixels: (H, W, 3) uint8 RGB picture.
        points: (478, 3) float32 landmark mesh, px of that picture.
    """
    rigid = points[_FACE_POINTS]
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
