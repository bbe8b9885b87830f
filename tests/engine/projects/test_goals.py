"""Goals: stored and read back, whatever a file may hold, and what is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipgen_engine.projects.goals import (
    GROUPINGS,
    MAX_AMOUNT,
    UNITS,
    Goal,
    applied,
    full_subjects,
    goals_of,
    progress_of,
    set_goals,
    with_goal,
)
from clipgen_engine.projects.statistics import Amount, ProjectStatistics
from clipgen_engine.projects.store import Project

STATISTICS = ProjectStatistics(
    total=Amount(12, 60.0),
    by_subject={"": Amount(2, 10.0), "Anna": Amount(6, 30.0), "Ben": Amount(4, 20.0)},
    by_tag={"smile": Amount(5, 25.0)},
)
VALID = {"grouping": "subject", "name": "Anna", "unit": "clips", "amount": 5}

goals = st.builds(
    Goal,
    st.sampled_from([one for one in GROUPINGS if one != "total"]),
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.sampled_from(UNITS),
    st.integers(1, MAX_AMOUNT) | st.floats(0.1, MAX_AMOUNT),
) | st.builds(Goal, st.just("total"), st.none(), st.sampled_from(UNITS), st.integers(1, MAX_AMOUNT))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(goals, max_size=8, unique_by=lambda goal: goal.about))
def test_round_trip(tmp_path: Path, wanted: list[Goal]) -> None:
    with Project(tmp_path / "work.clipgen") as project:
        set_goals(project, wanted)
        assert goals_of(project) == tuple(wanted)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {},
        "goals",
        [None, 3, [], "x"],
        [VALID | {"grouping": "planet"}],
        [VALID | {"grouping": ["subject"]}],
        [VALID | {"unit": None}],
        [VALID | {"name": ""}],
        [VALID | {"name": 5}],
        [VALID | {"name": "x" * 10_000}],
        [VALID | {"grouping": "total"}],
        [VALID | {"amount": 0}],
        [VALID | {"amount": -1}],
        [VALID | {"amount": True}],
        [VALID | {"amount": "5"}],
        [VALID | {"amount": 10**30}],
        [{}],
    ],
)
def test_stored_goals_that_are_not_valid_are_left_out(tmp_path: Path, stored: Any) -> None:
    good = Goal("tag", None, "seconds", 90)
    with Project(tmp_path / "work.clipgen") as project:
        project.set_app_state({"goals": [*stored, vars(good), vars(good)] if isinstance(stored, list) else stored})
        assert goals_of(project) == ((good,) if isinstance(stored, list) else ())


def test_there_is_one_goal_about_each(tmp_path: Path) -> None:
    first, other = Goal("subject", None, "clips", 5), Goal("subject", None, "seconds", 60)
    assert with_goal((first, other), Goal("subject", None, "clips", 9)) == (Goal("subject", None, "clips", 9), other)


def test_progress() -> None:
    (total,) = progress_of(STATISTICS, Goal("total", None, "seconds", 240))
    assert (total.name, total.have, total.share, total.reached) == ("", 60.0, 0.25, False)
    each = progress_of(STATISTICS, Goal("subject", None, "clips", 6))
    assert [(one.name, one.have, one.reached) for one in each] == [("Anna", 6, True), ("Ben", 4, False)]
    (missing,) = progress_of(STATISTICS, Goal("tag", "frown", "clips", 1))
    assert (missing.have, missing.reached) == (0, False)
    assert progress_of(STATISTICS, Goal("split", None, "clips", 1)) == ()


def test_a_goal_for_one_overrides_the_goal_for_each() -> None:
    each, own = Goal("subject", None, "clips", 5), Goal("subject", "Ben", "clips", 3)
    assert {(one.name, one.goal.amount) for one in applied(STATISTICS, [each, own])} == {("Anna", 5), ("Ben", 3)}


@pytest.mark.parametrize(
    ("goals", "full"),
    [
        ([], set()),
        ([Goal("total", None, "clips", 1), Goal("tag", None, "clips", 1)], set()),
        ([Goal("subject", None, "clips", 5)], {"Anna"}),
        ([Goal("subject", None, "clips", 4)], {"Anna", "Ben"}),
        ([Goal("subject", None, "clips", 4), Goal("subject", None, "seconds", 25)], {"Anna"}),
        ([Goal("subject", None, "clips", 4), Goal("subject", "Anna", "clips", 7)], {"Ben"}),
        ([Goal("subject", "Chiara", "clips", 1)], set()),
    ],
)
def test_a_subject_is_full_when_all_its_goals_are_reached(goals: list[Goal], full: set[str]) -> None:
    assert full_subjects(STATISTICS, goals) == full
