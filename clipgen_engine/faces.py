"""MediaPipe's view of a face: pictures in, face tracks out.

One landmarker in video mode follows the most prominent face of a shot and smooths its landmarks over time.
Confidence comes from the face detector, which looks at a crop around the face on every n-th frame.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.errors import ModelFileError
from clipgen_engine.face_measures import FaceMeasures, head_pose_deg, measure_face
from clipgen_engine.model_files import FaceModel
from clipgen_engine.opencv import cv2  # noqa: F401  before mediapipe, which imports it unguarded

# isort: split
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision

from clipgen_engine.types import FaceTrack, Float32Array, read_only

BLENDSHAPE_COUNT = 52
_BLANK = np.zeros((64, 64, 3), np.uint8)
_CROP_SCALE = 2.0  # side of the detector's crop in face sizes: the share of the picture that it knows best
_MIN_DETECTOR_SCORE = 0.05
_MAX_JUMP_FACES = 1.0  # a face found again farther away than this is another one
_MAX_GAP_FRAMES = 60  # or after this long

_log = logging.getLogger(__name__)
_chatter_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face on one frame, in pixels of the analysed picture."""

    measures: FaceMeasures
    head_pose_deg: Float32Array  # (3,) float32, degrees: yaw, pitch, roll
    blendshapes: Float32Array  # (52,) float32, 0..1
    confidence: float  # 0..1, NaN where it was not measured


class FaceFinder:
    """Finds and follows the most prominent face. A context manager: the native tasks must be closed."""

    def __init__(self, model: FaceModel, confidence_stride: int) -> None:
        self._confidence_stride = confidence_stride
        self._timestamp_ms = -1
        self._followed = False
        with _native_chatter_logged():
            self._start(model)

    def _start(self, model: FaceModel) -> None:
        try:
            self._landmarker = vision.FaceLandmarker.create_from_options(
                vision.FaceLandmarkerOptions(
                    base_options=BaseOptions(model_asset_buffer=model.landmarker),
                    running_mode=vision.RunningMode.VIDEO,
                    num_faces=1,
                    output_face_blendshapes=True,
                    output_facial_transformation_matrixes=True,
                )
            )
            self._detector = vision.FaceDetector.create_from_options(
                vision.FaceDetectorOptions(
                    base_options=BaseOptions(model_asset_buffer=model.detector),
                    min_detection_confidence=_MIN_DETECTOR_SCORE,
                )
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(f"The face model could not be started ({error})", "Install clipgen again") from error
        self._detect(_BLANK, 0.0)

    def find(
        self, pixels: NDArray[np.uint8], index: int, time_s: float, *, starts_shot: bool
    ) -> FaceObservation | None:
        """The face on this RGB picture, or None. Pictures come in order; a new shot forgets the last one."""
        if starts_shot:
            self._detect(_BLANK, time_s)  # a picture without a face clears tracking and smoothing, exactly
            self._followed = False
        result = self._detect(pixels, time_s)
        if not result.face_landmarks:
            self._followed = False
            return None
        height, width = pixels.shape[:2]
        points = np.array([(mark.x * width, mark.y * height) for mark in result.face_landmarks[0]], np.float32)
        measures = measure_face(pixels, points)
        measured = index % self._confidence_stride == 0 or not self._followed
        self._followed = True
        return FaceObservation(
            measures=measures,
            head_pose_deg=head_pose_deg(result.facial_transformation_matrixes[0]),
            blendshapes=np.array([category.score for category in result.face_blendshapes[0]], np.float32),
            confidence=self._confidence(pixels, measures.box_xywh) if measured else math.nan,
        )

    def _detect(self, pixels: NDArray[np.uint8], time_s: float) -> Any:
        self._timestamp_ms = max(self._timestamp_ms + 1, round(time_s * 1000))
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
        return self._landmarker.detect_for_video(image, self._timestamp_ms)

    def _confidence(self, pixels: NDArray[np.uint8], box: Float32Array) -> float:
        """Best score of a detection inside the box; 0 where the detector sees no face there."""
        height, width = pixels.shape[:2]
        center = box[:2] + box[2:] / 2
        half = _CROP_SCALE * float(box[2:].max()) / 2
        left, top = (max(0, int(value - half)) for value in center)
        right, bottom = min(width, int(center[0] + half)), min(height, int(center[1] + half))
        if right - left < 2 or bottom - top < 2:
            return 0.0
        crop = np.ascontiguousarray(pixels[top:bottom, left:right])
        found = self._detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=crop)).detections
        scores = [0.0]
        for detection in found:
            x = left + detection.bounding_box.origin_x + detection.bounding_box.width / 2
            y = top + detection.bounding_box.origin_y + detection.bounding_box.height / 2
            if box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]:
                scores.append(float(detection.categories[0].score))
        return max(scores)

    def close(self) -> None:
        self._landmarker.close()
        self._detector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _native_chatter_logged() -> Iterator[None]:
    """Send what native code prints on stderr to the log instead: MediaPipe has no switch for its greetings.

    A command line promises one line on stderr, and a person takes warnings there for trouble.
    """
    with _chatter_lock, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        original = os.dup(2)
        try:
            os.dup2(caught.fileno(), 2)
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                _log.debug("mediapipe: %s", line)


