"""Waiting times in seconds: loading a cached analysis, cancelling an analysis, joining the segments of ten hours."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import clipgen_engine
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.segments import merged
from clipgen_engine.errors import Cancelled
from clipgen_engine.faces.tracks import build_tracks
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Progress
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.paths import SAMPLE
from tests.support.tracklets import LENGTH, every_frame, part, shots

_HOUR = 3600 * 30  # frames


def measure() -> dict[str, float]:
    """All results by name."""
    return {
        "reopen an analysed hour, s (bar: 1)": _opened_s(),
        "cancel an analysis, s": _cancelled_s(),
        "join the segments of ten hours, s": _joined_s(10 * _HOUR // LENGTH),
    }


def _opened_s() -> float:
    rng = np.random.default_rng(0)
    track = FakeTrack(0, rng.random((_HOUR, 51), np.float32), rng.random((_HOUR, 2), np.float32) * 300)
    analysis = replace(make_analysis(track), settings=AnalysisSettings().as_dict())
    with tempfile.TemporaryDirectory() as folder:
        cache = AnalysisCache(Path(folder))
        cache.store(analysis)
        begun = time.perf_counter()
        assert cache.load(analysis.video, AnalysisSettings(), {}) is not None
        return time.perf_counter() - begun


def _cancelled_s() -> float:
    cancel = threading.Event()
    asked_s: list[float] = []

    def stop_soon(progress: Progress) -> None:
        if progress.done > 20 and not asked_s:
            asked_s.append(time.perf_counter())
            cancel.set()

    try:
        clipgen_engine.analyze_video(SAMPLE, progress=stop_soon, cancel=cancel)
    except Cancelled:
        return time.perf_counter() - asked_s[0]
    raise AssertionError("the analysis finished before it was cancelled")


def _joined_s(count: int) -> float:
    segments = [
        merged([part(number, number * LENGTH, LENGTH, left=0, look=0, entry=0 if number else None)], exact=True)
        for number in range(count)
    ]
    starts, looks = [number * LENGTH for number in range(count)], every_frame(count * LENGTH)
    begun = time.perf_counter()
    build_tracks(segments, starts, shots(0, count * LENGTH), looks)
    return time.perf_counter() - begun
