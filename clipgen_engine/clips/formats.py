"""Clip formats: container, codecs and quality options per codec."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clipgen_engine.settings import ExportSettings

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_VP9_SPEEDS = (5, 5, 5, 4, 4, 3, 2, 1, 0)  # cpu-used for each x264 preset


@dataclass(frozen=True)
class ClipFormat:
    """One choice of `clip_format`."""

    suffix: str  # of the clip file, or of each image in its folder
    muxer: str = ""  # FFmpeg muxer name; empty: image sequence
    video_codec: str = ""
    audio_codec: str = ""
    audio_rates: tuple[int, ...] = ()  # Hz, supported by the audio codec; empty: any
    video_options: Callable[[ExportSettings], Mapping[str, str]] = lambda settings: {}
    muxer_options: Mapping[str, str] = field(default_factory=dict)
    lossless: bool = False
    keeps_times: bool = True  # whether frames carry individual timestamps

    @property
    def is_folder(self) -> bool:
        return not self.muxer

    @property
    def wants_even_size(self) -> bool:
        """Whether frames are yuv420p, which some players cannot display at odd sizes."""
        return not (self.is_folder or self.lossless)


def _h264_options(settings: ExportSettings) -> dict[str, str]:
    return {"crf": str(settings.crf), "preset": settings.encoder_preset}


def _vp9_options(settings: ExportSettings) -> dict[str, str]:
    speed = _VP9_SPEEDS[_PRESETS.index(settings.encoder_preset)]
    return {
        "crf": str(round(settings.crf * 63 / 51)),
        "b": "0",  # constant quality
        "deadline": "good",
        "cpu-used": str(speed),
        "row-mt": "1",
    }


def _mpeg4_options(settings: ExportSettings) -> dict[str, str]:
    """Fixed quantiser matching the H.264 step at this CRF: 2 q = 5/8 * 2^(crf / 6)."""
    quantiser = str(min(31, max(1, round(0.3125 * math.exp2(settings.crf / 6)))))
    return {"qmin": quantiser, "qmax": quantiser, "mbd": "rd"}


def _ffv1_options(settings: ExportSettings) -> dict[str, str]:
    return {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}  # all keyframes, with checksums


def jpeg_quality(settings: ExportSettings) -> int:
    """JPEG quality (1..100) for a CRF: 91 at 16, 81 at 23."""
    return max(1, round(100 - 0.035 * settings.crf**2))


_H264 = ("libx264", "aac", _AAC_RATES, _h264_options)
_INDEX_FIRST = {"movflags": "+faststart"}  # starts playing at once when streamed

FORMATS: Mapping[str, ClipFormat] = {
    "mp4": ClipFormat(".mp4", "mp4", *_H264, _INDEX_FIRST),
    "mov": ClipFormat(".mov", "mov", *_H264, _INDEX_FIRST),
    "mkv": ClipFormat(".mkv", "matroska", *_H264),
    "avi": ClipFormat(".avi", "avi", "mpeg4", "pcm_s16le", (), _mpeg4_options, keeps_times=False),
    "webm": ClipFormat(".webm", "webm", "libvpx-vp9", "libopus", (48000, 24000, 16000, 12000, 8000), _vp9_options),
    "ffv1": ClipFormat(".mkv", "matroska", "ffv1", "flac", (), _ffv1_options, lossless=True),
    "png": ClipFormat(".png", lossless=True),
    "jpeg": ClipFormat(".jpg"),
}
