"""Formatting of times and numbers for display."""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache

import numpy as np

from clipgen_engine.types import VideoInfo


def counted(number: int, noun: str) -> str:
    """`1 window`, `1,200 windows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """`00:04.88`, or `1:00:04.88` from one hour on."""
    hundredths = round(max(0.0, seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{tail}" if hours else tail


def axis_label(seconds: float, step_s: float) -> str:
    """`0:02.0`, with as many decimals as the tick spacing needs."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    minutes, rest = divmod(round(max(0.0, seconds), decimals), 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 3 + decimals if decimals else 2
    tail = f"{rest:0{width}.{decimals}f}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def remaining(seconds: float) -> str:
    """`3 s left`, `2 min left`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"


def length(seconds: float) -> str:
    """Length of a video: `1:27`, `1:02:03`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class TimeFormat(StrEnum):
    """How the player shows the time."""

    SECONDS = "seconds"
    FRAMES = "frames"
    TIMECODE = "timecode"

    @property
    def next(self) -> TimeFormat:
        """The format that a click switches to."""
        formats = list(TimeFormat)
        return formats[(formats.index(self) + 1) % len(formats)]


def position(video: VideoInfo, frame: int, how: TimeFormat) -> tuple[str, str]:
    """The position of a frame and the length of the video. Frame -1 (none) shows as dashes."""
    shown = 0 <= frame < video.frame_count
    if how is TimeFormat.FRAMES:
        return (str(frame) if shown else "-"), str(video.frame_count)
    if how is TimeFormat.TIMECODE:
        total = timecode(video, video.frame_count - 1)
        return (timecode(video, frame) if shown else "--:--:--:--"), total
    return (clock(float(video.times_s[frame])) if shown else "--:--.--"), clock(video.duration_s)


def timecode(video: VideoInfo, frame: int) -> str:
    """`00:00:04:21`: hours, minutes, seconds and frames, non-drop.

    At a constant rate, a second has as many frames as the rounded rate, as in SMPTE 12M. At a variable rate, the
    seconds come from the frame's PTS, and the last part counts the frames since the start of that second.
    """
    if _constant_rate(video):
        seconds, count = divmod(frame, max(1, round(video.average_rate)))
    else:
        seconds = int((int(video.pts[frame]) - video.start_pts) * video.time_base)
        first_pts = math.ceil(seconds / video.time_base) + video.start_pts
        count = frame - int(np.searchsorted(video.pts, first_pts))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{count:02d}"


@lru_cache(maxsize=4)
def _constant_rate(video: VideoInfo) -> bool:
    """Whether all frames have the same duration, up to timestamp rounding."""
    steps = np.diff(video.pts)
    return not len(steps) or int(steps.max() - steps.min()) <= 1
