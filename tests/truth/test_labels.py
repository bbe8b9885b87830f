"""The labels by eye, and the bars that the expression variation must clear on them, from recorded analyses."""

from __future__ import annotations

import numpy as np
import pytest

from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from tests.truth.campaign import agreement, labelled
from tests.truth.labels import LENGTH, NOTHING, auc, load_labels, load_recordings, weighted_kappa

EXPRESSIVE = ("speech", "smile", "surprise", "frown", "grimace")


def test_every_window_is_labelled_by_the_rules() -> None:
    labels = load_labels()
    assert len({(one.video, one.track_id, one.start_frame) for one in labels}) == len(labels) >= 100
    for label in labels:
        for look in filter(None, (label.first, label.second)):
            assert look.strength in range(4)
            assert set(look.kinds) <= {*NOTHING, "hand", *EXPRESSIVE}
            assert bool(set(look.kinds) & set(EXPRESSIVE)) == (look.strength > 0)
        (track,) = [one for one in load_recordings()[label.video].tracks if one.track_id == label.track_id]
        assert track.row_of(label.start_frame) is not None
        assert track.row_of(label.start_frame + LENGTH - 1) is not None


def test_both_looks_agree() -> None:
    found = agreement()
    assert found["windows"] >= len(load_labels()) / 3
    assert found["at most one apart"] == 1
    assert found["weighted kappa"] > 0.8


def test_actions_tell_expressions_from_everything_else() -> None:
    table = labelled(with_landmarks=False)
    actions = table["actions"]
    assert all(actions[f"auc against {kind}"] >= 0.97 for kind in NOTHING)
    assert actions["auc"] >= 0.97
    assert actions["auc against slight"] >= 0.95
    assert actions["spearman with strength"] >= 0.8
    # what a glance scored by the metric that counts channels
    assert table["token_spread"]["auc against glance"] < 0.2
    assert table["actions"]["auc against blink"] > table["actions, blinks counted"]["auc against blink"]


@pytest.mark.parametrize("video", load_recordings())
def test_strong_windows_keep_an_order(video: str) -> None:
    scores = Ranker(load_recordings()[video]).rank(RankingSettings()).scores
    assert scores.term("expression_variation")[scores.complete].max() < 0.9995


def test_window_in_seconds_and_in_frames_are_the_same_window() -> None:
    analysis = load_recordings()["d20.mp4"]  # 25 frames per second
    frames = Ranker(analysis).rank(RankingSettings(sequence_length=50)).sequences
    assert Ranker(analysis).rank(RankingSettings(sequence_seconds=2.0)).sequences == frames


def test_movement_curve_ignores_glances() -> None:
    """In `d0.mp4` a man with a frozen grin looks from side to side."""
    series = FrameSeries(load_recordings()["d0.mp4"])
    frames, change = series.movement(0)
    grinning = (frames >= 42) & (frames < 62)
    assert np.nanmax(change[grinning]) < np.nanmax(change[~grinning]) / 3


def test_auc_and_kappa_equal_their_definition() -> None:
    assert auc([1.0, 2.0], [0.0, 1.0]) == pytest.approx((2 + 1 + 0.5) / 4)
    assert weighted_kappa([(0, 0), (1, 1), (3, 3)]) == 1
    assert weighted_kappa([(0, 3), (3, 0)]) == pytest.approx(-1)
