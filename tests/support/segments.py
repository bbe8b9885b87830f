"""The plan that cuts a short clip into as many segments as a long video has."""

from __future__ import annotations

from clipgen_engine.analysis.segments import Segment, plan_segments
from clipgen_engine.types import VideoInfo

SHORT_SEGMENTS = 4  # of the short clip


def plan_short_segments(video: VideoInfo) -> tuple[Segment, ...]:
    return plan_segments(video, 40)
