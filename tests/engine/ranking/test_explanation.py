from __future__ import annotations

import numpy as np
import pytest

from clipgen_engine.errors import SettingError
from clipgen_engine.ranking.effective import effective_regions, effective_thresholds
from clipgen_engine.ranking.explanation import Explanation, explain, explain_frame
from clipgen_engine.ranking.expression.actions import ACTIONS
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.presets import PRESETS, with_preset
from clipgen_engine.ranking.ranker import COMBINED, Ranker, rank_across_videos, rank_sequences
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import RankingSettings
from tests.support.analyses import FakeTrack, make_analysis, random_track, two_people

OPEN = {"face_confidence": 0.0}


def one_person(seed: int = 4, count: int = 400) -> Ranker:
    return Ranker(make_analysis(random_track(np.random.default_rng(seed), 0, count)))


def test_selected_window_has_rank_and_standings() -> None:
    ranker = one_person()
    ranking = ranker.rank(RankingSettings(gates=OPEN))
    explanation = explain(ranker, ranking, ranking.sequences[0].key)
    assert explanation is not None
    assert explanation.verdict == f"Proposed as number 1 of {len(ranking.sequences)}."
    standing = explanation.standings[COMBINED]
    assert (standing.rank, standing.percentile) == (1, 100.0)
    assert standing.value == ranking.sequences[0].combined_score
    assert set(explanation.standings) == {"expression_variation", "position_stability", COMBINED}
    assert explanation.lost_to is None
    start, stop, _ = explanation.key
    assert all(start <= frame < stop for frame in explanation.extreme_frames)
    assert explanation.movements[:3] == ranking.sequences[0].movements


def test_still_window_is_explained_as_noise() -> None:
    rng = np.random.default_rng(0)
    still = 0.3 + rng.normal(0, 0.002, (60, 51))
    analysis = make_analysis(FakeTrack(0, still.astype(np.float32), np.full((60, 2), 100, np.float32)))
    lively = one_person()
    for ranker, noise in ((Ranker(analysis), True), (lively, False)):
        ranking = ranker.rank(RankingSettings(gates=OPEN))
        explanation = explain(ranker, ranking, ranking.sequences[0].key)
        assert explanation is not None
        assert ("not above the noise" in explanation.noise) == noise


def test_overlapped_window_names_the_window_it_lost_to() -> None:
    ranker = one_person()
    ranking = ranker.rank(RankingSettings(gates=OPEN))
    best = ranking.sequences[0]
    explanation = explain(ranker, ranking, (best.start_frame + 1, best.stop_frame + 1, 0))
    assert explanation is not None
    assert explanation.lost_to == best
    assert "number 1" in explanation.verdict
    assert "scores higher" in explanation.verdict


def test_gated_window_names_the_gate_and_its_margin() -> None:
    confidence = np.full(200, 0.9, np.float32)
    confidence[100] = 0.4
    track = random_track(np.random.default_rng(0), 0, 200)
    track.confidence = confidence
    ranker = Ranker(make_analysis(track))
    explanation = explain(ranker, ranker.rank(RankingSettings()), (90, 120, 0))
    assert explanation is not None
    gate = next(result for result in explanation.gates if result.name == "face_confidence")
    assert not gate.passed
    assert gate.margin == pytest.approx(-0.3)
    assert explanation.verdict == "Not proposed: the face confidence falls to 0.40, below 0.70."


def test_window_with_a_lower_score_is_explained() -> None:
    ranker = one_person(count=2000)
    ranking = ranker.rank(RankingSettings(gates=OPEN, num_sequences=1))
    far = 0 if ranking.sequences[0].start_frame > 1000 else 1900
    explanation = explain(ranker, ranking, (far, far + 30, 0))
    assert explanation is not None
    assert "is below the" in explanation.verdict


def test_rejected_span_is_explained() -> None:
    ranker = one_person()
    first = ranker.rank(RankingSettings(gates=OPEN, num_sequences=100)).sequences[0]
    ranking = ranker.rank(RankingSettings(gates=OPEN, num_sequences=100), blocked=[first.key])
    explanation = explain(ranker, ranking, first.key)
    assert explanation is not None
    assert explanation.verdict == "Not proposed: it overlaps a rejected span."


