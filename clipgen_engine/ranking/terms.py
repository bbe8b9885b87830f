"""Score terms: one value from 0 to 1 per window, higher is better.

To add a term, add a function here and an entry in `TERMS`; slider, curve, flag, table column, metadata field and the
gates on its value are derived from it.
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

_POSITION_SCALE_FACES = 0.1  # P is 1/e at an RMS displacement of a tenth of the face size
_POSE_SCALE_DEG = 10.0
_FRONTAL_SCALE_DEG = 30.0
_HALF_SHARP = 500.0  # variance of the Laplacian that scores one half
_STEP_SCALE_PX = float(np.hypot(518, 518))
ACTION_METRIC = "actions"
METRIC_VERSIONS = {ACTION_METRIC: 2, "token_spread": 1, "keyframe_cosine": 1}  # raised when values change


@dataclass(frozen=True)
class ScoreTerm:
    """A term of the combined score."""

    name: str
    label: str
    short_label: str
    help: str
    weight: Setting
    compute: Callable[[FrameSeries, Windows, RankingSettings], Float32Array]
    """Values (W,) float32, 0..1; undefined for windows with missing frames. Reads only the settings in `depends_on`."""
    depends_on: tuple[str, ...] = ()  # names of ranking settings, besides `sequence_length`


def expression_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,): by learned tokens where they are the source and known, otherwise by blendshapes."""
    if not by_learned_tokens(series, settings):
        return blendshape_variation(series, windows, settings)
    learned = _token_variation(series, series.tokens, windows, settings)
    if series.all_known:
        return learned
    known = series.unknown_tokens(windows) == 0
    return np.where(known, learned, blendshape_variation(series, windows, settings))


def blendshape_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,) from blendshapes, regardless of the token source.

    By the metric `actions`: r / sqrt(1 + r^2), where r^2 is the sum of the variances of all facial actions in units of
    their range, each weighted by the multiplier of its region. The other metrics treat the blendshapes as tokens.
    """
    if settings.variation_metric != ACTION_METRIC:
        return _token_variation(series, series.blendshapes, windows, settings)
    actions, multipliers = series.actions(bridge_blinks=settings.blinks == "bridged"), region_multipliers(settings)
    if set(multipliers.values()) <= {0.0, 1.0}:  # no need to split by region
        without = [region for region, multiplier in multipliers.items() if not multiplier]
        return _saturated(actions.variance(windows, without))
    return _saturated(_weighted(actions.regions, series.region_variance(actions, windows), multipliers))


def learned_variation(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """E (W,) from learned tokens; NaN where any of them is missing."""
    known = (series.unknown_tokens(windows) == 0) & series.has_learned
    return np.where(known, _token_variation(series, series.tokens, windows, settings), np.float32(np.nan))


def by_learned_tokens(series: FrameSeries, settings: RankingSettings) -> bool:
    """Whether learned tokens are the source of the expression variation."""
    return series.has_learned and settings.token_source == "learned"


def metric_of(settings: RankingSettings, *, learned: bool) -> str:
    """Return the metric behind the expression variation: learned tokens have no facial actions."""
    return "token_spread" if learned and settings.variation_metric == ACTION_METRIC else settings.variation_metric


def region_multipliers(settings: RankingSettings) -> dict[str, float]:
    """Return the multiplier of every region; the defaults depend on the metric, as only `actions` omits the gaze."""
    return {region: settings.regions.get(region, default) for region, default in default_multipliers(settings).items()}


def default_multipliers(settings: RankingSettings) -> dict[str, float]:
    """Return the default multiplier of every region under these settings' metric."""
    actions = settings.variation_metric == ACTION_METRIC
    return {region: setting.default if actions else 1.0 for region, setting in REGION_MULTIPLIERS.items()}


def _token_variation(
    series: FrameSeries, tokens: TokenSeries, windows: Windows, settings: RankingSettings
) -> Float32Array:
    """Root-mean-square distance of the tokens from their mean, at most 1; its square is additive over the regions.

    By the metric `keyframe_cosine`: 1 - mean pairwise cosine similarity of the first, middle and last token.
    """
    if settings.variation_metric == "keyframe_cosine":
        return _clipped(1 - tokens.keyframe_cosine(windows).astype(np.float64))
    if all(multiplier == 1 for multiplier in settings.regions.values()):  # no need to split by region
        variance = tokens.variance(windows)
    else:
        variance = _weighted(tokens.regions, series.region_variance(tokens, windows), settings.regions)
    root: Float32Array = np.sqrt(variance)
    return np.minimum(root, np.float32(1))


