"""MediaPipe's blendshapes as an expression token: 51 channels, all but `_neutral`."""

from __future__ import annotations

from clipgen_engine.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.types import ExpressionTokens, FaceTrack, read_only


def tokens(track: FaceTrack) -> ExpressionTokens:
    """The blendshapes (N, 51) of a track with their names and regions."""
    return ExpressionTokens(
        values=read_only(track.blendshapes[:, 1:].copy()),
        channel_names=tuple(BLENDSHAPE_REGIONS),
        channel_regions=tuple(BLENDSHAPE_REGIONS.values()),
        backend="blendshapes",
        checkpoint_sha256="",
    )
