"""What the charts show: the statistics of a project as marks. No widgets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from clipgen_engine.projects.goals import Goal, Progress, Unit, applied, full_subjects, progress_of
from clipgen_engine.projects.statistics import BINS, Amount, Decided, Grouping, ProjectStatistics
from clipgen_engine.types import Decision
from clipgen_gui.dashboard import wording
from clipgen_gui.dashboard.chart import Mark
from clipgen_gui.support.formatting import counted

_FEWEST_DAYS, _MOST_DAYS = 7, 30
_UNNAMED = {"subject": "no subject named", "tag": "no tag", "split": "no split", "video": "no video"}


def decision_marks(statistics: ProjectStatistics, undecided: int) -> list[Mark]:
    """Accepted, rejected and undecided windows."""
    decided = statistics.decided
    whole = decided.total + undecided
    rows = (
        (Decision.ACCEPTED, decided.accepted, "accepted"),
        (Decision.REJECTED, decided.rejected, "rejected"),
        (Decision.UNDECIDED, undecided, "muted"),
    )
    return [
        Mark(
            "decision",
            decision.value,
            decision.value.capitalize(),
            f"{count:,} · {wording.share(count, whole)}",
            f"{counted(count, 'window')} {decision.value}, {wording.share(count, whole)} of all",
            count,
            color=color,
        )
        for decision, count, color in rows
    ]


def amount_marks(grouping: Grouping, statistics: ProjectStatistics, goals: Iterable[Goal], unit: Unit) -> list[Mark]:
    """Accepted clips or seconds by subject, tag, split or video, most first, with their goals."""
    goals = list(goals)
    full = full_subjects(statistics, goals) if grouping == "subject" else frozenset()
    progress = {
        one.name: one for one in applied(statistics, goals) if (one.goal.grouping, one.goal.unit) == (grouping, unit)
    }
    amounts = {name: Amount() for name in progress} | dict(statistics.amounts(grouping))
    names = statistics.video_names if grouping == "video" else {}
    shown = []
    for name, amount in amounts.items():
        label = names.get(name) or name or _UNNAMED[grouping]
        shown.append(_amount_mark(grouping, name, label, amount, unit, progress.get(name), name in full))
    return sorted(shown, key=lambda mark: -mark.amount)


def _amount_mark(
    grouping: str, name: str, label: str, amount: Amount, unit: Unit, progress: Progress | None, full: bool
) -> Mark:
    have = wording.measured(amount, unit)
    number, spoken = wording.value(have, unit), f"{label}: {wording.contents(amount)}"
    reached = full
    if progress is not None:
        number += f" of {wording.value(progress.goal.amount, unit)}"
        spoken += f", of a goal of {wording.quantity(progress.goal.amount, unit)}"
        reached = full or (progress.reached and grouping != "subject")
    if full:
        number, spoken = f"full · {number}", f"{spoken}. This subject is full"
    goal = None if progress is None else progress.goal.amount
    return Mark(grouping, name, label, number, spoken, have, goal=goal, full=reached)


def goal_mark(statistics: ProjectStatistics, goal: Goal) -> Mark:
    """How far a goal is reached; for a goal of each, the mean of all shares."""
    entries = progress_of(statistics, goal)
    name = statistics.video_names.get(goal.name or "", goal.name or "") if goal.grouping == "video" else goal.name or ""
    label = f"{wording.quantity(goal.amount, goal.unit)} {wording.scope(goal, name)}"
    share = sum(min(1.0, one.share) for one in entries) / len(entries) if entries else 0.0
    reached = sum(one.reached for one in entries)
    if goal.name is None and goal.grouping != "total":
        number = f"{reached} of {len(entries)} reached" if entries else f"no {goal.grouping} yet"
    else:
        number = f"{wording.value(entries[0].have, goal.unit)} of {wording.value(goal.amount, goal.unit)}"
    kind, value = (goal.grouping, goal.name) if goal.name is not None else ("decision", Decision.ACCEPTED.value)
    done = bool(entries) and reached == len(entries)
    spoken = f"Goal: {label}. {wording.share(share, 1)}, {number}"
    return Mark(kind, value, label, number, spoken, share, goal=1.0, color="accepted" if done else "accent", full=done)


def curator_marks(statistics: ProjectStatistics) -> list[Mark]:
    """Decided windows by curator, most first."""
    found = sorted(statistics.by_curator.items(), key=lambda one: -one[1].total)
    return [_decided_mark("curator", name, name or "not recorded", decided) for name, decided in found]


def day_marks(statistics: ProjectStatistics) -> list[Mark]:
    """Decided windows by day, of the last days up to the last decision, days without one included."""
    days = [one for one in statistics.by_day if one]
    if not days:
        return []
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    count = min(max((last - first).days + 1, _FEWEST_DAYS), _MOST_DAYS)
    shown = [(last - timedelta(count - 1 - place)).isoformat() for place in range(count)]
    return [_decided_mark("day", one, wording.day(one), statistics.by_day.get(one, Decided())) for one in shown]


def _decided_mark(kind: str, value: str, label: str, decided: Decided) -> Mark:
    spoken = f"{label}: {decided.accepted:,} accepted, {decided.rejected:,} rejected"
    return Mark(kind, value, label, f"{decided.total:,}", spoken, decided.accepted, decided.rejected)


def reason_marks(statistics: ProjectStatistics) -> list[Mark]:
    """Rejected windows by reason, most first."""
    found = sorted(statistics.reasons.items(), key=lambda one: -one[1])
    marks = []
    for reason, count in found:
        label = reason or "no reason given"
        spoken = f"{label}: {counted(count, 'window')} rejected"
        marks.append(Mark("reason", reason, label, f"{count:,}", spoken, count, color="rejected"))
    return marks


def score_marks(statistics: ProjectStatistics) -> list[Mark]:
    """Decided windows by combined score. Every other column is labelled, at its left edge."""
    marks = []
    for place, counts in enumerate(zip(statistics.accepted_scores, statistics.rejected_scores, strict=True)):
        low, high = place / BINS, (place + 1) / BINS
        mark = _decided_mark("score", f"{low:.2f}-{high:.2f}", f"{low:.2f} to {high:.2f}", Decided(*counts))
        label = f"{low:.1f}" if place % 2 == 0 else ""
        marks.append(Mark(mark.kind, mark.value, label, mark.number, mark.spoken, mark.amount, mark.rejected))
    return marks
