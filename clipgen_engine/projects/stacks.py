"""Stacks windows that look and move alike: footage that is there twice, a repeated take, a still face listed again.

Two windows are alike if their faces follow the same course: the distance is the root mean square, over the points of
`ranking.trajectories`, of the Euclidean distance between facial actions, head poses and brightness, for the best of
nine shifts against each other. The measure of diversity, the cosine of mean actions, says nothing about movement.
"""

from __future__ import annotations

import threading

import numpy as np

from clipgen_engine.errors import Cancelled
from clipgen_engine.projects.ranker import RankedWindows
from clipgen_engine.ranking.ranker import SequenceKey
from clipgen_engine.ranking.trajectories import MARGIN, POINTS, SHAPE, trajectories
from clipgen_engine.types import Analysis, BoolArray, Float32Array, Float64Array, Int64Array

ALIKE = 0.35  # largest distance within a stack; resources/docs/scores.md says what it was chosen by
_SHIFTS = (0, *(sign * step for step in range(1, MARGIN + 1) for sign in (1, -1)))
_BLOCK = 1024  # windows
_QUERIES = 64  # whose mean points are compared with others at once
_PACK = 96  # of mean points
_PAIRS = 4096  # that are compared point by point at once
_SLACK = 1e-3  # of squared distances in float32


def stacked(
    trajectories: Float32Array,
    score: Float64Array,
    *,
    alike: float = ALIKE,
    cancel: threading.Event | None = None,
) -> Int64Array:
    """(N,) int64: for each window, which one is the best of its stack; itself, if it is alone or on top.

    Leader clustering (Hartigan, Clustering Algorithms, 1975, chapter 3): from the best window to the worst, each joins
    the first stack whose leader it is like, or leads one of its own. Unlike in single linkage, slow drift does not
    chain windows that differ. A window whose middle is not known at every point stays alone.

    Args:
        trajectories: (N, P, C) float32, of `ranking.trajectories`.
        score: (N,) float64. Of equal ones, any order gives the same stacks.
        alike: largest distance to the leader.

    Raises:
        Cancelled: `cancel` was set.
    """
    count = len(score)
    if not count:
        return np.zeros(0, np.int64)
    rows = np.ascontiguousarray(trajectories).reshape(count, -1)
    content = np.unique(rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))), return_inverse=True)[1]
    order = np.lexsort((content.ravel(), -score))
    courses = _Courses(trajectories[order], alike)
    leader = np.arange(count)  # places in the order
    leaders = np.zeros(0, np.int64)
    first = 0
    while first < count:
        if cancel is not None and cancel.is_set():
            raise Cancelled
        # the first blocks are small, as their leaders spare many comparisons where all windows are alike
        block = np.arange(first, min(first + min(max(_QUERIES, first), _BLOCK), count))
        first = int(block[-1]) + 1
        left, right = courses.alike(block, leaders)
        join = np.flatnonzero(np.diff(left, prepend=-1))  # the first leader of each
        leader[left[join]] = right[join]
        alone = block[leader[block] == block]
        for one, other in zip(*map(np.ndarray.tolist, courses.alike(alone, alone)), strict=True):
            if other < one and leader[one] == one and leader[other] == other:
                leader[one] = other
        leaders = np.concatenate([leaders, block[leader[block] == block]])
    best = np.full(count, count)  # by leader: the first of the best, as listed
    stack = np.empty(count, np.int64)
    stack[order] = leader
    listed = np.lexsort((np.arange(count), -score))
    np.minimum.at(best, stack[listed], np.arange(count))
    top: Int64Array = listed[best[stack]]
    return top


class Stacker:
    """Stacks the listed windows of rankings. Keeps what it knows of a window while its length and analysis stay."""

    def __init__(self) -> None:
        self._step_s = 0.0
        self._known: dict[int, tuple[Analysis, dict[SequenceKey, Float32Array]]] = {}  # by video

    def stacks(self, ranked: RankedWindows, cancel: threading.Event | None = None) -> Int64Array:
        """(N,) int64: as `stacked`, of the listed windows.

        A length in frames is compared over the time that it takes at the median frame rate of the listed videos.

        Raises:
            Cancelled: `cancel` was set.
        """
        settings, places_of = ranked.settings, _places_by_video(ranked)
        analyses = {video: one for video in places_of if (one := ranked.analysis_of(video)) is not None}
        rates = [float(one.video.average_rate) for one in analyses.values()] or [1.0]
        step_s = (settings.sequence_seconds or settings.sequence_length / max(float(np.median(rates)), 1e-6)) / POINTS
        if step_s != self._step_s:
            self._step_s, self._known = step_s, {}
        self._known = {video: one for video, one in self._known.items() if analyses.get(video) is one[0]}
        values = np.full((len(ranked), *SHAPE), np.nan, np.float32)
        for video, analysis in analyses.items():
            if cancel is not None and cancel.is_set():
                raise Cancelled
            known = self._known.setdefault(video, (analysis, {}))[1]
            keys = [ranked.key_of(place) for place in places_of[video].tolist()]
            self._add(analysis, [key for key in keys if key not in known], known)
            for place, key in zip(places_of[video].tolist(), keys, strict=True):
                if key in known:
                    values[place] = known[key]
        return stacked(values, ranked.score, cancel=cancel)

    def _add(self, analysis: Analysis, keys: list[SequenceKey], known: dict[SequenceKey, Float32Array]) -> None:
        times_s = np.append(analysis.video.times_s, analysis.video.duration_s)
        for track in analysis.tracks:
            own = [key for key in keys if key[2] == track.track_id]
            if own and len(track.frame_index):
                spans = np.clip(np.array(own)[:, :2], 0, len(times_s) - 1)
                found = trajectories(track, times_s, times_s[spans].mean(axis=1), self._step_s)
                known |= zip(own, found, strict=True)


