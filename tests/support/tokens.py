"""Token backends that cost nothing, so that the order and the bookkeeping of learned tokens can be tested."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.types import Float32Array, UInt8Array
from tests.support.videos import read_code

WIDTH = 6
Tokens = Callable[[int], NDArray[np.float64]]  # frame -> (6,), scaled to length 1 by the backend


def turning(frame: float) -> NDArray[np.float64]:
    """A token that turns by a twentieth of a radian a frame."""
    angle = frame / 20
    return np.array([np.cos(angle), np.sin(angle), 0, 0, 0, 0])


class FrameTokens:
    """Looks at coded pictures (`tests.support.videos`): the token of a face is made of the number of its frame."""

    name = "transformer"
    checkpoint_sha256 = "c" * 64
    channel_names = tuple(f"token_{number}" for number in range(WIDTH))
    channel_regions = ("face",) * WIDTH
    provenance: Mapping[str, Any] = {"subject_id": 0, "dinov2_sha256": "d" * 64}

    def __init__(self, token_of: Tokens = turning, batch_size: int = 4, device_name: str = "cpu") -> None:
        self.batch_size = batch_size
        self.device_name = device_name
        self.seen: list[int] = []  # frames, in the order in which they were computed
        self.leave = threading.Event()  # what computes waits for it
        self.leave.set()
        self.steps = 0  # batches until it has to wait again; 0: it need not
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
