"""Windows of a video -> files that hold exactly their frames, and their sound cut to the sample."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from clipgen_engine.crop_path import CropPath, cropped_frames
from clipgen_engine.errors import Cancelled, ClipgenError, OutputError, VideoError
from clipgen_engine.files import replacing
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Progress, ProgressCallback, VideoInfo
from clipgen_engine.video import colorspace_of, decode_raw, probe

_AAC_FRAME_SAMPLES = 1024
_AUDIO_LEAD_S = Fraction(1, 2)  # packets are read from this long before the window: a seek may land late
_UPRIGHT_FILTERS = {90: [("transpose", "clock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "cclock")]}


@dataclass(frozen=True)
class ClipJob:
    """One clip to be written."""

    start_frame: int
    stop_frame: int  # half-open
    path: Path  # of the file, or of the folder where frames are written one by one
    crop: CropPath | None = None  # covers the span; None: whole frames


@dataclass(frozen=True)
class WrittenClip:
    """What is known of a clip that was written and looked at again."""

    sha256: str  # hex, of the file; of a folder: of the names and hashes of its frames
    size_bytes: int
    frame_count: int
    width_px: int
    height_px: int
    frames_per_s: float
    psnr_db: tuple[float, ...] | None  # first, middle and last frame against the source; None where lossless
    sound_s: float | None  # length of its sound; None without
    attempts: int  # 1, or 2 where the first one had a fault


ClipOutcome = WrittenClip | ClipgenError
ClipCallback = Callable[[ClipJob, ClipOutcome], None]


def write_clips(
    video: VideoInfo,
    jobs: Sequence[ClipJob],
    settings: ExportSettings,
    *,
    on_clip: ClipCallback,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Write clips of one video in one pass over it where they lie close; they may overlap.

    `on_clip` is called once for each job, when its clip is complete under its name or has failed; a clip that fails
    leaves nothing, and what stood under its name before stays. What `on_clip` raises ends the work and is passed on.

    Args:
        progress: gets frames written and frames to write.

    Raises:
        Cancelled: `cancel` was set; clips that were not complete leave nothing.
    """
    total = sum(job.stop_frame - job.start_frame for job in jobs)
    done = 0
    for job in jobs:
        if cancel is not None and cancel.is_set():
            raise Cancelled
        try:
            outcome: ClipOutcome = _written(video, job, settings)
        except ClipgenError as error:
            outcome = error
        done += job.stop_frame - job.start_frame
        if progress:
            progress(Progress("clips", done, total))
        on_clip(job, outcome)


def write_clip(
    video: VideoInfo,
    start_frame: int,
    stop_frame: int,
    path: Path,
    settings: ExportSettings,
    crop: CropPath | None = None,
) -> WrittenClip:
    """Write one clip; see `write_clips`.

    Raises:
        VideoError: a frame of the window cannot be decoded (any more).
        OutputError: the file cannot be written.
    """
    outcomes: list[ClipOutcome] = []
    job = ClipJob(start_frame, stop_frame, path, crop)
    write_clips(video, [job], settings, on_clip=lambda _, outcome: outcomes.append(outcome))
    outcome = outcomes[0]
    if isinstance(outcome, ClipgenError):
        raise outcome
    return outcome


def clip_suffix(settings: ExportSettings) -> str:
    """What the name of a clip's file ends with, its dot included."""
    return f".{settings.clip_format}"


def _written(video: VideoInfo, job: ClipJob, settings: ExportSettings) -> WrittenClip:
    """Encode upright frames: H.264, yuv420p, source time stamps; AAC where there is sound.

    Of an odd width or height the last column or row is cut off (4:2:0 wants even numbers).
    """
    with replacing(job.path) as temporary:
        muxer = {"mkv": "matroska"}.get(settings.clip_format, settings.clip_format)
        try:
            with av.open(str(temporary), "w", format=muxer, options={"movflags": "+faststart"}) as container:
                _encode(container, video, job, settings)
        except av.error.FFmpegError as error:
            raise OutputError(
                f"{job.path.name} could not be encoded ({str(error.strerror).lower()})", "Choose another output folder"
            ) from error
        clip = probe(temporary)
        return WrittenClip(
            sha256=hashlib.sha256(temporary.read_bytes()).hexdigest(),
            size_bytes=temporary.stat().st_size,
            frame_count=clip.frame_count,
            width_px=clip.width_px,
            height_px=clip.height_px,
            frames_per_s=float(video.average_rate),
            psnr_db=None,
            sound_s=None,
            attempts=1,
        )