def position_stability(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """P (W,): exp(-d / 0.1), d: RMS displacement of the face centre from its mean, in mean face sizes.

    With the metric `mean_step`: 1 - mean displacement in px between consecutive frames / diagonal of 518 x 518 px.
    """
    if settings.stability_metric == "mean_step":
        return _clipped(1 - series.mean_step_px(windows) / _STEP_SCALE_PX)
    size = np.maximum(series.mean("size_px", windows)[0], np.float32(1e-6))
    return _clipped(np.exp(series.rms_deviation("center_xy", windows) / size * np.float32(-1 / _POSITION_SCALE_FACES)))


def head_pose_stability(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): exp(-d / 10), d: RMS deviation of (yaw, pitch, roll) from its mean, in degrees."""
    return _clipped(np.exp(-series.rms_deviation("head_pose_deg", windows) / _POSE_SCALE_DEG))


def frontality(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): exp(-a / 30), a: mean of |yaw| + |pitch| in degrees."""
    turned = series.mean("yaw", windows)[0] + series.mean("pitch", windows)[0]
    return _clipped(np.exp(-turned / _FRONTAL_SCALE_DEG))


def face_size(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): mean face size relative to the short side of the picture."""
    return _clipped(series.mean("face_height", windows)[0])


def sharpness(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): v / (v + 500), v: mean variance of the Laplacian of the face at 64 x 64 px."""
    variance = series.mean("sharpness", windows)[0]
    return _clipped(variance / (variance + _HALF_SHARP))


def mouth_activity(series: FrameSeries, windows: Windows, settings: RankingSettings) -> Float32Array:
    """(W,): like expression variation by facial actions, but only of the mouth and jaw."""
    actions = series.actions()
    others = {region: 0.0 for region in REGIONS if region not in ("mouth", "jaw")}
    return _saturated(_weighted(actions.regions, series.region_variance(actions, windows), others))


def _weighted(regions: tuple[str, ...], variances: Float32Array, multipliers: Mapping[str, float]) -> Float32Array:
    """(W,) float32: sum of the regions' variances (G, W), each times its multiplier, 1 if not given."""
    variance = np.zeros(variances.shape[1], np.float32)
    for region, values in zip(regions, variances, strict=True):
        multiplier = np.float32(multipliers.get(region, 1.0))
        if multiplier:
            variance += multiplier * values
    return variance


def _saturated(variance: Float32Array) -> Float32Array:
    """r / sqrt(1 + r^2) from r^2: strictly increasing, so that even the strongest windows keep their order."""
    saturated: Float32Array = np.sqrt(variance / (1 + variance))
    return saturated


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


_VARIATION_DEPENDS_ON = ("variation_metric", "blinks", "regions", "token_source")

REGION_MULTIPLIERS: dict[str, Setting] = {
    region: Setting(
        region,
        label,
        f"Multiplier of {label.lower()} in the expression variation; 0 excludes the region.",
        0.0 if region == "gaze" else 1.0,  # a glance is no expression
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
            "How much the face changes its expression within the window. Each facial action (a smile, raised brows, an "
            "opening jaw) is measured in units of what a strong performance of it reaches; r² is the sum of their "
            "variances, and E = r / √(1 + r²). Gaze, blinks shorter than 0.4 s and what merely follows a turn of the "
            "head do not count.",
            "expression_weight",
            _VARIATION_DEPENDS_ON,
        ),
        _term(
            position_stability,
            ("Position stability", "Pos."),
            0.3,
            "How stable the position of the face is.",
            "position_weight",
            ("stability_metric",),
        ),
        _term(head_pose_stability, ("Head pose stability", "Pose"), 0.0, "How still the head is held."),
        _term(frontality, ("Frontality", "Front"), 0.0, "How directly the face looks at the camera."),
        _term(face_size, ("Face size", "Size"), 0.0, "How large the face is in the picture."),
        _term(sharpness, ("Sharpness", "Sharp"), 0.0, "How much fine detail the face shows."),
        _term(mouth_activity, ("Mouth activity", "Mouth"), 0.0, "How much the mouth and jaw move."),
    )
}