def test_frames_without_a_window_are_explained() -> None:
    seen = np.ones(200, np.bool_)
    seen[100] = False
    track = random_track(np.random.default_rng(0), 20, 200)
    track.seen = seen
    ranker = Ranker(make_analysis(track, frame_count=300))
    ranking = ranker.rank(RankingSettings(gates=OPEN))
    assert explain_frame(ranker, ranking, 5) == "No face is detected at frame 5."
    assert explain_frame(ranker, ranking, 120) == "No face is detected at frame 120."
    assert "missing in 1 of the 30 frames" in str(explain_frame(ranker, ranking, 115))
    assert "does not fit" in str(explain_frame(ranker, ranking, 22))
    there = explain_frame(ranker, ranking, 160)
    assert isinstance(there, Explanation)
    assert there.key == (160 - 14, 160 + 16, 0)


def test_with_two_faces_the_better_window_is_explained() -> None:
    ranker = Ranker(two_people(3))
    ranking = ranker.rank(RankingSettings(sequence_length=8, gates=OPEN))
    both = ranking.sequences[0]
    found = explain_frame(ranker, ranking, both.start_frame + 3)
    assert isinstance(found, Explanation)
    assert found.key == both.key


@pytest.mark.parametrize("name", PRESETS)
def test_contract_of_presets(name: str) -> None:
    settings = with_preset(RankingSettings(sequence_length=20, weights={"frontality": 0.4}), name)
    assert settings.sequence_length == 20
    assert settings.weights == {"frontality": 0.4}
    assert effective_thresholds(settings).keys() == GATES.keys()
    assert effective_regions(settings)
    assert PRESETS[name].label
    assert PRESETS[name].help.endswith(".")


def test_unknown_preset_names_the_available_ones() -> None:
    with pytest.raises(SettingError, match="default, strict_frontal"):
        with_preset(RankingSettings(), "nice")


def test_region_multipliers_weight_the_variation() -> None:
    tokens = np.full((60, 51), 0.1, np.float32)
    still = make_analysis(FakeTrack(0, tokens, np.full((60, 2), 100, np.float32)))
    names = still.tokens[0].channel_names
    tokens[:, names.index("eyeBlinkLeft")] = np.tile([0.0, 0.8], 30)
    tokens[:, names.index("jawOpen")] = np.tile([0.1, 0.2], 30)
    ranker = Ranker(make_analysis(FakeTrack(0, tokens, np.full((60, 2), 100, np.float32))))

    def variation(metric: str, blinks: str = "counted", **regions: float) -> float:
        settings = RankingSettings(variation_metric=metric, blinks=blinks, regions=regions)
        return ranker.rank(settings).sequences[0].terms["expression_variation"]

    def spread(**regions: float) -> float:
        return variation("token_spread", **regions)

    assert spread() == pytest.approx(np.sqrt(0.4**2 + 0.05**2), abs=1e-3)
    assert spread(eyelids=0.0) == pytest.approx(0.05, abs=1e-3)
    assert spread(eyelids=0.0, jaw=2.0) == pytest.approx(0.05 * np.sqrt(2), abs=1e-3)

    lids, jaw = 0.2 / ACTIONS["eyes_closed"].range, 0.05 / ACTIONS["jaw_open"].range
    assert variation("actions") == pytest.approx(saturated(lids**2 + jaw**2), abs=1e-3)
    assert variation("actions", "bridged") == pytest.approx(saturated(jaw**2), abs=1e-3)
    assert variation("actions", eyelids=0.0) == pytest.approx(saturated(jaw**2), abs=1e-3)
    assert variation("actions", eyelids=0.0, jaw=2.0) == pytest.approx(saturated(2 * jaw**2), abs=1e-3)


def saturated(variance: float) -> float:
    return float(np.sqrt(variance / (1 + variance)))


