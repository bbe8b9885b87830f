"""Planted events in videos of the puppet: a short part of what `make truth` runs."""

from __future__ import annotations

from typing import Any

import pytest

from clipgen_engine.ranking.expression.actions import ACTIONS
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from tests.truth import planted
from tests.truth.campaign import OPEN, analyze_planted, noise_floor, scored
from tests.truth.turning import Pose

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def played() -> Any:
    """Smiles of three strengths, and what is no expression."""
    return analyze_planted(
        [
            *((f"smile {size}", size, planted.expression("smile", size)) for size in (0.3, 0.6, 1.0)),
            ("blink", 8, planted.blink(8)),
            ("glance", 1.0, planted.glance(1.0)),
            ("turn", 25, planted.turn(Pose(yaw_deg=25))),
            ("nod", 10, planted.movement("nod")),
            ("drift", 1, planted.movement("drift")),
            ("zoom", 1, planted.movement("zoom")),
        ]
    )


@pytest.fixture(scope="module")
def rows(played: Any) -> dict[str, dict[str, Any]]:
    return {row["event"]: row for row in scored(*played)}


def test_stronger_smiles_score_higher(rows: dict[str, dict[str, Any]]) -> None:
    weak, clear, strong = (rows[f"smile {size}"]["E"] for size in (0.3, 0.6, 1.0))
    assert 0.05 < weak < clear < strong
    assert strong > 0.25


@pytest.mark.parametrize(("event", "bar"), [("blink", 0.10), ("glance", 0.05), ("turn", 0.10), ("nod", 0.10)])
def test_no_expression_scores_low(rows: dict[str, dict[str, Any]], event: str, bar: float) -> None:
    assert rows[event]["E"] <= bar


def test_position_stability_sees_movement_and_not_size(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["smile 1.0"]["P"] > 0.98
    assert rows["zoom"]["P"] > 0.95
    assert rows["drift"]["P"] < 0.4


def test_planted_smiles_rank_first_and_are_named(played: Any) -> None:
    analysis, events = played
    best = Ranker(analysis).rank(RankingSettings(num_sequences=2, gates=OPEN)).sequences
    for sequence, event in zip(best, (events[2], events[1]), strict=True):
        assert abs(sequence.start_frame - event.start_frame) < planted.LENGTH / 2
        assert {movement_words(*one) for one in sequence.movements} & {"smile", "smile fades"}


def test_noise_is_no_expression() -> None:
    floor = noise_floor(("clean", "sensor noise", "60 px at CRF 35"))["actions"]
    assert max(floor.values()) <= 0.08


def test_puppet_moves_what_its_actions_are_called(played: Any) -> None:
    analysis, events = played
    track = analysis.tracks[0]
    middle = [event.start_frame + planted.LENGTH // 2 for event in events]
    eye_closed, gaze = track.blendshapes[middle[3], 9], list(ACTIONS).index("gaze_left")
    assert eye_closed > 0.3
    values = Ranker(analysis).series.actions_of(track)
    assert values[middle[4], gaze] - values[events[4].start_frame, gaze] > 0.3
    assert track.head_pose_deg[events[5].stop_frame - 1, 0] - track.head_pose_deg[events[5].start_frame, 0] > 15
