"""Import MediaPipe without its audio and text tasks, and without matplotlib.

matplotlib, which MediaPipe needs for a single drawing function, accounts for two thirds of the import time.
"""

from __future__ import annotations

from clipgen_engine.light_imports import without
from clipgen_engine.opencv import cv2  # noqa: F401  must precede mediapipe, which imports cv2 itself

with without(
    "matplotlib",
    "matplotlib.pyplot",
    *(f"mediapipe.tasks.python.{part}" for part in ("audio", "text", "genai")),
):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

__all__ = ["BaseOptions", "mp", "vision"]
