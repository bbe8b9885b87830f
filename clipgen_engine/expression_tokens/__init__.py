"""Token backends: a face track in, one expression vector a frame out.

A new backend is a module here with a function `tokens(track) -> ExpressionTokens`, and a line in `_BACKENDS`.
It is imported when it is used first, so that heavy libraries cost nothing before.
"""

from __future__ import annotations

import importlib
from typing import Protocol

from clipgen_engine.errors import SettingError
from clipgen_engine.types import ExpressionTokens, FaceTrack

_BACKENDS = {
    "blendshapes": "clipgen_engine.expression_tokens.blendshapes",
}


class TokenBackend(Protocol):
    """What a backend module provides."""

    def tokens(self, track: FaceTrack) -> ExpressionTokens:
        """Tokens of every frame of the track, row by row."""


def backend_names() -> tuple[str, ...]:
    return tuple(_BACKENDS)


def load_backend(name: str) -> TokenBackend:
    """Import a backend by its name.

    Raises:
        SettingError: there is none of this name.
    """
    if name not in _BACKENDS:
        raise SettingError(f"There is no token backend {name!r}", "Choose one of " + ", ".join(_BACKENDS))
    backend: TokenBackend = importlib.import_module(_BACKENDS[name])
    return backend
