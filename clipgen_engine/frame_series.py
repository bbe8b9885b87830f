"""All face tracks of a video as dense rows with prefix sums, from which any window costs the same.

Rows stand track after track, each from the track's first frame to its last, so that a window of L frames is L rows
on end. Values are summed as whole numbers (fixed point), so that a window's result does not depend on where it
stands, on the other tracks or on their order, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.types import Analysis, BoolArray, ExpressionTokens, Float32Array, Float64Array, Int64Array

_TOKEN_UNITS = 1 << 14  # token values are summed in steps of 1/16384
_COLUMN_UNITS = 1 << 8  # pixels and degrees in steps of 1/256
_BLOCK = 1 << 15  # windows computed at a time, so that the intermediate arrays stay in the cache

_Integer = TypeVar("_Integer", np.int32, np.int64)

REGIONS = ("brows", "eyelids", "gaze", "cheeks_nose", "mouth", "jaw")


@dataclass(frozen=True)
class Windows:
    """The windows of one length that start at the rows `first_row <= row < stop_row`."""

    length: int
    first_row: int
    stop_row: int

    def __len__(self) -> int:
        return max(0, self.stop_row - self.first_row)

    def difference(self, prefix: NDArray[_Integer]) -> NDArray[_Integer]:
        """Sums (..., W) over each window from prefix sums (..., R + 1)."""
        starts = prefix[..., self.first_row : self.stop_row]
        stops = prefix[..., self.first_row + self.length : self.stop_row + self.length]
        sums: NDArray[_Integer] = stops - starts
        return sums


class FrameSeries:
    """Dense per-frame values of all tracks of an analysis. Prefix sums are made when they are asked for first."""

    def __init__(self, analysis: Analysis) -> None:
        tracks = [track for track in analysis.tracks if len(track.frame_index)]
        spans = [(int(track.frame_index[0]), int(track.frame_index[-1]) + 1) for track in tracks]
        offsets = np.cumsum([0, *(stop - start for start, stop in spans)])
        self.row_count = int(offsets[-1])
        self.frame: Int64Array = np.concatenate(
            [np.zeros(0, np.int64), *(np.arange(start, stop, dtype=np.int64) for start, stop in spans)]
        )
        self.track_id: Int64Array = np.repeat(
            np.array([track.track_id for track in tracks], np.int64), np.diff(offsets)
        )
        self._sources = [
            (track.frame_index - start + offset, track)
            for track, (start, _), offset in zip(tracks, spans, offsets[:-1], strict=True)
        ]
        self.present: BoolArray = np.zeros(self.row_count, np.bool_)
        for rows, _ in self._sources:
            self.present[rows] = True
        by_track = {track.track_id: tokens for track, tokens in zip(analysis.tracks, analysis.tokens, strict=True)}
        self._tokens: list[ExpressionTokens] = [by_track[track.track_id] for track in tracks]
        self.channel_names = analysis.tokens[0].channel_names if analysis.tokens else ()
        self._channel_regions = analysis.tokens[0].channel_regions if analysis.tokens else ()
        self._column_sums: dict[str, Int64Array] = {}
        self._token_sums: tuple[NDArray[np.int32], Int64Array] | None = None
        self._missing = _prefix(~self.present[np.newaxis])[0]

    @property
    def regions(self) -> tuple[str, ...]:
        """Region names in the order of `region_variance`; a backend without regions has the one region `face`."""
        known = tuple(region for region in REGIONS if region in self._channel_regions)
        return known or tuple(dict.fromkeys(self._channel_regions))

    def windows(self, length: int) -> Windows:
        """All runs of `length` rows; those that run over the end of a track are marked by `inside_track`."""
        return Windows(length, 0, max(0, self.row_count - length + 1))

    def window_at(self, track_id: int, start_frame: int, length: int) -> Windows | None:
        """The one window of this track that starts at this frame, or None where the track does not cover it."""
        rows = np.flatnonzero(self.track_id == track_id)
        if not len(rows):
            return None
        row = int(rows[0]) + start_frame - int(self.frame[rows[0]])
        return Windows(length, row, row + 1) if rows[0] <= row and row + length - 1 <= rows[-1] else None

    def start_frame(self, windows: Windows) -> Int64Array:
        """(W,) int64: first frame of each window."""
        return self.frame[windows.first_row : windows.stop_row]

    def inside_track(self, windows: Windows) -> BoolArray:
        """(W,) bool: first and last row belong to one track."""
        last = slice(windows.first_row + windows.length - 1, windows.stop_row + windows.length - 1)
        inside: BoolArray = self.track_id[windows.first_row : windows.stop_row] == self.track_id[last]
        return inside

    def missing_frames(self, windows: Windows) -> Int64Array:
        """(W,) int64: frames of each window in which the face is missing."""
        return windows.difference(self._missing)

    def column(self, name: str) -> Float32Array:
        """(K, R) float32: a per-frame quantity of `FaceTrack` by its field name; zero where the face is missing."""
        columns: Float32Array | None = None
        for rows, track in self._sources:
            values = np.atleast_2d(np.asarray(getattr(track, name), np.float32).T)
            if columns is None:
                columns = np.zeros((len(values), self.row_count), np.float32)
            columns[:, rows] = values
        return np.zeros((1, 0), np.float32) if columns is None else columns

    def mean(self, name: str, windows: Windows) -> Float64Array:
        """(K, W) float64: mean of a column over each window (of use where no frame is missing)."""
        sums = windows.difference(self._sums_of(name))
        count = sums.shape[0] // 2
        means: Float64Array = sums[:count] / (windows.length * float(_COLUMN_UNITS))
        return means

    def wander(self, name: str, windows: Windows) -> Float64Array:
        """(W,) float64: root-mean-square distance of a column's vectors from their mean, in the column's unit."""
        sums = windows.difference(self._sums_of(name)).astype(np.float64)
        count = sums.shape[0] // 2
        length = windows.length
        # n * sum(q^2) - sum(q)^2 of whole numbers: exact as long as it fits 53 bits, so hardly any cancellation
        spread = length * sums[count:] - sums[:count] ** 2
        distance: Float64Array = np.sqrt(spread.sum(axis=0)) / (length * float(_COLUMN_UNITS))
        return distance

    def minimum(self, name: str, windows: Windows) -> Float32Array:
        """(W,) float32: smallest value of a one-number column over the present frames of each window."""
        values = np.where(self.present, self.column(name)[0], np.float32(np.inf))
        return sliding_minimum(values, windows.length)[windows.first_row : windows.stop_row]

    def region_variance(self, windows: Windows) -> Float32Array:
        """(G, W) float32: variance of the tokens, summed over the channels of each region (order of `regions`)."""
        linear, squares = self._token_sums_of()
        length, units = windows.length, float(_TOKEN_UNITS)
        groups = [np.flatnonzero(np.array(self._channel_regions) == region) for region in self.regions]
        result = np.empty((len(groups), len(windows)), np.float32)
        for begin in range(windows.first_row, windows.stop_row, _BLOCK):
            block = Windows(length, begin, min(begin + _BLOCK, windows.stop_row))
            target = slice(begin - windows.first_row, block.stop_row - windows.first_row)
            mean_squares = block.difference(squares) / (length * units * units)
            for group, channels in enumerate(groups):
                squared_means = np.zeros(len(block), np.float32)
                for channel in channels:
                    # int32 sums may wrap round; their differences do not
                    sums = block.difference(linear[channel]).astype(np.float32)
                    sums *= np.float32(1 / (length * units))
                    sums *= sums
                    squared_means += sums
                result[group, target] = mean_squares[group] - squared_means
        return np.maximum(result, 0, out=result)

    def tokens_of(self, track_id: int, start_frame: int, stop_frame: int) -> Float32Array:
        """(N, D) float32: the tokens of a track's present frames in a half-open span."""
        for (_, track), tokens in zip(self._sources, self._tokens, strict=True):
            if track.track_id == track_id:
                first, last = np.searchsorted(track.frame_index, (start_frame, stop_frame))
                return tokens.values[first:last]
        return np.zeros((0, len(self.channel_names)), np.float32)

    def _sums_of(self, name: str) -> Int64Array:
        """(2K, R + 1) int64: prefix sums of a column's whole numbers, then of their squares."""
        if name not in self._column_sums:
            units = np.rint(self.column(name).astype(np.float64) * _COLUMN_UNITS).astype(np.int64)
            self._column_sums[name] = _prefix(np.concatenate([units, units * units]))
        return self._column_sums[name]

    def _token_sums_of(self) -> tuple[NDArray[np.int32], Int64Array]:
        """(D, R + 1) int32 prefix sums, wrapping, and (G, R + 1) int64 prefix sums of squares by region."""
        if self._token_sums is None:
            regions = np.array(self._channel_regions)
            values = np.zeros((len(self.channel_names), self.row_count), np.int32)
            for (rows, _), tokens in zip(self._sources, self._tokens, strict=True):
                values[:, rows] = np.rint(tokens.values.T * np.float32(_TOKEN_UNITS)).astype(np.int32)
            present = max(1, int(self.present.sum()))
            # variance does not see an offset: small numbers keep float32 exact enough
            values[:, self.present] -= (values.sum(axis=1, dtype=np.int64) // present).astype(np.int32)[:, np.newaxis]
            squares = np.zeros((len(self.regions), self.row_count), np.int64)
            for group, region in enumerate(self.regions):
                for channel in np.flatnonzero(regions == region):
                    squares[group] += values[channel].astype(np.int64) ** 2
            linear = np.zeros((len(values), self.row_count + 1), np.int32)
            np.cumsum(values, axis=1, dtype=np.int32, out=linear[:, 1:])
            self._token_sums = linear, _prefix(squares)
        return self._token_sums


def sliding_minimum(values: Float32Array, length: int) -> Float32Array:
    """(N - length + 1,) float32: minimum of each run of `length` values.

    Van Herk (1992), Gil and Werman (1993): prefix minima from the left and from the right within blocks of `length`.
    """
    count = len(values) - length + 1
    if count <= 0:
        return np.zeros(0, np.float32)
    padded = np.full(-(-len(values) // length) * length, np.inf, np.float32)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, length)
    from_left = np.minimum.accumulate(blocks, axis=1).ravel()
    from_right = np.minimum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.minimum(from_right[:count], from_left[length - 1 : length - 1 + count])


def _prefix(values: NDArray[np.int64] | NDArray[np.bool_]) -> Int64Array:
    """(K, R) -> (K, R + 1) int64 prefix sums that begin with 0."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, dtype=np.int64, out=sums[:, 1:])
    return sums
