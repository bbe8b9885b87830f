"""All face tracks of a video as dense rows with prefix sums, so that a window's cost is independent of its length.

Tracks are concatenated, each from its first frame to its last, so that a window of L frames is L consecutive rows.
Values are summed in fixed point, so that the result for a window is bit-identical regardless of its position and of
other tracks.
"""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.faces.smoothing import all_within
from clipgen_engine.ranking.expression.actions import ACTION_REGIONS, ACTIONS, expression_values
from clipgen_engine.ranking.expression.corrections import REACH_S, corrected_actions
from clipgen_engine.ranking.token_series import TokenSeries
from clipgen_engine.ranking.windows import Windows, prefix_sums, sliding_minimum
from clipgen_engine.types import (
    BLENDSHAPES,
    Analysis,
    BoolArray,
    FaceTrack,
    Float32Array,
    Int32Array,
    Int64Array,
    read_only,
)

_UNITS = 1 << 8  # fixed-point scale of column sums: steps of 1/256 of the unit
_ANGLES = ("yaw", "pitch", "roll")


class FrameSeries:
    """Dense per-frame values of all tracks of an analysis. Prefix sums are computed on first use."""

    def __init__(self, analysis: Analysis) -> None:
        pairs = [pair for pair in zip(analysis.tracks, analysis.tokens, strict=True) if len(pair[0].frame_index)]
        tracks = [track for track, _ in pairs]
        spans = [(int(track.frame_index[0]), int(track.frame_index[-1]) + 1) for track in tracks]
        offsets = np.cumsum([0, *(stop - start for start, stop in spans)])
        self.row_count = int(offsets[-1])
        self.frame: Int64Array = np.concatenate(
            [np.zeros(0, np.int64), *(np.arange(start, stop, dtype=np.int64) for start, stop in spans)]
        )
        self.track_id: Int64Array = np.repeat(
            np.array([track.track_id for track in tracks], np.int64), np.diff(offsets)
        )
        self._rows_of = {
            track.track_id: range(int(first), int(stop))
            for track, first, stop in zip(tracks, offsets[:-1], offsets[1:], strict=True)
        }
        self._sources = [
            (track.frame_index - start + offset, track, tokens)
            for (track, tokens), (start, _), offset in zip(pairs, spans, offsets[:-1], strict=True)
        ]
        self.present: BoolArray = np.zeros(self.row_count, np.bool_)
        for rows, _, _ in self._sources:
            self.present[rows] = True
        self._times_s = analysis.video.times_s
        self._short_side_px = min(analysis.video.width_px, analysis.video.height_px)
        self._missing = prefix_sums(~self.present[np.newaxis])[0].astype(np.int32)
        self._drafts = None if analysis.exact is None else self._drafted(analysis.exact)
        self._variance: dict[TokenSeries, tuple[int, Float32Array]] = {}
        self._variance_lock = threading.Lock()
        self._actions: dict[bool, TokenSeries] = {}
        self._columns: dict[str, Float32Array] = {}
        self._column_sums: dict[str, tuple[Int64Array, Int64Array]] = {}

    @cached_property
    def tokens(self) -> TokenSeries:
        """Expression tokens of all rows."""
        regions = self._sources[0][2].channel_regions if self._sources else ()
        values = np.zeros((len(regions), self.row_count), np.float32)
        for rows, _, tokens in self._sources:
            values[:, rows[tokens.known]] = tokens.values[tokens.known].T
        return TokenSeries(values, self._token_known, regions)

    @cached_property
    def blendshapes(self) -> TokenSeries:
        """Blendshapes of all rows, even with a learned backend: only blendshape channels have meaningful names."""
        if not self.has_learned:
            return self.tokens
        values = np.zeros((len(BLENDSHAPE_REGIONS), self.row_count), np.float32)
        for rows, track, _ in self._sources:
            values[:, rows] = track.blendshapes[:, 1:].T
        return TokenSeries(values, self.present, tuple(BLENDSHAPE_REGIONS.values()))

    def actions(self, *, bridge_blinks: bool = True) -> TokenSeries:
        """Facial actions of all rows, in ranges.

        Args:
            bridge_blinks: lid movements shorter than a blink are removed.
        """
        if bridge_blinks not in self._actions:
            values = np.zeros((len(ACTIONS), self.row_count), np.float32)
            for rows, track, _ in self._sources:
                values[:, rows] = self.actions_of(track, bridge_blinks=bridge_blinks).T
            self._actions[bridge_blinks] = TokenSeries(values, self.present, ACTION_REGIONS)
        return self._actions[bridge_blinks]

    def actions_of(self, track: FaceTrack, *, bridge_blinks: bool = True) -> Float32Array:
        """(N, A) float32: facial actions of a track's frames, in ranges."""
        times_s = self._times_s[track.frame_index]
        return corrected_actions(track.blendshapes[:, 1:], track.head_pose_deg, times_s, bridge_blinks=bridge_blinks)

    @property
    def backend(self) -> str:
        """Name of the token backend."""
        return self._sources[0][2].backend if self._sources else BLENDSHAPES

    @property
    def has_learned(self) -> bool:
        """Whether the tokens are learned rather than blendshapes."""
        return self.backend != BLENDSHAPES

    @property
    def all_known(self) -> bool:
        """Whether all faces have a token."""
        return not self._unknown[-1]

    def unknown_tokens(self, windows: Windows) -> Int64Array:
        """(W,) int64: number of faces in each window whose token is missing."""
        return windows.difference(self._unknown)

    @cached_property
    def _token_known(self) -> BoolArray:
        known = np.zeros(self.row_count, np.bool_)
        for rows, _, tokens in self._sources:
            known[rows] = tokens.known
        return read_only(known)

    @cached_property
    def _unknown(self) -> Int64Array:
        sums: Int64Array = prefix_sums((self.present & ~self._token_known)[np.newaxis])[0]
        return sums

    @cached_property
    def in_frame_order(self) -> bool:
        """Whether rows are sorted by frame, i.e. no tracks overlap in time."""
        return bool((np.diff(self.frame) >= 0).all())

    def windows(self, length: int) -> Windows:
        """Return all runs of `length` rows; `inside_track` identifies those that cross the end of a track."""
        return Windows(length, 0, max(0, self.row_count - length + 1))

    def window_at(self, track_id: int, start_frame: int, length: int) -> Windows | None:
        """Return the window of this track that starts at this frame, or None if the track does not cover it."""
        if track_id not in self._rows_of:
            return None
        rows = self._rows_of[track_id]
        row = rows.start + start_frame - int(self.frame[rows.start])
        return Windows(length, row, row + 1) if rows.start <= row and row + length <= rows.stop else None

    def start_frame(self, windows: Windows) -> Int64Array:
        """(W,) int64: first frame of each window."""
        return self.frame[windows.first_row : windows.stop_row]

    def inside_track(self, windows: Windows) -> BoolArray:
        """(W,) bool: first and last row belong to the same track."""
        last = slice(windows.first_row + windows.length - 1, windows.stop_row + windows.length - 1)
        inside: BoolArray = self.track_id[windows.first_row : windows.stop_row] == self.track_id[last]
        return inside

    def missing_frames(self, windows: Windows) -> Int32Array:
        """(W,) int32: number of frames in each window in which the face is missing."""
        return windows.difference(self._missing)

    def exact(self, windows: Windows) -> BoolArray:
        """(W,) bool: no value that the scores of a window depend on is that of a draft."""
        if self._drafts is None:
            return np.ones(len(windows), np.bool_)
        exact: BoolArray = windows.difference(self._drafts) == 0
        return exact

    def _drafted(self, exact: BoolArray) -> Int32Array:
        """(R + 1,) int32 prefix sums of the rows that depend on a draft, i.e. that have one within reach."""
        depends = np.zeros(self.row_count, np.bool_)
        for rows in self._rows_of.values():
            frames = self.frame[rows.start : rows.stop]
            depends[rows.start : rows.stop] = ~all_within(exact[frames], self._times_s[frames], REACH_S)
        sums: Int32Array = prefix_sums(depends[np.newaxis])[0].astype(np.int32)
        return sums

    def column(self, name: str) -> Float32Array:
        """(K, R) float32: a per-frame quantity; zero where the face is missing.

        Args:
            name: a field of `FaceTrack`, or `face_height` (face size relative to the short side of the picture),
                `yaw`, `pitch`, `roll` (absolute, degrees), `step_px` (displacement of the face centre since the
                previous frame), `face_count` (number of faces in the frame).
        """
        if name not in self._columns:
            self._columns[name] = self._face_count() if name == "face_count" else self._filled(name)
        return self._columns[name]

    def mean(self, name: str, windows: Windows) -> Float32Array:
        """(K, W) float32: mean of a column over each window (valid only without missing frames)."""
        sums, _ = self._sums_of(name)
        means = windows.difference(sums).astype(np.float32)
        means *= np.float32(1 / (windows.length * float(_UNITS)))
        return means

    def rms_deviation(self, name: str, windows: Windows) -> Float32Array:
        """(W,) float32: root-mean-square distance of a column's vectors from their mean, in the column's unit."""
        sums, square_sums = self._sums_of(name)
        # n * sum(q^2) - sum(q)^2 in integers: exact up to 53 bits, which avoids cancellation
        spread = windows.difference(square_sums).astype(np.float64)
        spread *= windows.length
        for column in sums:
            summed = windows.difference(column).astype(np.float64)
            spread -= np.multiply(summed, summed, out=summed)
        distance = np.maximum(spread, 0, out=spread).astype(np.float32)
        np.sqrt(distance, out=distance)
        distance *= np.float32(1 / (windows.length * float(_UNITS)))
        return distance

    def minimum(self, name: str, windows: Windows) -> Float32Array:
        """(W,) float32: minimum of a scalar column over the present frames of each window."""
        return self._smallest(self.column(name)[0], windows)

    def maximum(self, name: str, windows: Windows) -> Float32Array:
        """(W,) float32: maximum of a scalar column over the present frames of each window."""
        return -self._smallest(-self.column(name)[0], windows)

    def region_variance(self, tokens: TokenSeries, windows: Windows) -> Float32Array:
        """(G, W) float32: see `TokenSeries.region_variance`; cached for the most recent window length.

        Args:
            tokens: `tokens` or `blendshapes` of this series.
        """
        with self._variance_lock:
            kept = self._variance.get(tokens)
            if kept is None or kept[0] != windows.length:
                if len(windows) == 1:  # not worth computing all windows
                    return tokens.region_variance(windows)
                every = self.windows(windows.length)
                kept = self._variance[tokens] = windows.length, read_only(tokens.region_variance(every))
            return kept[1][:, windows.first_row : windows.stop_row]

    def displacement(self, windows: Windows) -> Float32Array:
        """(W,) float32: RMS displacement of the face centre from the first frame, relative to the short side."""
        first = self.column("center_xy")[:, windows.first_row : windows.stop_row]
        shift = self.mean("center_xy", windows) - first
        square_px = self.rms_deviation("center_xy", windows) ** 2 + (shift**2).sum(axis=0)
        displacement: Float32Array = np.sqrt(square_px) / np.float32(self._short_side_px)
        return displacement

    def mean_step_px(self, windows: Windows) -> Float32Array:
        """(W,) float32, px: mean displacement of the face centre between consecutive frames."""
        inner = Windows(windows.length - 1, windows.first_row + 1, windows.stop_row + 1)
        mean: Float32Array = self.mean("step_px", inner)[0]
        return mean

    def blendshapes_of(self, track_id: int, start_frame: int, stop_frame: int) -> Float32Array:
        """(N, 51) float32: blendshapes of a track's present frames in a half-open span."""
        for _, track, _ in self._sources:
            if track.track_id == track_id:
                first, last = np.searchsorted(track.frame_index, (start_frame, stop_frame))
                return track.blendshapes[first:last, 1:]
        return np.zeros((0, len(BLENDSHAPE_REGIONS)), np.float32)

    def movement(self, track_id: int) -> tuple[Int64Array, Float32Array]:
        """Return the frames (N,) int64 of a track and the change (N,) float32 of the expression.

        The change is the Euclidean distance to the previous frame between learned tokens, or between facial actions
        without gaze and blinks; NaN if the face is missing in either frame.
        """
        for _, track, tokens in self._sources:
            if track.track_id == track_id:
                first, last = int(track.frame_index[0]), int(track.frame_index[-1])
                distance = np.full(last - first + 1, np.nan, np.float32)
                values = tokens.values if self.has_learned else expression_values(self.actions_of(track))
                steps = np.linalg.norm(np.diff(values, axis=0), axis=1)
                consecutive = np.diff(track.frame_index) == 1
                distance[track.frame_index[1:][consecutive] - first] = steps[consecutive]
                return np.arange(first, last + 1, dtype=np.int64), distance
        return np.zeros(0, np.int64), np.zeros(0, np.float32)

    def _smallest(self, values: Float32Array, windows: Windows) -> Float32Array:
        reach = slice(windows.first_row, windows.stop_row + windows.length - 1)
        present = np.where(self.present[reach], values[reach], np.float32(np.inf))
        return sliding_minimum(present, windows.length)

    def _filled(self, name: str) -> Float32Array:
        columns: Float32Array | None = None
        for rows, track, _ in self._sources:
            values = np.atleast_2d(self._quantity(track, name).T)
            if columns is None:
                columns = np.zeros((len(values), self.row_count), np.float32)
            columns[:, rows] = values
        return np.zeros((1, 0), np.float32) if columns is None else columns

    def _quantity(self, track: FaceTrack, name: str) -> Float32Array:
        if name in _ANGLES:
            return np.abs(track.head_pose_deg[:, _ANGLES.index(name)])
        if name == "face_height":
            return track.size_px / np.float32(self._short_side_px)
        if name == "step_px":
            steps = np.linalg.norm(np.diff(track.center_xy, axis=0), axis=1)
            return np.concatenate([np.zeros(1, np.float32), steps.astype(np.float32)])
        values: Float32Array = getattr(track, name)
        return values

    def _face_count(self) -> Float32Array:
        count = np.bincount(self.frame[self.present])
        values = np.zeros((1, self.row_count), np.float32)
        values[0, self.present] = count[self.frame[self.present]]
        return values

    def _sums_of(self, name: str) -> tuple[Int64Array, Int64Array]:
        """Prefix sums (K, R + 1) int64 of a column in fixed point, and (R + 1,) int64 of its squared norms."""
        if name not in self._column_sums:
            units = np.rint(self.column(name).astype(np.float64) * _UNITS).astype(np.int64)
            squares = (units * units).sum(axis=0, keepdims=True)
            self._column_sums[name] = prefix_sums(units), prefix_sums(squares)[0]
        return self._column_sums[name]
