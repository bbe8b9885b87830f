"""Ranks the windows of an analysis by weights and gates, fast enough for interactive sliders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from clipgen_engine.ranking.effective import effective_regions, effective_thresholds, effective_weights, in_frames
from clipgen_engine.ranking.expression.movements import Movements
from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.scores import SCORE_SETTINGS, WindowScores
from clipgen_engine.ranking.selection import select_windows
from clipgen_engine.ranking.terms import (
    ACTION_METRIC,
    METRIC_VERSIONS,
    TERMS,
    metric_of,
)
from clipgen_engine.ranking.token_series import TokenSeries
from clipgen_engine.ranking.windows import Windows
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import (
    BLENDSHAPES,
    Analysis,
    BoolArray,
    Float32Array,
    Float64Array,
    Int64Array,
    Sequence,
    read_only,
)

COMBINED = "combined_score"
SequenceKey = tuple[int, int, int]
_TOP_MOVEMENTS = 3
_VARIATION = "expression_variation"
_LEARNED_FIRST = 16.0  # exceeds any combined score, because scores from different backends are not comparable
_MAX_CACHED = 10_000  # windows
_Video = TypeVar("_Video")


@dataclass(frozen=True, eq=False)
class Ranking:
    """Result of a ranking: the selected sequences, and the data to explain them."""

    requested: RankingSettings
    settings: RankingSettings  # with the length in frames
    sequences: tuple[Sequence, ...]  # best first, including the pinned ones
    scores: WindowScores
    combined: Float64Array  # (W,) float64
    window_count: int  # windows that lie within a track
    valid_count: int  # windows that pass all gates
    gate_counts: Mapping[str, int]  # windows that fail each active gate
    gate_counts_alone: Mapping[str, int]  # windows that fail this gate and no other
    valid: BoolArray = field(repr=False)  # (W,) bool: passes all gates
    blocked: tuple[SequenceKey, ...] = ()  # rejected sequences

    def curve(self, name: str, track_id: int) -> tuple[Int64Array, Float32Array]:
        """Return a curve to plot: frames (N,) int64, and the value (N,) float32 of the window centred at each frame.

        Gaps are NaN. While learned tokens are incomplete, the expression variation is NaN where they are missing, and
        the combined score is NaN where the token backend changes.

        Args:
            name: a score term, `combined_score`, one of the two variations (`LEARNED`, `BY_BLENDSHAPES`), or a gate
                for its measured value.
            track_id: the face track.
        """
        scores = self.scores
        values = self.combined if name == COMBINED else scores.gate(name) if name in GATES else scores.term(name)
        rows = np.flatnonzero((scores.track_id == track_id) & scores.inside)  # consecutive
        if not len(rows):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        span = slice(rows[0], rows[-1] + 1)
        complete = scores.complete[span]
        if name == _VARIATION and scores.mixed:
            complete = complete & scores.learned[span]
        elif name == COMBINED and scores.mixed:  # do not connect scores from different backends
            complete = complete & ~np.diff(scores.learned[span], prepend=scores.learned[span][:1])
        frames = scores.start_frame[span] + (scores.windows.length - 1) // 2
        return frames, np.where(complete, values[span], np.nan).astype(np.float32)

    def drafts(self, track_id: int) -> BoolArray:
        """(N,) bool: which values of the curves of a track are those of a draft."""
        rows = np.flatnonzero((self.scores.track_id == track_id) & self.scores.inside)
        drafts: BoolArray = ~self.scores.exact[rows]
        return drafts


class Ranker:
    """Ranks one analysis repeatedly, reusing everything that a changed setting does not affect."""

    def __init__(self, analysis: Analysis, series: FrameSeries | None = None) -> None:
        """
        Args:
            series: of this analysis, or of several whose windows have the same length; None: made here.
        """
        self.series = series or FrameSeries(analysis)
        self._rate = analysis.video.average_rate
        self._scores: WindowScores | None = None
        self._movements: dict[tuple[SequenceKey, bool], Movements] = {}
        self._gated: tuple[WindowScores, Mapping[str, float], Gated] | None = None

    def rank(
        self,
        settings: RankingSettings,
        *,
        pinned: Collection[SequenceKey] = (),
        blocked: Collection[SequenceKey] = (),
        drafts_raised_by: float = 0.0,
    ) -> Ranking:
        """Select the best windows.

        Args:
            settings: weights, thresholds, window length and number of windows. A length in seconds is converted to
                frames at the average rate of the video.
            pinned: accepted sequences of any length, always selected.
            blocked: rejected sequences, whose spans are excluded.
            drafts_raised_by: select as if the combined score of every draft were higher by this.

        Raises:
            SettingError: unknown name, or weight, threshold or multiplier out of bounds.
        """
        requested, settings = settings, in_frames(settings, self._rate)
        weights = effective_weights(settings)
        scores = self.scores(settings)
        gated = self.gated(settings)
        combined = scores.combined(weights)
        described = [sequence for key in pinned if (sequence := self.describe(key, settings))]
        order = combined + _LEARNED_FIRST * scores.learned if scores.mixed else combined
        if drafts_raised_by:
            order = order + drafts_raised_by * ~scores.exact
        for row in self._select(settings, scores, np.where(gated.valid, order, -np.inf), pinned, blocked):
            start = int(scores.start_frame[row])
            key = (start, start + settings.sequence_length, int(scores.track_id[row]))
            window = Windows(settings.sequence_length, row, row + 1)
            described.append(self._sequence(key, scores.terms_of(row), settings, window))
        described.sort(key=best_first)
        return Ranking(
            requested=requested,
            settings=settings,
            sequences=tuple(replace(sequence, rank=rank) for rank, sequence in enumerate(described, 1)),
            scores=scores,
            combined=combined,
            window_count=gated.window_count,
            valid_count=gated.valid_count,
            gate_counts=gated.counts,
            gate_counts_alone=gated.counts_alone,
            valid=gated.valid,
            blocked=tuple(blocked),
        )

    def scores(self, settings: RankingSettings) -> WindowScores:
        """Return the scores of all windows; the same object until a setting that they depend on changes."""
        effective_regions(settings)
        kept = self._scores
        if (
            kept is None
            or kept.settings.sequence_length != settings.sequence_length
            or any(getattr(kept.settings, name) != getattr(settings, name) for name in SCORE_SETTINGS)
        ):
            self._scores = WindowScores(self.series, settings, kept)
        assert self._scores is not None
        return self._scores

    def gated(self, settings: RankingSettings) -> Gated:
        """Return which windows pass all gates; the same object until a setting that this depends on changes."""
        scores, thresholds = self.scores(settings), effective_thresholds(settings)
        if self._gated is None or self._gated[0] is not scores or self._gated[1] != thresholds:
            self._gated = scores, thresholds, _gated(scores, thresholds)
        return self._gated[2]

    def describe(self, key: SequenceKey, settings: RankingSettings) -> Sequence | None:
        """Return the sequence of any span, selected or not, with its scores and rank 0.

        None if the track does not cover the span or the face is missing in one of its frames.
        """
        windows, terms = self.terms_of(key, settings)
        return None if windows is None else self._sequence(key, terms, settings, windows)

    def terms_of(self, key: SequenceKey, settings: RankingSettings) -> tuple[Windows | None, dict[str, float]]:
        """Return the terms of any span, selected or not; without a window where `describe` returns None."""
        start, stop, track_id = key
        windows = self.series.window_at(track_id, start, stop - start)
        if windows is None or self.series.missing_frames(windows)[0]:
            return None, {}
        return windows, {name: float(term.compute(self.series, windows, settings)[0]) for name, term in TERMS.items()}

    def _select(
        self,
        settings: RankingSettings,
        scores: WindowScores,
        score: Float64Array,
        pinned: Collection[SequenceKey],
        blocked: Collection[SequenceKey],
    ) -> list[int]:
        """Rows of the selected windows."""
        if settings.scope == "track":
            chosen = []
            for track_id in np.unique(scores.track_id).tolist():
                own = ([key for key in keys if key[2] == track_id] for keys in (pinned, blocked))
                rows = np.flatnonzero(scores.track_id == track_id)
                chosen += self._select_among(rows, settings, scores, score, *own)
            return chosen
        if self.series.in_frame_order:
            return self._select_among(None, settings, scores, score, pinned, blocked)
        # tracks overlap in time: sort by start frame, then by track
        rows = np.argsort(scores.start_frame, kind="stable")
        return self._select_among(rows, settings, scores, score, pinned, blocked)

    def _select_among(
        self,
        rows: Int64Array | None,
        settings: RankingSettings,
        scores: WindowScores,
        score: Float64Array,
        pinned: Collection[SequenceKey],
        blocked: Collection[SequenceKey],
    ) -> list[int]:
        """Like `_select`, restricted to these rows, sorted by frame; None: all rows, already sorted."""

        tokens = self.compared_tokens(settings, learned=self.series.all_known and bool(scores.learned.all()))

        def similarity(position: int) -> Float64Array:
            row = position if rows is None else int(rows[position])
            values = tokens.similarity(scores.windows, row).astype(np.float64)
            return values if rows is None else values[rows]

        taken = []
        for start, _, track_id in pinned:
            window = self.series.window_at(track_id, start, settings.sequence_length)
            if settings.diversity and window is not None:
                row = window.first_row
                taken += [row] if rows is None else np.flatnonzero(rows == row).tolist()
        chosen = select_windows(
            score if rows is None else score[rows],
            scores.start_frame if rows is None else scores.start_frame[rows],
            settings.sequence_length,
            max(0, settings.num_sequences - len(pinned)),
            min_gap=settings.min_gap,
            occupied=[(start, stop) for start, stop, _ in (*pinned, *blocked)],
            diversity=settings.diversity,
            similarity=similarity,
            taken=taken,
        )
        return chosen if rows is None else rows[chosen].tolist()

    def compared_tokens(self, settings: RankingSettings, *, learned: bool) -> TokenSeries:
        """The tokens by which windows are similar: those behind their expression variation."""
        if learned:
            return self.series.tokens
        if metric_of(settings, learned=False) == ACTION_METRIC:
            return self.series.actions(bridge_blinks=settings.blinks == "bridged")
        return self.series.blendshapes

    def _sequence(
        self, key: SequenceKey, terms: Mapping[str, float], settings: RankingSettings, window: Windows
    ) -> Sequence:
        start, stop, track_id = key
        variations = self.scores(settings).variations(window) if self.series.has_learned else None
        learned = variations is not None and settings.token_source == "learned"
        metric = metric_of(settings, learned=learned)
        moving, multipliers = self.movements(key, settings), effective_regions(settings)
        return Sequence(
            rank=0,
            start_frame=start,
            stop_frame=stop,
            track_id=track_id,
            terms=terms,
            combined_score=combined_score(terms, effective_weights(settings)),
            top_channels=moving.channels[:_TOP_MOVEMENTS],
            movements=moving.actions(multipliers)[:_TOP_MOVEMENTS],
            noise_floor=moving.noise_floor(multipliers) if metric == ACTION_METRIC else None,
            exact=bool(self.series.exact(window)[0]),
            scored_by=self.series.backend if learned else BLENDSHAPES,
            variations=variations,
            term_settings={
                "variation_metric": metric,
                "variation_version": METRIC_VERSIONS[metric],
                "blinks": settings.blinks,
                "stability_metric": settings.stability_metric,
                "regions": multipliers,
            },
        )

    def movements(self, key: SequenceKey, settings: RankingSettings) -> Movements:
        """Return what moves within a window without missing frames."""
        start, stop, track_id = key
        bridged = settings.blinks == "bridged"
        if (key, bridged) not in self._movements:  # dragging a slider describes the same windows repeatedly
            window = self.series.window_at(track_id, start, stop - start)
            assert window is not None
            if len(self._movements) > _MAX_CACHED:
                self._movements.clear()
            self._movements[key, bridged] = Movements(
                self.series.blendshapes_of(track_id, start, stop),
                self.series.actions(bridge_blinks=bridged).tokens_of(window),
            )
        return self._movements[key, bridged]


@dataclass(frozen=True, eq=False)
class Gated:
    """Result of all gates for all windows."""

    valid: BoolArray  # (W,) bool
    window_count: int
    valid_count: int
    counts: Mapping[str, int]
    counts_alone: Mapping[str, int]


def _gated(scores: WindowScores, thresholds: Mapping[str, float]) -> Gated:
    failures: dict[str, BoolArray] = {}
    failed_gates = np.zeros(len(scores.start_frame), np.uint8)
    for name, gate in GATES.items():
        if thresholds[name] != gate.off:
            failures[name] = scores.inside & ~gate.passes(scores.gate(name), thresholds[name])
            failed_gates += failures[name]
    valid = scores.complete & (failed_gates == 0)
    alone = failed_gates == 1
    return Gated(
        valid=read_only(valid),
        window_count=int(np.count_nonzero(scores.inside)),
        valid_count=int(np.count_nonzero(valid)),
        counts={name: int(np.count_nonzero(failed)) for name, failed in failures.items()},
        counts_alone={name: int(np.count_nonzero(failed & alone)) for name, failed in failures.items()},
    )


def best_first(sequence: Sequence) -> tuple[bool, float, int, int]:
    """Sort key: windows scored by learned tokens first, then the others; each group by descending score."""
    return (
        sequence.scored_by == BLENDSHAPES,
        -sequence.combined_score,
        sequence.start_frame,
        sequence.track_id,
    )


def combined_score(terms: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Sum of weight * term, in registry order; bit-identical to the score used by the ranking."""
    total = 0.0
    for name, weight in weights.items():
        if weight:
            total += weight * terms[name]
    return total


def rank_sequences(
    analysis: Analysis,
    settings: RankingSettings | None = None,
    *,
    pinned: Collection[SequenceKey] = (),
    blocked: Collection[SequenceKey] = (),
) -> Ranking:
    """Rank once; use a `Ranker` to rank repeatedly."""
    return Ranker(analysis).rank(settings or RankingSettings(), pinned=pinned, blocked=blocked)


def rank_across_videos(
    rankings: Iterable[tuple[_Video, Ranking]], total: int, quota: int
) -> list[tuple[_Video, Sequence]]:
    """Select the best sequences across several videos.

    Args:
        rankings: each video with its ranking, computed with `num_sequences` of at least `quota`.
        total: maximum number of sequences.
        quota: maximum number of sequences per video.

    Returns:
        Best first; ties in video order.
    """
    candidates = [(video, sequence) for video, ranking in rankings for sequence in ranking.sequences[:quota]]
    return sorted(candidates, key=lambda candidate: -candidate[1].combined_score)[:total]
