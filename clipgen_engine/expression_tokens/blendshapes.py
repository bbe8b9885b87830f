"""MediaPipe's blendshapes as an expression token: 51 channels, all but `_neutral`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clipgen_engine.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import ExpressionTokens, FaceTrack, ProgressCallback, VideoInfo, read_only


class BlendshapeBackend:
    """What the face model found anyway; the video is not looked at."""

    provenance: Mapping[str, Any] = {}

    def tokens(
        self,
        video: VideoInfo,
        tracks: Sequence[FaceTrack],
        *,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[ExpressionTokens, ...]:
        """Blendshapes (N, 51) of each track with their names and regions."""
        return tuple(
            ExpressionTokens(
                values=read_only(track.blendshapes[:, 1:].copy()),
                channel_names=tuple(BLENDSHAPE_REGIONS),
                channel_regions=tuple(BLENDSHAPE_REGIONS.values()),
                backend="blendshapes",
                checkpoint_sha256="",
            )
            for track in tracks
        )


def load(
    settings: TokenSettings, progress: ProgressCallback | None = None, cancel: threading.Event | None = None
) -> BlendshapeBackend:
    """The backend; it has no settings and nothing to load."""
    return BlendshapeBackend()
