"""Does a ranking survive what must not matter: another encoding, mirroring, rate, start, scale, crop?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.opencv import cv2
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from tests.support.composed import frames_of, write_video
from tests.support.videos import encoded_again

Picture = NDArray[np.uint8]
Span = tuple[float, float]  # seconds


def _mirrored(frames: Iterable[Picture]) -> Iterator[Picture]:
    return (frame[:, ::-1] for frame in frames)


def _halved(frames: Iterable[Picture]) -> Iterator[Picture]:
    return (cv2.resize(frame, _even(frame, 0.5), interpolation=cv2.INTER_AREA) for frame in frames)


def _cropped(frames: Iterable[Picture]) -> Iterator[Picture]:
    """Without a twentieth of the picture on each side."""
    for frame in frames:
        top, left = frame.shape[0] // 20, frame.shape[1] // 20
        width, height = _even(frame, 0.9)
        yield frame[top : top + height, left : left + width]


def _even(frame: Picture, factor: float) -> tuple[int, int]:
    return round(frame.shape[1] * factor / 2) * 2, round(frame.shape[0] * factor / 2) * 2


@dataclass(frozen=True)
class Change:
    """A change of a video that must not change its ranking."""

    frames: Callable[[list[Picture]], Iterable[Picture]] | None  # None: only encoded with a quarter of the bit rate
    skipped: int = 0  # frames that are missing at the start


CHANGES: dict[str, Change] = {
    "quarter of the bit rate": Change(None),
    "mirrored": Change(_mirrored),
    "half the size": Change(_halved),
    "cropped": Change(_cropped),
    **{f"starts {count} later": Change(lambda frames, count=count: frames[count:], count) for count in (1, 3, 7)},
}


def changed_video(source: Path, name: str, target: Path) -> Path:
    """Write the changed video."""
    change = CHANGES[name]
    video = probe(source)
    if change.frames is None:
        return encoded_again(target, source, round(source.stat().st_size * 8 / video.duration_s) // 4)
    pts = [int(value - video.pts[change.skipped]) for value in video.pts[change.skipped :]]
    return write_video(target, change.frames(frames_of(source)), pts=pts, time_base=Fraction(video.time_base))


def best_spans(analysis: Analysis, settings: RankingSettings, shift_s: float = 0.0) -> list[Span]:
    """Time spans of the selected windows, best first."""
    times = analysis.video.times_s + shift_s
    return [
        (float(times[s.start_frame]), float(times[s.stop_frame - 1]))
        for s in rank_sequences(analysis, settings).sequences
    ]


def kept(before: list[Span], after: list[Span]) -> int:
    """Number of spans that overlap one of the others by at least half."""
    return sum(any(min(a[1], b[1]) - max(a[0], b[0]) >= (b[1] - b[0]) / 2 for a in after) for b in before)


def stability(source: Path, name: str, folder: Path, settings: RankingSettings, analysis: Analysis) -> tuple[int, int]:
    """Return how many of the best windows are kept, and of how many."""
    after = analyze_video(changed_video(source, name, folder / "changed.mp4"))
    shift = float(analysis.video.times_s[CHANGES[name].skipped])
    before = best_spans(analysis, settings)
    return kept(before, best_spans(after, settings, shift)), len(before)
