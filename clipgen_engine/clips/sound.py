"""Sample-exact sound of a span."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from clipgen_engine.types import VideoInfo
from clipgen_engine.video.container import open_container

_LEAD_S = Fraction(1, 2)  # seek this far before the span: seeks may land late
_JITTER_S = 0.02  # smaller timestamp errors are rounding, not gaps
_BLOCK_S = 1  # length of a block of silence
_USUAL_RATE_HZ = 48000


def clip_sound(
    video: VideoInfo, begin_s: Fraction, duration_s: Fraction, rates: tuple[int, ...] = ()
) -> Generator[AudioFrame, None, None]:
    """Contiguous float32 planar frames from time 0 to the end of the span, with gaps filled by silence.

    Yields nothing if the span has no decodable sound. More than two channels are downmixed to stereo.

    Args:
        begin_s: start of the span on the source timeline.
        rates: permitted output sample rates, Hz; empty: any.
    """
    if not video.has_audio:
        return
    with closing(open_container(video.path)) as container:
        stream: Any = container.streams.audio[0]
        source_rate, channels = stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels
        if not source_rate or not channels:
            return  # undecodable audio stream
        rate = source_rate if not rates or source_rate in rates else _USUAL_RATE_HZ
        layout = "mono" if channels == 1 else "stereo"
        count = round(duration_s * rate)
        done = 0
        for offset, samples in _placed(_resampled(container, stream, begin_s - _LEAD_S, rate, layout), begin_s, rate):
            if offset >= count:
                break
            skipped = max(0, done - offset)
            heard = samples[:, skipped : count - offset]
            if not heard.shape[1]:
                continue
            while done < offset:
                silence = np.zeros((samples.shape[0], min(offset - done, _BLOCK_S * rate)), np.float32)
                yield _frame(silence, done, rate, layout)
                done += silence.shape[1]
            yield _frame(heard, done, rate, layout)
            done += heard.shape[1]
        while 0 < done < count:
            silence = np.zeros((1 if layout == "mono" else 2, min(count - done, _BLOCK_S * rate)), np.float32)
            yield _frame(silence, done, rate, layout)
            done += silence.shape[1]


def _placed(parts: Iterator[AudioFrame], begin_s: Fraction, rate: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Samples (channels, N) with their offset from the start of the span, possibly negative."""
    expected: int | None = None
    for part in parts:
        if part.pts is None or part.time_base is None:
            continue
        offset = round((part.pts * part.time_base - begin_s) * rate)
        if expected is not None and abs(offset - expected) <= _JITTER_S * rate:
            offset = expected
        yield offset, part.to_ndarray().astype(np.float32, copy=False)
        expected = offset + part.samples


def _resampled(container: Any, stream: Any, from_s: Fraction, rate: int, layout: str) -> Iterator[AudioFrame]:
    resampler = AudioResampler(format="fltp", layout=layout, rate=rate)
    with suppress(av.error.FFmpegError):  # if the seek fails, read from the start of the file
        container.seek(int(from_s / stream.time_base), stream=stream, backward=True)
    for frame in _decoded(container.demux(stream)):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _decoded(packets: Iterator[Any]) -> Iterator[AudioFrame]:
    """Decode frames, skipping corrupt packets and stopping at a corrupt tail."""
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        with suppress(av.error.FFmpegError):
            yield from (frame for frame in packet.decode() if frame.pts is not None)


def _frame(samples: NDArray[np.float32], offset: int, rate: int, layout: str) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, offset, Fraction(1, rate)
    return frame