def test_gaze_counts_only_if_asked_for() -> None:
    tokens = np.full((60, 51), 0.1, np.float32)
    analysis = make_analysis(FakeTrack(0, tokens, np.full((60, 2), 100, np.float32)))
    names = analysis.tokens[0].channel_names
    for channel in ("eyeLookOutLeft", "eyeLookInRight"):
        tokens[30:, names.index(channel)] = 0.9
    ranker = Ranker(make_analysis(FakeTrack(0, tokens, np.full((60, 2), 100, np.float32))))
    both = RankingSettings(sequence_length=60), RankingSettings(sequence_length=60, regions={"gaze": 1.0})
    ignored, counted = (ranker.rank(one).sequences[0] for one in both)
    assert ignored.terms["expression_variation"] < 0.01
    assert counted.terms["expression_variation"] == pytest.approx(saturated((0.4 / 0.95) ** 2), abs=1e-3)
    assert movement_words(*ignored.movements[0]) == "looks left"
    assert effective_regions(RankingSettings(variation_metric="token_spread"))["gaze"] == 1.0


def test_compatibility_metrics_equal_their_definition() -> None:
    analysis = make_analysis(random_track(np.random.default_rng(6), 0, 80))
    settings = RankingSettings(
        sequence_length=21, gates=OPEN, variation_metric="keyframe_cosine", stability_metric="mean_step"
    )
    track = analysis.tracks[0]
    for sequence in rank_sequences(analysis, settings).sequences:
        frames = [sequence.start_frame, sequence.start_frame + 10, sequence.stop_frame - 1]
        tokens = track.blendshapes[frames, 1:].astype(np.float64)
        tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
        cosine = np.mean([tokens[0] @ tokens[1], tokens[1] @ tokens[2], tokens[0] @ tokens[2]])
        center = track.center_xy[sequence.start_frame : sequence.stop_frame].astype(np.float64)
        step = np.linalg.norm(np.diff(center, axis=0), axis=1).mean()
        assert sequence.terms["expression_variation"] == pytest.approx(1 - cosine, abs=1e-3)
        assert sequence.terms["position_stability"] == pytest.approx(1 - step / np.hypot(518, 518), abs=1e-3)


def test_diversity_avoids_similar_windows() -> None:
    rng = np.random.default_rng(0)
    tokens = np.full((300, 51), 0.2, np.float32)
    tokens[:200, :25] += rng.random((200, 25), np.float32) * 0.5  # the same expression twice, strong
    tokens[200:, 25:] += rng.random((100, 26), np.float32) * 0.1  # a different expression, weaker
    center = np.full((300, 2), 100, np.float32)
    shots = FakeTrack(0, tokens[:200], center[:200]), FakeTrack(200, tokens[200:], center[200:], track_id=1)
    ranker = Ranker(make_analysis(*shots))
    plain = RankingSettings(sequence_length=50, num_sequences=2)
    assert [s.track_id for s in ranker.rank(plain).sequences] == [0, 0]
    turned = RankingSettings(sequence_length=50, num_sequences=2, diversity=0.5)
    diverse = ranker.rank(turned).sequences
    assert sorted(s.track_id for s in diverse) == [0, 1]
    accepted = [s.key for s in diverse if s.track_id == 1]
    assert sorted(s.track_id for s in ranker.rank(turned, pinned=accepted).sequences) == [0, 1]


