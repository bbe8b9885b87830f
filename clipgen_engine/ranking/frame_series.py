"""All face tracks of a video as dense rows with prefix sums, so that a window's cost is independent of its length.

Tracks are concatenated, each from its first frame to its last, so that a window of L frames is L consecutive rows.
Values are summed in fixed point, so that the result for a window is bit-identical regardless of its position, of other
tracks, and of the videos that are ranked with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS
from clipgen_engine.faces.smoothing import all_within
from clipgen_engine.ranking.expression.actions import ACTION_REGIONS, ACTIONS, expression_values
from clipgen_engine.ranking.expression.corrections import REACH_S, corrected_actions
from clipgen_engine.ranking.token_series import TokenSeries
from clipgen_engine.ranking.windows import Windows, prefix_sums, sliding_minimum
from clipgen_engine.settings import MAX_LENGTH
from clipgen_engine.types import (
    BLENDSHAPES,
    Analysis,
    BoolArray,
    ExpressionTokens,
    FaceTrack,
    Float32Array,
    Int32Array,
    Int64Array,
    VideoInfo,
    read_only,
)

_UNITS = 1 << 8  # fixed-point scale of column sums: steps of 1/256 of the unit
_ANGLES = ("yaw", "pitch", "roll")
_APART = 3 * MAX_LENGTH  # frames between two videos: more than a window and a gap on either side


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of one video."""

    analysis: Analysis
    first_frame: int  # its frames are counted from here
    first_track: int  # and its tracks
    first_row: int
    stop_row: int


@dataclass(frozen=True, eq=False)
class _Source:
    """A track and where its frames are."""

    rows: Int64Array
    track_id: int
    track: FaceTrack
    tokens: ExpressionTokens
    video: VideoInfo


