"""Joining synthetic tracklets into tracks."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from clipgen_engine.analysis.segments import SegmentResult, merged
from clipgen_engine.faces.tracks import build_tracks
from tests.support.tracklets import LENGTH, every_frame, part, shots


def lengths(segments: list[SegmentResult], cuts: np.ndarray, starts: list[int]) -> list[int]:
    return [len(track.frame_index) for track in build_tracks(segments, starts, cuts, every_frame(int(cuts[-1, 1])))]


def test_track_continues_across_a_segment_boundary_at_the_same_position() -> None:
    first = merged([part(0, 0, LENGTH, left=0, look=0, entry=None)], exact=True)
    here = merged([part(1, LENGTH, LENGTH, left=5, look=1, entry=3)], exact=True)
    elsewhere = merged([part(1, LENGTH, LENGTH, left=500, look=1, entry=500)], exact=True)
    assert lengths([first, here], shots(0, 1200), [0, LENGTH]) == [1200]
    assert lengths([first, elsewhere], shots(0, 1200), [0, LENGTH]) == [LENGTH, LENGTH]


@pytest.mark.parametrize(
    ("left", "look", "gap", "tracks"),
    [(20, 0.1, 10, 1), (20, 0.5, 10, 2), (400, 0.02, 10, 1), (400, 0.1, 10, 2), (20, 0.1, 90, 2), (20, 0.02, 900, 1)],
    ids=["near, similar", "near, different", "far, same", "far, similar", "near, after a long gap", "same, much later"],
)
def test_lost_face_is_reidentified(left: float, look: float, gap: int, tracks: int) -> None:
    parts = [
        part(0, 0, 100, left=0, look=0, entry=None),
        part(0, 100 + gap, 100, left=left, look=look, entry=None, number=1),
    ]
    assert len(lengths([merged(parts, exact=True)], shots(0, 5000), [0])) == tracks
    assert len(lengths([merged(parts, exact=True)], shots(0, 100, 5000), [0])) == 2  # never across a cut


def test_very_short_track_is_dropped() -> None:
    assert lengths([merged([part(0, 0, 4, left=0, look=0, entry=None)], exact=True)], shots(0, 10), [0]) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is POSIX-only")
def test_memory_use_for_ten_hours_is_bounded() -> None:
    count = 10 * 3600 * 30 // LENGTH
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    segments = [
        merged([part(number, number * LENGTH, LENGTH, left=0, look=0, entry=0 if number else None)], exact=True)
        for number in range(count)
    ]
    starts = [number * LENGTH for number in range(count)]
    (track,) = build_tracks(segments, starts, shots(0, count * LENGTH), every_frame(count * LENGTH))
    assert len(track.frame_index) == count * LENGTH
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_100_000  # KiB