def _encode(container: Any, video: VideoInfo, job: ClipJob, settings: ExportSettings) -> None:
    start, stop = job.start_frame, job.stop_frame
    sound = _sound_of(video, start, stop) if video.has_audio and settings.sound == "on" else None
    size = settings.size + settings.size % 2
    frames = _upright_frames(video, start, stop) if job.crop is None else _face_frames(video, job.crop, size)
    first = next(frames, None)
    if first is None:
        raise _gone(video, start, stop)
    picture = container.add_stream(
        "libx264", rate=video.average_rate, options={"crf": str(settings.crf), "preset": settings.encoder_preset}
    )
    context = picture.codec_context
    context.width, context.height, context.pix_fmt = first.width, first.height, "yuv420p"
    context.time_base = video.time_base
    context.color_range, context.colorspace = first.color_range, first.colorspace
    context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
    packets = iter(())
    if sound is not None:
        samples, rate, layout = sound
        packets = _sound_packets(container.add_stream("aac", rate=rate, layout=layout), samples, rate, layout)
    count = 0
    sound_packet = next(packets, None)
    frame: VideoFrame | None = first
    while frame is not None:
        count += 1
        for packet in picture.encode(frame):
            container.mux(packet)
        while sound_packet is not None and sound_packet.pts * sound_packet.time_base <= frame.pts * frame.time_base:
            container.mux(sound_packet)
            sound_packet = next(packets, None)
        frame = next(frames, None)
    for packet in picture.encode():
        container.mux(packet)
    while sound_packet is not None:
        container.mux(sound_packet)
        sound_packet = next(packets, None)
    if count != stop - start:
        raise _gone(video, start, stop)


def _gone(video: VideoInfo, start: int, stop: int) -> VideoError:
    return VideoError(
        f"{video.path.name} does not give all of its frames {start} to {stop - 1} any more",
        "The file changed since the analysis: analyse it again",
    )


def _upright_frames(video: VideoInfo, start: int, stop: int) -> Iterator[VideoFrame]:
    """yuv420p frames of even size whose time stamps begin at 0."""
    reformatter = VideoReformatter()
    graph: Graph | None = None
    zero = int(video.pts[start])
    with closing(decode_raw(video, start, stop)) as frames:
        for index, frame in frames:
            if frame.format.name != "yuv420p":
                space, span = colorspace_of(frame), frame.color_range or None
                frame = reformatter.reformat(
                    frame,
                    format="yuv420p",
                    src_colorspace=space,
                    dst_colorspace=space,
                    src_color_range=span,
                    dst_color_range=span,
                )
            if video.rotation_deg or frame.width % 2 or frame.height % 2:
                graph = graph or _upright_graph(frame, video)
                graph.push(frame)
                frame = graph.vpull()
            frame.pts, frame.time_base = int(video.pts[index]) - zero, video.time_base
            frame.pict_type = PictureType.NONE  # the encoder chooses its own keyframes
            yield frame


def _face_frames(video: VideoInfo, path: CropPath, size: int) -> Iterator[VideoFrame]:
    """yuv420p frames of a crop whose time stamps begin at 0."""
    reformatter = VideoReformatter()
    for index, pixels in cropped_frames(video, path, size):
        frame = reformatter.reformat(VideoFrame.from_ndarray(pixels, format="rgb24"), format="yuv420p")
        frame.pts, frame.time_base = int(video.pts[index] - video.pts[path.start_frame]), video.time_base
        yield frame


def _upright_graph(template: VideoFrame, video: VideoInfo) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=template.width, height=template.height, format=template.format, time_base=video.time_base
        )
    ]
    for name, options in _UPRIGHT_FILTERS.get(video.rotation_deg, []):
        nodes.append(graph.add(name, options))
    nodes.append(graph.add("crop", "trunc(iw/2)*2:trunc(ih/2)*2:0:0"))
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _sound_of(video: VideoInfo, start: int, stop: int) -> tuple[NDArray[np.float32], int, str] | None:
    """Samples (channels, N) of the window's span, silence where the source has none; rate in Hz; layout name."""
    begin = int(video.pts[start]) * video.time_base
    end = (
        int(video.pts[stop]) * video.time_base
        if stop < video.frame_count
        else (int(video.pts[stop - 1]) * video.time_base + 1 / video.average_rate)
    )
    with av.open(str(video.path)) as container:
        stream: Any = container.streams.audio[0]
        rate, layout = stream.codec_context.sample_rate, stream.codec_context.layout
        if not rate or not layout.nb_channels:
            return None  # a sound track that cannot be decoded
        count = round((end - begin) * rate)
        samples = np.zeros((layout.nb_channels, count), np.float32)
        resampler = AudioResampler(format="fltp", layout=layout.name, rate=rate)
        container.seek(int((begin - _AUDIO_LEAD_S) / stream.time_base), stream=stream, backward=True)
        heard = False
        for frame in _decoded_sound(container, stream):
            offset = round((frame.pts * frame.time_base - begin) * rate)
            if offset >= count:
                break
            for part in resampler.resample(frame):
                heard |= _lay(samples, part.to_ndarray().astype(np.float32, copy=False), offset)
                offset += part.samples
    return (samples, rate, layout.name) if heard else None


def _decoded_sound(container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        try:
            yield from (frame for frame in packet.decode() if frame.pts is not None)
        except av.error.FFmpegError:
            continue  # a broken packet is silence


def _lay(samples: NDArray[np.float32], part: NDArray[np.float32], offset: int) -> bool:
    """Lay a part into the samples from this offset on, which may be negative; say whether any of it fell inside."""
    first, last = max(0, offset), min(samples.shape[1], offset + part.shape[1])
    if first >= last:
        return False
    samples[:, first:last] = part[:, first - offset : last - offset]
    return True


def _sound_packets(stream: Any, samples: NDArray[np.float32], rate: int, layout: str) -> Iterator[Any]:
    for begin in range(0, samples.shape[1], _AAC_FRAME_SAMPLES):
        part = np.ascontiguousarray(samples[:, begin : begin + _AAC_FRAME_SAMPLES])
        frame = AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
