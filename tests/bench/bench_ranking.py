"""Latency of interactive ranking: time from a changed setting to the new list, for 10^5 and 10^6 windows."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis
from tests.support.analyses import FakeTrack, make_analysis

_REPEATS = 11
_START = RankingSettings()
_CHANGES = {
    "weight": lambda step: replace(_START, weights={"expression_variation": 0.3 + step / 50}),
    "length": lambda step: replace(_START, sequence_length=31 + step),
    "region": lambda step: replace(_START, regions={"gaze": step / 20}),
    "gate": lambda step: replace(_START, gates={"max_yaw": 20.0 + step}),
    "diversity": lambda step: replace(_START, diversity=0.1 + step / 50),
}


def measure() -> dict[str, float]:
    """Median of eleven changes each, in milliseconds (limits: 16 ms for a weight, 60 ms for the others)."""
    figures = {}
    for count in (100_000, 1_000_000):
        ranker = Ranker(_long_analysis(count))
        for name, change in _CHANGES.items():
            ranker.rank(_START)
            ranker.rank(change(_REPEATS))
            times = []
            for step in range(_REPEATS):
                begun = time.perf_counter()
                ranker.rank(change(step))
                times.append(time.perf_counter() - begun)
            figures[f"{name}, {count:.0e} windows, ms"] = float(np.median(times)) * 1000
    return figures


def _long_analysis(count: int) -> Analysis:
    rng = np.random.default_rng(0)
    tokens = rng.random((count, 51), np.float32)
    center = np.cumsum(rng.normal(0, 0.5, (count, 2)), axis=0).astype(np.float32) % 500
    return make_analysis(FakeTrack(0, tokens, center))
