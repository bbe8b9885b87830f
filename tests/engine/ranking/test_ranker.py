from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipgen_engine.errors import SettingError
from clipgen_engine.ranking.effective import ranking_declarations
from clipgen_engine.ranking.expression.actions import expression_values
from clipgen_engine.ranking.expression.corrections import corrected_actions
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import Ranker, rank_sequences
from clipgen_engine.ranking.records import scored_by_record
from clipgen_engine.ranking.terms import METRIC_VERSIONS, TERMS
from clipgen_engine.ranking.windows import Windows, sliding_minimum
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, FaceTrack
from tests.support.analyses import FakeTrack, make_analysis, random_track, two_people

OPEN = {"face_confidence": 0.0}


def plain_terms(
    analysis: Analysis, track: FaceTrack, start: int, length: int, metric: str = "actions"
) -> tuple[float, float] | None:
    """Reference implementation of E and P of one window; None if a frame is missing."""
    rows = [track.row_of(frame) for frame in range(start, start + length)]
    if any(row is None for row in rows):
        return None
    center = track.center_xy[rows].astype(np.float64)
    displacement = np.sqrt(((center - center.mean(axis=0)) ** 2).sum(axis=1).mean()) / track.size_px[rows].mean()
    if metric == "token_spread":
        spread = np.sqrt(track.blendshapes[rows, 1:].astype(np.float64).var(axis=0).sum())
        return min(1.0, spread), np.exp(-displacement / 0.1)
    times_s = analysis.video.times_s[track.frame_index]
    actions = corrected_actions(track.blendshapes[:, 1:], track.head_pose_deg, times_s)
    r = np.sqrt(expression_values(actions)[rows].astype(np.float64).var(axis=0).sum())
    return r / np.sqrt(1 + r**2), np.exp(-displacement / 0.1)


@pytest.mark.parametrize("metric", ["actions", "token_spread"])
@pytest.mark.parametrize("length", [2, 13, 30])
def test_terms_equal_the_reference_implementation(length: int, metric: str) -> None:
    analysis = two_people(1)
    scores = rank_sequences(analysis, RankingSettings(sequence_length=length, variation_metric=metric)).scores
    tracks = {track.track_id: track for track in analysis.tracks}
    complete = 0
    for row, (start, track_id) in enumerate(zip(scores.start_frame, scores.track_id, strict=True)):
        truth = plain_terms(analysis, tracks[int(track_id)], int(start), length, metric)
        assert scores.complete[row] == (truth is not None)
        if truth is not None:
            complete += 1
            assert scores.term("expression_variation")[row] == pytest.approx(truth[0], abs=2e-4)
            assert scores.term("position_stability")[row] == pytest.approx(truth[1], abs=2e-4)
    assert complete > 20


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    length=st.integers(2, 40),
    number=st.integers(1, 12),
    gap=st.integers(0, 10),
    weight=st.floats(0, 1),
    confidence=st.floats(0, 0.8),
)
def test_selection_invariants(seed: int, length: int, number: int, gap: int, weight: float, confidence: float) -> None:
    analysis = two_people(seed)
    chosen = RankingSettings(
        sequence_length=length,
        num_sequences=number,
        min_gap=gap,
        weights={"expression_variation": weight, "position_stability": 1 - weight},
        gates={"face_confidence": confidence},
    )
    ranking = rank_sequences(analysis, chosen)
    sequences = ranking.sequences
    assert len(sequences) <= number
    assert [sequence.rank for sequence in sequences] == list(range(1, len(sequences) + 1))
    assert [-s.combined_score for s in sequences] == sorted(-s.combined_score for s in sequences)
    by_start = sorted(sequences, key=lambda sequence: sequence.start_frame)
    for earlier, later in pairwise(by_start):
        assert later.start_frame >= earlier.stop_frame + gap
    tracks = {track.track_id: track for track in analysis.tracks}
    for sequence in sequences:
        assert sequence.frame_count == length
        track = tracks[sequence.track_id]
        rows = [track.row_of(frame) for frame in range(sequence.start_frame, sequence.stop_frame)]
        assert None not in rows
        assert track.confidence[rows].min() >= np.float32(confidence)
        e, p = sequence.terms["expression_variation"], sequence.terms["position_stability"]
        assert sequence.combined_score == weight * e + (1 - weight) * p


def test_term_with_zero_weight_is_ignored() -> None:
    rng = np.random.default_rng(5)
    track = random_track(rng, 0, 200)
    elsewhere = FakeTrack(0, track.tokens, track.center * rng.uniform(1, 3, (200, 1)).astype(np.float32))
    chosen = RankingSettings(
        weights={"expression_variation": 0.8, "position_stability": 0.0}, gates={"face_confidence": 0.0}
    )
    keys = [[s.key for s in rank_sequences(make_analysis(one), chosen).sequences] for one in (track, elsewhere)]
    assert keys[0] == keys[1]
    assert keys[0]


