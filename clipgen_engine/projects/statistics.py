"""A project in numbers: videos, decisions, accepted clips and seconds, pace, scores. Aggregated by SQLite."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from clipgen_engine.projects.file import DECIDED_SCORE
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision

Grouping = Literal["total", "subject", "tag", "split", "video"]
SplitOf = Callable[[str, str], str]  # (subject id or "", fingerprint) -> name of the split

PAUSE_S = 120.0  # a longer time without a decision was not spent on decisions
BINS = 20  # of the score histograms, over 0..1


@dataclass(frozen=True)
class Amount:
    """Accepted clips and how long they are."""

    clips: int = 0
    seconds: float = 0.0  # of the clips whose length is known
    unmeasured: int = 0  # clips of videos whose frame rate is not stored

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.clips + other.clips, self.seconds + other.seconds, self.unmeasured + other.unmeasured)


@dataclass(frozen=True)
class Decided:
    """Number of decided windows."""

    accepted: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        return self.accepted + self.rejected

    def __add__(self, other: Decided) -> Decided:
        return Decided(self.accepted + other.accepted, self.rejected + other.rejected)


@dataclass(frozen=True)
class Pace:
    """How fast windows are decided.

    The decisions of each curator are ordered by time. A decision that follows the previous one within `PAUSE_S` took
    that time; the first one, and each after a longer pause, took an unknown time and does not count.
    """

    decisions: int = 0  # that took a known time
    active_s: float = 0.0  # their times added up, over all curators

    @property
    def per_minute(self) -> float | None:
        """Decisions of one curator in a minute of work; None if that is not known yet."""
        return 60 * self.decisions / self.active_s if self.active_s > 0 else None

    def time_for_s(self, windows: int) -> float | None:
        """Seconds in which one curator decides this many windows; None if that is not known yet."""
        return windows * self.active_s / self.decisions if self.active_s > 0 else None


@dataclass(frozen=True)
class ProjectStatistics:
    """Of the videos that are not removed. Names are sorted, days and videos in their order."""

    states: Mapping[str, int] = field(default_factory=dict)  # number of videos by stored analysis state
    video_names: Mapping[str, str] = field(default_factory=dict)  # file name by video id
    decided: Decided = Decided()
    undecided: int = 0  # windows listed when the video was last saved, without a decision
    by_day: Mapping[str, Decided] = field(default_factory=dict)  # local date, ISO 8601; "": not recorded
    by_curator: Mapping[str, Decided] = field(default_factory=dict)  # "": not recorded
    reasons: Mapping[str, int] = field(default_factory=dict)  # rejected windows by reason; "": none given
    total: Amount = Amount()
    by_subject: Mapping[str, Amount] = field(default_factory=dict)  # every subject; "": no subject named
    by_tag: Mapping[str, Amount] = field(default_factory=dict)  # a clip counts for each of its tags
    by_split: Mapping[str, Amount] = field(default_factory=dict)  # empty if splits were not asked for
    by_video: Mapping[str, Amount] = field(default_factory=dict)  # every video, by its id
    pace: Pace = Pace()
    accepted_scores: tuple[int, ...] = (0,) * BINS  # windows by combined score when decided, clamped to 0..1
    rejected_scores: tuple[int, ...] = (0,) * BINS

    def amounts(self, grouping: Grouping) -> Mapping[str, Amount]:
        """Accepted clips by subject, tag, split or video; the total is under ""."""
        return {
            "total": {"": self.total},
            "subject": self.by_subject,
            "tag": self.by_tag,
            "split": self.by_split,
            "video": self.by_video,
        }[grouping]


_DECIDED = """
    FROM marked_window JOIN video ON video.id = video_id
    WHERE removed_at IS NULL AND decision IN ('accepted', 'rejected')
"""
_VIDEOS = """
    SELECT id, path, fingerprint, state, duration_s, frame_count, window_count
    FROM video WHERE removed_at IS NULL ORDER BY queue_place, id
"""
_BY_VIDEO = """
    SELECT decision, video_id, track_id, count(*), total(stop_frame - start_frame)
    FROM marked_window WHERE decision IN ('accepted', 'rejected')
    GROUP BY decision, video_id, track_id
"""
_BY_TAG = """
    SELECT video_id, tag.value, count(*), total(stop_frame - start_frame)
    FROM marked_window JOIN video ON video.id = video_id JOIN json_each(tags) AS tag
    WHERE removed_at IS NULL AND decision = 'accepted' AND tags <> '[]'
    GROUP BY video_id, tag.value
"""
_SUBJECTS = "SELECT video_id, track_id, subject_id FROM subject"
_BY_DAY = f"SELECT date(decided_at, 'localtime') AS day, decided_by, decision, count(*) {_DECIDED} GROUP BY 1, 2, 3"
_REASONS = f"SELECT reason, count(*) {_DECIDED} AND decision = 'rejected' GROUP BY reason"
_TIMES = f"SELECT decided_by, julianday(decided_at) {_DECIDED}"
_SCORES = f"""
    WITH scored AS MATERIALIZED (SELECT decision, {DECIDED_SCORE} AS score {_DECIDED})
    SELECT decision, max(0, min({BINS - 1}, CAST({BINS} * score AS INTEGER))), count(*)
    FROM scored WHERE typeof(score) IN ('real', 'integer') GROUP BY 1, 2
