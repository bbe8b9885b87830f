"""The landmarker against MediaPipe's own, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mediapipe as mp
import numpy as np
import pytest

from clipgen_engine.faces.landmarker import FaceLandmarker
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.region import FaceRegion, region_of_mesh, stored_region
from tests.support.composed import frames_of
from tests.support.mediapipe_landmarker import video_landmarker
from tests.support.paths import SAMPLE

# MediaPipe's smoothing of a single face in a video: one-euro filter (Casiez, Roussel & Vogel, CHI 2012)
MIN_CUTOFF, BETA, DERIVATIVE_CUTOFF = 0.05, 80.0, 1.0


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(load_face_model())


class OneEuro:
    def __init__(self) -> None:
        self._raw: np.ndarray | None = None

    def __call__(self, points: np.ndarray, step_s: float) -> np.ndarray:
        if self._raw is None:
            self._smooth, self._speed = points, np.zeros_like(points)
        else:
            scale = np.ptp(points[:, :2], axis=0).mean()
            share = self._share(np.float64(DERIVATIVE_CUTOFF), step_s)
            self._speed = share * (points - self._raw) / (scale * step_s) + (1 - share) * self._speed
            share = self._share(MIN_CUTOFF + BETA * np.abs(self._speed), step_s)
            self._smooth = share * points + (1 - share) * self._smooth
        self._raw = points
        return self._smooth

    @staticmethod
    def _share(cutoff: np.ndarray, step_s: float) -> np.ndarray:
        return 1 / (1 + 1 / (2 * math.pi * cutoff * step_s))


def reference(pictures: list[np.ndarray]) -> Iterator[Any]:
    with video_landmarker() as theirs:
        for number, pixels in enumerate(pictures):
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
            yield theirs.detect_for_video(image, 1 + 33 * number)


@pytest.mark.parametrize(
    "name", ["sample.mp4", "d0.mp4", "d10.mp4", "d12.mp4", "d19.mp4", "s20.mp4", "s32.mp4", "single_face.mp4"]
)
def test_every_look_is_that_of_mediapipe(real_clip: Any, landmarker: FaceLandmarker, name: str) -> None:
    """Looking once at each frame, where the face was in the one before, and smoothing as MediaPipe does."""
    pictures = frames_of(SAMPLE if name == SAMPLE.name else real_clip(name), 0, 70)
    region: FaceRegion | None = None
    smooth = OneEuro()
    away_px, away_scores, away_deg = [], [], []
    for pixels, answer in zip(pictures, reference(pictures), strict=True):
        size = np.array([pixels.shape[1], pixels.shape[0], pixels.shape[1]])
        marks = np.array([(mark.x, mark.y, mark.z) for mark in answer.face_landmarks[0]]) * size
        if region is None:
            region = region_of_mesh(marks.astype(np.float32))
            smooth(marks, 0.033)
            continue
        points, presence = landmarker.look(pixels, region)
        assert presence > 0.5
        region = region_of_mesh(points)
        mine = smooth(points.astype(np.float64), 0.033)
        away_px.append(np.abs(mine - marks)[:, :2].mean())
        mesh = landmarker.described(marks.astype(np.float32), pixels.shape[1], pixels.shape[0])
        scores = np.array([entry.score for entry in answer.face_blendshapes[0]])
        away_scores.append(np.abs(mesh.blendshapes - scores).max())
        rotation = answer.facial_transformation_matrixes[0][:3, :3]
        rotation = rotation / np.linalg.norm(rotation, axis=0)
        yaw, pitch = math.atan2(rotation[0, 2], rotation[2, 2]), math.asin(rotation[1, 2])
        away_deg.append(np.abs(mesh.head_pose_deg[:2] - np.degrees([yaw, pitch])).max())
    assert np.mean(away_px) <= 0.05
    assert max(away_scores) <= 1e-3
    assert max(away_deg) <= 1e-2


@pytest.mark.parametrize("shift", [(0.1, 0.0), (0.0, -0.1), (-0.08, 0.08)])
def test_what_is_found_hardly_depends_on_where_the_first_look_was_taken(
    landmarker: FaceLandmarker, shift: tuple[float, float]
) -> None:
    for pixels in frames_of(SAMPLE, 100, 160)[::12]:
        whole = FaceRegion(pixels.shape[1] / 2, pixels.shape[0] / 2, float(pixels.shape[0]), 0.0)
        first = landmarker.find(pixels, whole, 6)
        assert first is not None
        fitting = first.region
        moved = FaceRegion(
            fitting.center_x + shift[0] * fitting.side,
            fitting.center_y + shift[1] * fitting.side,
            fitting.side * 1.1,
            fitting.angle + 0.1,
        )
        second = landmarker.find(pixels, moved)
        assert second is not None
        assert np.abs(second.points - first.points)[:, :2].mean() < 0.006 * fitting.side
        assert second.region.differs(first.region) < 0.03


def test_no_face_is_found_where_there_is_none(landmarker: FaceLandmarker) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    assert landmarker.find(noise, FaceRegion(100, 100, 120, 0)) is None
    assert landmarker.find(np.zeros((200, 200, 3), np.uint8), FaceRegion(500, -300, 30, 1)) is None


def test_region_between_two_turns_the_shorter_way() -> None:
    one, other = FaceRegion(0, 0, 100, 3.0), FaceRegion(10, 20, 200, -3.0)
    middle = one.towards(other, 0.5)
    assert (middle.center_x, middle.center_y, middle.side) == (5, 10, 150)
    assert abs(math.remainder(middle.angle - math.pi, 2 * math.pi)) < 1e-6
    assert stored_region(middle.as_array()) == middle
    assert one.towards(other, 1.0).differs(other) < 1e-6
