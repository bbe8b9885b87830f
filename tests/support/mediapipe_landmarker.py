"""MediaPipe's own face landmarker: the reference of tests and benchmarks."""

from __future__ import annotations

from mediapipe.tasks.python import BaseOptions, vision

from clipgen_engine.faces.model_files import locate_face_model


def video_landmarker() -> vision.FaceLandmarker:
    """Return a landmarker that follows one face through a video; a context manager."""
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=locate_face_model().read_bytes()),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    return vision.FaceLandmarker.create_from_options(options)
