"""Windows of real clips labelled by eye, and the analyses of these clips as they were recorded.

`RULES.md` says how a window is labelled. The analyses are model output without pictures, so that the labels can be
tested without the clips; `python -m tests.truth record` makes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.analysis.store import load_analysis
from clipgen_engine.types import Analysis

HERE = Path(__file__).parent
LENGTH = 30
NOTHING = ("still", "steady", "blink", "glance", "turn")  # kinds without expression


@dataclass(frozen=True)
class Look:
    """What one look at a window found."""

    strength: int  # 0..3
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Label:
    """A labelled window."""

    video: str
    track_id: int
    start_frame: int
    first: Look
    second: Look | None  # by somebody who did not see the first; of a third of the windows

    @property
    def strength(self) -> int:
        return self.first.strength

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.first.kinds


@lru_cache(maxsize=1)
def load_labels() -> tuple[Label, ...]:
    """Return the labelled windows, each of 30 frames."""
    stored = json.loads((HERE / "labels.json").read_text("utf-8"))
    return tuple(
        Label(
            one["video"],
            one["track_id"],
            one["start_frame"],
            _look(one["first"]),
            _look(one["second"]) if "second" in one else None,
        )
        for one in stored["windows"]
    )


def _look(stored: Mapping[str, object]) -> Look:
    kinds = stored["kinds"]
    assert isinstance(kinds, list)
    return Look(int(str(stored["strength"])), tuple(map(str, kinds)))


@lru_cache(maxsize=1)
def load_recordings() -> dict[str, Analysis]:
    """Return the recorded analyses of the labelled clips by file name."""
    return {folder.name: load_analysis(folder) for folder in sorted((HERE / "recorded").iterdir())}


def auc(higher: Sequence[float] | NDArray[np.float64], lower: Sequence[float] | NDArray[np.float64]) -> float:
    """Area under the ROC curve: the probability that one of the higher values exceeds one of the lower ones."""
    one, other = np.asarray(higher)[:, np.newaxis], np.asarray(lower)[np.newaxis]
    return float((one > other).mean() + 0.5 * (one == other).mean())


def weighted_kappa(pairs: Sequence[tuple[int, int]], levels: int = 4) -> float:
    """Cohen's kappa with quadratic weights (Cohen, Psychological Bulletin 70(4), 1968): 1 is perfect agreement."""
    table = np.zeros((levels, levels))
    for one, other in pairs:
        table[one, other] += 1 / len(pairs)
    weight = np.subtract.outer(np.arange(levels), np.arange(levels)) ** 2
    chance = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float(1 - (weight * table).sum() / (weight * chance).sum())
