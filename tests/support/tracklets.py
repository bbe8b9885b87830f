"""Synthetic tracklets that need no video or model."""

from __future__ import annotations

import numpy as np

from clipgen_engine.analysis.segments import SegmentPart
from clipgen_engine.faces.tracklets import COLUMNS, TrackletSummary
from clipgen_engine.faces.tracks import Looks

LENGTH = 600


def part(
    segment: int, first: int, count: int, *, left: float, look: float, entry: float | None, number: int = 0
) -> SegmentPart:
    """A part with one tracklet: `count` looks from `first` on, box at `left`, descriptor filled with `look`."""
    rows = {name: np.zeros((count, *shape), dtype) for name, (dtype, shape) in COLUMNS.items()}
    rows["frame_index"] = np.arange(first, first + count)
    rows["tracklet"][:] = number
    rows["box_xywh"][:] = (left, 0, 100, 100)
    rows["confidence"][1:] = np.nan
    entry_box = None if entry is None else np.array([entry, 0, 100, 100], np.float32)
    summary = TrackletSummary(number, None, False, np.full(8, look, np.float32), 10, entry_box)
    return SegmentPart(segment, first + count, tuple(range(first, first + count)), count, (), rows, (summary,))


def shots(*edges: int) -> np.ndarray:
    return np.stack([edges[:-1], edges[1:]], axis=1).astype(np.int64)


def every_frame(count: int) -> Looks:
    """Looks at every frame of a video of 30 frames per second."""
    return Looks(np.arange(count) / 30, np.arange(count), np.ones(count, np.bool_), 1)
