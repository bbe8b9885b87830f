"""MediaPipe's face detector: a native task that must be closed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from clipgen_engine.closing import Closing
from clipgen_engine.errors import ModelFileError
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.native_libraries import native_stderr_logged, without
from clipgen_engine.opencv import cv2  # noqa: F401  must precede mediapipe, which imports cv2 itself
from clipgen_engine.types import Float32Array, UInt8Array

# matplotlib, which MediaPipe needs for a single drawing function, accounts for two thirds of its import time
with without(
    "matplotlib",
    "matplotlib.pyplot",
    *(f"mediapipe.tasks.python.{part}" for part in ("audio", "text", "genai")),
):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

_BLANK = np.zeros((64, 64, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Detection:
    """One face detection, in px of the input picture."""

    box_xywh: Float32Array  # (4,) float32, px
    score: float  # 0..1
    angle: float = 0.0  # radians, clockwise: slope of the line through the eyes


class FaceDetector(Closing):
    """Detects faces in individual frames, down to about a seventh of the frame side.

    Thread-safe: MediaPipe serialises the calls to a task on its own thread.

    Raises:
        ModelFileError: the model cannot be initialised.
    """

    def __init__(self, model: FaceModel, min_score: float) -> None:
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model.detector), min_detection_confidence=min_score
        )
        try:
            with native_stderr_logged():
                self._task = vision.FaceDetector.create_from_options(options)
                self.find(_BLANK)
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"The face model could not be initialised ({error})", "Reinstall clipgen") from error

    def find(self, pixels: UInt8Array) -> list[Detection]:
        """Find the faces in an RGB picture (H, W, 3), best score first."""
        found = self._task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)).detections
        hits = [_detection(hit, pixels.shape[1], pixels.shape[0]) for hit in found]
        return sorted(hits, key=lambda hit: -hit.score)

    def close(self) -> None:
        self._task.close()


def _detection(hit: Any, width: int, height: int) -> Detection:
    box = hit.bounding_box
    right, left = hit.keypoints[:2]  # eyes of the person
    return Detection(
        np.array([box.origin_x, box.origin_y, box.width, box.height], np.float32),
        float(hit.categories[0].score),
        math.atan2((left.y - right.y) * height, (left.x - right.x) * width),
    )
