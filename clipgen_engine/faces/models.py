"""Array interface to MediaPipe's two face models: a landmarker that tracks one face, and a detector.

Both are native tasks that must be closed. The landmarker is called through MediaPipe's C interface: the Python API
creates an object per landmark (478) and switches threads per call, which costs a tenth of the analysis time. The C
interface is private, but MediaPipe is pinned and a test compares the results with the public API.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from clipgen_engine.errors import ModelFileError
from clipgen_engine.faces.mediapipe_import import BaseOptions, mp, vision
from clipgen_engine.faces.model_files import FaceModel

# isort: split
from mediapipe.tasks.python.components.containers.category_c import CategoryC
from mediapipe.tasks.python.components.containers.landmark_c import NormalizedLandmarkC
from mediapipe.tasks.python.core.mediapipe_c_bindings import load_raw_library
from mediapipe.tasks.python.core.mediapipe_c_utils import handle_status
from mediapipe.tasks.python.vision.core import image as mp_image
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarkerResultC

from clipgen_engine.types import Float32Array, UInt8Array

_BLANK = np.zeros((64, 64, 3), np.uint8)
_POINT = np.dtype(
    {
        "names": ["xyz"],
        "formats": [("f4", 3)],
        "offsets": [NormalizedLandmarkC.x.offset],
        "itemsize": ctypes.sizeof(NormalizedLandmarkC),
    }
)
_CATEGORY = np.dtype(
    {
        "names": ["score"],
        "formats": ["f4"],
        "offsets": [CategoryC.score.offset],
        "itemsize": ctypes.sizeof(CategoryC),
    }
)

_log = logging.getLogger(__name__)
_stderr_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """Landmark mesh and blendshapes of one face, in px of the input picture."""

    points: Float32Array  # (478, 3) float32, px; z increases away from the camera
    blendshapes: Float32Array  # (52,) float32, 0..1
    transformation: Float32Array  # (4, 4) float32, canonical face to camera
    picture_width: int  # px


@dataclass(frozen=True, eq=False)
class Detection:
    """One face detection, in px of the input picture."""

    box_xywh: Float32Array  # (4,) float32, px
    score: float  # 0..1


class FaceLandmarker:
    """Tracks one face from frame to frame, with temporal smoothing of the mesh.

    Raises:
        ModelFileError: the model cannot be initialised.
    """

    def __init__(self, model: FaceModel) -> None:
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=model.landmarker),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=1,  # MediaPipe smooths the mesh only for a single face
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        self._library = load_raw_library(mp_image._CTYPES_SIGNATURES)
        with native_stderr_logged(), _start_errors():
            self._task = vision.FaceLandmarker.create_from_options(options)
            self._clock_ms = 0  # MediaPipe requires increasing timestamps, even across videos and segments
            self._offset_ms: int | None = None
            self._run(_BLANK, 0)

    def restart(self) -> None:
        """Reset tracking and smoothing; a blank picture clears both completely."""
        self._clock_ms += 1
        self._run(_BLANK, self._clock_ms)
        self._offset_ms = None

    def find(self, pixels: UInt8Array, time_s: float) -> FaceMesh | None:
        """Find the face in an RGB picture (H, W, 3). Times must increase between restarts."""
        time_ms = round(time_s * 1000)
        if self._offset_ms is None:
            self._offset_ms = self._clock_ms + 1 - time_ms
        self._clock_ms = max(self._clock_ms + 1, time_ms + self._offset_ms)
        return self._run(pixels, self._clock_ms)

    def _run(self, pixels: UInt8Array, time_ms: int) -> FaceMesh | None:
        result = FaceLandmarkerResultC()
        with self._native_image(pixels) as image:
            self._checked(
                self._library.MpFaceLandmarkerDetectForVideo,
                self._task._handle,
                image,
                None,
                time_ms,
                ctypes.byref(result),
            )
        try:
            return _mesh(result, pixels.shape[1], pixels.shape[0]) if result.face_landmarks_count else None
        finally:
            self._library.MpFaceLandmarkerCloseResult(ctypes.byref(result))

    @contextmanager
    def _native_image(self, pixels: UInt8Array) -> Iterator[ctypes.c_void_p]:
        """Yield a MediaPipe copy of an RGB picture."""
        height, width = pixels.shape[:2]
        image = ctypes.c_void_p()
        data = pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        create = self._library.MpImageCreateFromUint8Data
        self._checked(create, mp.ImageFormat.SRGB, width, height, data, pixels.size, ctypes.byref(image))
        try:
            yield image
        finally:
            self._library.MpImageFree(image)

    def _checked(self, function: Any, *arguments: Any) -> None:
        """Call a C function whose last argument receives the error message."""
        message = ctypes.c_char_p()
        status = function(*arguments, ctypes.byref(message))
        if status:
            try:
                handle_status(status, message)
            finally:
                self._library.MpErrorFree(message)

    def close(self) -> None:
        self._task.close()


class FaceDetector:
    """Detects faces in individual frames, down to about a seventh of the frame side.

    Thread-safe: MediaPipe serialises the calls to a task on its own thread.

    Raises:
        ModelFileError: the model cannot be initialised.
    """

    def __init__(self, model: FaceModel, min_score: float) -> None:
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model.detector), min_detection_confidence=min_score
        )
        with native_stderr_logged(), _start_errors():
            self._task = vision.FaceDetector.create_from_options(options)
            self.find(_BLANK)

    def find(self, pixels: UInt8Array) -> list[Detection]:
        """Find the faces in an RGB picture (H, W, 3), best score first."""
        found = self._task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)).detections
        hits = [_detection(hit) for hit in found]
        return sorted(hits, key=lambda hit: -hit.score)

    def close(self) -> None:
        self._task.close()


def _mesh(result: Any, width: int, height: int) -> FaceMesh:
    marks, shapes = result.face_landmarks[0], result.face_blendshapes[0]
    points = _records(marks.landmarks, marks.landmarks_count, _POINT)["xyz"]
    return FaceMesh(
        points=points * np.array([width, height, width], np.float32),
        blendshapes=_records(shapes.categories, shapes.categories_count, _CATEGORY)["score"].copy(),
        transformation=result.facial_transformation_matrixes[0].to_numpy().astype(np.float32),
        picture_width=width,
    )


def _records(pointer: Any, count: int, layout: np.dtype[Any]) -> Any:
    """View of a C array of structs; valid until the result is closed."""
    memory: Any = (ctypes.c_char * (count * layout.itemsize)).from_address(ctypes.addressof(pointer.contents))
    return np.frombuffer(memory, layout)


def _detection(hit: Any) -> Detection:
    box = hit.bounding_box
    return Detection(
        np.array([box.origin_x, box.origin_y, box.width, box.height], np.float32), float(hit.categories[0].score)
    )


@contextmanager
def _start_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(f"The face model could not be initialised ({error})", "Reinstall clipgen") from error


@contextmanager
def native_stderr_logged() -> Iterator[None]:
    """Redirect native stderr output to the debug log.

    MediaPipe's startup messages cannot be disabled, and the command line reserves stderr for its own.
    """
    with _stderr_lock, tempfile.TemporaryFile() as caught:
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
