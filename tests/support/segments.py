"""A segment plan that splits a short clip into several segments, like a long video."""

from __future__ import annotations

from clipgen_engine.analysis.segments import Segment, plan_segments
from clipgen_engine.types import VideoInfo

SHORT_SEGMENTS = 4  # of the short clip


def plan_short_segments(video: VideoInfo, stride: int = 5) -> tuple[Segment, ...]:
    return plan_segments(video, stride, 40)
