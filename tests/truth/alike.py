"""Do stacks hold the same footage, and nothing else? Distances between windows of clips and of changed copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.projects.stacks import ALIKE
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.ranking.trajectories import MARGIN, POINTS, trajectories
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Float32Array, Float64Array
from tests.truth.labels import auc
from tests.truth.stability import CHANGES

ORIGINAL = ""
COPIES = ("quarter of the bit rate", "cropped", "starts 7 later", "five sixths of the rate")
SAME_TAKE = {"face_noface", "single_face"}  # found by the measure, confirmed by eye
REPEATS = {"sample"}  # animated by a schedule that repeats itself
EXPRESSIVE = 0.15  # E of at least one of two windows that are to be told apart
_OFFSETS_S = (0.0, 0.13, 0.27)  # of the windows of copies, which are selected a little earlier or later
_APART_S = 1.4  # windows of one clip that share no footage, shifts included
_LENGTH = 30


class Sampled(NamedTuple):
    """Windows of one second every half second."""

    time_s: Float64Array  # (N,) float64, middle, in the time of the original
    expression: Float32Array  # (N,) float32, E
    course: Float32Array  # (N, P, C) float32


def sampled(analysis: Analysis, skipped_s: float, offset_s: float) -> Sampled | None:
    """The windows of an analysis, moved by an offset, whose video lacks the first seconds of the original."""
    times_s = np.append(analysis.video.times_s, analysis.video.duration_s)
    scores = Ranker(analysis).rank(RankingSettings()).scores
    complete = np.flatnonzero(scores.complete)
    row_of = {(int(scores.start_frame[row]), int(scores.track_id[row])): int(row) for row in complete}
    found: list[tuple[float, float, Float32Array]] = []
    for middle_s in np.arange(0.5, analysis.video.duration_s + skipped_s, 0.5):
        start = round(float(np.interp(middle_s - skipped_s + offset_s, times_s, np.arange(len(times_s)))) - _LENGTH / 2)
        for track in analysis.tracks:
            row = row_of.get((start, track.track_id))
            if row is not None:
                at = np.array([times_s[start], times_s[start + _LENGTH]]).mean(keepdims=True)
                course = trajectories(track, times_s, at, 0.1)[0]
                found.append((middle_s, float(scores.term("expression_variation")[row]), course))
    if not found:
        return None
    middles, expression, courses = zip(*found, strict=True)
    return Sampled(np.array(middles), np.array(expression, np.float32), np.stack(courses))


def distances(one: Float32Array, other: Float32Array, shifts: int = MARGIN) -> Float64Array:
    """(N, M) float64: as in `projects.stacks`; infinite where nothing can be compared."""
    best = np.full((len(one), len(other)), np.inf)
    for shift in range(-shifts, shifts + 1):
        for a_shift, b_shift in ((0, shift), (shift, 0)):
            a, b = (
                values[:, MARGIN + by : MARGIN + by + POINTS].reshape(len(values), -1).astype(np.float64)
                for values, by in ((one, a_shift), (other, b_shift))
            )
            squared = (a * a).sum(axis=1)[:, np.newaxis] + (b * b).sum(axis=1) - 2 * a @ b.T
            best = np.fmin(best, np.sqrt(np.maximum(squared, 0) / POINTS))
    return best


def unlikeness(one: Float32Array, other: Float32Array) -> Float64Array:
    """(N, M) float64: one minus the cosine of mean actions, the measure of diversity, each centred on its video."""
    a, b = (np.nanmean(values[:, MARGIN : MARGIN + POINTS, :-4], axis=1, dtype=np.float64) for values in (one, other))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norms = np.linalg.norm(a, axis=1)[:, np.newaxis] * np.linalg.norm(b, axis=1)
    cosine: Float64Array = 1 - a @ b.T / np.maximum(norms, 1e-9)
    return cosine


def separation(analyses: Mapping[tuple[str, str], Analysis]) -> dict[str, Any]:
    """How well each measure tells copies from other windows.

    Args:
        analyses: by clip and change, `ORIGINAL` for none.
    """
    windows: dict[tuple[str, str, float], Sampled] = {}
    for (clip, change), analysis in analyses.items():
        skipped = CHANGES[change].skipped if change else 0
        skipped_s = float(analyses[clip, ORIGINAL].video.times_s[skipped])
        for offset_s in _OFFSETS_S if change else (0.0,):
            found = sampled(analysis, skipped_s, offset_s)
            if found is not None:
                windows[clip, change, offset_s] = found
    measures = {
        "course": distances,
        "course without shifts": lambda a, b: distances(a, b, 0),
        "cosine of mean actions": unlikeness,
    }
    return {name: _separated(windows, measure) for name, measure in measures.items()}


def _separated(windows: Mapping[tuple[str, str, float], Sampled], measure: Any) -> dict[str, float]:
    copies: list[tuple[str, float]] = []
    same_face: list[NDArray[np.float64]] = []
    others: list[NDArray[np.float64]] = []
    for (clip, change, _), one in windows.items():
        if change:
            continue
        for (other_clip, other_change, offset_s), other in windows.items():
            apart = measure(one.course, other.course)
            if clip != other_clip:
                if {clip, other_clip} != SAME_TAKE:
                    others.append(apart.ravel())
                continue
            gap_s = np.abs(one.time_s[:, np.newaxis] - other.time_s)
            strongest = np.maximum(one.expression[:, np.newaxis], other.expression)
            if clip not in REPEATS and not offset_s:
                same_face.append(apart[(gap_s >= _APART_S) & (strongest >= EXPRESSIVE)])
            if other_change:
                for at in range(len(other.time_s)):
                    same = apart[gap_s[:, at] < 0.01, at]  # of several faces, the nearest
                    copies += [(clip, float(same.min()))] if len(same) else []
    copied = np.array([one for _, one in copies])
    worst = min(
        np.mean([one <= ALIKE for name, one in copies if name == clip]) for clip in {name for name, _ in copies}
    )
    same, different = np.concatenate(same_face), np.concatenate(others)
    return {
        "copies": len(copied),
        "windows of the same face": len(same),
        "of others": len(different),
        "AUC, copies against the same face": auc((-copied).tolist(), (-same).tolist()),
        "AUC, copies against others": auc((-copied).tolist(), (-different).tolist()),
        "nearest of the same face": float(same.min()),
        "nearest of others": float(different.min()),
        "copies nearer than any of the same face": float(np.mean(copied < same.min())),
        "copies within the limit": float(np.mean(copied <= ALIKE)),
        "in the worst clip": float(worst),
        "others within the limit": int(np.sum(same <= ALIKE) + np.sum(different <= ALIKE)),
    }
