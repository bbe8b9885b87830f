"""Goals of a project: how many clips or seconds to accept, in total or by subject, tag, split or video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from clipgen_engine.projects.statistics import Grouping, ProjectStatistics
from clipgen_engine.projects.store import Project

Unit = Literal["clips", "seconds"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
UNITS: tuple[Unit, ...] = get_args(Unit)
MAX_AMOUNT = 1_000_000
_KEY = "goals"  # in the app state of the project
_MAX_GOALS = 100
_MAX_NAME = 1000  # characters


@dataclass(frozen=True)
class Goal:
    """So many accepted clips or seconds."""

    grouping: Grouping
    name: str | None  # of the subject, tag or split, or the id of the video; None: for each of them, or the total
    unit: Unit
    amount: float  # above 0, at most MAX_AMOUNT

    @property
    def about(self) -> tuple[str, str | None, str]:
        """What the goal is about; a project has one goal about each."""
        return self.grouping, self.name, self.unit


@dataclass(frozen=True)
class Progress:
    """How far a goal is reached for one subject, tag, split or video, or in total."""

    goal: Goal
    name: str  # "" for the total
    have: float  # clips or seconds

    @property
    def share(self) -> float:
        """0 for nothing, 1 and above for reached."""
        return self.have / self.goal.amount

    @property
    def reached(self) -> bool:
        return self.have >= self.goal.amount


def goals_of(project: Project) -> tuple[Goal, ...]:
    """Return the goals of a project. Stored ones that are not valid are left out.

    Raises:
        ProjectError: the project cannot be read, or is damaged.
    """
    stored = project.app_state().get(_KEY)
    found: dict[object, Goal] = {}
    for record in stored if isinstance(stored, list) else ():
        goal = _goal(record)
        if goal is not None:
            found.setdefault(goal.about, goal)
    return tuple(found.values())[:_MAX_GOALS]


def set_goals(project: Project, goals: Iterable[Goal]) -> None:
    """Store the goals of a project, instead of those it has.

    Raises:
        ProjectError: the project is open elsewhere, or cannot be written.
    """
    project.set_app_state({_KEY: [vars(goal) for goal in goals]})


def with_goal(goals: Iterable[Goal], goal: Goal) -> tuple[Goal, ...]:
    """The goals with this one, in place of the one about the same, if any."""
    found = {one.about: one for one in goals} | {goal.about: goal}
    return tuple(found.values())


def _goal(record: Any) -> Goal | None:
    """The goal of a stored record; None if it is not valid."""
    if not isinstance(record, dict):
        return None
    grouping, name, unit, amount = (record.get(field) for field in ("grouping", "name", "unit", "amount"))
    if grouping not in GROUPINGS or unit not in UNITS:
        return None
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= _MAX_NAME and grouping != "total"):
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= MAX_AMOUNT:
        return None
    return Goal(grouping, name, unit, amount)


def progress_of(statistics: ProjectStatistics, goal: Goal) -> tuple[Progress, ...]:
    """Return how far a goal is reached: one entry, or one for each named subject, tag, split or video."""
    amounts = statistics.amounts(goal.grouping)
    if goal.grouping == "total":
        names = [""]
    else:
        names = [name for name in amounts if name] if goal.name is None else [goal.name]

    def have(name: str) -> float:
        amount = amounts.get(name)
        return 0 if amount is None else amount.clips if goal.unit == "clips" else amount.seconds

    return tuple(Progress(goal, name, have(name)) for name in names)


def applied(statistics: ProjectStatistics, goals: Iterable[Goal]) -> Iterator[Progress]:
    """Yield how far all goals are reached. A goal for one name overrides the goal in the same unit for each."""
    goals = list(goals)
    own = {goal.about for goal in goals if goal.name is not None}
    for goal in goals:
        for progress in progress_of(statistics, goal):
            if goal.name is not None or (goal.grouping, progress.name, goal.unit) not in own:
                yield progress


def full_subjects(statistics: ProjectStatistics, goals: Iterable[Goal]) -> frozenset[str]:
    """Return the subjects that reached every goal set for them, of which there is at least one."""
    progress = [one for one in applied(statistics, goals) if one.goal.grouping == "subject"]
    return frozenset(one.name for one in progress) - {one.name for one in progress if not one.reached}
