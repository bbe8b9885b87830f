"""Cohen's kappa against values computed by hand, and which windows show the same moment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.projects.curators.agreement import agreements, cohens_kappa
from clipgen_engine.projects.matching import SAME_FROM, overlap, same_moments
from clipgen_engine.projects.records import Key, WindowReview
from clipgen_engine.types import Decision, Sequence

YES, NO = "accepted", "rejected"


def pairs(both: int, first: int, second: int, neither: int) -> list[tuple[str, str]]:
    """Decisions of two curators: both accepted, only the first, only the second, both rejected."""
    return [(YES, YES)] * both + [(YES, NO)] * first + [(NO, YES)] * second + [(NO, NO)] * neither


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        # p_o = (20 + 15) / 50 = 0.7, p_e = 0.5 * 0.6 + 0.5 * 0.4 = 0.5
        ((20, 5, 10, 15), 0.4),
        # the same p_o = 0.6 with other frequencies: p_e = 0.54 and 0.46
        ((45, 15, 25, 15), (0.6 - 0.54) / 0.46),
        ((25, 35, 5, 35), (0.6 - 0.46) / 0.54),
        ((7, 0, 0, 3), 1.0),
        ((0, 5, 5, 0), -1.0),
        ((1, 1, 1, 1), 0.0),
        ((0, 3, 0, 0), 0.0),  # each always decided the same way, but not as the other: p_o = p_e = 0
    ],
)
def test_kappa_by_hand(table: tuple[int, int, int, int], kappa: float) -> None:
    assert cohens_kappa(pairs(*table)) == pytest.approx(kappa, abs=1e-12)


def test_kappa_is_undefined_without_windows_and_in_a_single_category() -> None:
    assert cohens_kappa([]) is None
    assert cohens_kappa(pairs(9, 0, 0, 0)) is None
    assert cohens_kappa(pairs(0, 0, 0, 1)) is None


def test_kappa_of_three_categories() -> None:
    # p_o = 3/6; marginals 3, 2, 1 and 2, 2, 2: p_e = (6 + 4 + 2) / 36 = 1/3
    said = [("a", "a"), ("a", "a"), ("a", "c"), ("b", "b"), ("b", "c"), ("c", "b")]
    assert cohens_kappa(said) == pytest.approx((1 / 2 - 1 / 3) / (2 / 3))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"))))
def test_kappa_is_symmetric_and_bounded(said: list[tuple[str, str]]) -> None:
    kappa = cohens_kappa(said)
    assert kappa == cohens_kappa([(other, one) for one, other in said])
    assert kappa is None or -1 <= kappa <= 1
    if kappa == 1:
        assert all(one == other for one, other in said)


def review(
    start: int, stop: int, curator: str, decision: str, at: str = "2026-01-01", track_id: int = 0
) -> WindowReview:
    sequence = Sequence(0, start, stop, track_id, {}, 0.5)
    return WindowReview(sequence, Decision(decision), decided_at=at, decided_by=curator)


def test_pairs_are_compared_over_the_windows_that_both_decided() -> None:
    videos = [
        [
            review(0, 30, "anna", YES),
            review(0, 30, "ben", YES),
            review(100, 130, "anna", YES),
            review(110, 140, "ben", NO),  # 20 of 40 frames in common: the same moment
            review(200, 230, "anna", NO),
            review(211, 241, "ben", NO),  # 19 of 41: another one
            review(300, 330, "anna", NO),
            review(300, 330, "ben", NO, track_id=1),  # another face
            review(400, 430, "anna", YES, "2026-01-01"),
            review(400, 430, "anna", NO, "2026-01-02"),  # changed her mind
            review(400, 430, "ben", NO),
            review(500, 530, "", NO),  # nobody knows who
            review(500, 530, "ben", NO),
            review(600, 630, "carl", "undecided"),
            review(600, 630, "ben", NO),
        ],
        [review(0, 30, "carl", YES)],
    ]
    anna_ben, anna_carl, ben_carl = agreements(videos)
    assert (anna_ben.curators, anna_ben.windows, anna_ben.same) == (("anna", "ben"), 3, 2)
    # anna accepted 2 of 3, ben 1 of 3: p_e = 2/3 * 1/3 + 1/3 * 2/3 = 4/9
    assert anna_ben.kappa == pytest.approx((2 / 3 - 4 / 9) / (5 / 9))
    assert anna_ben.sentence == "anna and ben agree on 2 of 3 windows; kappa 0.40 (fewer than 20 windows say little)."
    assert (anna_carl.windows, anna_carl.kappa) == (0, None)
    assert "No window was decided by both ben and carl" in ben_carl.sentence
    (always,) = agreements([[review(0, 30, "anna", YES), review(0, 30, "ben", YES)]])
    assert always.sentence.endswith("1 of 1 windows; kappa is undefined, since both always decided the same way.")


KEYS = st.builds(
    lambda start, count, track_id: (start, start + count, track_id),
    st.integers(0, 60),
    st.integers(1, 30),
    st.integers(0, 1),
)


@given(st.dictionaries(KEYS, st.sets(st.sampled_from(["a", "b", "c"]), min_size=1)), st.randoms())
def test_groups_are_the_same_in_any_order_and_hold_one_window_of_each_curator(
    deciders: dict[Key, set[str]], rng: random.Random
) -> None:
    groups = same_moments(deciders)
    assert sorted(key for group in groups for key in group) == sorted(deciders)
    for group in groups:
        curators = [curator for key in group for curator in deciders[key]]
        assert len(set(curators)) == len(curators)
        if len(group) > 1:
            assert all(any(overlap(one, other) >= SAME_FROM for other in group if other != one) for one in group)
    mixed = list(deciders)
    rng.shuffle(mixed)
    assert set(same_moments({key: deciders[key] for key in mixed})) == set(groups)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 30, 0), (0, 30, 0)) == 1
    assert overlap((0, 30, 0), (10, 40, 0)) == 0.5
    assert overlap((0, 30, 0), (30, 60, 0)) == 0
    assert overlap((0, 30, 0), (0, 30, 1)) == 0
    assert overlap((5, 5, 0), (5, 5, 0)) == 0, "windows without frames, as damaged files hold them"