def _places_by_video(ranked: RankedWindows) -> dict[int, Int64Array]:
    """Places in the list, by video."""
    order = np.argsort(ranked.video, kind="stable")
    videos, first = np.unique(ranked.video[order], return_index=True)
    return dict(zip(videos.tolist(), np.split(order, first[1:]), strict=False))  # one empty part without videos


class _Courses:
    """Compares trajectories. Their mean points, which are never further apart than they are, rule out most pairs."""

    def __init__(self, trajectories: Float32Array, alike: float) -> None:
        self._points, self._alike = trajectories, alike
        means = np.stack([self._middle(slice(None), shift).mean(axis=1) for shift in _SHIFTS])  # (S, N, C)
        known = means[0][np.isfinite(means[0]).all(axis=1)].astype(np.float64)
        # mean points are sorted along the direction in which they differ most, so that few are within reach
        direction = np.linalg.eigh(np.cov(known.T))[1][:, -1] if len(known) > 1 else np.ones(means.shape[2])
        self._along: Float32Array = means @ (direction / np.linalg.norm(direction)).astype(np.float32)
        # the product of a query and a mean point is half of how much the squared distance is below its limit
        squares = np.einsum("snc,snc->sn", means, means)[..., np.newaxis]
        ones = np.ones_like(squares)
        self._means = np.concatenate([means, -squares / 2, ones], axis=2)
        self._queries = np.concatenate([means, ones, (alike**2 + _SLACK - squares) / 2], axis=2)

    def alike(self, left: Int64Array, right: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Pairs of windows that are alike, one from each side, sorted."""
        every = np.arange(len(_SHIFTS))
        forth = self._near(left, every[:1], right, every)
        back = self._near(left, every[1:], right, every[:1])
        first, second, shift, moved = (np.concatenate(both) for both in zip(forth, back, strict=True))
        same = [
            self._are_alike(*(one[at : at + _PAIRS] for one in (first, second, shift, moved)))
            for at in range(0, len(first), _PAIRS)
        ]
        chosen = np.concatenate([np.zeros(0, np.bool_), *same])
        width = len(self._points)
        pairs = np.unique(first[chosen] * width + second[chosen])
        return pairs // width, pairs % width

    def _near(
        self, left: Int64Array, left_shifts: Int64Array, right: Int64Array, right_shifts: Int64Array
    ) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
        """Pairs whose mean points are within the limit: left and right windows, and places of their shifts, (M,)."""
        a, a_shift = (one.ravel() for one in np.meshgrid(left, left_shifts))
        b, b_shift = (one.ravel() for one in np.meshgrid(right, right_shifts))
        a, a_shift, a_along = self._sorted(a, a_shift)
        b, b_shift, b_along = self._sorted(b, b_shift)
        packs = self._packed(self._means[b_shift, b])
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        for at in range(0, len(a), _QUERIES):
            own = slice(at, at + _QUERIES)
            low, high = a_along[own][[0, -1]] + np.float32(self._alike + _SLACK) * np.array([-1, 1], np.float32)
            first, stop = np.searchsorted(b_along, [low, high])
            near = packs[first // _PACK : -(-stop // _PACK)]
            if len(near):
                inside = np.flatnonzero(self._queries[a_shift[own], a[own]] @ near >= 0)
                pack, row, column = np.unravel_index(inside, (len(near), len(a_along[own]), _PACK))
                found.append((row + at, (pack + first // _PACK) * _PACK + column))
        rows, columns = (np.concatenate(one) for one in zip(*found, strict=True))
        return a[rows], b[columns], a_shift[rows], b_shift[columns]

    def _packed(self, means: Float32Array) -> Float32Array:
        """(N / _PACK, C, _PACK) float32, filled up with NaN.

        Products of this size stay on one core. Larger ones would wait for each other on cores that analyse videos.
        """
        filled = np.full((-(-len(means) // _PACK) * _PACK, means.shape[1]), np.nan, np.float32)
        filled[: len(means)] = means
        return filled.reshape(-1, _PACK, means.shape[1]).transpose(0, 2, 1)

    def _sorted(self, windows: Int64Array, shifts: Int64Array) -> tuple[Int64Array, Int64Array, Float32Array]:
        """Those that are known, sorted, with where they are."""
        along = self._along[shifts, windows]
        order = np.argsort(along)[: int(np.count_nonzero(np.isfinite(along)))]  # NaN is last
        return windows[order], shifts[order], along[order]

    def _are_alike(
        self, left: Int64Array, right: Int64Array, left_shift: Int64Array, right_shift: Int64Array
    ) -> BoolArray:
        """(M,) bool"""
        shifts, points = np.array(_SHIFTS)[:, np.newaxis], np.arange(MARGIN, MARGIN + POINTS)
        steps = self._points[left[:, np.newaxis], points + shifts[left_shift]]
        steps -= self._points[right[:, np.newaxis], points + shifts[right_shift]]
        same: BoolArray = np.einsum("mpc,mpc->m", steps, steps) <= self._alike**2 * POINTS
        return same

    def _middle(self, windows: slice, shift: int) -> Float32Array:
        """(M, POINTS, C) float32"""
        return self._points[windows, MARGIN + shift : MARGIN + shift + POINTS]
