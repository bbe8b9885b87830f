"""Brings the decisions of several curators back into one project.

Windows that show the same moment (`projects.matching`) and that all who saw them accepted become one: the one decided
on last. Rejected ones stay side by side. Where one curator accepted what another one rejected, the windows become
undecided, and who said what is stored as a conflict. Tags and notes of all curators are kept.

What was merged once is remembered, so that merging again brings only what is new, and never undoes what was decided in
the project since.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from clipgen_engine.errors import Cancelled
from clipgen_engine.files import strict_json
from clipgen_engine.projects.conflicts import Conflict, Opinion
from clipgen_engine.projects.curators.agreement import Agreement, agreements, by_time, newest
from clipgen_engine.projects.curators.assignment import assignment_of, curator_of, source_id_of
from clipgen_engine.projects.matching import SAME_FROM, overlap, same_moments
from clipgen_engine.projects.records import Key, StoredVideo, WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from clipgen_engine.types import Sequence as Window
from clipgen_engine.untrusted import as_text

_MERGED = "merged"  # in the app state: marks of what was merged

Reviews = Mapping[Key, WindowReview]


@dataclass(frozen=True)
class PartVideo:
    """A video in the project of a curator."""

    video: StoredVideo
    reviews: Reviews  # named: every decision says who made it, if anybody knows
    subjects: Mapping[int, str]  # by track id
    opinions: tuple[Opinion, ...] = ()  # on its windows in conflict, if it is itself the result of a merge


@dataclass(frozen=True)
class Part:
    """What the project of a curator holds."""

    path: Path
    curator: str
    source_id: str  # of the project it was split off from; empty: of none
    videos: tuple[PartVideo, ...]

    @property
    def decisions(self) -> int:
        """Windows that its curator decided on."""
        reviews = (one for video in self.videos for one in video.reviews.values())
        return sum(one.decision is not Decision.UNDECIDED and one.decided_by == self.curator for one in reviews)


@dataclass(frozen=True)
class Reviewed:
    """The windows of a video, and the opinions on those in conflict."""

    reviews: Reviews = field(default_factory=dict)
    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True)
class MergeReport:
    """What a merge has done."""

    brought: Mapping[Path, int]  # windows of each part with something new
    changed: int  # windows that were added, changed or removed in the project
    conflicts: tuple[tuple[StoredVideo, Conflict], ...]  # all that are open now, by queue place and time
    agreements: tuple[Agreement, ...]
    remarks: tuple[str, ...]  # sentences about what a person should know


def read_part(project: Project) -> Part:
    """Read the project of a curator.

    A decision without a name was made by its curator, unless it is older than the assignment.

    Raises:
        DamagedProjectError: it cannot be parsed.
    """
    assignment, curator = assignment_of(project), curator_of(project)
    since = assignment.assigned_at if assignment else ""

    def named(review: WindowReview) -> WindowReview:
        unnamed = review.decision is not Decision.UNDECIDED and not review.decided_by
        return replace(review, decided_by=curator) if unnamed and review.decided_at > since else review

    stored, reviews, subjects = project.videos(), project.all_windows(), project.all_subjects()
    conflicts = project.conflicts()
    listed = {video.video_id for video in stored}
    # a curator may have removed a video from the list after deciding on it
    stored += [project.video(video_id) for video_id in sorted((reviews.keys() | conflicts.keys()) - listed)]
    with project.reading():
        for video in stored:
            for text in (video.fingerprint or "", video.state, video.message, video.analysis):
                as_text(text)
        videos = tuple(
            PartVideo(
                video,
                {key: named(review) for key, review in reviews.get(video.video_id, {}).items()},
                {int(track_id): as_text(name) for track_id, name in subjects.get(video.video_id, {}).items()},
                tuple(one for conflict in conflicts.get(video.video_id, ()) for one in conflict.opinions),
            )
            for video in stored
        )
    return Part(project.path, curator, assignment.source_id if assignment else "", videos)


def merge_parts(project: Project, parts: Sequence[Part], cancel: threading.Event | None = None) -> MergeReport:
    """Bring the decisions of parts into a project, in one transaction. The order of the parts does not matter.

    Raises:
        ProjectError: the project is open elsewhere, is damaged, or cannot be written.
        Cancelled: `cancel` was set.
    """
    state = project.app_state().get(_MERGED)
    known = {mark for mark in state if isinstance(mark, str)} if isinstance(state, list) else set[str]()
    parts = sorted(parts, key=lambda part: (part.curator, str(part.path)))
    brought, changed, remarks = {part.path: 0 for part in parts}, 0, _strangers(project, parts)
    compared: list[list[WindowReview]] = []
    with project.together():
        places = _places(project, parts)
        before, conflicts, subjects = project.all_windows(), project.conflicts(), project.all_subjects()
        for video_id in sorted(places.keys() | before.keys() | conflicts.keys()):
            if cancel is not None and cancel.is_set():
                raise Cancelled
            in_conflict = tuple(one for conflict in conflicts.get(video_id, ()) for one in conflict.opinions)
            was, found = Reviewed(before.get(video_id, {}), in_conflict), places.get(video_id, [])
            given: list[Reviews] = []
            marks: list[dict[Key, list[str]]] = []
            for part, one in found:
                own = _as_copied(one.reviews, was.reviews)
                sides = _sides(own, one.opinions)
                # only who decided what: their notes stand in the windows, too
                bare = ({key: replace(each, note="", manual=False) for key, each in side.items()} for side in sides)
                new = [_new_marks(video_id, reviews, known) for reviews in (own, *bare)]
                brought[part.path] += len({key for marked in new for key in marked})
                given += [own, *({**own, **side} for side in sides)]
                marks += new
            compared.append([*_opinions_in(was), *(one for reviews in given for one in reviews.values())])
            becomes = merged(was, [(reviews, new.keys()) for reviews, new in zip(given, marks, strict=True)])
            known.update(mark for new in marks for several in new.values() for mark in several)
            changed += _store(project, video_id, was, becomes)
            remarks += _merge_subjects(project, video_id, subjects.get(video_id, {}), found)
        project.set_app_state({_MERGED: sorted(known)})
    left = project.conflicts()
    order = {video.video_id: place for place, video in enumerate(project.videos())}
    listed = sorted(left, key=lambda video_id: (order.get(video_id, len(order)), video_id))
    return MergeReport(
        brought,
        changed,
        tuple((project.video(video_id), conflict) for video_id in listed for conflict in left[video_id]),
        tuple(agreements(compared)),
        tuple(remarks),
    )


def merged(was: Reviewed, parts: Sequence[tuple[Reviews, AbstractSet[Key]]]) -> Reviewed:
    """Merge the windows of one video. The order of the parts does not matter; merging again changes nothing.

    Args:
        was: what the project holds.
        parts: the windows of each part, and which of them have something new.
    """
    given = [theirs[key] for theirs, new in parts for key in new]
    if not given:
        return was
    reviews = dict(was.reviews)
    remarks: dict[Key, list[WindowReview]] = {}
    for review in given:
        remarks.setdefault(review.sequence.key, []).append(review)
    opinions = newest([*_opinions_in(was), *(one for one in given if one.decision is not Decision.UNDECIDED)])
    for (curator, old), key in _trimmed(opinions, parts).items():
        del opinions[curator, old]
        if old in reviews and not any(other == old for _, other in opinions):
            remarks[key].append(reviews.pop(old))
    by_key: dict[Key, list[WindowReview]] = {}
    for (_, key), review in sorted(opinions.items(), key=lambda one: one[0]):
        by_key.setdefault(key, []).append(review)
    in_conflict: list[Opinion] = []
    disputed = {one.key for one in was.opinions}
    for keys in same_moments({key: {one.decided_by for one in by_key[key]} for key in by_key}):
        if not any(key in remarks or key in disputed for key in keys):
            continue
        said = [one for key in keys for one in by_key[key]]
        if len({one.decision for one in said}) > 1:
            in_conflict += map(_opinion, said)
            for key in keys:
                base = reviews.get(key) or max(by_key[key], key=by_time)
                undecided = replace(base, decision=Decision.UNDECIDED, decided_at="", decided_by="", reason="")
                reviews[key] = _united(undecided, reviews.get(key), remarks.pop(key, ()))
        elif said[0].decision is Decision.ACCEPTED:
            winner = max(said, key=by_time)
            stored = [reviews.pop(key) for key in keys if key in reviews]
            others = [one for key in keys for one in remarks.pop(key, ())]
            reviews[winner.sequence.key] = _united(winner, stored[0] if stored else None, [*stored[1:], *others])
        else:
            for key in keys:
                reasons = [one.reason for one in sorted(by_key[key], key=by_time) if one.reason]
                last = replace(max(by_key[key], key=by_time), reason=reasons[-1] if reasons else "")
                reviews[key] = _united(last, reviews.get(key), remarks.pop(key, ()))
    for key, several in remarks.items():  # windows on which nobody decided
        base = reviews.get(key) or max(several, key=by_time)
        reviews[key] = _united(base, reviews.get(key), several)
    return Reviewed(reviews, tuple(sorted(in_conflict, key=lambda one: (one.key, one.curator))))


def _trimmed(
    opinions: Mapping[tuple[str, Key], WindowReview], parts: Sequence[tuple[Reviews, AbstractSet[Key]]]
) -> dict[tuple[str, Key], Key]:
    """Find windows that a curator has replaced by another one of the same moment: who and which, and by which."""
    found: dict[tuple[str, Key], Key] = {}
    for theirs, new in parts:
        for key in new:
            review = theirs[key]
            if review.decision is Decision.UNDECIDED:
                continue
            for (curator, old), opinion in opinions.items():
                replaced = curator == review.decided_by and old not in theirs and overlap(old, key) >= SAME_FROM
                if replaced and opinion.decided_at <= review.decided_at:
                    found[curator, old] = max(key, found.get((curator, old), key))
    return found


def _united(review: WindowReview, stored: WindowReview | None, others: Iterable[WindowReview]) -> WindowReview:
    """The review with the tags and notes of all: first the stored note, then the others in alphabetical order."""
    everybody = [review, *([] if stored is None else [stored]), *others]
    notes = {one.note for one in everybody if one.note}
    kept = {note for note in notes if not any(note != other and _holds(other, note) for other in notes)}
    first = [stored.note] if stored is not None and stored.note in kept else []
    return replace(
        review,
        manual=any(one.manual for one in everybody if one.sequence.key == review.sequence.key),
        tags=tuple(sorted({tag for one in everybody for tag in one.tags})),
        note="\n".join([*first, *sorted(kept - set(first))]),
    )


def _holds(text: str, lines: str) -> bool:
    return f"\n{lines}\n" in f"\n{text}\n"


def _opinion(review: WindowReview) -> Opinion:
    key, reason = review.sequence.key, review.reason
    return Opinion(key, review.decided_by, review.decision, reason, review.note, review.decided_at)


def _opinions_in(found: Reviewed) -> list[WindowReview]:
    """What was decided on the windows of a video, those in conflict included."""
    decided = [one for one in found.reviews.values() if one.decision is not Decision.UNDECIDED]
    return [*decided, *(_as_review(one, found.reviews.get(one.key)) for one in found.opinions)]


def _as_review(one: Opinion, stored: WindowReview | None) -> WindowReview:
    # without its stored window, the scores are gone; the app computes them anew
    sequence = stored.sequence if stored else Window(0, *one.key, terms={}, combined_score=0.0)
    manual = stored is not None and stored.manual
    return WindowReview(sequence, one.decision, manual, (), one.note, one.decided_at, one.curator, one.reason)


def _as_copied(reviews: Reviews, project: Reviews) -> dict[Key, WindowReview]:
    """The windows of a part. A decision that stands in the project without a name was copied from there."""
    found = dict(reviews)
    for key, review in reviews.items():
        own = project.get(key)
        if own and not own.decided_by and (own.decision, own.decided_at) == (review.decision, review.decided_at):
            found[key] = replace(review, decided_by="")
    return found


def _sides(reviews: Reviews, opinions: Iterable[Opinion]) -> list[dict[Key, WindowReview]]:
    """The opinions in conflict of a part as decisions, by window: one mapping for each curator."""
    found: dict[str, dict[Key, WindowReview]] = {}
    for one in opinions:
        found.setdefault(one.curator, {})[one.key] = _as_review(one, reviews.get(one.key))
    return [found[curator] for curator in sorted(found)]


def _new_marks(video_id: int, reviews: Reviews, known: AbstractSet[str]) -> dict[Key, list[str]]:
    """The marks of what was not merged before, by window: of its decision, and of its tags and note."""
    found = {}
    for key, one in reviews.items():
        facts: list[list[object]] = []
        if one.decision is not Decision.UNDECIDED:
            facts.append([one.decision.value, one.decided_by, one.decided_at, one.reason])
        if one.tags or one.note or one.manual:
            facts.append([one.tags, one.note, one.manual])
        texts = [strict_json([video_id, key, fact]) for fact in facts]
        marks = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
        new = [mark for mark in marks if mark not in known]
        if new:
            found[key] = new
    return found


def _places(project: Project, parts: Sequence[Part]) -> dict[int, list[tuple[Part, PartVideo]]]:
    """Find the videos of the parts in the project: by fingerprint, else by path. Those it does not have are added."""
    by_fingerprint: dict[str, StoredVideo] = {}
    by_path: dict[Path, StoredVideo] = {}
    for video in project.videos():
        if video.fingerprint:
            by_fingerprint[video.fingerprint] = video
        by_path.setdefault(video.path, video)
    found: dict[int, list[tuple[Part, PartVideo]]] = {}
    for part in parts:
        for one in part.videos:
            fingerprint = one.video.fingerprint
            known = (by_fingerprint.get(fingerprint) or project.video_of(fingerprint)) if fingerprint else None
            same_path = by_path.get(one.video.path)
            # at the same path on another computer, there may be another video
            if known is None and same_path is not None and None in (fingerprint, same_path.fingerprint):
                known = project.identify(same_path.video_id, fingerprint) if fingerprint else same_path
            if known is None:
                known = project.video(project.insert_video(one.video))
            if known.fingerprint:
                by_fingerprint[known.fingerprint] = known
            by_path[known.path] = known
            found.setdefault(known.video_id, []).append((part, one))
    return found


def _store(project: Project, video_id: int, was: Reviewed, becomes: Reviewed) -> int:
    """Write what changed. Returns the number of windows."""
    changes: dict[Key, WindowReview | None] = dict.fromkeys(was.reviews.keys() - becomes.reviews.keys())
    for key, review in becomes.reviews.items():
        old = was.reviews.get(key)
        if review != old or (review.decided_at, review.decided_by) != (old.decided_at, old.decided_by):
            changes[key] = review
    if changes or set(was.opinions) != set(becomes.opinions):
        project.save_reviews(video_id, changes)
        project.set_conflicts(video_id, becomes.opinions)
    return len(changes)


def _merge_subjects(
    project: Project, video_id: int, own: Mapping[int, str], parts: Sequence[tuple[Part, PartVideo]]
) -> list[str]:
    """Name the faces that have no name in the project yet. Returns sentences about those with several names."""
    remarks = []
    names: dict[int, set[str]] = {}
    for _, one in parts:
        for track_id, name in one.subjects.items():
            names.setdefault(track_id, set()).add(name)
    for track_id, several in sorted(names.items()):
        kept = own.get(track_id) or min(several)
        if track_id not in own:
            project.set_subject(video_id, track_id, kept)
        others = sorted(several - {kept})
        if others:
            video = project.video(video_id).path.name
            remarks.append(f"Face {track_id} of {video} is called {kept}; others call it {', '.join(others)}.")
    return remarks


def _strangers(project: Project, parts: Sequence[Part]) -> list[str]:
    own = source_id_of(project)
    return [
        f"{part.path.name} was not split off from {project.path.name}, but from another project."
        for part in parts
        if part.source_id and part.source_id != own
    ]
