"""The expression tokens of all rows as fixed-point prefix sums.

Token values are stored in steps of 1/16384. The 32-bit prefix sums may wrap around; their differences, i.e. the sums
over windows, are exact for windows shorter than 65,536 frames.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import numpy as np

from clipgen_engine.ranking.windows import Windows, fill_in_chunks, in_chunks, prefix_sums
from clipgen_engine.types import BoolArray, Float32Array, Float64Array, Int64Array

REGIONS = ("brows", "eyelids", "gaze", "cheeks_nose", "mouth", "jaw")
_UNITS = 1 << 14
_SIMILARITY_DECIMALS = 6
_FEW = 32  # windows


class TokenSeries:
    """Tokens (D, R) of all rows; rows without a face are zero."""

    def __init__(
        self,
        values: Float32Array,
        present: BoolArray,
        channel_regions: tuple[str, ...],
        edges: Sequence[int] | None = None,
    ) -> None:
        """
        Args:
            values: (D, R) float32, zero where the face is missing.
            present: (R,) bool.
            channel_regions: region of each of the D channels.
            edges: first row of each video, and R; None: all rows are of one video.
        """
        known = tuple(region for region in REGIONS if region in channel_regions)
        self.regions = known or tuple(dict.fromkeys(channel_regions))
        by_region = [np.flatnonzero(np.array(channel_regions) == region) for region in self.regions]
        bounds = np.cumsum([0, *map(len, by_region)]).tolist()
        self._channels_of_region = [slice(first, stop) for first, stop in pairwise(bounds)]
        self._order = np.concatenate([np.zeros(0, np.intp), *by_region])
        units = np.rint(values[self._order] * np.float32(_UNITS)).astype(np.int32)
        # variances and similarities are relative to the mean token; centring also preserves float32 precision
        self._edges = np.array([0, units.shape[1]] if edges is None else edges, np.int64)
        self._middles: Float64Array = np.zeros((len(units), len(self._edges) - 1))
        for video, (first, stop) in enumerate(pairwise(self._edges.tolist())):
            own, seen = units[:, first:stop], present[first:stop]
            middle = own.sum(axis=1, dtype=np.int64) // max(1, int(seen.sum()))
            own[:, seen] -= middle.astype(np.int32)[:, np.newaxis]
            self._middles[:, video] = middle / _UNITS
        squares = np.zeros((len(self.regions), units.shape[1]), np.int64)
        for group, channels in enumerate(self._channels_of_region):
            for channel in units[channels]:
                squares[group] += channel.astype(np.int64) ** 2
        self._square_sums = prefix_sums(squares)
        self._joint_square_sums: dict[tuple[str, ...], Int64Array] = {}
        self._sums = np.zeros((len(units), units.shape[1] + 1), np.int32)
        np.cumsum(units, axis=1, dtype=np.int32, out=self._sums[:, 1:])

    def variance(self, windows: Windows, without: Collection[str] = ()) -> Float32Array:
        """(W,) float32: variance of the tokens, summed over the channels of all regions but those named."""
        regions = tuple(region for region in self.regions if region not in without)
        chosen = [self.regions.index(region) for region in regions]
        if regions not in self._joint_square_sums:
            self._joint_square_sums[regions] = self._square_sums[chosen].sum(axis=0, keepdims=True)
        channels = [self._channels_of_region[row] for row in chosen]
        joint: Float32Array = self._variances(windows, [channels], self._joint_square_sums[regions])[0]
        return joint

    def region_variance(self, windows: Windows) -> Float32Array:
        """(G, W) float32: variance of the tokens, summed over the channels of each region (order of `regions`)."""
        return self._variances(windows, [[channels] for channels in self._channels_of_region], self._square_sums)

    def _variances(self, windows: Windows, groups: list[list[slice]], square_sums: Int64Array) -> Float32Array:
        scale = 1 / (windows.length * float(_UNITS))

        def fill(chunk: Windows, out: Float32Array) -> None:
            for variance, squared, prefix in zip(out, self._squared_sums(chunk, groups), square_sums, strict=True):
                squared *= np.float32(scale**2)
                np.copyto(variance, chunk.difference(prefix), casting="unsafe")
                variance *= np.float32(scale / _UNITS)
                variance -= squared
                np.maximum(variance, 0, out=variance)

        return fill_in_chunks(np.empty((len(groups), len(windows)), np.float32), windows, fill)

    def _squared_sums(self, windows: Windows, groups: list[list[slice]]) -> Iterator[Float32Array]:
        """Yield (W,) float32 for each group of channels: squared window sums, added channel by channel.

        The yielded array is reused for the next group.
        """
        if len(windows) <= _FEW:  # avoids the call overhead; same order of additions
            few = windows.difference(self._sums).astype(np.float32)
            few *= few
            for group in groups:
                channels = np.concatenate([few[part] for part in group])
                yield np.add.accumulate(channels)[-1] if len(channels) else np.zeros(len(windows), np.float32)
            return
        sums, floats = np.empty(len(windows), np.int32), np.empty(len(windows), np.float32)
        squared = np.empty(len(windows), np.float32)
        for group in groups:
            squared.fill(0)
            for prefix in (prefix for part in group for prefix in self._sums[part]):
                windows.difference(prefix, out=sums)
                np.copyto(floats, sums, casting="unsafe")
                np.multiply(floats, floats, out=floats)
                np.add(squared, floats, out=squared)
            yield squared

    def similarity(self, windows: Windows, row: int) -> Float32Array:
        """(W,) float32, -1..1: cosine similarity of each window's mean token with that of the window at `row`.

        Mean tokens are centred on the mean token of their video; otherwise all expressions would be similar.
        """
        direction = Windows(windows.length, row, row + 1).difference(self._sums)[:, 0].astype(np.float32)

        def compute(chunk: Windows) -> Float32Array:
            sums = chunk.difference(self._sums).astype(np.float32)
            squared_norms = np.einsum("cw,cw->w", sums, sums) * np.float32(direction @ direction)
            cosine = np.einsum("c,cw->w", direction, sums) / np.sqrt(np.maximum(squared_norms, np.float32(1)))
            # rounded, so that the selection does not depend on floating-point noise
            rounded: Float32Array = np.clip(np.round(cosine, _SIMILARITY_DECIMALS), -1, 1)
            return rounded

        return in_chunks(windows, compute, np.float32)

    def keyframe_cosine(self, windows: Windows) -> Float32Array:
        """(W,) float32: mean pairwise cosine similarity of the tokens of the first, middle and last frame."""
        steps = (0, windows.length // 2, windows.length - 1)
        first, middle, last = (self._unit_tokens(windows.first_row + step, len(windows)) for step in steps)
        cosines = (first * middle).sum(axis=0) + (middle * last).sum(axis=0) + (first * last).sum(axis=0)
        mean: Float32Array = (cosines / 3).astype(np.float32)
        return mean

    def tokens_of(self, window: Windows) -> Float64Array:
        """(D, L) float64: the tokens of a single window, to 1/16384."""
        tokens = np.empty((len(self._order), window.length))
        tokens[self._order] = self._tokens(window.first_row, window.length)
        return tokens

    def _tokens(self, row: int, count: int) -> Float64Array:
        """(D, count) float64: tokens from this row on, in the order of the regions."""
        videos = np.searchsorted(self._edges[1:-1], np.arange(row, row + count), side="right")
        return Windows(1, row, row + count).difference(self._sums) / _UNITS + self._middles[:, videos]

    def _unit_tokens(self, row: int, count: int) -> Float64Array:
        """(D, count) float64: tokens from this row on, scaled to unit length (zero stays zero)."""
        tokens = self._tokens(row, count)
        norms = np.linalg.norm(tokens, axis=0)
        units: Float64Array = tokens / np.where(norms > 0, norms, 1)
        return units
