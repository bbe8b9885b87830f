"""Speed of the analysis against the plain loop that one would write first, in one run on the sample."""

from __future__ import annotations

import time
from collections.abc import Callable

import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision

import clipgen_engine
from clipgen_engine.model_files import load_face_model
from clipgen_engine.opencv import cv2
from clipgen_engine.video import decode, probe
from tests.conftest import SAMPLE

_ROUNDS = 3


def measure() -> dict[str, float]:
    """Frames a second, the best of three alternating rounds, and the ratios between them."""
    frames = probe(SAMPLE).frame_count
    jobs: dict[str, Callable[[], object]] = {
        "plain loop (cv2 read, FaceLandmarker)": lambda: _plain_loop(landmarks=True),
        "clipgen, whole analysis": lambda: clipgen_engine.analyze_video(SAMPLE),
        "clipgen, decode alone": lambda: sum(1 for _ in decode(probe(SAMPLE))),
        "cv2, decode alone": lambda: _plain_loop(landmarks=False),
    }
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(_ROUNDS):
        for name, job in jobs.items():
            begun = time.perf_counter()
            job()
            best[name] = min(best[name], time.perf_counter() - begun)
    rates = {f"{name}, frames/s": frames / seconds for name, seconds in best.items()}
    plain, ours, *_ = best.values()
    return rates | {"analysis speed / plain loop (bar: 0.9)": plain / ours}


def _plain_loop(*, landmarks: bool) -> None:
    capture = cv2.VideoCapture(str(SAMPLE))
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=load_face_model().landmarker),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        number = 0
        while (read := capture.read())[0]:
            if landmarks:
                picture = cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
                landmarker.detect_for_video(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture), number * 33)
            number += 1
    capture.release()
