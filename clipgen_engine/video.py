"""Frame index, sequential decode and exact random access, all by PTS.

A frame is what a decoder really returns: frames of packets that the container marks as discarded (edit lists)
are not presented and have no index, but their keyframes serve for seeking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from clipgen_engine.closing import Closing
from clipgen_engine.errors import VideoError
from clipgen_engine.types import Int64Array, UInt8Array, VideoInfo, read_only

PictureFormat = Literal["rgb24", "bgra"]

_FINGERPRINT_BYTES = 1 << 18
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
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: cover art is not a video


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded frame, upright."""

    index: int
    pixels: UInt8Array  # (H, W, 3) RGB or (H, W, 4) BGRA, uint8


def probe(path: str | Path) -> VideoInfo:
    """Index a video: one pass over its packets, and the decode of one frame.

    Raises:
        VideoError: the file is missing, unreadable, no video, without a video stream or without frames.
    """
    path = Path(path)
    with closing(open_container(path)) as container:
        stream = _video_stream(container, path)
        pts, keyframe_pts, lost = _packet_times(container, stream)
        time_base = stream.time_base
        rate = stream.average_rate or stream.guessed_rate
        has_audio = bool(container.streams.audio)
    if time_base is None:
        raise VideoError(f"{path.name} has no time base", "Convert it to mp4 first")
    if pts is None:  # the container keeps no time stamps for pictures (AVI): the decoder makes them
        pts, lost = _decoded_times(path), 0
    if not len(pts):
        raise VideoError(
            f"{path.name} has a video stream but no frames in it", "The file may be cut off: copy it again"
        )
    first = _first_frame(path)
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
        average_rate=Fraction(rate) if rate else _measured_rate(pts, Fraction(time_base)),
        pts=read_only(pts),
        keyframe_pts=read_only(keyframe_pts if len(keyframe_pts) else pts[:1].copy()),
        has_audio=has_audio,
        fingerprint=fingerprint(path),
        lost_packets=lost,
    )


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height (px) as the header says them, not turned upright: at once, however long the video is.

    Raises:
        VideoError: the file is missing, unreadable, no video or without a video stream.
    """
    with closing(open_container(path)) as container:
        context = _video_stream(container, path).codec_context
        return context.width, context.height


def fingerprint(path: Path) -> str:
    """SHA-256 (hex) of the file's size, head and tail: the same for a copy or a moved file.

    Raises:
        VideoError: the file is missing or unreadable.
    """
    digest = hashlib.sha256()
    try:
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as file:
            digest.update(file.read(_FINGERPRINT_BYTES))
            file.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(file.read(_FINGERPRINT_BYTES))
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
    return digest.hexdigest()


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
        stream = _video_stream(container, path)
        duration_s = container.duration / av.time_base if container.duration else None
        if duration_s is not None:
            with suppress(av.error.FFmpegError):
                container.seek(int(container.duration * share) + (container.start_time or 0))
        frame = next(_decoded_frames(container, stream), None) or _first_frame(path)
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
        self._stream = _video_stream(self._container, video.path)

    def close(self) -> None:
        self._container.close()

    def frames_up_to(self, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """Frames in order, from one that is at or before the given one on. Starting a new one ends the one before."""
        for candidate in _seek_points(self._video, start):
            if candidate is None:  # from the very beginning: what decodes before frame 0 is passed over
                self.close()
                self._container = open_container(self._video.path)
                self._stream = _video_stream(self._container, self._video.path)
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
        for frame in _decoded_frames(self._container, self._stream):
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


def check_present(path: Path) -> None:
    """Raise VideoError where there is no file, or nothing in it."""
    if not path.exists():
        raise VideoError(f"{path} does not exist", "Check the path")
    if path.is_dir():
        raise VideoError(f"{path} is a folder", "Give the path of one video file")
    if path.stat().st_size == 0:
        raise VideoError(f"{path.name} is empty (0 bytes)", "Copy it again")


def open_container(path: Path) -> Any:
    """Open a media file for reading.

    Raises:
        VideoError: it is missing, unreadable or no such file.
    """
    check_present(path)
    try:
        return av.open(str(path), metadata_errors="ignore")
    except PermissionError:
        raise VideoError(f"{path.name} may not be read", "Change the file's permissions") from None
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path.name} is not a video that can be read ({_reason(error)})",
            "The file may be cut off or of another kind: play it in a video player, and copy or convert it again",
        ) from None


def _reason(error: OSError | Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _video_stream(container: Any, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if not int(stream.disposition) & _ATTACHED_PICTURE:
            stream.thread_type = "AUTO"
            found: VideoStream = stream
            return found
    raise VideoError(f"{path.name} has no video stream", "Choose a file with a picture")


def _packet_times(container: Any, stream: VideoStream) -> tuple[Int64Array | None, Int64Array, int]:
    """PTS of the presented frames (None where packets carry none) and of all keyframes, sorted; lost packets.

    A packet is lost where another has its time stamp, or where the container's own count (mp4 keeps one) promises it
    and it cannot be read.
    """
    presented: list[int] = []
    keyframes: list[int] = []
    complete = True
    read = 0
    try:
        for packet in container.demux(stream):
            read += packet.dts is not None or bool(packet.size)  # all but the flush packet at the end
            if not packet.size:
                continue  # that one, or a repeated picture (AVI)
            if packet.pts is None:
                complete = False
                continue
            if packet.is_keyframe:
                keyframes.append(packet.pts)
            if not packet.is_discard:
                presented.append(packet.pts)
    except av.error.FFmpegError:
        pass  # a damaged tail: what was read until here stands
    pts = np.unique(np.array(presented, np.int64))
    lost = len(presented) - len(pts) + max(0, stream.frames - read)
    return pts if complete else None, np.unique(np.array(keyframes, np.int64)), lost


def _decoded_times(path: Path) -> Int64Array:
    with closing(open_container(path)) as container:
        stream = _video_stream(container, path)
        times = [frame.pts for frame in _decoded_frames(container, stream) if frame.pts is not None]
    return np.unique(np.array(times, np.int64))


def _first_frame(path: Path) -> VideoFrame:
    with closing(open_container(path)) as container:
        frame = next(_decoded_frames(container, _video_stream(container, path)), None)
    if frame is None:
        raise VideoError(
            f"{path.name} has a video stream, but none of its frames can be decoded",
            "Copy the file again, or convert it to H.264",
        )
    return frame


def _decoded_frames(container: Any, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames that decode; a packet that does not is passed over."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None  # a damaged tail ends the stream
        if packet is None:
            break
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _seek_points(video: VideoInfo, start: int) -> Iterator[int | None]:
    """Keyframe PTS at or before the frame, nearest first, three at most; then None: from the beginning."""
    last = int(np.searchsorted(video.keyframe_pts, video.pts[start], side="right")) - 1
    for position in range(last, max(last - 3, 0), -1):
        yield int(video.keyframe_pts[position])
    yield None


def _measured_rate(pts: Int64Array, time_base: Fraction) -> Fraction:
    steps = [later - earlier for earlier, later in pairwise(pts.tolist())]
    return 1 / (time_base * sorted(steps)[len(steps) // 2]) if steps else Fraction(25)