def test_diversity_equals_the_reference_implementation() -> None:
    analysis = two_people(9)
    settings = RankingSettings(sequence_length=15, num_sequences=6, gates=OPEN, diversity=0.4)
    ranker = Ranker(analysis)
    got = {s.key for s in ranker.rank(settings).sequences}
    scores = ranker.scores(settings)
    combined = scores.combined({"expression_variation": 0.7, "position_stability": 0.3})
    actions = [ranker.series.actions_of(track).astype(np.float64) for track in analysis.tracks]
    middle = np.concatenate(actions).mean(axis=0)
    means, keys = [], []
    rows = sorted(np.flatnonzero(scores.complete), key=lambda row: (scores.start_frame[row], scores.track_id[row]))
    for row in rows:
        start, track_id = int(scores.start_frame[row]), int(scores.track_id[row])
        track = analysis.tracks[track_id]
        first = track.row_of(start)
        means.append(actions[track_id][first : first + 15].mean(axis=0) - middle)
        keys.append((start, start + 15, track_id))
    units = np.array(means) / np.linalg.norm(means, axis=1, keepdims=True)
    chosen: list[int] = []
    while len(chosen) < 6:
        free = [
            k for k in range(len(keys)) if all(keys[k][0] >= keys[c][1] or keys[k][1] <= keys[c][0] for c in chosen)
        ]
        if not free:
            break
        chosen.append(
            max(
                free,
                key=lambda k: (
                    0.6 * combined[rows[k]] - 0.4 * max(units[k] @ units[c] for c in chosen)
                    if chosen
                    else combined[rows[k]]
                ),
            )
        )
    assert got == {keys[k] for k in chosen}


def test_scope_track_ranks_each_track_separately() -> None:
    analysis = two_people(2)
    settings = RankingSettings(sequence_length=10, num_sequences=3, gates=OPEN, scope="track")
    sequences = rank_sequences(analysis, settings).sequences
    assert sorted(s.track_id for s in sequences) == [0, 0, 0, 1, 1, 1]


def test_quota_limits_the_sequences_per_video() -> None:
    settings = RankingSettings(num_sequences=5, gates=OPEN)
    rankings = [(name, one_person(seed).rank(settings)) for seed, name in enumerate("abc")]
    best = rank_across_videos(rankings, total=7, quota=3)
    assert len(best) == 7
    assert max(sum(video == name for video, _ in best) for name in "abc") <= 3
    scores = [sequence.combined_score for _, sequence in best]
    assert scores == sorted(scores, reverse=True)


def test_gate_counts_alone_and_combined() -> None:
    confidence = np.full(100, 0.9, np.float32)
    confidence[50] = 0.3
    track = random_track(np.random.default_rng(0), 0, 100)
    track.confidence = confidence
    track.measures = {"face_share": np.full(100, 0.004, np.float32)}
    chosen = RankingSettings(sequence_length=20, gates={"min_face_share": 0.01})
    ranking = rank_sequences(make_analysis(track), chosen)
    assert ranking.gate_counts == {"face_in_every_frame": 0, "face_confidence": 20, "min_face_share": 81}
    assert ranking.gate_counts_alone == {"face_in_every_frame": 0, "face_confidence": 0, "min_face_share": 61}
    assert ranking.valid_count == 0


@pytest.mark.parametrize("term", TERMS)
def test_term_limits_are_enforced(term: str) -> None:
    ranker = Ranker(two_people(4))
    values = ranker.scores(RankingSettings(sequence_length=12)).term(term)
    middle = float(np.median(values))
    for limit in (f"min_{term}", f"max_{term}"):
        settings = RankingSettings(sequence_length=12, gates=OPEN | {limit: middle})
        sequences = ranker.rank(settings).sequences
        assert sequences
        for sequence in sequences:
            inside = sequence.terms[term] - np.float32(middle)
            assert inside >= 0 if limit.startswith("min") else inside <= 0


def test_window_too_similar_to_the_selected_ones_is_explained() -> None:
    ranker = one_person(count=2000)
    settings = RankingSettings(gates=OPEN, num_sequences=4, diversity=0.9)
    ranking = ranker.rank(settings)
    scores = ranker.scores(settings)
    chosen = {frame for s in ranking.sequences for frame in range(s.start_frame - 30, s.stop_frame)}
    lowest = ranking.sequences[-1].combined_score
    row = next(r for r in np.argsort(-ranking.combined) if int(scores.start_frame[r]) not in chosen)
    assert ranking.combined[row] > lowest
    start = int(scores.start_frame[row])
    explanation = explain(ranker, ranking, (start, start + 30, 0))
    assert explanation is not None
    assert explanation.verdict == "Not proposed: it looks too similar to the proposed windows (diversity 0.90)."
