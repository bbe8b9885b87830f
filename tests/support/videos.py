"""Synthetic videos with the frame number coded in each frame, to verify frame exactness."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from clipgen_engine.opencv import cv2
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe

BITS = 10
RATE = 30


def coded_picture(number: int, width: int = 160, height: int = 96) -> NDArray[np.uint8]:
    """RGB frame (H, W, 3) with the number in black and white blocks, most significant bit first."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[height // 2 :, :, 2] = np.linspace(40, 200, width, dtype=np.uint8)
    block = width // BITS
    for bit in range(BITS):
        on = number >> (BITS - 1 - bit) & 1
        picture[8 : height // 2 - 8, bit * block + 2 : (bit + 1) * block - 2] = 235 if on else 16
    return picture


def read_code(pixels: NDArray[np.uint8]) -> int:
    """Read the number coded in a frame."""
    height, width = pixels.shape[:2]
    block = width // BITS
    row = pixels[height // 4, block // 2 :: block, :3].mean(axis=1)[:BITS]
    return sum(1 << (BITS - 1 - bit) for bit, value in enumerate(row) if value > 128)


def write_coded_video(
    path: Path,
    count: int,
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, RATE),
    rate: int = RATE,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (160, 96),
    rotation_deg: int = 0,
    pix_fmt: str = "yuv420p",
    sound: NDArray[np.float32] | None = None,
    sound_rate: int = 44100,
) -> Path:
    """Write `count` coded frames.

    Args:
        pts: of each frame, in `time_base`; default 0, 1, 2, ...
        rate: nominal frames per second.
        rotation_deg: clockwise display rotation (frames are stored counter-rotated).
        sound: (N,) mono samples.
    """
    turns = rotation_deg // 90
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"g": "12", "bf": "2", "crf": "18"})
        stored = size if turns % 2 == 0 else size[::-1]
        stream.width, stream.height = stored
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        if rotation_deg:
            stream.set_display_rotation(-rotation_deg)
        audio = container.add_stream("aac", rate=sound_rate, layout="mono") if sound is not None else None
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(np.rot90(coded_picture(number, *size), turns)), format="rgb24"
            )
            frame.pts, frame.time_base = (number if pts is None else pts[number]), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None and sound is not None:
            for begin in range(0, len(sound), 1024):
                part = av.AudioFrame.from_ndarray(sound[np.newaxis, begin : begin + 1024], "fltp", "mono")
                part.sample_rate, part.pts, part.time_base = sound_rate, begin, Fraction(1, sound_rate)
                container.mux(audio.encode(part))
            container.mux(audio.encode())
    return path


def tone_bursts(seconds: float, bursts: Sequence[float], rate: int = 44100) -> NDArray[np.float32]:
    """(N,) mono samples: silence with a 0.1 s burst of 440 Hz at each start time (s)."""
    times = np.arange(round(seconds * rate)) / rate
    on = np.any([(times >= burst) & (times < burst + 0.1) for burst in bursts], axis=0)
    return (0.5 * np.sin(2 * np.pi * 440 * times) * on).astype(np.float32)


def join_spans(path: Path, spans: Sequence[tuple[Path, int, int]], size: tuple[int, int]) -> Path:
    """Concatenate half-open frame spans, letterboxed to `size`."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "12", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for source, start, stop in spans:
            for picture in decode(probe(source), start, stop):
                fitted = _fitted(picture.pixels, width, height)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(fitted, format="rgb24")))
        container.mux(stream.encode())
    return path


def encoded_again(path: Path, source: Path, bit_rate: int) -> Path:
    """Re-encode as H.264 with the same frames and PTS at another bit rate (bit/s)."""
    video = probe(source)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=video.average_rate)
        stream.width, stream.height, stream.pix_fmt = video.width_px, video.height_px, "yuv420p"
        stream.codec_context.time_base, stream.bit_rate = video.time_base, bit_rate
        for picture in decode(video):
            frame = av.VideoFrame.from_ndarray(picture.pixels, format="rgb24")
            frame.pts, frame.time_base = int(video.pts[picture.index]), video.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _fitted(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    inner = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    canvas = np.full((height, width, 3), 24, np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA)
    return canvas


COUNT = 60
UNEVEN_PTS = np.cumsum(np.random.default_rng(0).integers(1, 5, COUNT)).tolist()
KINDS = {
    "b_frames.mp4": {},
    "uneven.mp4": {"pts": UNEVEN_PTS, "time_base": Fraction(1, 120)},
    "late.mkv": {"pts": [100 + number for number in range(COUNT)]},
    "stream.ts": {},
    "old.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12", "q:v": "2"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=12"}},
    "open_gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3", "crf": "18"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"crf": "20", "deadline": "realtime"}},
    "turned_90.mp4": {"rotation_deg": 90},
    "turned_180.mp4": {"rotation_deg": 180},
    "turned_270.mp4": {"rotation_deg": 270},
}
