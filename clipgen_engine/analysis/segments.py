"""Segments of a video that can be analysed independently, and their results.

The draft looks at every n-th frame and at every first frame of a shot, in order, since each look begins where the
face was in the one before. Segment boundaries depend only on the video, and the draft of a segment only on its frames
and the warm-up before them. The frames between two looks depend on nothing but these two. The analysis is therefore
independent of the number of workers and of the order in which frames become exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from clipgen_engine.faces.tracklets import COLUMNS, Rows, TrackletSummary
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_SEGMENT_FRAMES = 1200  # a compromise: short segments spend more time on warm-up, long ones leave cores idle
# faces found, regions that fit, and a descriptor by the first frame of the segment
_WARM_UP_FRAMES = 32
_MAX_STRIDE_S = 0.17  # at low frame rates, a face moves too far from one look to the next


@dataclass(frozen=True)
class Segment:
    """Frames `start <= index < stop`; tracking begins at `warm_up_start`."""

    number: int
    start: int
    stop: int
    warm_up_start: int


@dataclass(frozen=True, eq=False)
class SegmentPart:
    """Results since the previous part."""

    segment: int
    stop: int  # frames of the segment below this index have been analysed
    looks: tuple[int, ...]  # frames of the draft, with or without a face
    decoded: int  # number of decoded pictures in this part
    shot_starts: tuple[int, ...]
    rows: Rows
    tracklets: tuple[TrackletSummary, ...]  # observed in this part; a later summary replaces an earlier one


@dataclass(frozen=True, eq=False)
class SegmentResult:
    """Results of a segment, complete or partial."""

    decoded: int  # number of decoded pictures
    looks: tuple[int, ...]
    shot_starts: tuple[int, ...]
    rows: Rows
    tracklets: tuple[TrackletSummary, ...]
    exact: bool  # whether the frames between looks were looked at, too


def draft_stride(video: VideoInfo, settings: AnalysisSettings) -> int:
    """Number of frames from one look of the draft to the next."""
    return max(1, min(settings.draft_stride, int(_MAX_STRIDE_S * video.average_rate)))


def plan_segments(video: VideoInfo, stride: int = 1, segment_frames: int = _SEGMENT_FRAMES) -> tuple[Segment, ...]:
    """Split a video into segments of about equal length, starting near keyframes where possible.

    Args:
        stride: segments begin at multiples of it.

    Short videos get 2, 4, 8 or 16 segments, which divide evenly among common core counts.
    """
    count = round(video.frame_count / segment_frames)
    if count < 16:
        count = 2 ** round(math.log2(max(1, video.frame_count / segment_frames)))
    if count == 1 and video.frame_count >= segment_frames // 3:
        count = 2
    wanted = [video.frame_count * number // count for number in range(count)]
    keyframes = np.unique(np.searchsorted(video.pts, video.keyframe_pts))
    keyframes = keyframes[keyframes < video.frame_count]
    starts = [0]
    for frame in wanted[1:]:
        nearest = int(keyframes[np.abs(keyframes - frame).argmin()]) if len(keyframes) else frame
        start = nearest if abs(nearest - frame) <= segment_frames // 4 else frame
        start -= start % stride
        if start > starts[-1]:
            starts.append(start)
    stops = [*starts[1:], video.frame_count]
    return tuple(
        Segment(number, start, stop, max(0, start - _WARM_UP_FRAMES))
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
    )


def merged(parts: Sequence[SegmentPart], *, exact: bool) -> SegmentResult:
    """Merge the parts of a segment received so far."""
    tracklets = {summary.number: summary for part in parts for summary in part.tracklets}
    return SegmentResult(
        decoded=sum(part.decoded for part in parts),
        looks=tuple(look for part in parts for look in part.looks),
        shot_starts=tuple(start for part in parts for start in part.shot_starts),
        rows=joined(part.rows for part in parts),
        tracklets=tuple(tracklets.values()),
        exact=exact,
    )


def joined(parts: Iterable[Rows]) -> Rows:
    """Concatenate rows."""
    every = list(parts)
    return {
        name: np.concatenate([np.zeros((0, *shape), dtype), *(rows[name] for rows in every)])
        for name, (dtype, shape) in COLUMNS.items()
    }
