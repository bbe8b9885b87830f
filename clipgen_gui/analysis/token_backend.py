"""The last loaded token backend, kept between videos because loading takes seconds. Qt-free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from clipgen_engine.expression_tokens.backends import FrameBackend, load_backend
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import ProgressCallback

Load = Callable[[TokenSettings, ProgressCallback, threading.Event], FrameBackend]


def load_transformer(settings: TokenSettings, progress: ProgressCallback, cancel: threading.Event) -> FrameBackend:
    """Load the transformer backend; see `load_backend`."""
    return load_backend("transformer", settings, progress=progress, cancel=cancel)


class LoadedBackend:
    """Holds at most one backend, because two may not fit in memory. Use only from the worker thread."""

    def __init__(self) -> None:
        self._key: TokenSettings | None = None
        self._backend: FrameBackend | None = None
        self.seconds_per_face: float | None = None  # None until measured

    def get(
        self, settings: TokenSettings, load: Load, progress: ProgressCallback, cancel: threading.Event
    ) -> FrameBackend:
        """Return the backend for these settings, reusing the last one if they match.

        Raises:
            ClipgenError: the checkpoint or the backbone cannot be used.
            Cancelled: `cancel` was set.
        """
        key = replace(settings, allow_download=True, token_stride=0, token_scope="auto")
        if self._backend is None or self._key != key:
            self._backend, self.seconds_per_face = None, None
            self._key, self._backend = key, load(settings, progress, cancel)
        return self._backend
