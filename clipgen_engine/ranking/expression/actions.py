"""Facial actions: the movements behind MediaPipe's blendshapes, each in units of its range.

One movement changes several blendshapes: a glance four, a blink five, a smile two and more. Counting channels therefore
counts the eyes several times over. An action joins the channels of one movement: left and right are averaged, opposed
directions subtracted. Its range is what a strong performance reaches, so that a brow counts as much as a jaw.
Left and right are those of the person, as in MediaPipe, ARKit and FACS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.types import Float32Array, Float64Array, read_only

_LIMIT = 8.0  # ranges; bounds the fixed-point sums, far above what a face reaches


@dataclass(frozen=True)
class Action:
    """A movement of the face."""

    name: str
    region: str
    range: float  # what a strong performance reaches, in blendshape units
    channels: Mapping[str, float]  # weight of each blendshape
    rise: str  # the movement in words if the value increases
    fall: str  # and if it decreases


def _both(stem: str, *, sign: float = 1.0) -> dict[str, float]:
    return {f"{stem}Left": sign / 2, f"{stem}Right": sign / 2}


# Ranges: 99.5th percentile of each action over 22 clips of expressive faces; of eyes_closed and gaze over the eleven
# clips of the truth bench. Channels that never move there (jaw_forward, cheek_puff, cheek_squint, nose_sneer: below
# 0.01) keep the range of the channel. mouth_frown only reaches 0.07, little above its noise, so it is not raised to the
# weight of the others.
ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("brows_inner_up", "brows", 0.99, {"browInnerUp": 1.0}, "inner brows up", "inner brows fall"),
        Action("brows_up", "brows", 0.98, _both("browOuterUp"), "brows up", "brows fall"),
        Action("brows_down", "brows", 0.66, _both("browDown"), "brows down", "brows relax"),
        Action("eyes_closed", "eyelids", 0.80, _both("eyeBlink"), "eyes close", "eyes open"),
        Action("eyes_narrow", "eyelids", 0.70, _both("eyeSquint"), "eyes narrow", "narrow eyes relax"),
        Action("eyes_wide", "eyelids", 0.49, _both("eyeWide"), "eyes widen", "wide eyes relax"),
        Action(
            "gaze_left",
            "gaze",
            0.95,
            {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookInLeft": -0.5, "eyeLookOutRight": -0.5},
            "looks left",
            "looks right",
        ),
        Action("gaze_up", "gaze", 0.90, _both("eyeLookUp") | _both("eyeLookDown", sign=-1), "looks up", "looks down"),
        Action("cheek_puff", "cheeks_nose", 1.0, {"cheekPuff": 1.0}, "cheeks puff", "cheeks relax"),
        Action("cheek_squint", "cheeks_nose", 1.0, _both("cheekSquint"), "cheeks up", "cheeks relax"),
        Action("nose_sneer", "cheeks_nose", 1.0, _both("noseSneer"), "nose wrinkles", "nose relaxes"),
        Action("mouth_smile", "mouth", 0.97, _both("mouthSmile"), "smile", "smile fades"),
        Action("mouth_frown", "mouth", 0.25, _both("mouthFrown"), "mouth corners down", "mouth corners rise"),
        Action("mouth_pucker", "mouth", 0.99, {"mouthPucker": 1.0}, "lips pucker", "pucker fades"),
        Action("mouth_funnel", "mouth", 0.43, {"mouthFunnel": 1.0}, "lips round", "lips widen"),
        Action("upper_lip_up", "mouth", 0.88, _both("mouthUpperUp"), "upper lip up", "upper lip falls"),
        Action("lower_lip_down", "mouth", 0.57, _both("mouthLowerDown"), "lower lip down", "lower lip rises"),
        Action("mouth_stretch", "mouth", 0.27, _both("mouthStretch"), "mouth stretches", "mouth relaxes"),
        Action("mouth_dimple", "mouth", 0.38, _both("mouthDimple"), "dimples", "dimples fade"),
        Action("lips_pressed", "mouth", 0.37, _both("mouthPress"), "lips press", "lips unpress"),
        Action("lips_closed", "mouth", 0.28, {"mouthClose": 1.0}, "lips close", "lips open"),
        Action("lower_lip_rolls", "mouth", 0.68, {"mouthRollLower": 1.0}, "lower lip rolls in", "lower lip rolls out"),
        Action("upper_lip_rolls", "mouth", 0.65, {"mouthRollUpper": 1.0}, "upper lip rolls in", "upper lip rolls out"),
        Action("chin_up", "mouth", 0.74, {"mouthShrugLower": 1.0}, "chin up", "chin relaxes"),
        Action("upper_lip_shrug", "mouth", 0.44, {"mouthShrugUpper": 1.0}, "upper lip pushes up", "upper lip relaxes"),
        Action("mouth_left", "mouth", 1.4, {"mouthLeft": 1.0, "mouthRight": -1.0}, "mouth left", "mouth right"),
        Action("jaw_open", "jaw", 0.85, {"jawOpen": 1.0}, "jaw opens", "jaw closes"),
        Action("jaw_left", "jaw", 0.38, {"jawLeft": 1.0, "jawRight": -1.0}, "jaw left", "jaw right"),
        Action("jaw_forward", "jaw", 1.0, {"jawForward": 1.0}, "jaw forward", "jaw back"),
    )
}
ACTION_REGIONS = tuple(action.region for action in ACTIONS.values())


def _mixing() -> Float64Array:
    channels = list(BLENDSHAPE_REGIONS)
    matrix = np.zeros((len(channels), len(ACTIONS)))
    for column, action in enumerate(ACTIONS.values()):
        for channel, weight in action.channels.items():
            matrix[channels.index(channel), column] = weight / action.range
    return read_only(matrix)


_MIXING = _mixing()
_EXPRESSIVE = np.flatnonzero(np.array(ACTION_REGIONS) != "gaze")


def action_values(blendshapes: Float32Array) -> Float32Array:
    """Join blendshapes (N, 51), 0..1, into actions (N, A), in ranges."""
    values: Float32Array = (blendshapes @ _MIXING.astype(np.float32)).clip(-_LIMIT, _LIMIT)
    return values


def expression_values(actions: Float32Array) -> Float32Array:
    """Return the actions (N, A) that are expression: all but the gaze."""
    return actions[:, _EXPRESSIVE]
