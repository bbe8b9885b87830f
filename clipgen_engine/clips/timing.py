"""Map source frames to clip frames and PTS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Int64Array, VideoInfo, read_only

_RATE_SLACK = Fraction(1, 100)
_BROADCAST_RATES = [Fraction(nominal * 1000, 1001) for nominal in (24, 30, 48, 60, 120, 240)]


@dataclass(frozen=True, eq=False)
class ClipPlan:
    """Frames of a clip in display order."""

    frame_index: Int64Array  # (M,) int64, of the source, non-decreasing
    pts: Int64Array  # (M,) int64, in `time_base`, strictly increasing from 0
    time_base: Fraction  # seconds per tick
    rate: Fraction  # frames per second; the mean if variable
    begin_s: Fraction  # of the span, on the source timeline
    duration_s: Fraction  # of the span

    def positions(self, frame: int) -> range:
        """Clip positions at which this source frame appears."""
        first, stop = np.searchsorted(self.frame_index, (frame, frame + 1))
        return range(int(first), int(stop))


def clip_plan(
    video: VideoInfo, start_frame: int, stop_frame: int, settings: ExportSettings, *, keeps_times: bool = True
) -> ClipPlan:
    """Plan a clip of a half-open span: source timestamps, or a constant rate if `settings.fps` is set.

    Args:
        keeps_times: whether the container stores a timestamp per frame; if not, frames are spaced evenly at a rate
            that preserves the duration.
    """
    begin_s = int(video.pts[start_frame]) * video.time_base
    frames = np.arange(start_frame, stop_frame, dtype=np.int64)
    ticks = video.pts[start_frame:stop_frame] - video.pts[start_frame]
    rate, time_base = _mean_rate(ticks, video), video.time_base
    steps = np.diff(ticks)
    if stop_frame < video.frame_count:
        duration_s = int(video.pts[stop_frame]) * time_base - begin_s
    else:  # the last frame's duration is unknown: assume a typical one
        usual = 1 / rate if rate == video.average_rate else int(np.median(steps)) * time_base
        duration_s = int(ticks[-1]) * time_base + usual
    if settings.fps:
        rate = _exact_rate(settings.fps)
        time_base = 1 / rate
        frames = frames[_shown_at_rate(ticks, video, rate, max(1, round(duration_s * rate)))]
        ticks = np.arange(len(frames), dtype=np.int64)
    elif not keeps_times:
        if len(steps) and np.ptp(steps) > 1:
            rate = (len(frames) / duration_s).limit_denominator(1001)
        time_base = 1 / rate
        ticks = np.arange(len(frames), dtype=np.int64)
    return ClipPlan(read_only(frames), read_only(ticks), time_base, rate, begin_s, duration_s)


def _mean_rate(ticks: Int64Array, video: VideoInfo) -> Fraction:
    """The nominal rate, unless the timestamps contradict it (some files claim 120)."""
    span_s, steps = int(ticks[-1]) * video.time_base, len(ticks) - 1
    if abs(span_s - steps / video.average_rate) <= max(_RATE_SLACK * span_s, 2 * video.time_base):
        return video.average_rate
    return (steps / span_s).limit_denominator(1001)


def _exact_rate(fps: float) -> Fraction:
    """The exact rate behind a rounded one: 29.97 is 30000/1001."""
    for rate in _BROADCAST_RATES:
        if abs(fps - rate) < 0.005:
            return rate
    return Fraction(fps).limit_denominator(1000)


def _shown_at_rate(ticks: Int64Array, video: VideoInfo, rate: Fraction, count: int) -> Int64Array:
    """(count,) index, within the span, of the latest frame at each tick of a constant rate.

    A frame less than half a period late (of the higher of the two rates) counts as on time, so that timestamp
    rounding or jitter neither repeats nor drops a frame.
    """
    slack = 1 / max(rate, video.average_rate) / 2
    moments = [math.ceil((number / rate + slack) / video.time_base) - 1 for number in range(count)]
    shown: Int64Array = np.searchsorted(ticks, np.array(moments, np.int64), side="right") - 1
    return shown
