"""Sound in sync with the frames, time-stretched at constant pitch."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph

from clipgen_engine.types import Float32Array, VideoInfo
from clipgen_engine.video.container import open_container

SPEEDS = (0.25, 4.0)  # min, max

_LEAD_S = 0.25  # pre-roll: codecs need some packets before their output is valid
_LARGEST_HOLE_S = 0.02  # smaller gaps between packets are rounding, not silence
_BLOCK = 4096  # samples per block of silence
_CHANNELS = 2


def sound_between(
    video: VideoInfo, start_s: float, stop_s: float, speed: float, rate: int
) -> Generator[Float32Array, None, None]:
    """The sound of a span, played at a given speed.

    Blocks (N, 2) float32, -1..1, totalling exactly round((stop_s - start_s) / speed * rate) samples. Missing or
    undecodable sound becomes silence.

    Args:
        start_s: seconds since frame 0.
        stop_s: seconds since frame 0.
        speed: within `SPEEDS`; 2 is twice as fast.
        rate: samples per second.

    Raises:
        VideoError: the file cannot be opened.
    """
    wanted = round((stop_s - start_s) / speed * rate)
    given = 0
    with closing(_placed(video, start_s, stop_s, rate)) as blocks:
        for block in blocks if speed == 1.0 else _stretched(blocks, speed, rate):
            block = block[: wanted - given]
            if len(block):
                given += len(block)
                yield block
    while given < wanted:
        silence = np.zeros((min(_BLOCK, wanted - given), _CHANNELS), np.float32)
        given += len(silence)
        yield silence


def _placed(video: VideoInfo, start_s: float, stop_s: float, rate: int) -> Generator[Float32Array, None, None]:
    """Contiguous blocks from `start_s` on; missing packets become silence."""
    wanted = round((stop_s - start_s) * rate)
    given = 0
    ahead: int | None = None  # expected start of the next packet
    with closing(_decoded(video, start_s - _LEAD_S, rate)) as decoded:
        for time_s, samples in decoded:
            begin = round((time_s - start_s) * rate)
            if ahead is not None and abs(begin - ahead) <= _LARGEST_HOLE_S * rate:
                begin = ahead
            ahead = begin + len(samples)
            if begin >= wanted:
                break
            if begin > given:
                yield np.zeros((begin - given, _CHANNELS), np.float32)
                given = begin
            samples = samples[given - begin : wanted - begin]
            if len(samples):
                given += len(samples)
                yield samples


def _decoded(video: VideoInfo, start_s: float, rate: int) -> Generator[tuple[float, Float32Array], None, None]:
    """Seconds since frame 0 and samples (N, 2) of each packet, starting before `start_s`."""
    with closing(open_container(video.path)) as container:
        if not container.streams.audio:
            return
        stream = container.streams.audio[0]
        if stream.time_base is None:
            return
        origin_s = float(video.start_pts * video.time_base)
        if start_s > 0:
            container.seek(int((start_s + origin_s) / stream.time_base), stream=stream)
        resampler = AudioResampler(format="flt", layout="stereo", rate=rate)
        for frame in _frames(container, stream):
            if frame.pts is None or frame.time_base is None:
                continue
            time_s = float(frame.pts * frame.time_base) - origin_s
            for resampled in resampler.resample(frame):
                yield time_s, _samples(resampled)


def _frames(container: Any, stream: Any) -> Iterator[AudioFrame]:
    """All decodable frames; skip corrupt packets."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
        except av.error.FFmpegError:
            return  # a damaged tail ends the stream
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _stretched(blocks: Iterator[Float32Array], speed: float, rate: int) -> Iterator[Float32Array]:
    """Time-stretch with FFmpeg's `atempo` (WSOLA), which keeps pitch; twice for speeds below 0.5."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="stereo", name="in")
    last = source
    steps = [0.5, speed / 0.5] if speed < 0.5 else [speed]
    for number, step in enumerate(steps):
        tempo = graph.add("atempo", f"{step:.6f}", name=f"tempo{number}")
        last.link_to(tempo)
        last = tempo
    shape = graph.add("aformat", f"sample_fmts=flt:sample_rates={rate}:channel_layouts=stereo", name="shape")
    sink = graph.add("abuffersink", name="out")
    last.link_to(shape)
    shape.link_to(sink)
    graph.configure()
    given = 0
    for block in blocks:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = rate
        frame.pts = given
        given += len(block)
        source.push(frame)
        yield from _pulled(sink)
    source.push(None)
    yield from _pulled(sink)


def _pulled(sink: Any) -> Iterator[Float32Array]:
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield _samples(frame)


def _samples(frame: AudioFrame) -> Float32Array:
    samples: Float32Array = frame.to_ndarray().reshape(-1, _CHANNELS).astype(np.float32, copy=False)
    return samples
