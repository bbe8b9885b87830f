"""MediaPipe's blendshapes as expression tokens: 51 channels, all except `_neutral`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import BLENDSHAPES, ExpressionTokens, FaceTrack, ProgressCallback, read_only


class BlendshapeBackend:
    """Tokens from the blendshapes of the analysis; does not decode the video."""

    name = BLENDSHAPES
    checkpoint_sha256 = ""
    channel_names = tuple(BLENDSHAPE_REGIONS)
    channel_regions = tuple(BLENDSHAPE_REGIONS.values())
    provenance: Mapping[str, Any] = {}

    def tokens(self, tracks: Sequence[FaceTrack]) -> tuple[ExpressionTokens, ...]:
        """Return the blendshapes (N, 51) of each track with their names and regions."""
        return tuple(
            ExpressionTokens(
                values=read_only(track.blendshapes[:, 1:].copy()),
                channel_names=self.channel_names,
                channel_regions=self.channel_regions,
                backend=self.name,
                checkpoint_sha256=self.checkpoint_sha256,
            )
            for track in tracks
        )


def load(
    settings: TokenSettings, progress: ProgressCallback | None = None, cancel: threading.Event | None = None
) -> BlendshapeBackend:
    """Return the backend; the arguments are unused."""
    return BlendshapeBackend()
