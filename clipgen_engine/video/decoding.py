"""Sequential decoding and frame-exact random access to an indexed video, by PTS."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from clipgen_engine.closing import Closing
from clipgen_engine.types import UInt8Array, VideoInfo
from clipgen_engine.video.container import decoded_frames, first_frame, open_container, video_stream

PictureFormat = Literal["rgb24", "bgra"]
_HD_HEIGHT_PX = 720  # without metadata, assume BT.709 from this height on, BT.601 below
_COLORSPACES = {  # by stream value; SMPTE 170M uses the BT.601 matrix
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded frame, upright."""

    index: int
    pixels: UInt8Array  # (H, W, 3) RGB or (H, W, 4) BGRA, uint8


class DecodedFrame:
    """One decoded frame whose picture is converted when it is needed, which for most frames of a draft is never."""

    def __init__(self, index: int, raw: VideoFrame, converter: PictureConverter) -> None:
        self.index = index
        self.raw = raw
        self._converter = converter

    @cached_property
    def pixels(self) -> UInt8Array:
        """(H, W, 3) uint8 RGB, upright."""
        return self._converter(self.raw)


def glance(path: Path, max_side: int, share: float = 0.1) -> tuple[UInt8Array, float | None]:
    """A thumbnail of a video and its duration from the container; fast, no index needed.

    Args:
        max_side: longer side of the thumbnail, px.
        share: relative position (0..1), rounded down to a keyframe.

    Returns:
        (H, W, 3) uint8 RGB, upright; seconds, None if unknown.

    Raises:
        VideoError: as `probe`.
    """
    with closing(open_container(path)) as container:
        stream = video_stream(container, path)
        duration_s = container.duration / av.time_base if container.duration else None
        if duration_s is not None:
            with suppress(av.error.FFmpegError):
                container.seek(int(container.duration * share) + (container.start_time or 0))
        frame = next(decoded_frames(container, stream), None) or first_frame(path)
        width, height = analysis_size(frame.width, frame.height, max_side)
        pixels = frame.reformat(width, height, "rgb24", src_colorspace=colorspace_of(frame)).to_ndarray()
        turns = round(frame.rotation) % 360 // 90
    return np.ascontiguousarray(np.rot90(pixels, turns)), duration_s


def analysis_size(width_px: int, height_px: int, max_side: int | None) -> tuple[int, int]:
    """Width and height (px) with the longer side limited to `max_side`; never upscaled."""
    if max_side is None or max(width_px, height_px) <= max_side:
        return width_px, height_px
    scale = max_side / max(width_px, height_px)
    return max(2, round(width_px * scale)), max(2, round(height_px * scale))


def decode(
    video: VideoInfo,
    start: int = 0,
    stop: int | None = None,
    *,
    max_side: int | None = None,
    picture_format: PictureFormat = "rgb24",
    threads: int = 0,
) -> Generator[Picture, None, None]:
    """Decode the frames `start <= index < stop` in order, skipping undecodable ones.

    Args:
        threads: number of decoder threads, which does not affect the pictures; 0: one per core.

    Raises:
        VideoError: the file cannot be opened.
    """
    stop = video.frame_count if stop is None else stop
    converter = PictureConverter(video, max_side, picture_format)
    with closing(decode_raw(video, start, stop, threads)) as frames:
        for index, frame in frames:
            yield Picture(index, converter(frame))


def decode_lazily(
    video: VideoInfo, start: int, stop: int, *, max_side: int | None = None, threads: int = 0
) -> Generator[DecodedFrame, None, None]:
    """Like `decode`; all pictures must be converted in the same thread."""
    converter = PictureConverter(video, max_side, "rgb24")
    with closing(decode_raw(video, start, stop, threads)) as frames:
        for index, frame in frames:
            yield DecodedFrame(index, frame, converter)


def decode_raw(
    video: VideoInfo, start: int, stop: int, threads: int = 0
) -> Generator[tuple[int, VideoFrame], None, None]:
    """Like `decode`, but yields raw decoder frames (not upright, source pixel format) with their indices."""
    if start >= stop:
        return
    with closing(_OpenVideo(video, threads)) as source:
        for index, frame in source.frames_up_to(start):
            if index >= stop:
                return
            if index >= start:
                yield index, frame


