"""Score terms: numbers from 0 to 1 for every window of a video, higher is better.

A new term is a function here and an entry in `TERMS`; slider, curve, flag, table column, metadata field and the gates
on its value follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.token_series import REGIONS, TokenSeries
from clipgen_engine.ranking.windows import Windows
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Float32Array, Float64Array, Setting

_WANDER_SCALE_FACES = 0.1  # P is 1/e where the face wanders by a tenth of its size
_POSE_SCALE_DEG = 10.0
_FRONTAL_SCALE_DEG = 30.0
_HALF_SHARP = 500.0  # variance of the Laplacian that counts one half
_STEP_SCALE_PX = float(np.hypot(518, 518))


@dataclass(frozen=True)
class ScoreTerm:
    """A term of the combined score."""

    name: str
    label: str
    short_label: str
    help: str
    weight: Setting
    compute: Callable[[FrameSeries, Windows, RankingSettings], Float32Array]
    """Values (W,) float32, 0..1; of no meaning where frames miss. Reads no setting but those in `depends_on`."""
    depends_on: tuple[str, ...] = ()  # names of ranking settings, `sequence_length` apart


def expression_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,): root-mean-square distance of the expression tokens from their mean, at most 1.

    Its square is the sum of the variances of the regions, each times its multiplier. With the metric
    `keyframe_cosine`: 1 - mean cosine similarity among the first, middle and last token. Windows of which a learned
    token is not known yet have the value of the blendshapes.
    """
    if not by_learned_tokens(series, settings):
        return blendshape_variation(series, windows, settings)
    learned = _variation(series, series.tokens, windows, settings)
    if series.all_known:
        return learned
    known = series.unknown_tokens(windows) == 0
    return np.where(known, learned, blendshape_variation(series, windows, settings))


def blendshape_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,) by the blendshapes, whichever tokens drive the list."""
    return _variation(series, series.blendshapes, windows, settings)


def learned_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,) by the learned tokens, NaN where one of them is not known or there are none."""
    known = (series.unknown_tokens(windows) == 0) & series.has_learned
    return np.where(known, _variation(series, series.tokens, windows, settings), np.float32(np.nan))


def by_learned_tokens(series: FrameSeries, settings: RankingSettings) -> bool:
    """Whether learned tokens drive the expression variation."""
    return series.has_learned and settings.token_source == "learned"


def _variation(series: FrameSeries, tokens: TokenSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    if settings.variation_metric == "keyframe_cosine":
        return _clipped(1 - tokens.keyframe_cosine(windows).astype(np.float64))
    if all(multiplier == 1 for multiplier in settings.regions.values()):  # the sum of all needs not be split up
        everything: Float32Array = np.sqrt(tokens.variance(windows))
        return np.minimum(everything, np.float32(1))
    return _root_variance(tokens.regions, series.region_variance(tokens, windows), settings.regions)


def position_stability(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """P (W,): exp(-d / 0.1), d the root-mean-square wander of the face centre in mean face sizes.

    With the metric `mean_step`: 1 - mean distance in px of consecutive face centres / the diagonal of 518 x 518.
    """
    if settings.stability_metric == "mean_step":
        return _clipped(1 - series.mean_step_px(windows) / _STEP_SCALE_PX)
    size = np.maximum(series.mean("size_px", windows)[0], np.float32(1e-6))
    return _clipped(np.exp(series.wander("center_xy", windows) / size * np.float32(-1 / _WANDER_SCALE_FACES)))


def head_pose_stability(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): exp(-d / 10), d the root-mean-square wander of yaw, pitch and roll together, in degrees."""
    return _clipped(np.exp(-series.wander("head_pose_deg", windows) / _POSE_SCALE_DEG))


def frontality(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): exp(-a / 30), a the mean of |yaw| + |pitch| in degrees."""
    turned = series.mean("yaw", windows)[0] + series.mean("pitch", windows)[0]
    return _clipped(np.exp(-turned / _FRONTAL_SCALE_DEG))


def face_size(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): mean face size in short sides of the picture."""
    return _clipped(series.mean("face_height", windows)[0])


def sharpness(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): v / (v + 500), v the mean variance of the Laplacian of the face at 64 x 64 px."""
    variance = series.mean("sharpness", windows)[0]
    return _clipped(variance / (variance + _HALF_SHARP))


def mouth_activity(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): as expression variation, of the blendshapes of mouth and jaw alone."""
    variances = series.region_variance(series.blendshapes, windows)
    others = {region: 0.0 for region in REGIONS if region not in ("mouth", "jaw")}
    return _root_variance(series.blendshapes.regions, variances, others)


def _root_variance(regions: tuple[str, ...], variances: Float32Array, multipliers: Mapping[str, float]) -> Float32Array:
    variance = np.zeros(variances.shape[1], np.float32)
    for region, values in zip(regions, variances, strict=True):
        multiplier = np.float32(multipliers.get(region, 1.0))
        if multiplier:
            variance += multiplier * values
    return np.minimum(np.sqrt(variance), np.float32(1))


def _clipped(values: Float32Array | Float64Array) -> Float32Array:
    clipped: Float32Array = np.clip(values, 0, 1).astype(np.float32, copy=False)
    return clipped


def _term(
    function: Callable[[FrameSeries, Windows, RankingSettings], Float32Array],
    labels: tuple[str, str],
    default: float,
    help_text: str,
    weight_name: str = "",
    depends_on: tuple[str, ...] = (),
) -> ScoreTerm:
    name, (label, short_label) = function.__name__, labels
    weight = Setting(
        weight_name or f"{name}_weight",
        label,
        f"Weight of {label.lower()} in the combined score.",
        default,
        float,
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    return ScoreTerm(name, label, short_label, help_text, weight, function, depends_on)


_VARIATION_DEPENDS_ON = ("variation_metric", "regions", "token_source")

REGION_MULTIPLIERS: dict[str, Setting] = {
    region: Setting(
        region,
        label,
        f"Multiplier of the {label.lower()} in the expression variation; 0 leaves them out.",
        1.0,
        float,
        minimum=0.0,
        maximum=2.0,
        step=0.05,
    )
    for region, label in zip(REGIONS, ("Brows", "Eyelids", "Gaze", "Cheeks and nose", "Mouth", "Jaw"), strict=True)
}


TERMS: dict[str, ScoreTerm] = {
    term.name: term
    for term in (
        _term(
            expression_variation,
            ("Expression variation", "Expr."),
            0.7,
            "How much the expression changes within the window.",
            "expression_weight",
            _VARIATION_DEPENDS_ON,
        ),
        _term(
            position_stability,
            ("Position stability", "Pos."),
            0.3,
            "How well the face stays in place.",
            "position_weight",
            ("stability_metric",),
        ),
        _term(head_pose_stability, ("Head pose stability", "Pose"), 0.0, "How still the head is held."),
        _term(frontality, ("Frontality", "Front"), 0.0, "How straight the face looks at the camera."),
        _term(face_size, ("Face size", "Size"), 0.0, "How large the face is in the picture."),
        _term(sharpness, ("Sharpness", "Sharp"), 0.0, "How much fine detail the face shows."),
        _term(mouth_activity, ("Mouth activity", "Mouth"), 0.0, "How much mouth and jaw move."),
    )
}
