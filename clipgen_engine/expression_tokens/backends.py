"""Token backends: face tracks in, one expression vector a face and frame out.

A new backend is a module here with a function `load(settings, progress, cancel)` that gives a `TrackBackend` or a
`FrameBackend`, and a line in `_BACKENDS`. It is imported when it is used first, so that heavy libraries cost nothing
before.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, overload

from clipgen_engine.errors import SettingError
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import ExpressionTokens, FaceTrack, Float32Array, ProgressCallback, UInt8Array

_BACKENDS = {
    "blendshapes": "clipgen_engine.expression_tokens.blendshapes",
    "transformer": "clipgen_engine.expression_tokens.transformer",
}


class TokenBackend(Protocol):
    """A backend, loaded and ready."""

    @property
    def name(self) -> str: ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What else made the tokens: settings by name, plain JSON values."""

    @property
    def checkpoint_sha256(self) -> str:
        """Hex; empty where there is no checkpoint."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the D numbers of a token."""

    @property
    def channel_regions(self) -> tuple[str, ...]:
        """Region of each of them."""


class TrackBackend(TokenBackend, Protocol):
    """A backend that makes its tokens of what the face model found anyway."""

    def tokens(self, tracks: Sequence[FaceTrack]) -> tuple[ExpressionTokens, ...]:
        """Tokens of every face of every track, row by row."""


class FaceEmbedder(Protocol):
    """What turns crops of faces into tokens of length 1."""

    @property
    def batch_size(self) -> int:
        """How many faces it is best given together; less after they did not fit into memory."""

    def crop(self, pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
        """The part of an RGB picture (H, W, 3) that it wants to see, always of one shape."""

    def embed(self, crops: UInt8Array) -> Float32Array:
        """Tokens (B, D) of crops (B, ...); any number of them.

        Raises:
            ModelFileError: not even one crop fits into the device's memory.
        """


class FrameBackend(TokenBackend, FaceEmbedder, Protocol):
    """A backend that looks at the frames once more, and can be asked for some faces before others."""

    @property
    def device_name(self) -> str:
        """Kind of device that it runs on: cpu, cuda or mps."""


def backend_names() -> tuple[str, ...]:
    return tuple(_BACKENDS)


@overload
def load_backend(name: Literal["blendshapes"]) -> TrackBackend: ...


@overload
def load_backend(
    name: Literal["transformer"],
    settings: TokenSettings,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> FrameBackend: ...


def load_backend(
    name: str,
    settings: TokenSettings | None = None,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Any:
    """Import and load a backend by its name.

    Args:
        progress: told the bytes of a model that is downloaded.
        cancel: ends such a download.

    Raises:
        SettingError: there is none of this name, or a setting does not fit.
        ModelMissingError: a model file is not here and may not be downloaded.
        ModelFileError: a model file is missing or wrong.
        Cancelled: `cancel` was set.
    """
    if name not in _BACKENDS:
        raise SettingError(f"There is no token backend {name!r}", "Choose one of " + ", ".join(_BACKENDS))
    module = importlib.import_module(_BACKENDS[name])
    return module.load(settings or TokenSettings(), progress, cancel)
