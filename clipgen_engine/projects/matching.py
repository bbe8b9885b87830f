"""Which windows of several curators show the same moment, although their frames differ."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set

from clipgen_engine.projects.records import Key

SAME_FROM = 0.5  # intersection over union, in frames, from which two windows of a track are the same moment


def overlap(one: Key, other: Key) -> float:
    """Intersection over union of the frames of two windows, 0..1; 0 if their tracks differ."""
    if one[2] != other[2]:
        return 0.0
    common = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, common / (max(one[1], other[1]) - min(one[0], other[0]))) if common > 0 else 0.0


def same_moments(deciders: Mapping[Key, Set[Hashable]]) -> list[tuple[Key, ...]]:
    """Group the windows of a video that show the same moment.

    Windows that overlap by at least `SAME_FROM` are joined, those that overlap most first, unless a curator decided on
    both: nobody has two opinions of one moment. The order of the mapping does not matter.

    Args:
        deciders: the curators who decided on each window.

    Returns:
        The groups, each in the order of time; a window that is joined to no other is a group of its own.
    """
    keys = sorted(deciders, key=lambda key: (key[2], key))
    pairs: list[tuple[float, Key, Key]] = []
    for place, one in enumerate(keys):
        for other in keys[place + 1 :]:
            if other[2] != one[2] or other[0] >= one[1]:
                break
            share = overlap(one, other)
            if share >= SAME_FROM:
                pairs.append((-share, one, other))
    group_of = {key: {key} for key in keys}
    curators = {key: set(deciders[key]) for key in keys}  # of the group that the key is in
    for _, one, other in sorted(pairs):
        if group_of[one] is group_of[other] or curators[one] & curators[other]:
            continue
        group_of[one] |= group_of[other]
        curators[one] |= curators[other]
        for key in group_of[other]:
            group_of[key], curators[key] = group_of[one], curators[one]
    return [tuple(sorted(group)) for group in {id(group): group for group in group_of.values()}.values()]
