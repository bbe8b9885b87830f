"""Which tracklets are one person: segments and tracklets in, face tracks out.

A tracklet goes on across the border of two segments where both saw it in the same place. A face that was lost is
known again by its place and by its descriptor. Where faces came close and parted, those who come out are compared with
those who went in, so that two people who cross keep their ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.faces.appearance import unlikeness
from clipgen_engine.faces.boxes import box_size, center_distance, overlap
from clipgen_engine.faces.tracklets import Rows, TrackletSummary
from clipgen_engine.types import FaceTrack, Float32Array, Int64Array, read_only

_MAX_GAP_FRAMES = 60  # not longer than this after it was lost
_MAX_JUMP_FACES = 1.0  # and nearer than this to its last place, a face is the same unless it looks like another
_MAX_AWAY_FRAMES = 1800  # a face that was away longer is a new track, whatever it looks like
_MIN_TRACK_FRAMES = 5  # fewer are more often a mistake than a face, and of no use
_OTHER_FACE = 0.15  # unlikeness from which two tracklets are surely two people
_SAME_FACE = 0.07  # unlikeness up to which two tracklets of a shot are one person, wherever and whenever
_ENTRY_OVERLAP = 0.4  # of the boxes that two segments saw at their border
_ENTRY_FRAMES = 3  # undecodable frames may lie at a border
_CLEARLY_BETTER = 0.8  # ids are exchanged where that makes faces this much more alike


class SegmentFaces(Protocol):
    """The faces that were observed in one segment."""

    @property
    def rows(self) -> Rows: ...

    @property
    def tracklets(self) -> tuple[TrackletSummary, ...]: ...


@dataclass(eq=False)
class _Piece:
    """The rows of one tracklet."""

    segment: int
    summary: TrackletSummary
    rows: Rows
    picked: Int64Array  # row numbers

    @property
    def first(self) -> int:
        return int(self.rows["frame_index"][self.picked[0]])

    @property
    def last(self) -> int:
        return int(self.rows["frame_index"][self.picked[-1]])

    def box(self, end: int) -> Float32Array:
        """(4,) px: of its first (0) or last (-1) row."""
        box: Float32Array = self.rows["box_xywh"][self.picked[end]]
        return box

    @property
    def tells(self) -> bool:
        """Whether its descriptor is that of one face, seen often enough."""
        return not self.summary.near and self.summary.described >= 2


class _Track:
    def __init__(self, piece: _Piece) -> None:
        self.pieces = [piece]

    @property
    def end(self) -> _Piece:
        return self.pieces[-1]

    def descriptor(self, before: int) -> Float32Array | None:
        """What the face looked like when it was last seen alone, before a frame."""
        known = [piece for piece in self.pieces if piece.tells and piece.first < before]
        return known[-1].summary.descriptor if known else None


def build_tracks(
    segments: Sequence[SegmentFaces], segment_starts: Sequence[int], shots: Int64Array
) -> tuple[FaceTrack, ...]:
    """Join the tracklets of segments that follow each other into tracks, ids in order of appearance.

    Args:
        segments: what was found in each segment, in order.
        segment_starts: first frame of each segment.
        shots: (S, 2) half-open frame spans.
    """
    pieces = _pieces(segments)
    tracks: list[_Track] = []
    recent: list[_Track] = []  # those that a piece may belong to
    owner: dict[tuple[int, int], _Track] = {}
    for first, same_start in groupby(pieces, key=lambda piece: piece.first):
        group = list(same_start)
        oldest = min(_shot_start(shots, first), first - _ENTRY_FRAMES - 1)
        recent = [track for track in recent if track.end.last >= max(oldest, first - _MAX_AWAY_FRAMES)]
        chosen: list[_Track | None] = []
        for piece in group:
            taken = [track for track in chosen if track is not None]
            track = _continued(piece, owner, recent, segment_starts) or _known_again(piece, recent, taken, shots)
            chosen.append(None if track in taken else track)
        for piece, track in zip(group, _without_exchange(group, chosen), strict=True):
            if track is None:
                track = _Track(piece)
                tracks.append(track)
                recent.append(track)
            else:
                track.pieces.append(piece)
            owner[piece.segment, piece.summary.number] = track
    lasting = [track for track in tracks if sum(len(piece.picked) for piece in track.pieces) >= _MIN_TRACK_FRAMES]
    return tuple(_built(number, track) for number, track in enumerate(lasting))


def _pieces(segments: Sequence[SegmentFaces]) -> list[_Piece]:
    pieces = []
    for segment, result in enumerate(segments):
        rows = result.rows
        order = np.argsort(rows["tracklet"], kind="stable")
        numbers, starts = np.unique(rows["tracklet"][order], return_index=True)
        picked = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)) if len(numbers) else {}
        pieces += [_Piece(segment, summary, rows, picked[summary.number]) for summary in result.tracklets]
    return sorted(pieces, key=lambda piece: (piece.first, piece.segment, piece.summary.number))


def _continued(
    piece: _Piece, owner: dict[tuple[int, int], _Track], tracks: list[_Track], segment_starts: Sequence[int]
) -> _Track | None:
    """The track that the same landmarker, or the one of the segment before, was following."""
    summary = piece.summary
    if summary.continues is not None:
        track = owner.get((piece.segment, summary.continues))
        if track is not None:
            return track
    if summary.entry_box is None:
        return None
    border = segment_starts[piece.segment]
    here = [
        (overlap(track.end.box(-1), summary.entry_box), -number, track)
        for number, track in enumerate(tracks)
        if track.end.segment < piece.segment and border - _ENTRY_FRAMES <= track.end.last < border
    ]
    share, _, track = max(here, key=lambda entry: entry[:2], default=(0.0, 0, None))
    return track if share > _ENTRY_OVERLAP else None


def _known_again(piece: _Piece, tracks: list[_Track], taken: list[_Track], shots: Int64Array) -> _Track | None:
    """The track of a face that was lost in the same shot."""
    shot_start = _shot_start(shots, piece.first)
    best: tuple[float, _Track] | None = None
    for track in tracks:
        end = track.end
        gap = piece.first - end.last
        if track in taken or end.last < shot_start or gap <= 0:
            continue
        known = track.descriptor(piece.first)
        if known is None:
            known = end.summary.descriptor
        difference = unlikeness(known, piece.summary.descriptor)
        distance = center_distance(end.box(-1), piece.box(0))
        stayed = gap <= _MAX_GAP_FRAMES and distance <= _MAX_JUMP_FACES * box_size(end.box(-1))
        limit = _OTHER_FACE if stayed else _SAME_FACE
        if difference <= limit and (best is None or difference < best[0]):
            best = difference, track
    return best[1] if best else None


def _shot_start(shots: Int64Array, frame: int) -> int:
    """First frame of the shot that a frame belongs to."""
    return int(shots[np.searchsorted(shots[:, 0], frame, side="right") - 1, 0])


def _without_exchange(group: list[_Piece], chosen: list[_Track | None]) -> list[_Track | None]:
    """The tracks of pieces that begin together, exchanged where the faces are clearly more alike then."""
    places = [number for number, track in enumerate(chosen) if track is not None and group[number].tells]
    if len(places) < 2:
        return chosen
    tracks = [chosen[place] for place in places]
    looks = [track.descriptor(group[places[0]].first) for track in tracks if track is not None]
    known = [look for look in looks if look is not None]
    if len(known) < len(looks):
        return chosen

    def cost(order: tuple[int, ...]) -> float:
        return math.fsum(
            unlikeness(known[source], group[place].summary.descriptor)
            for source, place in zip(order, places, strict=True)
        )

    as_it_is = tuple(range(len(places)))
    best = min(permutations(as_it_is), key=cost)
    if cost(best) > _CLEARLY_BETTER * cost(as_it_is):
        return chosen
    exchanged = list(chosen)
    for source, place in zip(best, places, strict=True):
        exchanged[place] = tracks[source]
    return exchanged


def _built(track_id: int, track: _Track) -> FaceTrack:
    def column(name: str) -> NDArray[np.float32]:
        values: NDArray[np.float32] = np.concatenate([piece.rows[name][piece.picked] for piece in track.pieces])
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
