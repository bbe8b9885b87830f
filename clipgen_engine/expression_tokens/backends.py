"""Token backends: face tracks in, one expression vector per face and frame out.

To add a backend, add a module here with a function `load(settings, progress, cancel)` that returns a `TrackBackend` or
a `FrameBackend`, and an entry in `_BACKENDS`. Backends are imported on first use, because of their heavy dependencies.
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
    """A loaded backend."""

    @property
    def name(self) -> str: ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Further settings that determine the tokens, by name; plain JSON values."""

    @property
    def checkpoint_sha256(self) -> str:
        """Hex; empty without a checkpoint."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the D channels of a token."""

    @property
    def channel_regions(self) -> tuple[str, ...]:
        """Region of each channel."""


class TrackBackend(TokenBackend, Protocol):
    """A backend that derives tokens from the output of the face model."""

    def tokens(self, tracks: Sequence[FaceTrack]) -> tuple[ExpressionTokens, ...]:
        """Return the tokens of each track, one row per face."""


class FaceEmbedder(Protocol):
    """Turns face crops into unit-length tokens."""

    @property
    def batch_size(self) -> int:
        """Preferred number of faces per batch; reduced after an out-of-memory error."""

    def crop(self, pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
        """Crop a face from an RGB picture (H, W, 3); all crops have the same shape."""

    def embed(self, crops: UInt8Array) -> Float32Array:
        """Return tokens (B, D) of crops (B, ...), for any B.

        Raises:
            ModelFileError: not even a single crop fits in the device's memory.
        """


class FrameBackend(TokenBackend, FaceEmbedder, Protocol):
    """A backend that decodes the frames again and can process faces in any order."""

    @property
    def device_name(self) -> str:
        """Device type: cpu, cuda or mps."""


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
    """Import and load a backend by name.

    Args:
        progress: receives the progress of a model download in bytes.
        cancel: cancels a model download.

    Raises:
        SettingError: unknown backend, or an invalid setting.
        ModelMissingError: a model file is not on this machine and may not be downloaded.
        ModelFileError: a model file is missing or invalid.
        Cancelled: `cancel` was set.
    """
    if name not in _BACKENDS:
        raise SettingError(f"Unknown token backend {name!r}", "Choose one of " + ", ".join(_BACKENDS))
    module = importlib.import_module(_BACKENDS[name])
    return module.load(settings or TokenSettings(), progress, cancel)