def test_ranking_is_independent_of_the_track_order() -> None:
    rng = np.random.default_rng(8)
    tracks = [random_track(rng, begin, 80, track_id) for track_id, begin in enumerate((0, 40, 90, 200))]
    chosen = RankingSettings(sequence_length=20)
    there = rank_sequences(make_analysis(*tracks), chosen).sequences
    back = rank_sequences(make_analysis(*reversed(tracks)), chosen).sequences
    assert there == back


def test_pure_translation_and_pure_expression() -> None:
    count = 60
    rng = np.random.default_rng(2)
    still, here = np.full((count, 51), 0.2, np.float32), np.full((count, 2), 200, np.float32)
    moving = here + np.linspace(0, 10, count, dtype=np.float32)[:, np.newaxis]  # a tenth of the face size
    lively = np.clip(still + rng.normal(0, 0.1, still.shape), 0, 1).astype(np.float32)
    only_moving = rank_sequences(make_analysis(FakeTrack(0, still, moving))).sequences[0].terms
    only_lively = rank_sequences(make_analysis(FakeTrack(0, lively, here))).sequences[0].terms
    assert only_moving["expression_variation"] < 1e-3
    assert only_moving["position_stability"] < 0.9
    assert only_lively["expression_variation"] > 0.3
    assert only_lively["position_stability"] > 0.999


def test_accepted_sequences_are_kept_and_rejected_spans_excluded() -> None:
    analysis = make_analysis(random_track(np.random.default_rng(4), 0, 400))
    ranker = Ranker(analysis)
    chosen = RankingSettings(num_sequences=5, gates={"face_confidence": 0.0})
    first = ranker.rank(chosen).sequences
    trimmed = (first[1].start_frame + 3, first[1].stop_frame - 5, 0)
    again = ranker.rank(chosen, pinned=[trimmed], blocked=[first[0].key]).sequences
    assert trimmed in [sequence.key for sequence in again]
    assert len(again) == 5
    blocked = set(range(first[0].start_frame, first[0].stop_frame))
    for sequence in again:
        frames = set(range(sequence.start_frame, sequence.stop_frame))
        assert not frames & blocked
        assert sequence.key == trimmed or not frames & set(range(*trimmed[:2]))
    described = ranker.describe(trimmed, chosen)
    assert described is not None
    truth = plain_terms(analysis, analysis.tracks[0], trimmed[0], trimmed[1] - trimmed[0])
    assert truth is not None
    assert described.terms["expression_variation"] == pytest.approx(truth[0], abs=2e-4)


def test_gates_count_failing_windows() -> None:
    confidence = np.full(100, 0.9, np.float32)
    confidence[50] = 0.3
    seen = np.ones(100, np.bool_)
    seen[10] = False
    track = random_track(np.random.default_rng(0), 0, 100)
    track.confidence, track.seen = confidence, seen
    ranking = rank_sequences(make_analysis(track), RankingSettings(sequence_length=20))
    assert ranking.window_count == 81
    assert ranking.gate_counts == {"face_in_every_frame": 11, "face_confidence": 20}
    assert ranking.valid_count == 81 - 11 - 20


def test_curves_have_gaps_where_the_face_is_missing() -> None:
    seen = np.ones(100, np.bool_)
    seen[40] = False
    track = random_track(np.random.default_rng(0), 5, 100)
    track.seen = seen
    ranking = rank_sequences(make_analysis(track), RankingSettings(sequence_length=11))
    frames, values = ranking.curve("combined_score", 0)
    assert frames[0] == 5 + 5
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(30, 41))
    assert ranking.curve("combined_score", 99)[0].size == 0


def test_analysis_without_tracks_yields_no_sequences() -> None:
    ranking = rank_sequences(make_analysis())
    assert ranking.sequences == ()
    assert ranking.window_count == 0


def test_track_shorter_than_a_window_yields_no_sequences() -> None:
    assert rank_sequences(make_analysis(random_track(np.random.default_rng(0), 0, 10))).sequences == ()


def test_top_channels_have_names_and_signed_changes() -> None:
    tokens = np.full((40, 51), 0.1, np.float32)
    analysis = make_analysis(FakeTrack(0, tokens, np.full((40, 2), 100, np.float32)))
    names = analysis.tokens[0].channel_names
    tokens[:, names.index("jawOpen")] = np.linspace(0.1, 0.8, 40)
    tokens[:, names.index("mouthSmileLeft")] = np.linspace(0.5, 0.1, 40)
    moved = make_analysis(FakeTrack(0, tokens, np.full((40, 2), 100, np.float32)))
    sequence = rank_sequences(moved, RankingSettings(sequence_length=40)).sequences[0]
    assert [name for name, _ in sequence.top_channels[:2]] == ["jawOpen", "mouthSmileLeft"]
    assert [change for _, change in sequence.top_channels[:2]] == pytest.approx([0.7, -0.4], abs=1e-5)
    assert [movement_words(*one) for one in sequence.movements[:2]] == ["jaw opens", "smile fades"]
    assert [change for _, change in sequence.movements[:2]] == pytest.approx([0.7 / 0.85, -0.2 / 0.97], abs=1e-3)


