"""Join the tracklets of all segments into one track per person.

Tracklets are linked across a segment boundary by IoU. A lost face is re-identified by position and descriptor. Where
faces meet and part, their descriptors before and after are matched, so that people who cross paths keep their ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.faces.appearance import descriptor_distance
from clipgen_engine.faces.boxes import box_size, center_distance, iou
from clipgen_engine.faces.tracklets import Rows, TrackletSummary
from clipgen_engine.types import FaceTrack, Float32Array, Int64Array, read_only

_MAX_GAP_FRAMES = 60  # within this many frames of losing a face
_MAX_JUMP_FACES = 1.0  # and this many face sizes of its last position, it is the same face unless it looks different
_MAX_AWAY_FRAMES = 1800  # after a longer absence, a face always starts a new track
_MIN_TRACK_FRAMES = 5  # shorter tracks are mostly false positives
_DIFFERENT_FACE = 0.15  # descriptor distance above which two tracklets are different people
_SAME_FACE = 0.07  # descriptor distance up to which two tracklets in a shot are the same person, at any position
_ENTRY_IOU = 0.4  # of the boxes on either side of a segment boundary
_ENTRY_FRAMES = 3  # tolerance for undecodable frames at a boundary
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
    picked: Int64Array  # row indices

    @property
    def first(self) -> int:
        return int(self.rows["frame_index"][self.picked[0]])

    @property
    def last(self) -> int:
        return int(self.rows["frame_index"][self.picked[-1]])

    def box(self, end: int) -> Float32Array:
        """(4,) px: box of the first (0) or last (-1) row."""
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


def build_tracks(
    segments: Sequence[SegmentFaces], segment_starts: Sequence[int], shots: Int64Array
) -> tuple[FaceTrack, ...]:
    """Join the tracklets of consecutive segments into tracks; ids follow order of appearance.

    Args:
        segments: the faces observed in each segment, in order.
        segment_starts: first frame of each segment.
        shots: (S, 2) int64 half-open frame spans.
    """
    tracklets = _tracklets(segments)
    tracks: list[_Track] = []
    recent: list[_Track] = []  # candidates for re-identification
    owner: dict[tuple[int, int], _Track] = {}
    for first, same_start in groupby(tracklets, key=lambda tracklet: tracklet.first):
        group = list(same_start)
        oldest = min(_shot_start(shots, first), first - _ENTRY_FRAMES - 1)
        recent = [track for track in recent if track.end.last >= max(oldest, first - _MAX_AWAY_FRAMES)]
        chosen: list[_Track | None] = []
        for tracklet in group:
            taken = [track for track in chosen if track is not None]
            track = _continued(tracklet, owner, recent, segment_starts) or _reidentified(tracklet, recent, taken, shots)
            chosen.append(None if track in taken else track)
        for tracklet, track in zip(group, _without_identity_swaps(group, chosen), strict=True):
            if track is None:
                track = _Track(tracklet)
                tracks.append(track)
                recent.append(track)
            else:
                track.tracklets.append(tracklet)
            owner[tracklet.segment, tracklet.summary.number] = track
    kept = [track for track in tracks if sum(len(item.picked) for item in track.tracklets) >= _MIN_TRACK_FRAMES]
    return tuple(_build(number, track) for number, track in enumerate(kept))


def _tracklets(segments: Sequence[SegmentFaces]) -> list[_Tracklet]:
    tracklets = []
    for segment, result in enumerate(segments):
        rows = result.rows
        order = np.argsort(rows["tracklet"], kind="stable")
        numbers, starts = np.unique(rows["tracklet"][order], return_index=True)
        picked = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)) if len(numbers) else {}
        tracklets += [_Tracklet(segment, summary, rows, picked[summary.number]) for summary in result.tracklets]
    return sorted(tracklets, key=lambda tracklet: (tracklet.first, tracklet.segment, tracklet.summary.number))


def _continued(
    tracklet: _Tracklet, owner: dict[tuple[int, int], _Track], tracks: list[_Track], segment_starts: Sequence[int]
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
        if track.end.segment < tracklet.segment and boundary - _ENTRY_FRAMES <= track.end.last < boundary
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


def _build(track_id: int, track: _Track) -> FaceTrack:
    def column(name: str) -> NDArray[np.float32]:
        values: NDArray[np.float32] = np.concatenate([item.rows[name][item.picked] for item in track.tracklets])
        return values

    frame_index = column("frame_index").astype(np.int64)
    confidence = column("confidence")
    measured = np.isfinite(confidence)
    if not measured.all():
        confidence = np.interp(frame_index, frame_index[measured], confidence[measured]).astype(np.float32)
    return FaceTrack(
        track_id=track_id,
        frame_index=read_only(frame_index),
        confidence=read_only(confidence),
        **{
            name: read_only(column(name))
            for name in (
                *("box_xywh", "center_xy", "head_pose_deg", "blendshapes"),
                *("face_share", "inside_share", "sharpness", "brightness", "mouth_open"),
            )
        },
    )
