"""Windows decided by several curators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clipgen_engine.projects.records import Key, WindowReview
from clipgen_engine.types import Decision, Sequence

YES, NO, OPEN = Decision.ACCEPTED, Decision.REJECTED, Decision.UNDECIDED
HERE, NEAR, FAR = (0, 30, 1), (8, 38, 1), (100, 130, 1)  # the first two show the same moment


def reviewed(key: Key, decision: Decision, by: str = "", day: int = 1, **more: Any) -> WindowReview:
    """A window, decided by somebody on a day of January 2026."""
    sequence = Sequence(0, *key, terms={}, combined_score=key[0] / 100)
    if decision is OPEN:
        return replace(WindowReview(sequence, decision), **more)
    return WindowReview(sequence, decision, decided_at=f"2026-01-{day:02d}", decided_by=by, **more)


def reviews(*windows: WindowReview) -> dict[Key, WindowReview]:
    return {one.sequence.key: one for one in windows}
