"""What becomes exact first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from clipgen_engine.settings import RankingSettings


def _nothing() -> Iterable[tuple[int, int]]:
    return ()


@dataclass(frozen=True)
class Aim:
    """What an analysis is for. It decides the order in which frames become exact, never their values."""

    draft_first: bool = False  # of a full analysis: the whole video as a draft, then the best windows, then the rest
    ranking: Callable[[], RankingSettings] = RankingSettings  # decides which windows are the best
    looked_at: Callable[[], Iterable[tuple[int, int]]] = _nothing  # half-open spans of frames that become exact first


NO_AIM = Aim()