"""


def project_statistics(project: Project, split_of: SplitOf | None = None) -> ProjectStatistics:
    """Return the numbers of a project. Takes a few milliseconds for each thousand decisions.

    The length of a window is its number of frames at the average frame rate of its video, which is exact at a constant
    rate. Videos that an earlier clipgen analysed have no stored frame count until they are shown again; their clips
    count as unmeasured.

    Args:
        split_of: the split of a clip, which depends on its subject or video alone; None: no splits.

    Raises:
        ProjectError: the project cannot be read, or is damaged.
    """
    frame_s: dict[int, float] = {}  # duration of a frame, s
    fingerprints: dict[int, str] = {}
    names: dict[str, str] = {}
    states: Counter[str] = Counter()
    listed: Counter[int] = Counter()
    for video_id, path, fingerprint, state, duration_s, frame_count, window_count in project.rows(_VIDEOS):
        names[str(video_id)], fingerprints[video_id] = Path(os.fsdecode(path)).name, _text(fingerprint)
        states[_text(state)] += 1
        listed[video_id] = window_count if isinstance(window_count, int) else 0
        length_s, frames = _number(duration_s), _number(frame_count)
        if length_s and frames:
            frame_s[video_id] = length_s / frames

    def amount(video_id: int, clips: int, frames: float) -> Amount:
        one = frame_s.get(video_id)
        return Amount(clips, 0.0, clips) if one is None else Amount(clips, max(0.0, frames) * one)

    by_video: dict[str, Amount] = dict.fromkeys(names, Amount())
    subjects = {(video_id, track_id): _text(name) for video_id, track_id, name in project.rows(_SUBJECTS)}
    by_subject = {name: Amount() for (video_id, _), name in subjects.items() if video_id in fingerprints}
    by_split: dict[str, Amount] = {}
    decided: Counter[str] = Counter()
    for decision, video_id, track_id, count, frames in project.rows(_BY_VIDEO):
        if video_id not in fingerprints:
            continue  # removed
        decided[decision] += count
        listed[video_id] -= count
        if decision == Decision.ACCEPTED:
            found = amount(video_id, count, frames)
            _add(by_video, str(video_id), found)
            subject = subjects.get((video_id, track_id), "")
            _add(by_subject, subject, found)
            if split_of is not None:
                _add(by_split, split_of(subject, fingerprints[video_id]), found)
    by_tag: dict[str, Amount] = {}
    for video_id, tag, count, frames in project.rows(_BY_TAG):
        _add(by_tag, str(tag), amount(video_id, count, frames))
    days, curators = _by_day_and_curator(project)
    return ProjectStatistics(
        states=dict(states),
        video_names=names,
        decided=Decided(decided[Decision.ACCEPTED], decided[Decision.REJECTED]),
        undecided=sum(max(0, count) for count in listed.values()),
        by_day=days,
        by_curator=curators,
        reasons=_reasons(project),
        total=_sum(by_video.values()),
        by_subject=dict(sorted(by_subject.items())),
        by_tag=dict(sorted(by_tag.items())),
        by_split=dict(sorted(by_split.items())),
        by_video=by_video,
        pace=_pace(project),
        **_scores(project),
    )


def _by_day_and_curator(project: Project) -> tuple[dict[str, Decided], dict[str, Decided]]:
    days: dict[str, Decided] = {}
    curators: dict[str, Decided] = {}
    for day, curator, decision, count in project.rows(_BY_DAY):
        one = Decided(accepted=count) if decision == Decision.ACCEPTED else Decided(rejected=count)
        for group, name in ((days, _text(day)), (curators, _text(curator))):
            group[name] = group.get(name, Decided()) + one
    return dict(sorted(days.items())), dict(sorted(curators.items()))


def _pace(project: Project) -> Pace:
    times: defaultdict[object, list[float]] = defaultdict(list)  # days, by curator
    for curator, day in project.rows(_TIMES):
        if day is not None:
            times[curator].append(day)
    gaps_s = [np.diff(np.sort(np.array(days) * 86400)).round(3) for days in times.values()]
    worked_s = [gaps[gaps <= PAUSE_S] for gaps in gaps_s]
    return Pace(sum(map(len, worked_s)), float(sum(gaps.sum() for gaps in worked_s)))


def _reasons(project: Project) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for reason, count in project.rows(_REASONS):
        reasons[_text(reason)] += count
    return dict(sorted(reasons.items()))


def _scores(project: Project) -> dict[str, tuple[int, ...]]:
    bins = {Decision.ACCEPTED.value: [0] * BINS, Decision.REJECTED.value: [0] * BINS}
    for decision, place, count in project.rows(_SCORES):
        bins[decision][place] += count
    return {f"{decision}_scores": tuple(counts) for decision, counts in bins.items()}


def _add(group: dict[str, Amount], name: str, amount: Amount) -> None:
    group[name] = group.get(name, Amount()) + amount


def _sum(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, Amount())


def _text(value: object) -> str:
    """A stored text; "" for none, and for anything else that a damaged file may hold there."""
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    """A stored positive number; 0 for anything else."""
    return value if isinstance(value, int | float) and math.isfinite(value) and value > 0 else 0.0