class TrackBuilder:
    """Strings observations together into face tracks; no track crosses a cut."""

    def __init__(self, scale: float) -> None:
        """Args: scale: source pixels a pixel of the analysed picture."""
        self._scale = scale
        self._tracks: list[list[tuple[int, FaceObservation]]] = []
        self._open = False

    def add(self, index: int, observation: FaceObservation | None, *, starts_shot: bool) -> None:
        """Take the observation of the next frame, or None where no face was found."""
        if starts_shot:
            self._open = False
        if observation is None:
            return
        if not (self._open and _same_face(*self._tracks[-1][-1], index, observation)):
            self._tracks.append([])
            self._open = True
        self._tracks[-1].append((index, observation))

    def build(self) -> tuple[FaceTrack, ...]:
        """The tracks so far; ids count from 0 in order of appearance."""
        return tuple(self._build(number, rows) for number, rows in enumerate(self._tracks))

    def _build(self, track_id: int, rows: list[tuple[int, FaceObservation]]) -> FaceTrack:
        frame_index = np.array([index for index, _ in rows], np.int64)
        confidence = np.array([seen.confidence for _, seen in rows], np.float32)
        measured = np.isfinite(confidence)  # the first frame of a track always is
        between = np.interp(frame_index, frame_index[measured], confidence[measured]).astype(np.float32)
        return FaceTrack(
            track_id=track_id,
            frame_index=read_only(frame_index),
            box_xywh=read_only(np.stack([seen.measures.box_xywh for _, seen in rows]) * np.float32(self._scale)),
            confidence=read_only(between),
            center_xy=read_only(np.stack([seen.measures.center_xy for _, seen in rows]) * np.float32(self._scale)),
            head_pose_deg=read_only(np.stack([seen.head_pose_deg for _, seen in rows])),
            blendshapes=read_only(np.stack([seen.blendshapes for _, seen in rows])),
            **{
                name: read_only(np.array([getattr(seen.measures, name) for _, seen in rows], np.float32))
                for name in ("face_share", "inside_share", "sharpness", "brightness", "mouth_open")
            },
        )


def _same_face(before: int, last: FaceObservation, index: int, seen: FaceObservation) -> bool:
    size = math.sqrt(float(last.measures.box_xywh[2] * last.measures.box_xywh[3]))
    moved = float(np.linalg.norm(seen.measures.center_xy - last.measures.center_xy))
    return index == before + 1 or (index - before <= _MAX_GAP_FRAMES and moved <= _MAX_JUMP_FACES * size)
