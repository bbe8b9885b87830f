"""Gates: pass/fail conditions on a window, each comparing a measured value with a threshold.

To add a gate, add a function here and an entry in `GATES`; flag, panel and statistics are derived from it. A gate whose
threshold passes every window is off and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.terms import TERMS, ScoreTerm
from clipgen_engine.ranking.windows import Windows
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import BoolArray, Float32Array, Setting

Measure = Callable[[FrameSeries, Windows, RankingSettings], Float32Array]


@dataclass(frozen=True)
class Gate:
    """A condition that a window must meet."""

    name: str
    label: str
    threshold: Setting
    at_least: bool  # the measured value must be at least the threshold; otherwise at most
    measure: Measure  # (W,) float32
    reason: str  # why a window fails, with {value} and {threshold}
    off: float | None  # the threshold that passes every window; None: the gate cannot be disabled
    depends_on: tuple[str, ...] = ()  # ranking settings that the measure reads, besides `sequence_length`

    def passes(self, measured: Float32Array, threshold: float) -> BoolArray:
        """(W,) bool: whether each window passes."""
        limit = np.float32(threshold)
        return measured >= limit if self.at_least else measured <= limit

    def margin(self, value: float, threshold: float) -> float:
        """Return the signed distance from the threshold; negative if the value fails."""
        return value - threshold if self.at_least else threshold - value


def _lowest(column: str) -> Measure:
    return lambda series, windows, settings: series.minimum(column, windows)


def _highest(column: str) -> Measure:
    return lambda series, windows, settings: series.maximum(column, windows)


def _missing_frames(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    return series.missing_frames(windows).astype(np.float32)


def _displacement(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    return series.displacement(windows)


def _gate(
    name: str,
    label: str,
    help_text: str,
    measure: Measure,
    reason: str,
    *,
    at_least: bool,
    bounds: tuple[float, float],
    default: float | None = None,
    step: float = 0.01,
    unit: str = "",
    flag: str = "",
) -> Gate:
    off = bounds[0] if at_least else bounds[1]
    threshold = Setting(
        flag or name,
        label,
        help_text,
        off if default is None else default,
        float,
        minimum=bounds[0],
        maximum=bounds[1],
        step=step,
        unit=unit,
    )
    return Gate(name, label, threshold, at_least, measure, reason, off)


def _angle(name: str) -> Gate:
    return _gate(
        f"max_{name}",
        f"Maximum {name}",
        f"Maximum absolute head {name} in any frame.",
        _highest(name),
        f"the {name} reaches {{value:.0f}}°, more than {{threshold:.0f}}°",
        at_least=False,
        bounds=(0.0, 180.0),
        step=1.0,
        unit="°",
    )


def _term_limit(term: ScoreTerm, *, at_least: bool) -> Gate:
    which, compare = ("Minimum", "less") if at_least else ("Maximum", "more")
    name = f"{'min' if at_least else 'max'}_{term.name}"
    bounds = (0.0, 1.0)
    off = 0.0 if at_least else 1.0
    threshold = Setting(
        name,
        f"{which} {term.label.lower()}",
        f"{which} {term.label.lower()} of a window.",
        off,
        float,
        minimum=bounds[0],
        maximum=bounds[1],
        step=0.01,
    )
    reason = f"{term.label.lower()} is {{value:.2f}}, {compare} than {{threshold:.2f}}"
    return Gate(name, threshold.label, threshold, at_least, term.compute, reason, off, term.depends_on)


_FACE_IN_EVERY_FRAME = Gate(
    "face_in_every_frame",
    "Face in every frame",
    # missing frames have no token, so a window that contains one has no score
    Setting(
        "missing_frames",
        "Missing frames",
        "Maximum number of frames in a window without the face.",
        0.0,
        float,
        minimum=0.0,
        maximum=0.0,
    ),
    False,
    _missing_frames,
    "the face is missing in {value:.0f} frames",
    None,
)

GATES: dict[str, Gate] = {
    gate.name: gate
    for gate in (
        _FACE_IN_EVERY_FRAME,
        _gate(
            "face_confidence",
            "Face confidence",
            "Minimum confidence of the face detector in any frame.",
            _lowest("confidence"),
            "the face confidence falls to {value:.2f}, below {threshold:.2f}",
            at_least=True,
            bounds=(0.0, 1.0),
            default=0.7,
            flag="face_confidence_threshold",
        ),
        _gate(
            "min_face_share",
            "Minimum face area",
            "Minimum area of the face box relative to the picture, in any frame.",
            _lowest("face_share"),
            "the face shrinks to {value:.2%} of the picture, less than {threshold:.2%}",
            at_least=True,
            bounds=(0.0, 1.0),
            step=0.001,
        ),
        _angle("yaw"),
        _angle("pitch"),
        _angle("roll"),
        _gate(
            "min_inside_share",
            "Face in picture",
            "Minimum fraction of the face box inside the picture, in any frame.",
            _lowest("inside_share"),
            "only {value:.0%} of the face is inside the picture, less than {threshold:.0%}",
            at_least=True,
            bounds=(0.0, 1.0),
        ),
        _gate(
            "min_laplacian",
            "Minimum detail",
            "Minimum variance of the Laplacian of the face at 64 x 64 px, in any frame; blur lowers it.",
            _lowest("sharpness"),
            "the face is blurred: detail falls to {value:.0f}, below {threshold:.0f}",
            at_least=True,
            bounds=(0.0, 10000.0),
            step=10.0,
        ),
        _gate(
            "one_face",
            "Maximum faces",
            "Maximum number of faces in any frame.",
            _highest("face_count"),
            "{value:.0f} faces are visible at once, more than {threshold:.0f}",
            at_least=False,
            bounds=(1.0, 99.0),
            step=1.0,
        ),
        _gate(
            "max_displacement",
            "Maximum displacement",
            "Maximum RMS displacement of the face from its position in the first frame, relative to the short side of "
            "the picture.",
            _displacement,
            "the face moves {value:.0%} of the short side, more than {threshold:.0%}",
            at_least=False,
            bounds=(0.0, 10.0),
        ),
        *(_term_limit(term, at_least=True) for term in TERMS.values()),
        *(_term_limit(term, at_least=False) for term in TERMS.values()),
    )
}
