"""Gates: yes/no conditions on a window, each with the number that it compares and how far off it is.

A new gate is a function here and an entry in `GATES`; flag, panel and statistic follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clipgen_engine.frame_series import FrameSeries, Windows
from clipgen_engine.types import BoolArray, Float32Array, Setting


@dataclass(frozen=True)
class Gate:
    """A condition that a window must meet."""

    name: str
    label: str
    threshold: Setting
    at_least: bool  # the measured number must be at least the threshold, else at most
    measure: Callable[[FrameSeries, Windows], Float32Array]  # (W,) float32
    reason: str  # why a window fails, with {value} and {threshold}

    def passes(self, measured: Float32Array, threshold: float) -> BoolArray:
        """(W,) bool."""
        limit = np.float32(threshold)
        return measured >= limit if self.at_least else measured <= limit


def _missing_frames(series: FrameSeries, windows: Windows) -> Float32Array:
    return series.missing_frames(windows).astype(np.float32)


def _lowest_confidence(series: FrameSeries, windows: Windows) -> Float32Array:
    return series.minimum("confidence", windows)


GATES: dict[str, Gate] = {
    gate.name: gate
    for gate in (
        Gate(
            "face_in_every_frame",
            "Face in every frame",
            # missing frames have no token, so no score either: more than none cannot be allowed
            Setting(
                "missing_frames",
                "Missing frames",
                "Frames of a window that may lack the face.",
                0.0,
                float,
                minimum=0.0,
                maximum=0.0,
            ),
            False,
            _missing_frames,
            "the face is missing in {value:.0f} frames",
        ),
        Gate(
            "face_confidence",
            "Face confidence",
            Setting(
                "face_confidence_threshold",
                "Face confidence",
                "Lowest confidence of the face detector that a frame of a window may have.",
                0.7,
                float,
                minimum=0.0,
                maximum=1.0,
                step=0.01,
            ),
            True,
            _lowest_confidence,
            "the lowest face confidence is {value:.2f}, below {threshold:.2f}",
        ),
    )
}
