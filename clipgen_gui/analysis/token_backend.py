"""The token backend that was loaded last, kept between videos: loading one takes seconds. No Qt here."""

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
    """At most one backend, since two need not fit into memory. Used from the worker thread only."""

    def __init__(self) -> None:
        self._key: TokenSettings | None = None
        self._backend: FrameBackend | None = None
        self.seconds_per_face: float | None = None  # as measured; None until then

    def get(
        self, settings: TokenSettings, load: Load, progress: ProgressCallback, cancel: threading.Event
    ) -> FrameBackend:
        """The backend for these settings, loaded only where the last one was made with others.

        Raises:
            ClipgenError: the checkpoint or the backbone cannot be used.
            Cancelled: `cancel` was set.
        """
        key = replace(settings, allow_download=True, token_stride=0, token_scope="auto")
        if self._backend is None or self._key != key:
            self._backend, self.seconds_per_face = None, None
            self._key, self._backend = key, load(settings, progress, cancel)
        return self._backend
