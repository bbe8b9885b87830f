"""MediaPipe's blendshapes as an expression token: 51 channels, all but `_neutral`."""

from __future__ import annotations

from clipgen_engine.types import ExpressionTokens, FaceTrack, read_only

_SIDES = ("Left", "Right")


def _sided(*stems: str) -> tuple[str, ...]:
    return tuple(stem + side for stem in stems for side in _SIDES)


# In the model's order; index 0 is `_neutral`, which says how little the others move and would count them twice.
CHANNEL_REGIONS: dict[str, str] = (
    dict.fromkeys((*_sided("browDown"), "browInnerUp", *_sided("browOuterUp")), "brows")
    | dict.fromkeys(("cheekPuff", *_sided("cheekSquint")), "cheeks_nose")
    | dict.fromkeys(_sided("eyeBlink"), "eyelids")
    | dict.fromkeys(_sided("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp"), "gaze")
    | dict.fromkeys(_sided("eyeSquint", "eyeWide"), "eyelids")
    | dict.fromkeys(("jawForward", "jawLeft", "jawOpen", "jawRight"), "jaw")
    | dict.fromkeys(
        (
            "mouthClose",
            *_sided("mouthDimple", "mouthFrown"),
            "mouthFunnel",
            "mouthLeft",
            *_sided("mouthLowerDown", "mouthPress"),
            "mouthPucker",
            "mouthRight",
            "mouthRollLower",
            "mouthRollUpper",
            "mouthShrugLower",
            "mouthShrugUpper",
            *_sided("mouthSmile", "mouthStretch", "mouthUpperUp"),
        ),
        "mouth",
    )
    | dict.fromkeys(_sided("noseSneer"), "cheeks_nose")
)


def tokens(track: FaceTrack) -> ExpressionTokens:
    """The blendshapes (N, 51) of a track with their names and regions."""
    return ExpressionTokens(
        values=read_only(track.blendshapes[:, 1:].copy()),
        channel_names=tuple(CHANNEL_REGIONS),
        channel_regions=tuple(CHANNEL_REGIONS.values()),
        backend="blendshapes",
        checkpoint_sha256="",
    )
