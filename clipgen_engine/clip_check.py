"""A written clip, looked at again: is it all there, and does it show what the source shows?"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from clipgen_engine.clip_encoder import picture_name
from clipgen_engine.clip_formats import ClipFormat
from clipgen_engine.clip_pictures import numbers
from clipgen_engine.clip_plan import ClipPlan
from clipgen_engine.errors import ClipgenError
from clipgen_engine.opencv import cv2
from clipgen_engine.types import UInt8Array
from clipgen_engine.video import PictureConverter, decode_raw, probe

_TIME_SLACK_S = 0.0015  # Matroska counts in milliseconds
_SOUND_SHORT_S = 0.005
_SOUND_LONG_S = 0.3  # a codec fills up its last frame: 1024 samples of AAC, at 7,350 Hz as much as this


class FaultyClip(Exception):
    """A clip is not what was to be written; the text says in what."""


@dataclass(frozen=True)
class Measured:
    """What a check found."""

    sha256: str  # hex, of the file; of a folder: of the hashes and names of its pictures
    size_bytes: int
    width_px: int
    height_px: int
    psnr_db: tuple[float, ...] | None  # of the samples, RGB; None where lossless
    sound_s: float | None


def psnr_db(one: UInt8Array, other: UInt8Array) -> float:
    """Peak signal-to-noise ratio of 8-bit pictures, dB; infinite where they are equal."""
    error = float(np.square(one.astype(np.int32) - other).mean())
    return 10 * math.log10(255**2 / error) if error else math.inf


def check_clip(
    path: Path,
    kind: ClipFormat,
    plan: ClipPlan,
    crf: int,
    samples: Mapping[int, Sequence[NDArray[Any]]],
    *,
    with_sound: bool,
) -> Measured:
    """Decode a clip again and hold it against its plan.

    Args:
        samples: what the clip should show, by position: of a lossless file the `numbers` of the frame, else the
            upright RGB picture (H, W, 3) alone.
        with_sound: the clip should have sound.

    Raises:
        FaultyClip: frames, times, size, a sample or the sound are not as planned.
    """
    try:
        shown = _shown(path, kind, plan, samples)
        sound_s = None if kind.is_folder else _sound_length(path)
    except (ClipgenError, OSError) as error:
        raise FaultyClip(f"it cannot be read again ({str(error).rstrip('.').lower()})") from error
    if with_sound:
        _require_sound(sound_s, plan)
    levels = []
    for position, expected in samples.items():
        found = shown[position]
        sizes = [" and ".join(f"{part.shape[1]}x{part.shape[0]}" for part in parts) for parts in (found, expected)]
        if sizes[0] != sizes[1]:
            raise FaultyClip(f"its pictures have {sizes[0]} px instead of {sizes[1]}")
        if kind.lossless:
            if not all(map(np.array_equal, found, expected)):
                raise FaultyClip(f"its frame {position} is not bit by bit that of the source")
            continue
        if psnr_db(_halved(found[0]), _halved(expected[0])) < _floor_db(crf):
            raise FaultyClip(
                f"its frame {position} differs from the source (PSNR {psnr_db(found[0], expected[0]):.1f} dB)"
            )
        levels.append(psnr_db(found[0], expected[0]))
    sha256, size_bytes = _hashed(path)
    height, width = next(iter(samples.values()))[0].shape[:2]
    return Measured(sha256, size_bytes, width, height, None if kind.lossless else tuple(levels), sound_s)


def _shown(path: Path, kind: ClipFormat, plan: ClipPlan, wanted: Collection[int]) -> dict[int, Sequence[NDArray[Any]]]:
    """Decode all, keep what is wanted, as `check_clip` takes it."""
    count = len(plan.pts)
    if kind.is_folder:
        _require_count(sum(1 for _ in path.iterdir()), count)
        return {position: [_read_picture(path / picture_name(position, kind))] for position in wanted}
    clip = probe(path)
    converter = PictureConverter(clip, None, "rgb24")
    shown: dict[int, Sequence[NDArray[Any]]] = {}
    decoded = 0
    with closing(decode_raw(clip, 0, clip.frame_count)) as frames:
        for position, frame in frames:
            decoded += 1
            if position in wanted:
                shown[position] = numbers(frame) if kind.lossless else [converter(frame)]
    _require_count(decoded, count)
    late_s = np.abs(clip.times_s - plan.pts * float(plan.time_base)).max()
    if late_s > _TIME_SLACK_S:
        raise FaultyClip(f"its time stamps are off by {late_s:.3f} s")
    return shown


def _require_count(found: int, planned: int) -> None:
    if found != planned:
        raise FaultyClip(f"it has {found} frames instead of {planned}")


def _read_picture(path: Path) -> UInt8Array:
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FaultyClip(f"its picture {path.name} cannot be read again")
    upright: UInt8Array = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return upright


def _sound_length(path: Path) -> float | None:
    """Seconds of sound from time 0 on; None without a sound stream."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        ends = [
            frame.pts * frame.time_base + Fraction(frame.samples, frame.sample_rate)
            for frame in container.decode(audio=0)
            if frame.pts is not None and frame.time_base is not None
        ]
    return float(max(ends, default=Fraction(0)))


def _require_sound(sound_s: float | None, plan: ClipPlan) -> None:
    if sound_s is None:
        raise FaultyClip("it has no sound")
    if not -_SOUND_SHORT_S <= sound_s - float(plan.duration_s) <= _SOUND_LONG_S:
        raise FaultyClip(f"it has {sound_s:.3f} s of sound instead of {float(plan.duration_s):.3f} s")


def _halved(pixels: UInt8Array) -> UInt8Array:
    """At half the size chroma at half resolution is no difference."""
    height, width = pixels.shape[:2]
    half: UInt8Array = cv2.resize(pixels, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return half


def _floor_db(crf: int) -> float:
    """PSNR that even pictures of pure noise pass by some dB, whatever the codec (measured on such pictures)."""
    return max(8.0, 38.0 - 0.75 * crf)


def _hashed(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    parts = {file.name: _hashed(file) for file in sorted(path.iterdir())}
    lines = "".join(f"{sha256}  {name}\n" for name, (sha256, _) in parts.items())
    return hashlib.sha256(lines.encode()).hexdigest(), sum(size for _, size in parts.values())
