"""Merging the windows of one video: nothing is lost, no order matters, merging twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from clipgen_engine.projects.conflicts import Opinion
from clipgen_engine.projects.curators.merging import Reviewed, merged
from clipgen_engine.projects.matching import SAME_FROM, overlap
from clipgen_engine.projects.records import Key, WindowReview
from clipgen_engine.types import Decision
from tests.support.curators import FAR, HERE, NEAR, NO, OPEN, YES, reviewed, reviews

Part = dict[Key, WindowReview]


def merge(was: Reviewed, *parts: Part) -> Reviewed:
    return merged(was, [(one, one.keys()) for one in parts])


def exactly(found: Reviewed) -> object:
    """Everything that is stored, also what the comparison of reviews leaves out."""
    return {key: (one, one.decided_at, one.decided_by) for key, one in found.reviews.items()}, found.opinions


EMPTY = Reviewed()


def test_the_same_decision_of_two_is_one_and_the_newest() -> None:
    anna = reviews(reviewed(HERE, YES, "anna", 1, tags=("smile",), note="good"))
    ben = reviews(reviewed(HERE, YES, "ben", 2, tags=("brows",), note="very good"))
    (one,) = merge(EMPTY, anna, ben).reviews.values()
    assert (one.decision, one.decided_by, one.decided_at) == (YES, "ben", "2026-01-02")
    assert (one.tags, one.note) == (("brows", "smile"), "good\nvery good")


def test_accepted_windows_of_one_moment_become_one_and_others_stay() -> None:
    assert overlap(HERE, NEAR) > SAME_FROM
    anna = reviews(reviewed(HERE, YES, "anna", 3, note="mine"), reviewed(FAR, YES, "anna"))
    ben = reviews(reviewed(NEAR, YES, "ben", 2, tags=("smile",), manual=True))
    found = merge(EMPTY, anna, ben)
    assert set(found.reviews) == {HERE, FAR}
    one = found.reviews[HERE]
    assert (one.tags, one.note, one.manual) == (("smile",), "mine", False)
    assert not found.opinions
    other_face = reviews(reviewed((*NEAR[:2], 2), YES, "ben", 2))
    assert len(merge(EMPTY, anna, other_face).reviews) == 3


def test_rejected_windows_of_one_moment_stay_side_by_side() -> None:
    anna = reviews(reviewed(HERE, NO, "anna", 2))
    found = merge(EMPTY, anna, reviews(reviewed(NEAR, NO, "ben", 1, reason="cut")))
    assert {key: (one.decision, one.reason) for key, one in found.reviews.items()} == {
        HERE: (NO, ""),
        NEAR: (NO, "cut"),
    }
    found = merge(EMPTY, anna, reviews(reviewed(HERE, NO, "ben", 1, reason="cut")))
    assert (found.reviews[HERE].decided_by, found.reviews[HERE].reason) == ("anna", "cut"), "whoever gave a reason"


def test_accepted_versus_rejected_is_a_conflict_on_undecided_windows() -> None:
    anna = reviews(reviewed(HERE, YES, "anna", 1, tags=("smile",)))
    ben = reviews(reviewed(NEAR, NO, "ben", 2, reason="blurred", note="look"))
    found = merge(EMPTY, anna, ben)
    assert {key: (one.decision, one.decided_at, one.decided_by, one.reason) for key, one in found.reviews.items()} == {
        HERE: (OPEN, "", "", ""),
        NEAR: (OPEN, "", "", ""),
    }
    assert (found.reviews[HERE].tags, found.reviews[NEAR].note) == (("smile",), "look")
    assert found.opinions == (
        Opinion(HERE, "anna", YES, "", "", "2026-01-01"),
        Opinion(NEAR, "ben", NO, "blurred", "look", "2026-01-02"),
    )
    third = merge(found, reviews(reviewed(HERE, NO, "carl", 5)))
    assert [one.curator for one in third.opinions] == ["anna", "carl", "ben"], "a third opinion joins it"
    again = merge(found, reviews(reviewed(NEAR, YES, "ben", 9)))
    assert not again.opinions, "ben has changed his mind"
    assert list(again.reviews) == [NEAR]
    assert (again.reviews[NEAR].decided_by, again.reviews[NEAR].tags) == ("ben", ("smile",))


def test_the_last_decision_of_a_curator_counts() -> None:
    was = Reviewed(reviews(reviewed(HERE, YES, "anna", 1)))
    later = reviews(reviewed(HERE, NO, "anna", 2))
    assert merge(was, later).reviews[HERE].decision is NO
    assert merge(was, later, reviews(reviewed(HERE, YES, "anna", 3))).reviews[HERE].decision is YES


def test_a_window_that_its_curator_trimmed_replaces_the_old_one() -> None:
    was = Reviewed(reviews(reviewed(HERE, YES, "anna", 1, tags=("kept",)), reviewed(FAR, YES, "anna", 1)))
    trimmed = reviews(reviewed(NEAR, YES, "anna", 1, manual=True))
    found = merge(was, trimmed)
    assert set(found.reviews) == {NEAR, FAR}
    assert (found.reviews[NEAR].tags, found.reviews[NEAR].manual) == (("kept",), True)
    both = trimmed | reviews(reviewed(HERE, YES, "anna", 1))
    assert set(merge(was, both).reviews) == {HERE, NEAR, FAR}, "not if the curator has both"
    conflict = merge(was, reviews(reviewed(HERE, NO, "ben", 2)))
    settled = merge(conflict, reviews(reviewed(NEAR, NO, "anna", 5)))
    assert not settled.opinions
    assert {key: one.decision for key, one in settled.reviews.items()} == {HERE: NO, NEAR: NO, FAR: YES}


def test_tags_and_notes_without_a_decision_are_kept() -> None:
    was = Reviewed(reviews(reviewed(HERE, YES, "lead", 1, note="a\nb")))
    found = merge(was, reviews(reviewed(HERE, OPEN, note="b", tags=("x",)), reviewed(FAR, OPEN, note="c")))
    one = found.reviews[HERE]
    assert (one.note, one.decision, one.tags) == ("a\nb", YES, ("x",))
    assert found.reviews[FAR].note == "c"


CURATORS = ("anna", "ben", "carl")


@st.composite
def reviews_by(draw: st.DrawFn, *curators: str) -> Part:
    """Windows of a video, decided by these curators."""
    made = []
    for _ in range(draw(st.integers(0, 5))):
        start = 4 * draw(st.integers(0, 12))
        one = reviewed(
            (start, start + draw(st.sampled_from([16, 24])), draw(st.integers(0, 1))),
            draw(st.sampled_from([YES, YES, NO, NO, OPEN])),
            draw(st.sampled_from(curators)),
            draw(st.integers(1, 20)),
            tags=tuple(sorted(draw(st.sets(st.sampled_from(["x", "y", "z"]), max_size=2)))),
            note=draw(st.sampled_from(["", "", "n", "m", "n\nm", "long n"])),
            manual=draw(st.booleans()),
        )
        reason = draw(st.sampled_from(["", "cut", "blurred"])) if one.decision is NO else ""
        made.append(replace(one, reason=reason))
    return reviews(*made)


PARTS = st.tuples(*(reviews_by(name) for name in CURATORS))
BASES = reviews_by("anna", "lead").map(Reviewed)


def decided(parts: Sequence[Mapping[Key, WindowReview]]) -> list[WindowReview]:
    return [one for part in parts for one in part.values() if one.decision is not Decision.UNDECIDED]


@settings(max_examples=200, deadline=None)
@given(BASES, PARTS, st.permutations([0, 1, 2]))
def test_the_order_does_not_matter(was: Reviewed, parts: tuple[Part, ...], order: list[int]) -> None:
    assert exactly(merge(was, *parts)) == exactly(merge(was, *(parts[place] for place in order)))


@settings(max_examples=200, deadline=None)
@given(BASES, PARTS)
def test_merging_again_changes_nothing(was: Reviewed, parts: tuple[Part, ...]) -> None:
    once = merge(was, *parts)
    nothing_new: frozenset[Key] = frozenset()
    assert exactly(merged(once, [(one, nothing_new) for one in parts])) == exactly(once)


def within_reach(key: Key, keys: Sequence[Key]) -> set[Key]:
    """The windows that a chain of windows of the same moment leads to."""
    found, waiting = {key}, [key]
    while waiting:
        one = waiting.pop()
        near = {other for other in keys if other not in found and overlap(one, other) >= SAME_FROM}
        found |= near
        waiting += near
    return found


@settings(max_examples=200, deadline=None)
@given(PARTS)
def test_every_decision_tag_and_note_is_kept(parts: tuple[Part, ...]) -> None:
    found = merge(EMPTY, *parts)
    for one in decided(parts):
        key, kept = one.sequence.key, found.reviews.get(one.sequence.key)
        in_conflict = any((each.key, each.curator) == (key, one.decided_by) for each in found.opinions)
        stands = kept is not None and kept.decision is one.decision
        # accepted windows of one moment become one
        reach = within_reach(key, [each.sequence.key for each in decided(parts)])
        joined = one.decision is YES and any(
            other.decision is YES and other.decided_at >= one.decided_at and other.sequence.key in reach
            for other in found.reviews.values()
        )
        assert in_conflict or stands or joined
    for part in parts:
        for key, one in part.items():
            same_face = [other for other in found.reviews.values() if other.sequence.key[2] == key[2]]
            assert any(
                set(one.tags) <= set(other.tags) and set(one.note.split("\n")) <= {"", *other.note.split("\n")}
                for other in same_face
            )


@settings(max_examples=200, deadline=None)
@given(BASES, PARTS)
def test_a_conflict_has_two_sides_and_undecided_windows(was: Reviewed, parts: tuple[Part, ...]) -> None:
    found = merge(was, *parts)
    for one in found.opinions:
        assert found.reviews[one.key].decision is OPEN
        assert any(
            other.decision is not one.decision and other.curator != one.curator and other.key[2] == one.key[2]
            for other in found.opinions
        )
    alone = merge(EMPTY, parts[0])
    assert not alone.opinions, "nobody contradicts oneself"
    assert alone.reviews == parts[0]
