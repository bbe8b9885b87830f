"""Numbers of the dashboard in words."""

from __future__ import annotations

from datetime import date

from clipgen_engine.projects.goals import Goal, Unit
from clipgen_engine.projects.statistics import Amount
from clipgen_gui.support.formatting import counted, length

_OF_EACH = {
    "total": "in total",
    "subject": "of each subject",
    "tag": "of each tag",
    "split": "of each split",
    "video": "of each video",
}
_OF_ONE = {"subject": "of {}", "tag": "tagged {}", "split": "in {}", "video": "of {}"}


def duration(seconds: float) -> str:
    """`40 s`, `23 min`, `1.4 h`."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def measured(amount: Amount, unit: Unit) -> float:
    """The clips or the seconds of an amount."""
    return amount.clips if unit == "clips" else amount.seconds


def value(number: float, unit: Unit) -> str:
    """`1,200`, or `1:27`."""
    return f"{number:,.0f}" if unit == "clips" else length(number)


def quantity(number: float, unit: Unit) -> str:
    """`300 clips`, `10 min`, `7.5 min`."""
    return counted(round(number), "clip") if unit == "clips" else f"{number / 60:,.5g} min"


def contents(amount: Amount) -> str:
    """`34 clips, 1:27`."""
    unknown = f", {amount.unmeasured} of unknown length" if amount.unmeasured else ""
    return f"{counted(amount.clips, 'clip')}, {length(amount.seconds)}{unknown}"


def scope(goal: Goal, name: str) -> str:
    """`of each subject`, `tagged smile`. The name is that of a video rather than its id."""
    return _OF_EACH[goal.grouping] if goal.name is None else _OF_ONE[goal.grouping].format(name)


def day(iso: str) -> str:
    """`7 Nov` for a local date in ISO 8601."""
    one = date.fromisoformat(iso)
    return f"{one.day} {one:%b}"


def share(part: float, whole: float) -> str:
    """`53 %`."""
    return f"{part / whole:.0%}".replace("%", " %") if whole else "–"
