"""Import MediaPipe without its audio and text tasks, and without matplotlib.

matplotlib, used by MediaPipe for a drawing function only, takes two thirds of the import time.
"""

from __future__ import annotations

from clipgen_engine.light_imports import without
from clipgen_engine.opencv import cv2  # noqa: F401  before mediapipe, which imports cv2 itself

with without(
    "matplotlib",
    "matplotlib.pyplot",
    *(f"mediapipe.tasks.python.{part}" for part in ("audio", "text", "genai")),
):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

__all__ = ["BaseOptions", "mp", "vision"]
