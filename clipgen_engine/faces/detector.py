"""MediaPipe's short-range face detector (BlazeFace), run by LiteRT.

The network scores 896 anchors: two in each cell of a 16 x 16 grid and six in each of an 8 x 8 grid. Overlapping hits
are one face, at their mean weighted by score (Bazarevsky et al., BlazeFace, 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clipgen_engine.faces.model_files import FaceModel, model_errors
from clipgen_engine.faces.network import Network
from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

_SIDE_PX = 128  # of the network's input
_GRIDS = ((16, 2), (8, 6))  # cells on a side, anchors in a cell
_SAME_FACE_IOU = 0.3
_RIGHT_EYE, _LEFT_EYE = 4, 6  # of the person; first of two columns, after left, top, width and height


@dataclass(frozen=True, eq=False)
class Detection:
    """One face detection, in px of the input picture."""

    box_xywh: Float32Array  # (4,) float32, px
    score: float  # 0..1
    angle: float = 0.0  # radians, clockwise: slope of the line through the eyes


class FaceDetector:
    """Detects faces in individual frames, down to about a seventh of the frame side. Not thread-safe.

    Raises:
        ModelFileError: the network cannot be loaded.
    """

    def __init__(self, model: FaceModel) -> None:
        with model_errors():
            self._network = Network(model.detector)

    def find(self, pixels: UInt8Array, min_score: float) -> list[Detection]:
        """Find the faces in an RGB picture (H, W, 3) with at least this score (0..1), best first."""
        height, width = pixels.shape[:2]
        scale = max(height, width) / _SIDE_PX
        corner = (width - scale * _SIDE_PX) / 2, (height - scale * _SIDE_PX) / 2
        to_picture = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        square = cv2.warpAffine(pixels, to_picture, (_SIDE_PX, _SIDE_PX), flags=flags)
        coded, scores = self._network(square[np.newaxis] * np.float32(2 / 255) - np.float32(1))
        likely = np.flatnonzero(scores.ravel() >= math.log(min_score / (1 - min_score)))
        faces = coded[0, likely]
        faces[:, :2] += _ANCHORS[likely] - faces[:, 2:4] / 2  # the corner, instead of the centre
        faces[:, 4:] += np.tile(_ANCHORS[likely], faces.shape[1] // 2 - 2)
        merged = _merged(faces, 1 / (1 + np.exp(-scores.ravel()[likely].astype(np.float64))))
        return [_detection(face, score, scale, corner) for face, score in merged]


def _anchors() -> Float32Array:
    """(896, 2) float32, px: centres."""
    parts = []
    for cells, count in _GRIDS:
        middle = (np.arange(cells) + 0.5) * (_SIDE_PX / cells)
        down, across = np.meshgrid(middle, middle, indexing="ij")
        parts.append(np.repeat(np.stack([across.ravel(), down.ravel()], axis=1), count, axis=0))
    return np.concatenate(parts).astype(np.float32)


_ANCHORS = _anchors()


def _merged(faces: Float32Array, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """One face for each group of overlapping ones, best score first."""
    found = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        best, boxes = faces[left[0], :4], faces[left, :4]
        low = np.maximum(boxes[:, :2], best[:2])
        high = np.minimum(boxes[:, :2] + boxes[:, 2:], best[:2] + best[2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.prod(boxes[:, 2:], axis=1) + np.prod(best[2:]) - shared
        same = shared > _SAME_FACE_IOU * union
        same[0] = True
        weight = scores[left[same]]
        found.append((weight @ faces[left[same]] / weight.sum(), float(scores[left[0]])))
        left = left[~same]
    return found


def _detection(face: np.ndarray, score: float, scale: float, corner: tuple[float, float]) -> Detection:
    box = np.array([*(face[:2] * scale + corner), *(face[2:4] * scale)], np.float32)
    across, down = face[_LEFT_EYE : _LEFT_EYE + 2] - face[_RIGHT_EYE : _RIGHT_EYE + 2]
    return Detection(box, score, math.atan2(down, across))
