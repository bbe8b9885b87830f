"""Join the tracklets of all segments into one track per person.

Who is who is decided by the looks of the draft alone, so that tracks keep their identity while frames become exact.

Tracklets are linked across a segment boundary by IoU. A lost face is re-identified by position and descriptor. Where
faces meet and part, their descriptors before and after are matched, so that people who cross paths keep their ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.faces.boxes import box_size, center_distance, iou
from clipgen_engine.faces.measures import descriptor_distance
from clipgen_engine.faces.smoothing import smoothed
from clipgen_engine.faces.tracklets import Rows, TrackletSummary
from clipgen_engine.types import BoolArray, FaceTrack, Float32Array, Float64Array, Int64Array, read_only

_MAX_GAP_FRAMES = 60  # within this many frames of losing a face
_MAX_JUMP_FACES = 1.0  # and this many face sizes of its last position, it is the same face unless it looks different
_MAX_AWAY_FRAMES = 1800  # after a longer absence, a face always starts a new track
_MIN_TRACK_FRAMES = 5  # shorter tracks are mostly false positives
_DIFFERENT_FACE = 0.15  # descriptor distance above which two tracklets are different people
_SAME_FACE = 0.07  # descriptor distance up to which two tracklets in a shot are the same person, at any position
_ENTRY_IOU = 0.4  # of the boxes on either side of a segment boundary
_ENTRY_FRAMES = 3  # tolerance for undecodable frames at a boundary
# what is measured of the mesh, whose points tremble
_SMOOTHED = (
    *("box_xywh", "center_xy", "head_pose_deg", "blendshapes"),
    *("face_share", "inside_share", "mouth_open"),
)
_CLEARLY_BETTER = 0.8  # swap ids only if that cuts the descriptor distance to this fraction


class SegmentFaces(Protocol):
    """Faces observed in one segment."""

    @property
    def rows(self) -> Rows: ...

    @property
    def tracklets(self) -> tuple[TrackletSummary, ...]: ...


@dataclass(eq=False)
class _Tracklet:
    """A tracklet and its rows."""

    segment: int
    summary: TrackletSummary
    rows: Rows
    picked: Int64Array  # indices of the rows of looks
    between: Int64Array  # indices of the rows between looks

    @property
    def first(self) -> int:
        return int(self.rows["frame_index"][self.picked[0]])

    @property
    def last(self) -> int:
        return int(self.rows["frame_index"][self.picked[-1]])

    def box(self, end: int) -> Float32Array:
        """(4,) px: box of the first (0) or last (-1) look."""
        box: Float32Array = self.rows["box_xywh"][self.picked[end]]
        return box

    @property
    def identifies(self) -> bool:
        """Whether the descriptor is reliable: several samples, no other face nearby."""
        return not self.summary.near and self.summary.described >= 2


class _Track:
    def __init__(self, tracklet: _Tracklet) -> None:
        self.tracklets = [tracklet]

    @property
    def end(self) -> _Tracklet:
        return self.tracklets[-1]

    def descriptor(self, before: int) -> Float32Array | None:
        """Descriptor of the last reliable tracklet starting before a frame."""
        known = [tracklet for tracklet in self.tracklets if tracklet.identifies and tracklet.first < before]
        return known[-1].summary.descriptor if known else None


@dataclass(frozen=True, eq=False)
class Looks:
    """Which frames of the video were looked at."""

    times_s: Float64Array  # (T,) float64, increasing
    frames: Int64Array  # (K,) int64, sorted: the looks of the draft
    done: BoolArray  # (T,) bool: frames between looks whose faces are known, and all looks
    stride: int  # frames from one look to the next


def build_tracks(
    segments: Sequence[SegmentFaces], segment_starts: Sequence[int], shots: Int64Array, looks: Looks
) -> tuple[FaceTrack, ...]:
    """Join the tracklets of consecutive segments into tracks; ids follow order of appearance.

    Faces in frames that are not done are interpolated.

    Args:
        segments: the faces observed in each segment, in order.
        segment_starts: first frame of each segment.
        shots: (S, 2) int64 half-open frame spans.
        looks: what the rows of the segments are based on.
    """
    tracklets = _tracklets(segments)
    tracks: list[_Track] = []
    recent: list[_Track] = []  # candidates for re-identification
    owner: dict[tuple[int, int], _Track] = {}
    for first, same_start in groupby(tracklets, key=lambda tracklet: tracklet.first):
        group = list(same_start)
        oldest = min(_shot_start(shots, first), first - _ENTRY_FRAMES - looks.stride)
        recent = [track for track in recent if track.end.last >= max(oldest, first - _MAX_AWAY_FRAMES)]
        chosen: list[_Track | None] = []
        for tracklet in group:
            taken = [track for track in chosen if track is not None]
            continued = _continued(tracklet, owner, recent, segment_starts, looks.stride)
            track = continued or _reidentified(tracklet, recent, taken, shots)
            chosen.append(None if track in taken else track)
        for tracklet, track in zip(group, _without_identity_swaps(group, chosen), strict=True):
            if track is None:
                track = _Track(tracklet)
                tracks.append(track)
                recent.append(track)
            else:
                track.tracklets.append(tracklet)
            owner[tracklet.segment, tracklet.summary.number] = track
    kept = [track for track in tracks if _lasts(track, looks.stride)]
    return tuple(_build(number, track, looks) for number, track in enumerate(kept))


def _lasts(track: _Track, stride: int) -> bool:
    count = sum(len(item.picked) for item in track.tracklets)
    span = track.end.last - track.tracklets[0].first + 1
    return min(count * stride, span) >= _MIN_TRACK_FRAMES


def _tracklets(segments: Sequence[SegmentFaces]) -> list[_Tracklet]:
    tracklets = []
    for segment, result in enumerate(segments):
        rows = result.rows
        looked = np.isfinite(rows["region"][:, 0])
        picked, between = _by_tracklet(rows, looked), _by_tracklet(rows, ~looked)
        none = np.zeros(0, np.int64)
        tracklets += [
            _Tracklet(segment, summary, rows, picked[summary.number], between.get(summary.number, none))
            for summary in result.tracklets
        ]
    return sorted(tracklets, key=lambda tracklet: (tracklet.first, tracklet.segment, tracklet.summary.number))


def _by_tracklet(rows: Rows, chosen: BoolArray) -> dict[int, Int64Array]:
    """Indices of the chosen rows of each tracklet."""
    indices = np.flatnonzero(chosen)
    order = indices[np.argsort(rows["tracklet"][indices], kind="stable")]
    numbers, starts = np.unique(rows["tracklet"][order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)) if len(numbers) else {}


def _continued(
    tracklet: _Tracklet,
    owner: dict[tuple[int, int], _Track],
    tracks: list[_Track],
    segment_starts: Sequence[int],
    stride: int,
) -> _Track | None:
    """The track that this tracklet continues: same landmarker, or matching box across a segment boundary."""
    summary = tracklet.summary
    if summary.continues is not None:
        track = owner.get((tracklet.segment, summary.continues))
        if track is not None:
            return track
    if summary.entry_box is None:
        return None
    boundary = segment_starts[tracklet.segment]
    candidates = [
        (iou(track.end.box(-1), summary.entry_box), -number, track)
        for number, track in enumerate(tracks)
        if track.end.segment < tracklet.segment and boundary - _ENTRY_FRAMES - stride < track.end.last < boundary
    ]
    best, _, track = max(candidates, key=lambda entry: entry[:2], default=(0.0, 0, None))
    return track if best > _ENTRY_IOU else None


def _reidentified(tracklet: _Tracklet, tracks: list[_Track], taken: list[_Track], shots: Int64Array) -> _Track | None:
    """Re-identify a face lost earlier in the same shot."""
    shot_start = _shot_start(shots, tracklet.first)
    best: tuple[float, _Track] | None = None
    for track in tracks:
        end = track.end
        gap = tracklet.first - end.last
        if track in taken or end.last < shot_start or gap <= 0:
            continue
        known = track.descriptor(tracklet.first)
        if known is None:
            known = end.summary.descriptor
        difference = descriptor_distance(known, tracklet.summary.descriptor)
        distance = center_distance(end.box(-1), tracklet.box(0))
        stayed = gap <= _MAX_GAP_FRAMES and distance <= _MAX_JUMP_FACES * box_size(end.box(-1))
        limit = _DIFFERENT_FACE if stayed else _SAME_FACE
        if difference <= limit and (best is None or difference < best[0]):
            best = difference, track
    return best[1] if best else None


def _shot_start(shots: Int64Array, frame: int) -> int:
    """First frame of the shot containing a frame."""
    return int(shots[np.searchsorted(shots[:, 0], frame, side="right") - 1, 0])


def _without_identity_swaps(group: list[_Tracklet], chosen: list[_Track | None]) -> list[_Track | None]:
    """Permute the tracks of tracklets that start together if the descriptors then match clearly better."""
    places = [number for number, track in enumerate(chosen) if track is not None and group[number].identifies]
    if len(places) < 2:
        return chosen
    tracks = [chosen[place] for place in places]
    descriptors = [track.descriptor(group[places[0]].first) for track in tracks if track is not None]
    known = [descriptor for descriptor in descriptors if descriptor is not None]
    if len(known) < len(descriptors):
        return chosen

    def cost(order: tuple[int, ...]) -> float:
        return math.fsum(
            descriptor_distance(known[source], group[place].summary.descriptor)
            for source, place in zip(order, places, strict=True)
        )

    identity = tuple(range(len(places)))
    best = min(permutations(identity), key=cost)
    if cost(best) > _CLEARLY_BETTER * cost(identity):
        return chosen
    swapped = list(chosen)
    for source, place in zip(best, places, strict=True):
        swapped[place] = tracks[source]
    return swapped


def _build(track_id: int, track: _Track, looks: Looks) -> FaceTrack:
    chosen = [np.concatenate([item.picked, item.between]) for item in track.tracklets]

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([item.rows[name][rows] for item, rows in zip(track.tracklets, chosen, strict=True)])

    frame_index, order = np.unique(column("frame_index").astype(np.int64), return_index=True)
    dense = _with_drafts(frame_index, looks)
    times_s = looks.times_s[dense]
    confidence = column("confidence")[order]
    measured = np.isfinite(confidence)

    def curve(name: str) -> Float32Array:
        values = column(name)[order]
        if len(dense) > len(frame_index):
            values = _interpolated(dense, frame_index, values)
        return smoothed(values, times_s) if name in _SMOOTHED else values

    return FaceTrack(
        track_id=track_id,
        frame_index=read_only(dense),
        confidence=read_only(np.interp(dense, frame_index[measured], confidence[measured]).astype(np.float32)),
        **{name: read_only(curve(name)) for name in (*_SMOOTHED, "sharpness", "brightness")},
    )


def _with_drafts(frames: Int64Array, looks: Looks) -> Int64Array:
    """Add the frames between two consecutive looks at a face that are not done."""
    before, after = frames[:-1], frames[1:]
    open_gap = (after - before > 1) & ~looks.done[np.minimum(before + 1, len(looks.done) - 1)]
    next_look = np.searchsorted(looks.frames, before, side="right")
    open_gap &= np.searchsorted(looks.frames, after) == next_look
    added = [np.arange(one + 1, other) for one, other in zip(before[open_gap], after[open_gap], strict=True)]
    return np.sort(np.concatenate([frames, *added])) if added else frames


def _interpolated(frames: Int64Array, known: Int64Array, values: Float32Array) -> Float32Array:
    """(N, ...) float32: values at more frames than they are known at."""
    columns = values.reshape(len(known), -1).T
    filled = np.stack([np.interp(frames, known, column) for column in columns], axis=1).astype(np.float32)
    return filled.reshape(len(frames), *values.shape[1:])
