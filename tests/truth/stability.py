"""Does a ranking survive what must not matter: another encoding, mirroring, rate, start, scale, crop?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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

    frames: Callable[[Iterable[Picture]], Iterable[Picture]] | None = None
    encoded_again: bool = False  # with a quarter of the bit rate
    skipped: int = 0  # frames that are missing at the start
    dropped: int = 0  # every so many frames one is missing


CHANGES: dict[str, Change] = {
    "quarter of the bit rate": Change(encoded_again=True),
    "mirrored": Change(_mirrored),
    "half the size": Change(_halved),
    "cropped": Change(_cropped),
    "five sixths of the rate": Change(dropped=6),
    **{f"starts {count} later": Change(skipped=count) for count in (1, 3, 7)},
}


def changed_video(source: Path, name: str, target: Path) -> Path:
    """Write the changed video."""
    change, video = CHANGES[name], probe(source)
    if change.encoded_again:
        return encoded_again(target, source, round(source.stat().st_size * 8 / video.duration_s) // 4)
    left = [n for n in range(change.skipped, video.frame_count) if not change.dropped or (n + 1) % change.dropped]
    frames = frames_of(source)
    pictures = (frames[number] for number in left)
    pts = [int(video.pts[number] - video.pts[left[0]]) for number in left]
    changed = pictures if change.frames is None else change.frames(pictures)
    return write_video(target, changed, pts=pts, time_base=Fraction(video.time_base))


def stability(before: Analysis, after: Analysis, name: str, settings: RankingSettings) -> tuple[int, int]:
    """Return how many of the best windows of a video are kept after a change, and of how many."""
    shift_s = float(before.video.times_s[CHANGES[name].skipped])
    spans = _best_spans(before, settings)
    return _kept(spans, _best_spans(after, settings, shift_s)), len(spans)


def _best_spans(analysis: Analysis, settings: RankingSettings, shift_s: float = 0.0) -> list[Span]:
    """Time spans of the selected windows, best first."""
    times = analysis.video.times_s + shift_s
    best = rank_sequences(analysis, settings).sequences
    return [(float(times[one.start_frame]), float(times[one.stop_frame - 1])) for one in best]


def _kept(before: list[Span], after: list[Span]) -> int:
    """Number of spans that overlap one of the others by at least half."""
    return sum(any(min(a[1], b[1]) - max(a[0], b[0]) >= (b[1] - b[0]) / 2 for a in after) for b in before)
