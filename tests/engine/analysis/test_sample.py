"""Analysis of the sample against its ground truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from clipgen_engine.ranking.ranker import Ranking, rank_sequences
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis

LENGTH = 30
Truth = dict[str, Any]
RESPONSES = {"brows": 0.75, "smile": 0.90, "jaw": 1.18, "lids": 1.0}  # ranges per unit of amplitude, measured


@pytest.fixture(scope="module")
def ranking(sample_analysis: Analysis) -> Ranking:
    return rank_sequences(sample_analysis, RankingSettings(sequence_length=LENGTH))


def spans_of_kind(truth: Truth, *kinds: str) -> list[tuple[int, int]]:
    return [(s["start_frame"], s["stop_frame"]) for s in truth["stretches"] if s["kind"] in kinds]


def values_within(ranking: Ranking, name: str, spans: list[tuple[int, int]]) -> np.ndarray:
    """Values of a term for all windows within one of the spans."""
    scores = ranking.scores
    inside = np.zeros(len(scores.start_frame), np.bool_)
    for start, stop in spans:
        inside |= (scores.start_frame >= start) & (scores.start_frame + LENGTH <= stop)
    return scores.term(name)[inside & scores.complete]


def test_shots_match_the_ground_truth(sample_analysis: Analysis, sample_truth: Truth) -> None:
    assert sample_analysis.shots[:, 0].tolist() == [0, *sample_truth["cuts"]]
    assert sample_analysis.shots[-1, 1] == sample_truth["frame_count"] == sample_analysis.video.frame_count


def test_face_presence_matches_the_ground_truth(sample_analysis: Analysis, sample_truth: Truth) -> None:
    present = np.array(sample_truth["face_present"])
    found = np.zeros(len(present), np.bool_)
    for track in sample_analysis.tracks:
        found[track.frame_index] = True
        assert track.confidence.min() > 0.7
    assert (found == present).all()


def test_face_centre_matches_the_ground_truth(sample_analysis: Analysis, sample_truth: Truth) -> None:
    path = np.array([center or (np.nan, np.nan) for center in sample_truth["face_center"]])
    for track in sample_analysis.tracks:
        distance = np.linalg.norm(track.center_xy - path[track.frame_index], axis=1)
        assert np.median(distance) < 2.0


def test_expression_variation_correlates_with_the_true_amplitude(ranking: Ranking, sample_truth: Truth) -> None:
    """The parts of the sample were scaled by the distance of blendshapes; in facial actions they weigh differently."""
    scores = ranking.scores
    rows = np.flatnonzero(scores.complete)
    planted = np.zeros(len(rows))
    for part, response in RESPONSES.items():
        amplitude = np.array(sample_truth["parts"][part], np.float64)
        deviation = np.array([amplitude[start : start + LENGTH].std() for start in scores.start_frame[rows]])
        planted += np.square(response * deviation)
    assert len(rows) > 600
    assert spearmanr(planted, scores.term("expression_variation")[rows]).statistic >= 0.91


def test_token_spread_correlates_with_the_true_amplitude(sample_analysis: Analysis, sample_truth: Truth) -> None:
    amplitude = np.array(sample_truth["amplitude"], np.float64)
    settings = RankingSettings(sequence_length=LENGTH, variation_metric="token_spread")
    scores = rank_sequences(sample_analysis, settings).scores
    rows = np.flatnonzero(scores.complete)
    planted = [amplitude[start : start + LENGTH].std() for start in scores.start_frame[rows]]
    assert spearmanr(planted, scores.term("expression_variation")[rows]).statistic >= 0.95


def test_still_face_scores_low(ranking: Ranking, sample_truth: Truth) -> None:
    assert values_within(ranking, "expression_variation", spans_of_kind(sample_truth, "still")).max() < 0.05


def test_position_stability_is_high_without_movement(ranking: Ranking, sample_truth: Truth) -> None:
    values = values_within(ranking, "position_stability", spans_of_kind(sample_truth, "still", "burst", "sway"))
    assert len(values) > 200
    assert values.min() >= 0.95


def test_position_stability_is_low_during_large_movement(ranking: Ranking, sample_truth: Truth) -> None:
    values = values_within(ranking, "position_stability", spans_of_kind(sample_truth, "movement"))
    assert len(values) > 20
    assert values.max() < 0.5


def test_top_three_windows_are_the_three_bursts(ranking: Ranking, sample_truth: Truth) -> None:
    bursts = spans_of_kind(sample_truth, "burst")
    hit = [
        [number for number, (start, stop) in enumerate(bursts) if start <= s.start_frame and s.stop_frame <= stop]
        for s in ranking.sequences[:3]
    ]
    assert sorted(hit) == [[0], [1], [2]]


def test_no_selected_window_contains_a_cut_or_faceless_frames(ranking: Ranking, sample_truth: Truth) -> None:
    present = np.array(sample_truth["face_present"])
    assert len(ranking.sequences) == 10
    for sequence in ranking.sequences:
        assert not any(sequence.start_frame < cut < sequence.stop_frame for cut in sample_truth["cuts"])
        assert present[sequence.start_frame : sequence.stop_frame].all()


def test_mouth_opening_does_not_reduce_position_stability(ranking: Ranking, sample_truth: Truth) -> None:
    jaw = next(s for s in sample_truth["stretches"] if s["name"] == "burst_jaw")
    still = values_within(ranking, "position_stability", spans_of_kind(sample_truth, "still"))
    open_mouth = values_within(ranking, "position_stability", [(jaw["start_frame"], jaw["stop_frame"])])
    assert still.mean() - open_mouth.min() < 0.02
