"""Verify that a written clip is complete and matches the source."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from clipgen_engine.clips.encoder import picture_name
from clipgen_engine.clips.formats import ClipFormat
from clipgen_engine.clips.pictures import numbers
from clipgen_engine.clips.timing import ClipPlan
from clipgen_engine.opencv import cv2
from clipgen_engine.types import UInt8Array
from clipgen_engine.video.decoding import colorspace_of

_TIME_SLACK_S = 0.0015  # Matroska timestamps are in milliseconds
_HIGHEST_DB = 100.0  # the PSNR of identical frames is infinite, which JSON cannot store
_SOUND_SHORT_S = 0.005
_SOUND_LONG_S = 0.3  # codecs pad the last frame: by up to this for AAC (1024 samples) at 7,350 Hz


class FaultyClip(Exception):
    """A clip failed verification; the message states why."""


@dataclass(frozen=True)
class Measured:
    """Measurements of a verified clip."""

    sha256: str  # hex, of the file; for a folder, of its images' hashes and names
    size_bytes: int
    width_px: int
    height_px: int
    psnr_db: tuple[float, ...] | None  # of the samples, RGB, capped at 100; None if lossless
    sound_s: float | None


def psnr_db(one: UInt8Array, other: UInt8Array) -> float:
    """Peak signal-to-noise ratio of 8-bit images, dB; infinite if identical."""
    squares = cv2.norm(one, other, cv2.NORM_L2SQR)
    return 10 * math.log10(255**2 * one.size / squares) if squares else math.inf


def check_clip(
    path: Path,
    kind: ClipFormat,
    plan: ClipPlan,
    crf: int,
    samples: Mapping[int, Sequence[NDArray[Any]]],
    *,
    with_sound: bool,
) -> Measured:
    """Decode a clip and verify it against its plan.

    Args:
        samples: expected frames by position: the planes from `numbers` for a lossless file, otherwise one upright
            RGB image (H, W, 3).
        with_sound: whether the clip must have sound.

    Raises:
        FaultyClip: frame count, timestamps, size, a sample or the sound is wrong.
    """
    try:
        shown, sound_s = (_folder if kind.is_folder else _file)(path, kind, plan, samples)
    except (av.error.FFmpegError, OSError) as error:
        raise FaultyClip(f"it cannot be read back ({str(error.strerror or error).lower()})") from error
    if with_sound:
        _require_sound(sound_s, plan)
    levels = []
    for position, expected in samples.items():
        found = shown[position]
        sizes = [" and ".join(f"{part.shape[1]}x{part.shape[0]}" for part in parts) for parts in (found, expected)]
        if sizes[0] != sizes[1]:
            raise FaultyClip(f"frame size is {sizes[0]} px instead of {sizes[1]}")
        if kind.lossless:
            if not all(map(np.array_equal, found, expected)):
                raise FaultyClip(f"frame {position} is not bit-exact")
            continue
        if psnr_db(_halved(found[0]), _halved(expected[0])) < _floor_db(crf):
            raise FaultyClip(f"frame {position} differs from the source (PSNR {psnr_db(found[0], expected[0]):.1f} dB)")
        levels.append(min(_HIGHEST_DB, psnr_db(found[0], expected[0])))
    sha256, size_bytes = _hashed(path)
    height, width = next(iter(samples.values()))[0].shape[:2]
    return Measured(sha256, size_bytes, width, height, None if kind.lossless else tuple(levels), sound_s)


_Shown = dict[int, Sequence[NDArray[Any]]]  # as the `samples` of `check_clip`


def _folder(path: Path, kind: ClipFormat, plan: ClipPlan, wanted: Collection[int]) -> tuple[_Shown, None]:
    _require_count(sum(1 for _ in path.iterdir()), len(plan.pts))
    return {position: [_read_picture(path / picture_name(position, kind))] for position in wanted}, None


def _file(path: Path, kind: ClipFormat, plan: ClipPlan, wanted: Collection[int]) -> tuple[_Shown, float | None]:
    """Decode in one pass: the wanted frames and the end of the sound, s, or None without an audio stream."""
    reformatter = VideoReformatter()
    shown: _Shown = {}
    times: list[Fraction] = []
    sound_end = Fraction(0)
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(*container.streams.video, *container.streams.audio):
            if not isinstance(frame, VideoFrame | AudioFrame) or frame.pts is None or frame.time_base is None:
                continue
            begin = frame.pts * frame.time_base
            if isinstance(frame, AudioFrame):
                sound_end = max(sound_end, begin + Fraction(frame.samples, frame.sample_rate))
                continue
            if len(times) in wanted:
                shown[len(times)] = numbers(frame) if kind.lossless else [_rgb(frame, reformatter)]
            times.append(begin)
        has_sound = bool(container.streams.audio)
    _require_count(len(times), len(plan.pts))
    late_s = np.abs(np.array(times, np.float64) - float(times[0]) - plan.pts * float(plan.time_base)).max()
    if late_s > _TIME_SLACK_S:
        raise FaultyClip(f"timestamps are off by {late_s:.3f} s")
    return shown, float(sound_end) if has_sound else None


def _rgb(frame: VideoFrame, reformatter: VideoReformatter) -> UInt8Array:
    pixels: UInt8Array = reformatter.reformat(  # type: ignore[assignment]  # 8 bits
        frame, format="rgb24", src_colorspace=colorspace_of(frame), interpolation=Interpolation.BILINEAR
    ).to_ndarray()
    return pixels


def _require_count(found: int, planned: int) -> None:
    if found != planned:
        raise FaultyClip(f"it has {found} frames instead of {planned}")


def _read_picture(path: Path) -> UInt8Array:
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FaultyClip(f"{path.name} cannot be read back")
    upright: UInt8Array = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return upright


def _require_sound(sound_s: float | None, plan: ClipPlan) -> None:
    if sound_s is None:
        raise FaultyClip("it has no sound")
    if not -_SOUND_SHORT_S <= sound_s - float(plan.duration_s) <= _SOUND_LONG_S:
        raise FaultyClip(f"it has {sound_s:.3f} s of sound instead of {float(plan.duration_s):.3f} s")


def _halved(pixels: UInt8Array) -> UInt8Array:
    """Downscale by two to cancel the effect of chroma subsampling."""
    height, width = pixels.shape[:2]
    half: UInt8Array = cv2.resize(pixels, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return half


def _floor_db(crf: int) -> float:
    """PSNR threshold; even pure noise exceeds it by some dB with every codec (measured)."""
    return max(8.0, 38.0 - 0.75 * crf)


def _hashed(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    parts = {file.name: _hashed(file) for file in sorted(path.iterdir())}
    lines = "".join(f"{sha256}  {name}\n" for name, (sha256, _) in parts.items())
    return hashlib.sha256(lines.encode()).hexdigest(), sum(size for _, size in parts.values())
