"""Stream frames and sound into a file or an image sequence."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from clipgen_engine.clips.formats import ClipFormat, jpeg_quality
from clipgen_engine.clips.sound import clip_sound
from clipgen_engine.clips.timing import ClipPlan
from clipgen_engine.errors import OutputError
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import UInt8Array, VideoInfo

_PNG_LEVEL = 3  # of 9; higher levels are several times slower and save a few per cent

Pictures = Generator[None, VideoFrame | UInt8Array | None, None]


def encoder(
    path: Path, plan: ClipPlan, kind: ClipFormat, settings: ExportSettings, sound: Iterator[AudioFrame] | None
) -> Pictures:
    """Write a clip: send one frame per plan position, in order, then None.

    An image sequence takes (H, W, 3) uint8 RGB, a file takes frames in their final pixel format. Closing early leaves
    an incomplete file.

    Args:
        sound: at least one frame, or None for a silent clip.

    Raises:
        OSError, OutputError: the clip cannot be written.
    """
    pictures = _folder(path, kind, settings) if kind.is_folder else _file(path, plan, kind, settings, sound)
    next(pictures)
    return pictures


def planned_sound(
    video: VideoInfo, plan: ClipPlan, kind: ClipFormat, settings: ExportSettings
) -> Generator[AudioFrame, None, None]:
    """The sound of a clip; empty if the source has none or sound is off."""
    if settings.sound == "on" and kind.audio_codec:
        yield from clip_sound(video, plan.begin_s, plan.duration_s, kind.audio_rates)


def picture_name(position: int, kind: ClipFormat) -> str:
    """File name of an image in a sequence."""
    return f"frame_{position:06d}{kind.suffix}"


def _folder(path: Path, kind: ClipFormat, settings: ExportSettings) -> Pictures:
    path.mkdir()
    options = (
        [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL]
        if kind.lossless
        else [
            *(cv2.IMWRITE_JPEG_QUALITY, jpeg_quality(settings)),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        ]
    )
    position = 0
    while (pixels := (yield)) is not None:
        _, data = cv2.imencode(kind.suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
        (path / picture_name(position, kind)).write_bytes(data.tobytes())
        position += 1
    yield


def _file(
    path: Path, plan: ClipPlan, kind: ClipFormat, settings: ExportSettings, sound: Iterator[AudioFrame] | None
) -> Pictures:
    # Without "bitexact", Matroska assigns random track IDs and output is not reproducible.
    options = {"fflags": "+bitexact", **kind.muxer_options}
    first: Any = yield
    with _sentences(path), av.open(str(path), "w", format=kind.muxer, options=options) as container:
        picture: Any = container.add_stream(
            kind.video_codec, rate=plan.rate, options=dict(kind.video_options(settings))
        )
        _describe(picture.codec_context, first, plan)
        sound_packets: Iterator[Any] = iter(())
        if sound is not None:
            heard = next(sound)
            stream = container.add_stream(kind.audio_codec, rate=heard.sample_rate, layout=heard.layout.name)
            sound_packets = _sound_packets(stream, chain([heard], sound))
        sound_packet = next(sound_packets, None)
        position, frame = 0, first
        while frame is not None:
            frame.pts, frame.time_base = int(plan.pts[position]), plan.time_base
            container.mux(picture.encode(frame))
            now_s = frame.pts * plan.time_base
            while sound_packet is not None and sound_packet.pts * sound_packet.time_base <= now_s:
                container.mux(sound_packet)
                sound_packet = next(sound_packets, None)
            position += 1
            frame = yield
        container.mux(picture.encode())
        while sound_packet is not None:
            container.mux(sound_packet)
            sound_packet = next(sound_packets, None)
    yield


def _describe(context: Any, first: VideoFrame, plan: ClipPlan) -> None:
    context.width, context.height, context.pix_fmt = first.width, first.height, first.format.name
    context.time_base = plan.time_base
    context.color_range, context.colorspace = first.color_range, first.colorspace
    context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
    # PyAV defaults to slice threading, which makes H.264 both larger and slower
    context.thread_type = "AUTO" if context.codec.name == "ffv1" else "FRAME"


def _sound_packets(stream: Any, sound: Iterator[AudioFrame]) -> Iterator[Any]:
    for frame in sound:
        yield from stream.encode(frame)
    yield from stream.encode(None)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Pass OSError through; turn codec errors into an OutputError."""
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        reason = str(error.strerror or error).lower()
        raise OutputError(f"{path.name} could not be encoded ({reason})", "Choose another clip format") from error
