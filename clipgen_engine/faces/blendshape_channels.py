"""Names and regions of MediaPipe's blendshapes, in model order."""

from __future__ import annotations

_SIDES = ("Left", "Right")


def _sided(*stems: str) -> tuple[str, ...]:
    return tuple(stem + side for stem in stems for side in _SIDES)


# Omits index 0 of the model's 52, `_neutral`, which mirrors the other channels and would count them twice.
BLENDSHAPE_REGIONS: dict[str, str] = (
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
