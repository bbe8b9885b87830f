"""Order in which learned tokens are computed: the windows under review first, then by score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from clipgen_engine.ranking.ranker import Ranking, SequenceKey
from clipgen_engine.ranking.windows import sliding_minimum
from clipgen_engine.types import FaceTrack, Float32Array, Int64Array


def rows_in_time(tracks: Sequence[FaceTrack]) -> Int64Array:
    """Return the face rows of all tracks (numbered consecutively across tracks), sorted by frame."""
    return np.argsort(_frames(tracks), kind="stable")


def rows_of_windows(tracks: Sequence[FaceTrack], keys: Iterable[SequenceKey], stride: int) -> Int64Array:
    """Return the faces of these windows in order, including the surrounding faces needed for interpolation."""
    first_row = np.cumsum([0, *(len(track.frame_index) for track in tracks)])
    places = {track.track_id: place for place, track in enumerate(tracks)}
    found: list[Int64Array] = []
    for start, stop, track_id in keys:
        place = places.get(track_id)
        if place is not None:
            frames = tracks[place].frame_index
            low, high = np.searchsorted(frames, (start - stride + 1, stop + stride - 1))
            found.append(np.arange(low, high, dtype=np.int64) + first_row[place])
    rows = np.concatenate([np.zeros(0, np.int64), *found])
    _, once = np.unique(rows, return_index=True)
    return rows[np.sort(once)]


def rows_by_urgency(
    tracks: Sequence[FaceTrack], ranking: Ranking, stride: int, wanted: Iterable[SequenceKey] = ()
) -> Int64Array:
    """Return all faces by priority.

    First the faces of the wanted windows, then those of the selected windows, best first, then all others by the best
    score of a valid window that contains them. Faces outside all valid windows come last, sorted by frame.

    Args:
        ranking: by blendshapes, with the current gates.
        wanted: windows that the curator is viewing.
    """
    keys = [*wanted, *(sequence.key for sequence in ranking.sequences)]
    ahead = rows_of_windows(tracks, keys, stride)
    levels = np.concatenate([np.zeros(0, np.float32), *(_levels(track, ranking, stride) for track in tracks)])
    others = np.ones(len(levels), np.bool_)
    others[ahead] = False
    rest = np.flatnonzero(others)
    return np.concatenate([ahead, rest[np.lexsort((_frames(tracks)[rest], -levels[rest]))]])


def _frames(tracks: Sequence[FaceTrack]) -> Int64Array:
    return np.concatenate([np.zeros(0, np.int64), *(track.frame_index for track in tracks)])


def _levels(track: FaceTrack, ranking: Ranking, stride: int) -> Float32Array:
    """(N,) float32: best score of the valid windows that need this face; -inf if there is none."""
    windows = np.flatnonzero(ranking.scores.track_id == track.track_id)
    windows = windows[ranking.valid[windows]]
    if not len(windows):
        return np.full(len(track.frame_index), -np.inf, np.float32)
    length, pad = ranking.settings.sequence_length, stride - 1
    first = int(track.frame_index[0])
    span = int(track.frame_index[-1]) - first + 1
    # negative score at each window's first frame; a window needs its frames and `pad` frames on either side
    lowest = np.full(span + length + 2 * pad, np.inf, np.float32)
    lowest[ranking.scores.start_frame[windows] - first + length - 1 + pad] = -ranking.combined[windows]
    level = -sliding_minimum(lowest, length + 2 * pad)
    return level[track.frame_index - first]
