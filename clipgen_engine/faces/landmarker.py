"""Landmarks, blendshapes and head pose of one face in one picture, by the networks of MediaPipe's face landmarker.

MediaPipe's own task follows a face through a graph whose state can be neither read nor copied: what it says of a
frame depends on every frame before it. This one looks at a picture and a region, and again until the region fits the
face. The answer then hardly depends on where the first look was taken, and not at all on other pictures, so that
single frames can be analysed in any order. It also takes two thirds of the processor time, as LiteRT runs the same
networks without a graph around them. A test holds every look to MediaPipe's, frame by frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clipgen_engine.faces.head_pose import HeadPose
from clipgen_engine.faces.model_files import FaceModel, model_errors
from clipgen_engine.faces.network import Network
from clipgen_engine.faces.region import FaceRegion, region_of_mesh
from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

_SIDE_PX = 256  # of the landmark network's input
_MIN_PRESENCE = 0.5  # MediaPipe's default
_MAX_LOOKS = 3
_FITS = 0.05  # up to this difference, another look would not change the landmarks by more than their noise
_ENLARGED = 1.25  # from this factor, cubic interpolation
_MUCH_ENLARGED = 2.3  # from this one, a sharper filter and an unsharp mask restore detail of small, compressed faces
_SHARPENING, _SHARPENING_RADIUS_PX = 0.5, 0.8
# Landmarks that the blendshape network takes: brows, eyes, irises, lips, nose and face outline.
_BLENDSHAPE_POINTS = np.array(
    [
        *(0, 1, *range(4, 9), 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, *range(52, 56), 58, 61, 63, *range(65, 68)),
        *(70, 78, *range(80, 83), 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, *range(144, 147)),
        *(*range(148, 151), *range(152, 156), *range(157, 164), 168, 172, 173, 176, 178, 181, 185, 191, 195, 197),
        *(234, 246, 249, 251, 263, 267, 269, 270, 276, *range(282, 286), 288, 291, 293, *range(295, 298), 300, 308),
        *(*range(310, 313), 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, *range(373, 376)),
        *(*range(377, 383), *range(384, 391), 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478)),
    ]
)


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Landmarks and blendshapes of one face, in px of the picture."""

    points: Float32Array  # (478, 3) float32, px; z increases away from the camera
    blendshapes: Float32Array  # (52,) float32, 0..1
    head_pose_deg: Float32Array  # (3,) float32, degrees: yaw, pitch, roll
    region: FaceRegion  # that fits this face


class FaceLandmarker:
    """Finds the landmarks of a face whose place is about known. Keeps nothing from one picture to the next.

    Raises:
        ModelFileError: the networks cannot be loaded.
    """

    def __init__(self, model: FaceModel) -> None:
        with model_errors():
            self._landmarks = Network(model.landmarks)
            self._blendshapes = Network(model.blendshapes)
            self._head_pose = HeadPose(model.geometry)

    def find(self, pixels: UInt8Array, region: FaceRegion, max_looks: int = _MAX_LOOKS) -> FaceMesh | None:
        """Find the face in a region of an RGB picture (H, W, 3), or nearby; None if there is none."""
        for _ in range(max_looks):
            points, presence = self.look(pixels, region)
            if presence < _MIN_PRESENCE:
                return None
            fitting = region_of_mesh(points)
            if region.differs(fitting) <= _FITS:
                break
            region = fitting
        return self.described(points, pixels.shape[1], pixels.shape[0])

    def described(self, points: Float32Array, width: int, height: int) -> FaceMesh:
        """What landmarks (478, 3) float32, px of a picture of this width and height, say of a face."""
        (scores,) = self._blendshapes(points[np.newaxis, _BLENDSHAPE_POINTS, :2])
        pose = self._head_pose.angles_deg(points, width, height)
        return FaceMesh(points, scores.ravel(), pose, region_of_mesh(points))

    def look(self, pixels: UInt8Array, region: FaceRegion) -> tuple[Float32Array, float]:
        """Look once: landmarks (478, 3) float32, px, and the probability of a face there."""
        to_picture = region.to_picture(_SIDE_PX)
        crop = _crop(pixels, region, to_picture)
        marks, presence, *_ = self._landmarks(crop[np.newaxis] * np.float32(1 / 255))
        points = marks.reshape(-1, 3)
        placed = np.empty_like(points)
        placed[:, :2] = points[:, :2] @ to_picture[:, :2].T.astype(np.float32) + to_picture[:, 2].astype(np.float32)
        placed[:, 2] = points[:, 2] * np.float32(region.side / _SIDE_PX)
        return placed, 1 / (1 + math.exp(-max(float(presence.ravel()[0]), -500.0)))


def _crop(pixels: UInt8Array, region: FaceRegion, to_picture: np.ndarray) -> UInt8Array:
    """(256, 256, 3) uint8: the region, upright; beyond the picture its edge is repeated."""
    scale = _SIDE_PX / region.side
    interpolation = cv2.INTER_LINEAR if scale < _ENLARGED else cv2.INTER_CUBIC
    if scale >= _MUCH_ENLARGED:
        interpolation = cv2.INTER_LANCZOS4
        pixels, corner = _sharpened(pixels, region)
        to_picture = to_picture - np.array([[0, 0, corner[0]], [0, 0, corner[1]]])
    crop: UInt8Array = cv2.warpAffine(
        pixels,
        to_picture,
        (_SIDE_PX, _SIDE_PX),
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return crop


def _sharpened(pixels: UInt8Array, region: FaceRegion) -> tuple[UInt8Array, tuple[int, int]]:
    """The part of the picture around a region, sharpened, and its corner."""
    reach = region.side * math.sqrt(0.5) + 8
    height, width = pixels.shape[:2]
    left, right = (int(min(max(region.center_x + way, 0), width - 1)) for way in (-reach, reach))
    top, bottom = (int(min(max(region.center_y + way, 0), height - 1)) for way in (-reach, reach))
    part = np.ascontiguousarray(pixels[top : bottom + 1, left : right + 1])
    blurred = cv2.GaussianBlur(part, (0, 0), _SHARPENING_RADIUS_PX)
    sharp: UInt8Array = cv2.addWeighted(part, 1 + _SHARPENING, blurred, -_SHARPENING, 0)
    return sharp, (left, top)
