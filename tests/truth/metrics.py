"""The metrics that the truth bench compares, as values of windows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis

Span = tuple[int, int, int]  # start frame, stop frame, track id
METRICS: dict[str, RankingSettings] = {
    "actions": RankingSettings(),
    "actions, blinks counted": RankingSettings(blinks="counted"),
    "token_spread": RankingSettings(variation_metric="token_spread"),
    "keyframe_cosine": RankingSettings(variation_metric="keyframe_cosine"),
    **{
        f"actions, {name} alone": RankingSettings(regions={other: float(other == name) for other in REGION_MULTIPLIERS})
        for name in REGION_MULTIPLIERS
        if name != "cheeks_nose"  # never moves
    },
}
LANDMARKS = "landmarks after Procrustes"


def variations(analysis: Analysis, spans: Iterable[Span], settings: RankingSettings) -> NDArray[np.float64]:
    """(W,): expression variation of windows; NaN where the face is missing."""
    ranker = Ranker(analysis)
    found = [ranker.describe(span, settings) for span in spans]
    return np.array([np.nan if one is None else one.terms["expression_variation"] for one in found])


def landmark_variation(meshes: NDArray[np.float32]) -> float:
    """A stranger's metric: spread of the mesh after generalised Procrustes alignment, in units of its size.

    Args:
        meshes: (L, 478, 3) float32, px.
    """
    shapes = meshes[:, :468].astype(np.float64)
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    mean = shapes[0]
    for _ in range(3):
        left, _, right = np.linalg.svd(shapes.transpose(0, 2, 1) @ mean)
        aligned = shapes @ (left @ right)
        mean = aligned.mean(axis=0)
        mean /= np.linalg.norm(mean)
    return float(np.sqrt(np.square(aligned - aligned.mean(axis=0)).sum(axis=(1, 2)).mean()))
