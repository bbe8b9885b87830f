"""Named presets of ranking settings: gates and regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from clipgen_engine.errors import SettingError
from clipgen_engine.settings import RankingSettings


@dataclass(frozen=True)
class Preset:
    """Gates and regions of a preset; unlisted ones keep their defaults."""

    label: str
    help: str
    gates: Mapping[str, float] = field(default_factory=dict)
    regions: Mapping[str, float] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "default": Preset("Default", "Face in every frame with a confidence of 0.7."),
    "strict_frontal": Preset(
        "Strict frontal",
        "A single, clearly visible face, upright and facing the camera.",
        gates={
            "face_confidence": 0.8,
            "max_yaw": 15.0,
            "max_pitch": 15.0,
            "max_roll": 15.0,
            "one_face": 1.0,
            "min_face_share": 0.02,
        },
    ),
    "talking_head": Preset(
        "Talking head",
        "Limits published with the TalkVid dataset: one face, at least 1.67 % of the frame, displaced by at most 20 % "
        "of the short side.",
        gates={"one_face": 1.0, "min_face_share": 0.0167, "max_displacement": 0.2},
    ),
    "without_eyes": Preset(
        "Expression without eyes",
        "Ignores blinks and gaze.",
        regions={"eyelids": 0.0, "gaze": 0.0},
    ),
}


def with_preset(settings: RankingSettings, name: str) -> RankingSettings:
    """Return the settings with the gates and regions of a preset; all other settings are unchanged.

    Raises:
        SettingError: unknown preset.
    """
    if name not in PRESETS:
        raise SettingError(f"Unknown preset {name!r}", "Choose one of " + ", ".join(PRESETS))
    preset = PRESETS[name]
    return replace(settings, gates=dict(preset.gates), regions=dict(preset.regions))
