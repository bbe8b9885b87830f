"""The one place where MediaPipe is imported first: without its tasks for sound and text, and without matplotlib.

matplotlib, which it wants for a drawing function only, is two thirds of the import time.
"""

from __future__ import annotations

from clipgen_engine.light_imports import without
from clipgen_engine.opencv import cv2  # noqa: F401  before mediapipe, which imports it unguarded

with without(
    "matplotlib",
    "matplotlib.pyplot",
    *(f"mediapipe.tasks.python.{part}" for part in ("audio", "text", "genai")),
):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

__all__ = ["BaseOptions", "mp", "vision"]