class _OpenVideo:
    """An open indexed video; frames can be read repeatedly from any index."""

    def __init__(self, video: VideoInfo, threads: int = 0) -> None:
        self._video = video
        self._threads = threads
        self._open()

    def _open(self) -> None:
        self._container = open_container(self._video.path)
        self._stream = video_stream(self._container, self._video.path, self._threads)

    def close(self) -> None:
        self._container.close()

    def frames_up_to(self, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames in order from `start` or earlier. A new call invalidates the previous iterator."""
        for candidate in _seek_points(self._video, start):
            if candidate is None:  # from the start; frames before frame 0 are skipped
                self.close()
                self._open()
            else:
                self._container.seek(candidate, stream=self._stream, backward=True, any_frame=False)
            frames = self._indexed_frames()
            first = next(frames, None)
            if candidate is None or (first is not None and first[0] <= start):
                break  # else the seek overshot: try an earlier keyframe
        if first is not None:
            yield first
        yield from frames

    def _indexed_frames(self) -> Iterator[tuple[int, VideoFrame]]:
        last = -1
        pts = self._video.pts
        for frame in decoded_frames(self._container, self._stream):
            if frame.pts is None:
                continue
            index = int(np.searchsorted(pts, frame.pts))
            if last < index < len(pts) and pts[index] == frame.pts:
                last = index
                yield index, frame


class FrameReader(Closing):
    """Frame-exact random access; short forward steps avoid a seek. Not thread-safe."""

    _FORWARD_FRAMES = 24  # decoding this far ahead is cheaper than a seek

    def __init__(self, video: VideoInfo, max_side: int | None = None, picture_format: PictureFormat = "rgb24") -> None:
        self.video = video
        self._converter = PictureConverter(video, max_side, picture_format)
        self._source: _OpenVideo | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._ahead: tuple[int, VideoFrame] | None = None  # decoded, not yet requested

    def read(self, index: int, interrupted: Callable[[], bool] | None = None) -> Picture | None:
        """Return this frame, or None if it cannot be decoded.

        Args:
            interrupted: polled before each skipped frame; if true, return None. The next read of the same frame
                resumes from there.

        Raises:
            IndexError: the video has no such frame.
            VideoError: the file cannot be opened.
        """
        if not 0 <= index < self.video.frame_count:
            raise IndexError(index)
        if self._ahead is None or not self._within_reach(self._ahead[0], index):
            self._source = self._source or _OpenVideo(self.video)
            self._frames = self._source.frames_up_to(index)
            self._ahead = next(self._frames, None)
        while self._ahead is not None and self._ahead[0] < index:
            if interrupted is not None and interrupted():
                return None
            self._ahead = next(self._frames, None)
        if self._ahead is None or self._ahead[0] != index:
            return None
        return Picture(index, self._converter(self._ahead[1]))

    def _within_reach(self, current: int, index: int) -> bool:
        """Whether decoding ahead is as cheap as a seek: the frame is near, or no keyframe lies between."""
        if not current <= index or index <= current + self._FORWARD_FRAMES:
            return current <= index
        last_keyframe = np.searchsorted(self.video.keyframe_pts, self.video.pts[[current, index]], side="right")
        return bool(last_keyframe[0] == last_keyframe[1])

    def close(self) -> None:
        """Close the file; the next read reopens it."""
        if self._source is not None:
            self._source.close()
        self._source = self._ahead = None
        self._frames = iter(())


class PictureConverter:
    """Convert decoder frames to upright arrays of one size, reusing a scaler, as setup costs more than use."""

    def __init__(self, video: VideoInfo, max_side: int | None, picture_format: PictureFormat) -> None:
        width, height = analysis_size(video.width_px, video.height_px, max_side)
        self._quarter_turns = -video.rotation_deg // 90
        self._size = (height, width) if video.rotation_deg in (90, 270) else (width, height)
        self._format = picture_format
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> UInt8Array:
        width, height = self._size
        converted = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=self._format,
            src_colorspace=colorspace_of(frame),
            interpolation=Interpolation.BILINEAR if (frame.width, frame.height) == self._size else Interpolation.AREA,
        )
        pixels: UInt8Array = converted.to_ndarray()  # type: ignore[assignment]  # 8 bits in both formats
        return np.ascontiguousarray(np.rot90(pixels, self._quarter_turns)) if self._quarter_turns else pixels


def colorspace_of(frame: VideoFrame) -> Colorspace:
    """The frame's colour matrix, or the default for its size if unspecified."""
    known = _COLORSPACES.get(int(frame.colorspace))
    if known is not None:
        return known
    return Colorspace.ITU709 if frame.height >= _HD_HEIGHT_PX else Colorspace.ITU601


def _seek_points(video: VideoInfo, start: int) -> Iterator[int | None]:
    """Up to three keyframe PTS at or before the frame, nearest first; then None: from the start."""
    last = int(np.searchsorted(video.keyframe_pts, video.pts[start], side="right")) - 1
    for position in range(last, max(last - 3, 0), -1):
        yield int(video.keyframe_pts[position])
    yield None
