"""Token backends: face tracks in, one expression vector a face and frame out.

A new backend is a module here with a function `load(settings) -> TokenBackend`, and a line in `_BACKENDS`. It is
imported when it is used first, so that heavy libraries cost nothing before.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clipgen_engine.errors import SettingError
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import ExpressionTokens, FaceTrack, ProgressCallback, VideoInfo

_BACKENDS = {
    "blendshapes": "clipgen_engine.expression_tokens.blendshapes",
    "transformer": "clipgen_engine.expression_tokens.transformer",
}


class TokenBackend(Protocol):
    """A backend, loaded and ready."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What else made the tokens: settings by name, plain JSON values."""

    def tokens(
        self,
        video: VideoInfo,
        tracks: Sequence[FaceTrack],
        *,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[ExpressionTokens, ...]:
        """Tokens of every frame of every track, row by row.

        Raises:
            VideoError: the video has to be looked at and changed since its faces were found.
            Cancelled: `cancel` was set.
        """


def backend_names() -> tuple[str, ...]:
    return tuple(_BACKENDS)


def load_backend(name: str, settings: TokenSettings | None = None) -> TokenBackend:
    """Import and load a backend by its name.

    Raises:
        SettingError: there is none of this name, or a setting does not fit.
        ModelFileError: a model file is missing or wrong.
    """
    if name not in _BACKENDS:
        raise SettingError(f"There is no token backend {name!r}", "Choose one of " + ", ".join(_BACKENDS))
    backend: TokenBackend = importlib.import_module(_BACKENDS[name]).load(settings or TokenSettings())
    return backend
