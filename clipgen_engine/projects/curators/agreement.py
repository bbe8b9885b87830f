"""How far curators agree: Cohen's kappa over the windows that two of them decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from clipgen_engine.projects.matching import same_moments
from clipgen_engine.projects.records import Key, WindowReview
from clipgen_engine.types import Decision

FEW_WINDOWS = 20  # a kappa of fewer says little


@dataclass(frozen=True)
class Agreement:
    """How far two curators agree."""

    curators: tuple[str, str]  # in alphabetical order
    windows: int  # that both decided
    same: int  # of which with the same decision
    kappa: float | None  # -1..1; None: undefined, see `cohens_kappa`

    @property
    def sentence(self) -> str:
        one, other = self.curators
        if not self.windows:
            return f"No window was decided by both {one} and {other}, so that their agreement is unknown."
        both = f"{one} and {other} agree on {self.same} of {self.windows} windows"
        if self.kappa is None:
            return f"{both}; kappa is undefined, since both always decided the same way."
        few = f" (fewer than {FEW_WINDOWS} windows say little)" if self.windows < FEW_WINDOWS else ""
        return f"{both}; kappa {self.kappa:.2f}{few}."


def cohens_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Agreement of two raters, corrected for what they would agree on by chance.

    kappa = (p_o - p_e) / (1 - p_e): p_o is the share of items that both put in the same category, p_e the share
    expected if each kept their own frequencies and rated independently of the other. J. Cohen, A coefficient of
    agreement for nominal scales, Educational and Psychological Measurement 20 (1960), 37-46.

    Args:
        pairs: the categories of an item by the first and by the second rater.

    Returns:
        -1..1: 1 is full agreement, 0 is chance. None: there are no items, or all are in one category.
    """
    table = Counter(pairs)
    total = table.total()
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (one, other), count in table.items():
        first[one] += count
        second[other] += count
    # integers, so that full agreement is exactly 1
    same = total * sum(count for (one, other), count in table.items() if one == other)
    expected = sum(first[category] * second[category] for category in first)
    whole = total * total
    return None if expected == whole else (same - expected) / (whole - expected)


def newest(reviews: Iterable[WindowReview]) -> dict[tuple[str, Key], WindowReview]:
    """Return what each curator said last of each window, by curator and window. The order does not matter."""
    found: dict[tuple[str, Key], WindowReview] = {}
    for review in reviews:
        place = review.decided_by, review.sequence.key
        if place not in found or by_time(review) > by_time(found[place]):
            found[place] = review
    return found


def by_time(review: WindowReview) -> tuple[object, ...]:
    """Sorts decisions from the oldest to the newest. Those of the same time have a fixed order, too."""
    return (
        *(review.decided_at, review.decided_by, review.sequence.key, review.decision.value, review.reason),
        *(review.sequence.combined_score, review.manual, review.note, review.tags),
    )


def agreements(videos: Iterable[Sequence[WindowReview]]) -> list[Agreement]:
    """Compare all pairs of curators, in alphabetical order.

    Args:
        videos: decisions on the windows of each video, with the names of who made them; those without are left out.
    """
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    everybody: set[str] = set()
    for reviews in videos:
        decided = (one for one in reviews if one.decided_by and one.decision is not Decision.UNDECIDED)
        by_key: dict[Key, dict[str, str]] = {}
        for (curator, key), review in newest(decided).items():
            by_key.setdefault(key, {})[curator] = review.decision.value
            everybody.add(curator)
        for keys in same_moments({key: by_key[key].keys() for key in by_key}):
            said = {curator: decision for key in keys for curator, decision in by_key[key].items()}
            for one, other in combinations(sorted(said), 2):
                pairs.setdefault((one, other), []).append((said[one], said[other]))
    return [
        Agreement(both, len(said), sum(one == other for one, other in said), cohens_kappa(said))
        for both in combinations(sorted(everybody), 2)
        for said in (pairs.get(both, []),)
    ]
