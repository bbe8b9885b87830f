"""Fake token backend for testing the order and bookkeeping of learned tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.types import Float32Array, UInt8Array
from tests.support.videos import read_code

WIDTH = 6
Tokens = Callable[[int], NDArray[np.float64]]  # frame -> (6,), normalised by the backend


def turning(frame: float) -> NDArray[np.float64]:
    """A token that rotates by 1/20 radian per frame."""
    angle = frame / 20
    return np.array([np.cos(angle), np.sin(angle), 0, 0, 0, 0])


class FrameTokens:
    """Backend for coded videos (`tests.support.videos`): the token of a face is a function of its frame number."""

    name = "transformer"
    checkpoint_sha256 = "c" * 64
    channel_names = tuple(f"token_{number}" for number in range(WIDTH))
    channel_regions = ("face",) * WIDTH
    provenance: Mapping[str, Any] = {"subject_id": 0, "dinov2_sha256": "d" * 64}

    def __init__(self, token_of: Tokens = turning, batch_size: int = 4, device_name: str = "cpu") -> None:
        self.batch_size = batch_size
        self.device_name = device_name
        self.seen: list[int] = []  # frames, in order of computation
        self.leave = threading.Event()  # computation blocks until it is set
        self.leave.set()
        self.steps = 0  # batches until `leave` is cleared; 0: never
        self._token_of = token_of

    def crop(self, pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
        return np.array([read_code(pixels) if pixels.shape[1] >= 160 else 0], np.int64)  # type: ignore[return-value]

    def embed(self, crops: UInt8Array) -> Float32Array:
        self.leave.wait(10)
        if self.steps:
            self.steps -= 1
            if not self.steps:
                self.leave.clear()
        self.seen += crops[:, 0].tolist()
        tokens = np.array([self._token_of(int(frame)) for frame in crops[:, 0]])
        return (tokens / np.linalg.norm(tokens, axis=1, keepdims=True)).astype(np.float32)
