"""Sequential decoding and exact random access to the frames of an indexed video, all by PTS."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
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
_HD_HEIGHT_PX = 720  # unlabelled video of at least this height is taken for BT.709, below it for BT.601
_COLORSPACES = {  # by the number in the stream; SMPTE 170M is the matrix of BT.601
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


def glance(path: Path, max_side: int, share: float = 0.1) -> tuple[UInt8Array, float | None]:
    """A picture that stands for a video, and its length as the container has it: quick, without an index.

    Args:
        max_side: longer side of the picture, px.
        share: where in the video the picture is taken (0..1), to the next keyframe before it.

    Returns:
        (H, W, 3) uint8 RGB, upright; seconds, None where the container does not know.

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
    """Width and height (px) after shrinking the longer side to at most `max_side`; never enlarged."""
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
) -> Generator[Picture, None, None]:
    """Decode the frames `start <= index < stop` in order; frames that no decoder returns are left out.

    Raises:
        VideoError: the file cannot be opened any more.
    """
    stop = video.frame_count if stop is None else stop
    converter = PictureConverter(video, max_side, picture_format)
    with closing(decode_raw(video, start, stop)) as frames:
        for index, frame in frames:
            yield Picture(index, converter(frame))


def decode_raw(video: VideoInfo, start: int, stop: int) -> Generator[tuple[int, VideoFrame], None, None]:
    """As `decode`, but the decoder's own frames (not upright, source pixel format) with their indices."""
    if start >= stop:
        return
    with closing(_OpenVideo(video)) as source:
        for index, frame in source.frames_up_to(start):
            if index >= stop:
                return
            if index >= start:
                yield index, frame


class _OpenVideo:
    """An open file of an indexed video, from which frames can be read from any index on, again and again."""

    def __init__(self, video: VideoInfo) -> None:
        self._video = video
        self._container = open_container(video.path)
        self._stream = video_stream(self._container, video.path)

    def close(self) -> None:
        self._container.close()

    def frames_up_to(self, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames in order, from one that is at or before the given one on. Starting a new one ends the one before."""
        for candidate in _seek_points(self._video, start):
            if candidate is None:  # from the very beginning: what decodes before frame 0 is passed over
                self.close()
                self._container = open_container(self._video.path)
                self._stream = video_stream(self._container, self._video.path)
            else:
                self._container.seek(candidate, stream=self._stream, backward=True, any_frame=False)
            frames = self._indexed_frames()
            first = next(frames, None)
            if candidate is None or (first is not None and first[0] <= start):
                break  # else the seek landed behind the frame: try an earlier keyframe
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
    """Exact random access to the frames of a video; going forward by little decodes on. Not thread-safe."""

    _FORWARD_FRAMES = 24  # decoding on this far is cheaper than a seek

    def __init__(self, video: VideoInfo, max_side: int | None = None, picture_format: PictureFormat = "rgb24") -> None:
        self.video = video
        self._converter = PictureConverter(video, max_side, picture_format)
        self._source: _OpenVideo | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._ahead: tuple[int, VideoFrame] | None = None  # decoded, not yet asked for

    def read(self, index: int, interrupted: Callable[[], bool] | None = None) -> Picture | None:
        """The picture of this frame, or None where no decoder returns it.

        Args:
            interrupted: asked before each frame that is passed over on the way; where it says so, None is returned,
                and the next read of the same frame goes on from there.

        Raises:
            IndexError: the video has no such frame.
            VideoError: the file cannot be opened any more.
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
        """Whether to decode on costs no more than a seek: to a frame near by, or with no keyframe in between."""
        if not current <= index or index <= current + self._FORWARD_FRAMES:
            return current <= index
        last_keyframe = np.searchsorted(self.video.keyframe_pts, self.video.pts[[current, index]], side="right")
        return bool(last_keyframe[0] == last_keyframe[1])

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        if self._source is not None:
            self._source.close()
        self._source = self._ahead = None
        self._frames = iter(())


class PictureConverter:
    """Decoder frames -> upright arrays of one size, by one shared scaler: building one costs more than its use."""

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
    """The matrix that the frame is labelled with, else the usual one for its size."""
    known = _COLORSPACES.get(int(frame.colorspace))
    if known is not None:
        return known
    return Colorspace.ITU709 if frame.height >= _HD_HEIGHT_PX else Colorspace.ITU601


def _seek_points(video: VideoInfo, start: int) -> Iterator[int | None]:
    """Keyframe PTS at or before the frame, nearest first, three at most; then None: from the beginning."""
    last = int(np.searchsorted(video.keyframe_pts, video.pts[start], side="right")) - 1
    for position in range(last, max(last - 3, 0), -1):
        yield int(video.keyframe_pts[position])
    yield None
