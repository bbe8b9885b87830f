"""Explains a window's rank: its scores relative to all windows, moving channels, gates, and the competing window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipgen_engine.ranking.effective import effective_regions, effective_thresholds, effective_weights
from clipgen_engine.ranking.expression.movements import within_noise
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import COMBINED, Ranker, Ranking, SequenceKey
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import BLENDSHAPES, Analysis, Float32Array, Float64Array, Sequence

_EXPLAINED_MOVEMENTS = 6


@dataclass(frozen=True)
class Standing:
    """A value and its rank among all complete windows of the video."""

    value: float
    rank: int  # 1 is highest
    percentile: float  # percentage of windows, 0..100, that do not exceed it


@dataclass(frozen=True)
class GateResult:
    """Result of one active gate for a window."""

    name: str
    passed: bool
    margin: float  # in the gate's own unit; negative where it fails
    reason: str  # why the window fails; a clause


@dataclass(frozen=True)
class Explanation:
    """Why a window has its rank, or is not selected."""

    key: SequenceKey
    verdict: str  # one sentence
    standings: Mapping[str, Standing]  # by term name, and `combined_score`
    movements: tuple[tuple[str, float], ...]  # facial actions that move most, with their signed change
    extreme_frames: tuple[int, int]  # frames of the minimum and maximum of the first of them
    noise: str  # a sentence if the expression variation is not above its noise floor
    gates: tuple[GateResult, ...]  # active gates
    lost_to: Sequence | None  # the selected window that it overlaps, or to which it is too close


def explain(ranker: Ranker, ranking: Ranking, key: SequenceKey) -> Explanation | None:
    """Explain a window of the ranking's length.

    Returns:
        None if the track does not cover the window or the face is missing in one of its frames.
    """
    start, stop, track_id = key
    alone = ranker.series.window_at(track_id, start, stop - start)
    sequence = ranker.describe(key, ranking.settings)
    if sequence is None or alone is None:
        return None
    gates = tuple(
        GateResult(
            name,
            gate.margin(value, threshold) >= 0,
            gate.margin(value, threshold),
            gate.reason.format(value=value, threshold=threshold),
        )
        for name, threshold in effective_thresholds(ranking.settings).items()
        if threshold != (gate := GATES[name]).off
        for value in [float(gate.measure(ranker.series, alone, ranking.settings)[0])]
    )
    lost_to = _blocking(ranking, key)
    moving, multipliers = ranker.movements(key, ranking.settings), effective_regions(ranking.settings)
    return Explanation(
        key=key,
        verdict=_verdict(ranking, sequence, gates, lost_to),
        standings=_standings(ranking, sequence),
        movements=moving.actions(multipliers)[:_EXPLAINED_MOVEMENTS],
        extreme_frames=_extreme_frames(moving.strongest(multipliers), key),
        noise=_noise(sequence),
        gates=gates,
        lost_to=lost_to,
    )


def explain_frame(ranker: Ranker, ranking: Ranking, frame: int, track_id: int | None = None) -> Explanation | str:
    """Explain the window centred at a frame: that of the given track, else the highest-scoring one.

    Returns:
        A sentence if there is no such window: no face, a track end or cut too close, or missing frames.
    """
    length = ranking.settings.sequence_length
    start = frame - (length - 1) // 2
    series = ranker.series
    here = np.flatnonzero(series.frame == frame)
    tracks = [int(series.track_id[row]) for row in here if series.present[row]]
    if track_id is not None:
        tracks = [track for track in tracks if track == track_id]
    if not tracks:
        return f"No face is detected at frame {frame}."
    found = [explain(ranker, ranking, (start, start + length, track)) for track in tracks]
    explained = [explanation for explanation in found if explanation is not None]
    if explained:
        return max(explained, key=lambda one: one.standings[COMBINED].value)
    for track in tracks:
        windows = series.window_at(track, start, length)
        if windows is not None:
            missing = int(series.missing_frames(windows)[0])
            return f"The face is missing in {missing} of the {length} frames around frame {frame}."
    return (
        f"A window of {length} frames around frame {frame} does not fit: the face enters or leaves, or there is a cut."
    )


def _standings(ranking: Ranking, sequence: Sequence) -> dict[str, Standing]:
    # scores from different token backends are not comparable
    learned = sequence.scored_by != BLENDSHAPES
    complete = ranking.scores.complete & (ranking.scores.learned == learned)
    weights = effective_weights(ranking.settings)
    standings = {
        name: _standing(sequence.terms[name], ranking.scores.term(name)[complete]) for name in TERMS if weights[name]
    }
    return standings | {COMBINED: _standing(sequence.combined_score, ranking.combined[complete])}


def _standing(value: float, among: Float32Array | Float64Array) -> Standing:
    higher = int(np.count_nonzero(among > value))
    share = 100.0 * (len(among) - higher) / len(among) if len(among) else 100.0
    return Standing(value, higher + 1, share)


def _noise(sequence: Sequence) -> str:
    if not within_noise(sequence):
        return ""
    return f"Its expression variation is not above the noise of the measurement ({sequence.noise_floor:.2f})."


def _extreme_frames(strongest: Float64Array, key: SequenceKey) -> tuple[int, int]:
    return key[0] + int(strongest.argmin()), key[0] + int(strongest.argmax())


def _blocking(ranking: Ranking, key: SequenceKey) -> Sequence | None:
    start, stop, track_id = key
    gap = ranking.settings.min_gap
    for sequence in ranking.sequences:
        apart = sequence.start_frame >= stop + gap or sequence.stop_frame + gap <= start
        other_track = ranking.settings.scope == "track" and sequence.track_id != track_id
        if sequence.key != key and not apart and not other_track:
            return sequence
    return None


def _verdict(ranking: Ranking, sequence: Sequence, gates: tuple[GateResult, ...], lost_to: Sequence | None) -> str:
    for chosen in ranking.sequences:
        if chosen.key == sequence.key:
            return f"Proposed as number {chosen.rank} of {len(ranking.sequences)}."
    failed = [gate.reason for gate in gates if not gate.passed]
    if failed:
        return f"Not proposed: {'; '.join(failed)}."
    pending = "its learned tokens are pending"
    if lost_to is not None:
        if sequence.scored_by == BLENDSHAPES != lost_to.scored_by:
            return f"Not proposed: number {lost_to.rank} overlaps it and has learned tokens; {pending}."
        return (
            f"Not proposed: number {lost_to.rank} (frames {lost_to.start_frame} to {lost_to.stop_frame - 1}, "
            f"score {lost_to.combined_score:.2f}) overlaps it and scores higher."
            if lost_to.combined_score >= sequence.combined_score
            else f"Not proposed: number {lost_to.rank} (frames {lost_to.start_frame} to {lost_to.stop_frame - 1}) "
            "overlaps it and was accepted."
        )
    start, stop, gap = sequence.start_frame, sequence.stop_frame, ranking.settings.min_gap
    if any(begin < stop + gap and start < end + gap for begin, end, _ in ranking.blocked):
        return "Not proposed: it overlaps a rejected span."
    rivals = [
        other for other in ranking.sequences if ranking.settings.scope == "video" or other.track_id == sequence.track_id
    ]
    if rivals and sequence.scored_by == BLENDSHAPES != rivals[-1].scored_by:
        return f"Not proposed yet: {pending}."
    if ranking.settings.diversity and rivals and sequence.combined_score >= rivals[-1].combined_score:
        diversity = ranking.settings.diversity
        return f"Not proposed: it looks too similar to the proposed windows (diversity {diversity:.2f})."
    if not rivals:
        return "Not proposed: no windows are requested."
    return (
        f"Not proposed: its score {sequence.combined_score:.2f} is below the {rivals[-1].combined_score:.2f} of the "
        f"last of {len(rivals)} proposed windows."
    )


def no_window_reason(analysis: Analysis, ranking: Ranking) -> str:
    """Return one sentence on why nothing was selected: no face, no track long enough, or the rejecting gates."""
    name, length = analysis.video.path.name, ranking.settings.sequence_length
    if not analysis.tracks:
        return f"No face was found in any of the {analysis.video.frame_count} frames of {name}."
    if not ranking.window_count:
        longest = max(len(track.frame_index) for track in analysis.tracks)
        return f"No face in {name} is visible for {length} frames within one shot (longest: {longest})."
    rejected = ", ".join(
        f"{GATES[gate].label.lower()} rejected {count}" for gate, count in ranking.gate_counts.items() if count
    )
    return f"None of the {ranking.window_count} windows of {length} frames of {name} passed the gates: {rejected}."
