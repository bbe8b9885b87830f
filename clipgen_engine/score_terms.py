"""Score terms: numbers from 0 to 1 for every window of a video, higher is better.

A new term is a function here and an entry in `TERMS`; slider, curve, flag, table column and metadata field follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clipgen_engine.frame_series import FrameSeries, Windows
from clipgen_engine.types import Float32Array, Setting

_WANDER_SCALE_FACES = 0.1  # P is 1/e where the face wanders by a tenth of its size


@dataclass(frozen=True)
class ScoreTerm:
    """A term of the combined score."""

    name: str
    label: str
    short_label: str
    weight: Setting
    compute: Callable[[FrameSeries, Windows], Float32Array]  # (W,) float32, 0..1; of no meaning where frames miss


def expression_variation(series: FrameSeries, windows: Windows) -> Float32Array:
    """E (W,): root-mean-square distance of the expression tokens from their mean, at most 1."""
    variance = series.region_variance(windows).sum(axis=0)
    value: Float32Array = np.minimum(np.sqrt(variance), np.float32(1))
    return value


def position_stability(series: FrameSeries, windows: Windows) -> Float32Array:
    """P (W,): exp(-d / 0.1), d the root-mean-square wander of the face centre in mean face sizes."""
    size = np.maximum(series.mean("size_px", windows)[0], 1e-6)
    distance = series.wander("center_xy", windows) / size
    value: Float32Array = np.exp(-distance / _WANDER_SCALE_FACES).astype(np.float32)
    return value


def _weight(name: str, label: str, default: float, what: str) -> Setting:
    text = f"Weight of {what} in the combined score."
    return Setting(name, label, text, default, float, minimum=0.0, maximum=1.0, step=0.01)


TERMS: dict[str, ScoreTerm] = {
    term.name: term
    for term in (
        ScoreTerm(
            "expression_variation",
            "Expression variation",
            "Expr.",
            _weight("expression_weight", "Expression", 0.7, "expression variation"),
            expression_variation,
        ),
        ScoreTerm(
            "position_stability",
            "Position stability",
            "Pos.",
            _weight("position_weight", "Position", 0.3, "position stability"),
            position_stability,
        ),
    )
}