class FrameSeries:
    """Dense per-frame values of all tracks of one or more analyses. Prefix sums are computed on first use.

    Several videos follow each other: their frames and tracks are counted through, with more than a window between the
    last frame of one and the first of the next. They must have the same token backend.
    """

    def __init__(self, *analyses: Analysis) -> None:
        self.parts: list[Part] = []
        self._sources: list[_Source] = []
        self._rows_of: dict[int, range] = {}
        self.row_count = 0
        frames, first_frame, first_track = [np.zeros(0, np.int64)], 0, 0
        for analysis in analyses:
            first_row = self.row_count
            for track, tokens in zip(analysis.tracks, analysis.tokens, strict=True):
                if not len(track.frame_index):
                    continue
                start, stop = int(track.frame_index[0]), int(track.frame_index[-1]) + 1
                track_id = first_track + track.track_id
                self._rows_of[track_id] = range(self.row_count, self.row_count + stop - start)
                rows = track.frame_index - start + self.row_count
                self._sources.append(_Source(rows, track_id, track, tokens, analysis.video))
                frames.append(np.arange(first_frame + start, first_frame + stop, dtype=np.int64))
                self.row_count += stop - start
            self.parts.append(Part(analysis, first_frame, first_track, first_row, self.row_count))
            first_frame += analysis.video.frame_count + _APART
            first_track += 1 + max((track.track_id for track in analysis.tracks), default=0)
        self.frame: Int64Array = np.concatenate(frames)
        self.track_id: Int64Array = np.repeat(
            np.array(list(self._rows_of), np.int64), [len(rows) for rows in self._rows_of.values()]
        )
        self._edges = [0, *(part.stop_row for part in self.parts)]
        self.present: BoolArray = np.zeros(self.row_count, np.bool_)
        for source in self._sources:
            self.present[source.rows] = True
        self._missing = prefix_sums(~self.present[np.newaxis])[0].astype(np.int32)
        self._drafts = self._drafted() if any(analysis.exact is not None for analysis in analyses) else None
        self._variance: dict[TokenSeries, tuple[int, Float32Array]] = {}
        self._variance_lock = threading.Lock()
        self._actions: dict[bool, TokenSeries] = {}
        self._columns: dict[str, Float32Array] = {}
        self._column_sums: dict[str, tuple[Int64Array, Int64Array]] = {}

    @cached_property
    def tokens(self) -> TokenSeries:
        """Expression tokens of all rows."""
        regions = self._sources[0].tokens.channel_regions if self._sources else ()
        values = np.zeros((len(regions), self.row_count), np.float32)
        for source in self._sources:
            known = source.tokens.known
            values[:, source.rows[known]] = source.tokens.values[known].T
        return TokenSeries(values, self._token_known, regions, self._edges)

    @cached_property
    def blendshapes(self) -> TokenSeries:
        """Blendshapes of all rows, even with a learned backend: only blendshape channels have meaningful names."""
        if not self.has_learned:
            return self.tokens
        values = np.zeros((len(BLENDSHAPE_REGIONS), self.row_count), np.float32)
        for source in self._sources:
            values[:, source.rows] = source.track.blendshapes[:, 1:].T
        return TokenSeries(values, self.present, tuple(BLENDSHAPE_REGIONS.values()), self._edges)

    def actions(self, *, bridge_blinks: bool = True) -> TokenSeries:
        """Facial actions of all rows, in ranges.

        Args:
            bridge_blinks: lid movements shorter than a blink are removed.
        """
        if bridge_blinks not in self._actions:
            values = np.zeros((len(ACTIONS), self.row_count), np.float32)
            for source in self._sources:
                values[:, source.rows] = _actions_of(source, bridge_blinks=bridge_blinks).T
            self._actions[bridge_blinks] = TokenSeries(values, self.present, ACTION_REGIONS, self._edges)
        return self._actions[bridge_blinks]

    def actions_of(self, track: FaceTrack, *, bridge_blinks: bool = True) -> Float32Array:
        """(N, A) float32: facial actions of the frames of one of the tracks, in ranges."""
        source = next(one for one in self._sources if one.track is track)
        return _actions_of(source, bridge_blinks=bridge_blinks)

    @property
    def backend(self) -> str:
        """Name of the token backend."""
        return self._sources[0].tokens.backend if self._sources else BLENDSHAPES

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
        for source in self._sources:
            known[source.rows] = source.tokens.known
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

    def _drafted(self) -> Int32Array:
        """(R + 1,) int32 prefix sums of the rows that depend on a draft, i.e. that have one within reach."""
        depends = np.zeros(self.row_count, np.bool_)
        for part, rows in self._tracks():
            exact, times_s = part.analysis.exact, part.analysis.video.times_s
            if exact is not None:
                frames = self.frame[rows.start : rows.stop] - part.first_frame
                depends[rows.start : rows.stop] = ~all_within(exact[frames], times_s[frames], REACH_S)
        sums: Int32Array = prefix_sums(depends[np.newaxis])[0].astype(np.int32)
        return sums

    def _tracks(self) -> Iterator[tuple[Part, range]]:
        """The rows of every track, with the video that it belongs to."""
        for part in self.parts:
            for rows in self._rows_of.values():
                if part.first_row <= rows.start < part.stop_row:
                    yield part, rows

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
        sides = np.array([_short_side_px(part.analysis.video) for part in self.parts], np.float32)
        rows = np.arange(windows.first_row, windows.stop_row)
        displacement: Float32Array = np.sqrt(square_px) / sides[np.searchsorted(self._edges[1:], rows, side="right")]
        return displacement

    def mean_step_px(self, windows: Windows) -> Float32Array:
        """(W,) float32, px: mean displacement of the face centre between consecutive frames."""
        inner = Windows(windows.length - 1, windows.first_row + 1, windows.stop_row + 1)
        mean: Float32Array = self.mean("step_px", inner)[0]
        return mean

    def blendshapes_of(self, track_id: int, start_frame: int, stop_frame: int) -> Float32Array:
        """(N, 51) float32: blendshapes of a track's present frames in a half-open span."""
        for source in self._sources:
            if source.track_id == track_id:
                first_frame = int(self.frame[source.rows[0]] - source.track.frame_index[0])
                span = start_frame - first_frame, stop_frame - first_frame
                first, last = np.searchsorted(source.track.frame_index, span)
                return source.track.blendshapes[first:last, 1:]
        return np.zeros((0, len(BLENDSHAPE_REGIONS)), np.float32)

    def movement(self, track_id: int) -> tuple[Int64Array, Float32Array]:
        """Return the frames (N,) int64 of a track and the change (N,) float32 of the expression.

        The change is the Euclidean distance to the previous frame between learned tokens, or between facial actions
        without gaze and blinks; NaN if the face is missing in either frame.
        """
        for source in self._sources:
            if source.track_id == track_id:
                track = source.track
                first, last = int(track.frame_index[0]), int(track.frame_index[-1])
                distance = np.full(last - first + 1, np.nan, np.float32)
                values = source.tokens.values if self.has_learned else expression_values(_actions_of(source))
                steps = np.linalg.norm(np.diff(values, axis=0), axis=1)
                consecutive = np.diff(track.frame_index) == 1
                distance[track.frame_index[1:][consecutive] - first] = steps[consecutive]
                rows = self._rows_of[track_id]
                return self.frame[rows.start : rows.stop], distance
        return np.zeros(0, np.int64), np.zeros(0, np.float32)

    def _smallest(self, values: Float32Array, windows: Windows) -> Float32Array:
        reach = slice(windows.first_row, windows.stop_row + windows.length - 1)
        present = np.where(self.present[reach], values[reach], np.float32(np.inf))
        return sliding_minimum(present, windows.length)

    def _filled(self, name: str) -> Float32Array:
        columns: Float32Array | None = None
        for source in self._sources:
            values = np.atleast_2d(_quantity(source, name).T)
            if columns is None:
                columns = np.zeros((len(values), self.row_count), np.float32)
            columns[:, source.rows] = values
        return np.zeros((1, 0), np.float32) if columns is None else columns

    def _face_count(self) -> Float32Array:
        values = np.zeros((1, self.row_count), np.float32)
        for part in self.parts:
            rows = slice(part.first_row, part.stop_row)
            frames = (self.frame[rows] - part.first_frame)[self.present[rows]]
            values[0, rows][self.present[rows]] = np.bincount(frames)[frames] if len(frames) else 0
        return values

    def _sums_of(self, name: str) -> tuple[Int64Array, Int64Array]:
        """Prefix sums (K, R + 1) int64 of a column in fixed point, and (R + 1,) int64 of its squared norms."""
        if name not in self._column_sums:
            units = np.rint(self.column(name).astype(np.float64) * _UNITS).astype(np.int64)
            squares = (units * units).sum(axis=0, keepdims=True)
            self._column_sums[name] = prefix_sums(units), prefix_sums(squares)[0]
        return self._column_sums[name]


def _actions_of(source: _Source, *, bridge_blinks: bool = True) -> Float32Array:
    """(N, A) float32: facial actions of a track's frames, in ranges."""
    track, times_s = source.track, source.video.times_s[source.track.frame_index]
    return corrected_actions(track.blendshapes[:, 1:], track.head_pose_deg, times_s, bridge_blinks=bridge_blinks)


def _quantity(source: _Source, name: str) -> Float32Array:
    """(N, ...) float32: a column of the frames of a track."""
    track = source.track
    if name in _ANGLES:
        return np.abs(track.head_pose_deg[:, _ANGLES.index(name)])
    if name == "face_height":
        return track.size_px / np.float32(_short_side_px(source.video))
    if name == "step_px":
        steps = np.linalg.norm(np.diff(track.center_xy, axis=0), axis=1)
        return np.concatenate([np.zeros(1, np.float32), steps.astype(np.float32)])
    values: Float32Array = getattr(track, name)
    return values


def _short_side_px(video: VideoInfo) -> int:
    return min(video.width_px, video.height_px)