@pytest.mark.parametrize(("seconds", "rate", "length"), [(1.0, 30, 30), (0.5, 24, 12), (2.0, 60, 120), (0.01, 30, 2)])
def test_length_in_seconds_follows_the_frame_rate(seconds: float, rate: int, length: int) -> None:
    analysis = make_analysis(random_track(np.random.default_rng(0), 0, 300))
    video = replace(analysis.video, average_rate=Fraction(rate))
    ranking = rank_sequences(replace(analysis, video=video), RankingSettings(sequence_seconds=seconds, gates=OPEN))
    assert ranking.settings.sequence_length == length
    assert {sequence.frame_count for sequence in ranking.sequences} == {length}


def test_records_name_the_metric_and_its_version() -> None:
    for metric, version in METRIC_VERSIONS.items():
        sequence = rank_sequences(two_people(1), RankingSettings(variation_metric=metric, gates=OPEN)).sequences[0]
        record = scored_by_record(sequence)
        assert (record["variation_metric"], record["variation_version"]) == (metric, version)
        assert (record["noise_floor"] is None) == (metric != "actions")


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), st.integers(1, 20))
def test_sliding_minimum(values: list[float], length: int) -> None:
    array = np.array(values, np.float32)
    expected = [array[i : i + length].min() for i in range(len(values) - length + 1)]
    assert sliding_minimum(array, length).tolist() == expected


def test_scores_are_independent_of_the_position_in_a_long_video() -> None:
    track = random_track(np.random.default_rng(0), 0, 50)
    long = FakeTrack(0, np.tile(track.tokens, (400, 1)), np.tile(track.center, (400, 1)))
    long.start = 7
    scores = rank_sequences(make_analysis(long), RankingSettings(sequence_length=50)).scores
    period = 150  # a whole number of the blocks in which turns are fitted
    for name in TERMS:
        values = scores.term(name)[period:-period:period]
        # what turns explain adds up along a track, and costs a little of the precision of float32
        assert np.ptp(values) < (2e-5 if name in ("expression_variation", "mouth_activity") else 1e-9)


@pytest.mark.parametrize("name", list(TERMS))
@pytest.mark.parametrize("regions", [{}, {"mouth": 0.5}])
def test_single_window_has_the_same_value_as_in_the_full_computation(
    name: str, regions: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists and descriptions of single windows use different code paths, with and without threads."""
    monkeypatch.setattr("clipgen_engine.ranking.windows._CHUNK", 64)
    series = FrameSeries(make_analysis(random_track(np.random.default_rng(8), 0, 300)))
    chosen = RankingSettings(sequence_length=30, regions=regions)
    values = Ranker(make_analysis(random_track(np.random.default_rng(8), 0, 300))).scores(chosen).term(name)
    for row in range(0, len(values), 7):
        assert TERMS[name].compute(series, Windows(30, row, row + 1), chosen)[0] == values[row]


def test_unknown_names_and_invalid_values_are_rejected() -> None:
    analysis = two_people(0)
    for wrong in (
        {"weights": {"beauty": 1.0}},
        {"gates": {"beauty": 1.0}},
        {"weights": {"expression_variation": -1.0}},
        {"weights": {"expression_variation": float("nan")}},
    ):
        with pytest.raises(SettingError):
            rank_sequences(analysis, RankingSettings(**wrong))


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_contract_of_terms(term) -> None:
    series = FrameSeries(two_people(7))
    windows = series.windows(12)
    values = term.compute(series, windows, RankingSettings())
    assert values.shape == (len(windows),)
    assert values.dtype == np.float32
    usable = values[series.inside_track(windows) & (series.missing_frames(windows) == 0)]
    assert np.isfinite(usable).all()
    assert usable.min() >= 0
    assert usable.max() <= 1
    alone = series.window_at(1, 60, 12)
    assert alone is not None
    assert term.compute(series, alone, RankingSettings())[0] == values[alone.first_row]


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_contract_of_gates(gate) -> None:
    series = FrameSeries(two_people(7))
    windows = series.windows(12)
    measured = gate.measure(series, windows, RankingSettings())
    assert measured.shape == (len(windows),)
    assert measured.dtype == np.float32
    limit = float(np.median(measured))
    passed = gate.passes(measured, limit)
    assert (passed == (measured >= np.float32(limit) if gate.at_least else measured <= np.float32(limit))).all()
    assert gate.reason.format(value=1.0, threshold=2.0)


def test_declared_names_are_unique() -> None:
    names = [setting.name for setting in ranking_declarations()]
    assert len(names) == len(set(names))
