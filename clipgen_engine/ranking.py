"""Analysis + weights + gates -> ranked sequences: what the sliders call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from clipgen_engine.errors import SettingError
from clipgen_engine.frame_series import FrameSeries, Windows
from clipgen_engine.gates import GATES
from clipgen_engine.score_terms import TERMS
from clipgen_engine.selection import select_windows
from clipgen_engine.settings import RankingSettings, checked_value, declarations
from clipgen_engine.types import (
    Analysis,
    BoolArray,
    Float32Array,
    Float64Array,
    Int64Array,
    Sequence,
    Setting,
)

COMBINED = "combined_score"
SequenceKey = tuple[int, int, int]
_TOP_CHANNELS = 3


def ranking_declarations() -> tuple[Setting, ...]:
    """Every setting of the ranking: those of `RankingSettings`, the weight of each term, the threshold of each gate."""
    thresholds = (gate.threshold for gate in GATES.values())
    return (
        *declarations(RankingSettings),
        *(term.weight for term in TERMS.values()),
        *(setting for setting in thresholds if setting.minimum != setting.maximum),
    )


def effective_weights(settings: RankingSettings) -> dict[str, float]:
    """Weight of every term by name.

    Raises:
        SettingError: an unknown term, or a weight out of bounds.
    """
    return _resolved(settings.weights, {name: term.weight for name, term in TERMS.items()}, "score term")


def effective_thresholds(settings: RankingSettings) -> dict[str, float]:
    """Threshold of every gate by name.

    Raises:
        SettingError: an unknown gate, or a threshold out of bounds.
    """
    return _resolved(settings.gates, {name: gate.threshold for name, gate in GATES.items()}, "gate")


def _resolved(given: Mapping[str, float], declared: Mapping[str, Setting], what: str) -> dict[str, float]:
    for name in given:
        if name not in declared:
            raise SettingError(f"There is no {what} {name!r}", "Choose among " + ", ".join(declared))
    return {name: checked_value(setting, given.get(name, setting.default)) for name, setting in declared.items()}


@dataclass(frozen=True, eq=False)
class WindowScores:
    """Scores of all windows of one length. Windows are counted in rows; see `FrameSeries`."""

    windows: Windows
    start_frame: Int64Array  # (W,) int64
    track_id: Int64Array  # (W,) int64
    complete: BoolArray  # (W,) bool: inside one track and no frame missing; other values mean nothing elsewhere
    terms: Mapping[str, Float32Array]  # (W,) float32 by term name
    gate_values: Mapping[str, Float32Array]  # (W,) float32: the number that each gate compares


@dataclass(frozen=True, eq=False)
class Ranking:
    """The answer of a ranking: the selected sequences, and what is needed to explain them."""

    settings: RankingSettings
    sequences: tuple[Sequence, ...]  # best first, the pinned among them
    scores: WindowScores
    combined: Float64Array  # (W,) float64
    window_count: int  # windows that lie within a track
    valid_count: int  # windows that pass every gate
    gate_counts: Mapping[str, int]  # windows that fail each gate

    def curve(self, name: str, track_id: int) -> tuple[Int64Array, Float32Array]:
        """A curve to draw: frames (N,) int64 and the value (N,) float32 of the window centred at each; NaN in gaps.

        Args:
            name: a score term, or `combined_score`.
            track_id: which face.
        """
        scores = self.scores
        values = self.combined if name == COMBINED else scores.terms[name]
        rows = np.flatnonzero(scores.track_id == track_id)
        if not len(rows):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        span = slice(rows[0], rows[-1] + 1)
        inside = scores.complete[span]
        frames = scores.start_frame[span] + (scores.windows.length - 1) // 2
        return frames, np.where(inside, values[span], np.nan).astype(np.float32)


class Ranker:
    """Ranks one analysis again and again; what does not depend on the changed setting is kept."""

    def __init__(self, analysis: Analysis) -> None:
        self._series = FrameSeries(analysis)
        self._scores: WindowScores | None = None

    def rank(
        self,
        settings: RankingSettings,
        *,
        pinned: Collection[SequenceKey] = (),
        blocked: Collection[SequenceKey] = (),
    ) -> Ranking:
        """Select the best windows.

        Args:
            settings: weights, length, thresholds and number.
            pinned: accepted sequences, of any length: they stay and occupy their span.
            blocked: rejected sequences: their spans stay free.

        Raises:
            SettingError: a weight or threshold that cannot be.
        """
        weights, thresholds = effective_weights(settings), effective_thresholds(settings)
        scores = self._scores_of(settings.sequence_length)
        combined = np.zeros(len(scores.start_frame))
        for name, weight in weights.items():
            if weight:
                combined += weight * scores.terms[name].astype(np.float64)
        inside = self._series.inside_track(scores.windows)
        valid = inside.copy()
        gate_counts = {}
        for name, gate in GATES.items():
            passed = gate.passes(scores.gate_values[name], thresholds[name])
            gate_counts[name] = int(np.count_nonzero(inside & ~passed))
            valid &= passed
        described = [sequence for key in pinned if (sequence := self.describe(key, settings))]
        selected = self._select(settings, scores, np.where(valid, combined, -np.inf), (*pinned, *blocked), len(pinned))
        for row in selected:
            start = int(scores.start_frame[row])
            key = (start, start + settings.sequence_length, int(scores.track_id[row]))
            described.append(self._sequence(key, scores.terms, row, weights))
        described.sort(key=lambda sequence: (-sequence.combined_score, sequence.start_frame, sequence.track_id))
        return Ranking(
            settings=settings,
            sequences=tuple(replace(sequence, rank=rank) for rank, sequence in enumerate(described, 1)),
            scores=scores,
            combined=combined,
            window_count=int(np.count_nonzero(inside)),
            valid_count=int(np.count_nonzero(valid)),
            gate_counts=gate_counts,
        )

    def describe(self, key: SequenceKey, settings: RankingSettings) -> Sequence | None:
        """The sequence of any span, selected or not, with its scores; its rank is 0.

        None where the track does not cover the span or lacks the face in one of its frames.
        """
        start, stop, track_id = key
        windows = self._series.window_at(track_id, start, stop - start)
        if windows is None or self._series.missing_frames(windows)[0]:
            return None
        terms = {name: term.compute(self._series, windows) for name, term in TERMS.items()}
        return self._sequence(key, terms, 0, effective_weights(settings))

    def _scores_of(self, length: int) -> WindowScores:
        if self._scores is None or self._scores.windows.length != length:
            series = self._series
            windows = series.windows(length)
            self._scores = WindowScores(
                windows=windows,
                start_frame=series.start_frame(windows),
                track_id=series.track_id[: len(windows)],
                complete=series.inside_track(windows) & (series.missing_frames(windows) == 0),
                terms={name: term.compute(series, windows) for name, term in TERMS.items()},
                gate_values={name: gate.measure(series, windows) for name, gate in GATES.items()},
            )
        return self._scores

    def _select(
        self,
        settings: RankingSettings,
        scores: WindowScores,
        score: Float64Array,
        taken: Collection[SequenceKey],
        pinned_count: int,
    ) -> list[int]:
        """Rows of the selected windows. Tracks may overlap in time: the choice goes by start, then by track."""
        order = np.argsort(scores.start_frame, kind="stable")
        chosen = select_windows(
            score[order],
            scores.start_frame[order],
            settings.sequence_length,
            max(0, settings.num_sequences - pinned_count),
            min_gap=settings.min_gap,
            occupied=[(start, stop) for start, stop, _ in taken],
        )
        return [int(order[position]) for position in chosen]

    def _sequence(
        self, key: SequenceKey, terms: Mapping[str, Float32Array], row: int, weights: Mapping[str, float]
    ) -> Sequence:
        start, stop, track_id = key
        values = {name: float(column[row]) for name, column in terms.items()}
        return Sequence(
            rank=0,
            start_frame=start,
            stop_frame=stop,
            track_id=track_id,
            terms=values,
            combined_score=combined_score(values, weights),
            top_channels=self._top_channels(key),
        )

    def _top_channels(self, key: SequenceKey) -> tuple[tuple[str, float], ...]:
        """The channels with the largest variance, each with its change from lowest to highest value.

        The change is positive where the highest value comes after the lowest.
        """
        start, stop, track_id = key
        tokens = self._series.tokens_of(track_id, start, stop)
        strongest = np.argsort(-tokens.var(axis=0), kind="stable")[:_TOP_CHANNELS]
        direction = np.where(tokens.argmax(axis=0) >= tokens.argmin(axis=0), 1, -1)
        change = direction * (tokens.max(axis=0) - tokens.min(axis=0))
        return tuple((self._series.channel_names[channel], float(change[channel])) for channel in strongest)


def combined_score(terms: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Sum of weight * term, in the order of the registry: the very number that the ranking orders by."""
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
    """Rank once; keep a `Ranker` to rank again and again."""
    return Ranker(analysis).rank(settings or RankingSettings(), pinned=pinned, blocked=blocked)
