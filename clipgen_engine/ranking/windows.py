"""Windows as runs of rows; prefix sums and sliding minimum, vectorised."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.processors import core_count
from clipgen_engine.types import Float32Array, Int64Array

_Integer = TypeVar("_Integer", np.int32, np.int64)
_Number = TypeVar("_Number", bound=np.generic)
_CHUNK = 1 << 18  # windows: larger chunks do not fit the CPU cache, smaller ones contend for the GIL


@dataclass(frozen=True)
class Windows:
    """Windows of one length, starting at the rows `first_row <= row < stop_row`."""

    length: int
    first_row: int
    stop_row: int

    def __len__(self) -> int:
        return max(0, self.stop_row - self.first_row)

    def difference(self, prefix: NDArray[_Integer], out: NDArray[_Integer] | None = None) -> NDArray[_Integer]:
        """Return the sums (..., W) over each window from prefix sums (..., R + 1)."""
        starts = prefix[..., self.first_row : self.stop_row]
        stops = prefix[..., self.first_row + self.length : self.stop_row + self.length]
        sums: NDArray[_Integer] = np.subtract(stops, starts, out=out)
        return sums


def fill_in_chunks(
    result: NDArray[_Number], windows: Windows, compute: Callable[[Windows, NDArray[_Number]], None]
) -> NDArray[_Number]:
    """Let `compute` fill the result (..., W) for all windows, in chunks on all cores.

    Chunks keep intermediate arrays in the CPU cache; NumPy releases the GIL while it computes.
    """
    edges = [*range(windows.first_row, windows.stop_row, _CHUNK), windows.stop_row]
    chunks = [Windows(windows.length, first, stop) for first, stop in pairwise(edges)]

    def fill(chunk: Windows) -> None:
        first = chunk.first_row - windows.first_row
        compute(chunk, result[..., first : first + len(chunk)])

    if len(chunks) < 2:
        for chunk in chunks:
            fill(chunk)
    else:
        with ThreadPoolExecutor(core_count(), thread_name_prefix="clipgen-ranking") as pool:
            list(pool.map(fill, chunks))
    return result


def in_chunks(
    windows: Windows, compute: Callable[[Windows], NDArray[_Number]], dtype: type[_Number]
) -> NDArray[_Number]:
    """Return `compute` of all windows (W,), evaluated in chunks on all cores."""

    def fill(chunk: Windows, out: NDArray[_Number]) -> None:
        out[:] = compute(chunk)

    return fill_in_chunks(np.empty(len(windows), dtype), windows, fill)


def prefix_sums(values: NDArray[np.int64] | NDArray[np.bool_]) -> Int64Array:
    """(K, R) -> (K, R + 1) int64 prefix sums, starting with 0."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, dtype=np.int64, out=sums[:, 1:])
    return sums


def sliding_minimum(values: Float32Array, length: int) -> Float32Array:
    """(N - length + 1,) float32: minimum of each run of `length` values.

    Doubling: minima of runs of 2, 4, 8 ... values; two overlapping runs of the largest fitting power cover each window.
    """
    count = len(values) - length + 1
    if count <= 0:
        return np.zeros(0, np.float32)
    lowest, run = values, 1
    while 2 * run <= length:
        lowest, run = np.minimum(lowest[:-run], lowest[run:]), 2 * run
    return np.minimum(lowest[:count], lowest[length - run : length - run + count])
