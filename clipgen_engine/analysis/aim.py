"""What an analysis is for: how far it goes, and what becomes exact first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from clipgen_engine.settings import RankingSettings

Effort = Literal["draft", "top", "full"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)


def _nothing() -> Iterable[tuple[int, int]]:
    return ()


@dataclass(frozen=True)
class Aim:
    """How far an analysis goes.

    `draft` looks at every n-th frame; `top` then makes the frames around the best windows exact, until no other window
    can be among them; `full` makes every frame exact. An exact value is the same in all three.
    """

    effort: Effort = "full"
    draft_first: bool = False  # of `full`: the whole video as a draft, then the best windows, then the rest
    ranking: Callable[[], RankingSettings] = RankingSettings  # decides which windows are the best
    looked_at: Callable[[], Iterable[tuple[int, int]]] = _nothing  # half-open spans of frames that become exact first


FULL = Aim()
