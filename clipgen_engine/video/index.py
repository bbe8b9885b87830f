"""Frame index of a video: its frames and their PTS.

Only presented frames are indexed. Packets that the container marks as discarded (edit lists) have no index, but
their keyframes serve for seeking.
"""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from clipgen_engine.errors import VideoError
from clipgen_engine.types import Int64Array, VideoInfo, read_only
from clipgen_engine.video.container import (
    decoded_frames,
    fingerprint,
    first_frame,
    open_container,
    video_stream,
)

_MAX_FRAMES = 20_000_000  # more than a week at 30 frames per second; the index of each takes some 100 bytes
_MAX_RATE = 1000  # frames per second; faster labels are mistakes of a muxer


def probe(path: str | Path) -> VideoInfo:
    """Index a video: demux all packets, decode one frame.

    Raises:
        VideoError: the file is missing, unreadable, not a video, or has no video stream or frames.
    """
    path = Path(path)
    with closing(open_container(path)) as container:
        stream = video_stream(container, path)
        pts, keyframe_pts, lost = _packet_times(container, stream)
        time_base = stream.time_base
        rate = stream.average_rate or stream.guessed_rate
        has_audio = bool(container.streams.audio)
    if time_base is None:
        raise VideoError(f"{path.name} has no time base", "Convert it to mp4 first")
    if pts is None:  # the container has no frame timestamps (AVI): use the decoder's
        pts, lost = _decoded_times(path), 0
    if not len(pts):
        raise VideoError(f"{path.name} has a video stream but no frames", "The file may be cut off: copy it again")
    first = first_frame(path)
    rotation = round(-first.rotation) % 360
    upright = (first.width, first.height) if rotation in (0, 180) else (first.height, first.width)
    return VideoInfo(
        path=path,
        codec=stream.codec_context.name,
        width_px=upright[0],
        height_px=upright[1],
        rotation_deg=rotation,
        time_base=Fraction(time_base),
        start_pts=int(pts[0]),
        average_rate=_plausible_rate(rate, pts, Fraction(time_base)),
        pts=read_only(pts),
        keyframe_pts=read_only(keyframe_pts if len(keyframe_pts) else pts[:1].copy()),
        has_audio=has_audio,
        fingerprint=fingerprint(path),
        lost_packets=lost,
    )


def picture_size(path: Path) -> tuple[int, int]:
    """Stored width and height (px) from the header, before rotation; fast at any duration.

    Raises:
        VideoError: the file is missing, unreadable, not a video, or has no video stream.
    """
    with closing(open_container(path)) as container:
        context = video_stream(container, path).codec_context
        return context.width, context.height


def _packet_times(container: Any, stream: VideoStream) -> tuple[Int64Array | None, Int64Array, int]:
    """Sorted PTS of presented frames (None if packets have none) and of all keyframes; number of lost packets.

    A packet is lost if its PTS is a duplicate, or if it is missing from the container's packet count (as in mp4).
    """
    too_long = VideoError(
        f"{Path(container.name).name} has more than {_MAX_FRAMES:,} frames", "Cut it into parts first"
    )
    presented: list[int] = []
    keyframes: list[int] = []
    complete = True
    read = 0
    try:
        for packet in container.demux(stream):
            read += packet.dts is not None or bool(packet.size)  # all but the final flush packet
            if not packet.size:
                continue  # flush packet or repeated frame (AVI)
            if packet.pts is None:
                complete = False
                continue
            if packet.is_keyframe:
                keyframes.append(packet.pts)
            if not packet.is_discard:
                presented.append(packet.pts)
                if len(presented) > _MAX_FRAMES:
                    raise too_long
    except av.error.FFmpegError:
        pass  # damaged tail: keep the packets read so far
    pts = np.unique(np.array(presented, np.int64))
    lost = len(presented) - len(pts) + max(0, stream.frames - read)
    return pts if complete else None, np.unique(np.array(keyframes, np.int64)), lost


def _decoded_times(path: Path) -> Int64Array:
    with closing(open_container(path)) as container:
        stream = video_stream(container, path)
        times = [frame.pts for frame in decoded_frames(container, stream) if frame.pts is not None]
    return np.unique(np.array(times, np.int64))


def _plausible_rate(labelled: Fraction | None, pts: Int64Array, time_base: Fraction) -> Fraction:
    """Return the declared frame rate (frames per second), or the measured one if it is missing or implausible."""
    if labelled is not None and 0 < labelled <= _MAX_RATE:
        return Fraction(labelled)
    return min(_measured_rate(pts, time_base), Fraction(_MAX_RATE))


def _measured_rate(pts: Int64Array, time_base: Fraction) -> Fraction:
    steps = [later - earlier for earlier, later in pairwise(pts.tolist())]
    return 1 / (time_base * sorted(steps)[len(steps) // 2]) if steps else Fraction(25)
