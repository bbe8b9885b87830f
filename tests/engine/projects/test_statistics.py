"""The numbers of a project, against hand-made ones and against counting in Python."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clipgen_engine.errors import ProjectError
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.statistics import BINS, Amount, Decided, Pace, ProjectStatistics, project_statistics
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACCEPTED, REJECTED, UNDECIDED = Decision.ACCEPTED, Decision.REJECTED, Decision.UNDECIDED


def review(
    start: int,
    decision: Decision = ACCEPTED,
    *,
    frames: int = 30,
    track: int = 1,
    tags: tuple[str, ...] = (),
    at_s: float = 0.0,
    by: str = "",
    reason: str = "",
    score: float = 0.5,
) -> WindowReview:
    sequence = Sequence(0, start, start + frames, track, {"expression_variation": score}, score)
    at = "" if decision is UNDECIDED else (NOON + timedelta(seconds=at_s)).isoformat()
    return WindowReview(sequence, decision, False, tags, "", at, by, reason)


def save(project: Project, video_id: int, *reviews: WindowReview) -> None:
    project.save_reviews(video_id, {one.sequence.key: one for one in reviews})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project(tmp_path / "work.clipgen") as opened:
        yield opened


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time is UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def two_videos(project: Project) -> tuple[int, int]:
    """A video of 25 frames a second, and one whose rate is not known; both analysed."""
    first = project.add_video(Path("/videos/a.mp4"), "aaa").video_id
    second = project.add_video(Path("/videos/b.mp4"), "bbb").video_id
    project.describe_video(first, state="done", duration_s=40.0, frame_count=1000, window_count=10)
    project.describe_video(second, state="done", duration_s=40.0, window_count=1)
    return first, second


def test_an_empty_project_has_no_numbers(project: Project) -> None:
    assert project_statistics(project) == ProjectStatistics()


def test_known_numbers(project: Project, utc: None) -> None:
    first, second = two_videos(project)
    project.add_video(Path("/videos/c.mp4"), "ccc")
    project.set_subject(first, 1, "Anna")
    project.set_subject(second, 1, "Ben")
    save(
        project,
        first,
        review(0, tags=("smile", "talk"), by="mara", score=0.99),
        review(100, tags=("smile",), frames=50, by="mara", at_s=10, score=1.2),
        review(200, track=2, by="mara", at_s=200, score=-0.1),
        review(300, REJECTED, by="mara", at_s=206, reason="blurred", score=0.05),
        review(400, REJECTED, by="jonas", at_s=86_400, score=0.049),
        review(500, UNDECIDED, tags=("smile",)),
    )
    save(project, second, review(0, by="jonas", at_s=86_404), review(100, REJECTED, by="jonas", at_s=86_404))
    found = project_statistics(project, lambda subject, fingerprint: "test" if subject == "Anna" else fingerprint)
    assert found.states == {"done": 2, "waiting": 1}
    assert found.video_names == {str(first): "a.mp4", str(second): "b.mp4", "3": "c.mp4"}
    assert (found.decided, found.undecided) == (Decided(4, 3), 10 - 5)
    assert found.by_day == {"2026-03-02": Decided(3, 1), "2026-03-03": Decided(1, 2)}
    assert found.by_curator == {"jonas": Decided(1, 2), "mara": Decided(3, 1)}
    assert found.reasons == {"": 2, "blurred": 1}
    anna, nobody, ben = Amount(2, 80 / 25), Amount(1, 30 / 25), Amount(1, 0.0, 1)
    assert found.by_subject == {"": nobody, "Anna": anna, "Ben": ben}
    assert found.by_tag == {"smile": anna, "talk": Amount(1, 30 / 25)}
    assert found.by_split == {"aaa": nobody, "bbb": ben, "test": anna}
    assert found.by_video == {str(first): anna + nobody, str(second): ben, "3": Amount()}
    assert found.total == Amount(4, 110 / 25, 1)
    assert found.pace == Pace(4, 10 + 6 + 4 + 0), "the first decision of each and the pause of 190 s do not count"
    assert found.pace.per_minute == pytest.approx(12)
    assert found.pace.time_for_s(5) == pytest.approx(25)
    assert found.accepted_scores == (1, *[0] * 9, 1, *[0] * 8, 2)
    assert found.rejected_scores == (1, 1, *[0] * 8, 1, *[0] * 9)


def test_a_pause_of_two_minutes_is_still_work(project: Project) -> None:
    first, _ = two_videos(project)
    save(project, first, review(0), review(100, at_s=120), review(200, at_s=240.01))
    assert project_statistics(project).pace == Pace(1, 120.0)


def test_without_two_decisions_in_a_row_the_pace_is_not_known(project: Project) -> None:
    first, _ = two_videos(project)
    save(project, first, review(0, by="mara"), review(100, by="jonas", at_s=1))
    pace = project_statistics(project).pace
    assert (pace.decisions, pace.per_minute, pace.time_for_s(9)) == (0, None, None)


def test_days_are_local(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two_videos(project)
    save(project, first, review(0, at_s=0), review(100, at_s=3 * 3600))
    try:
        monkeypatch.setenv("TZ", "UTC-10")  # ten hours ahead
        time.tzset()
        assert list(project_statistics(project).by_day) == ["2026-03-02", "2026-03-03"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_removed_videos_do_not_count_until_they_are_restored(project: Project) -> None:
    first, second = two_videos(project)
    project.set_subject(first, 1, "Anna")
    save(project, first, review(0, tags=("smile",), by="mara"), review(100, REJECTED, by="mara", reason="cut", at_s=5))
    save(project, second, review(0))
    before = project_statistics(project)
    project.remove_videos([first])
    found = project_statistics(project)
    assert (found.decided, found.by_tag, found.reasons, found.pace) == (Decided(1, 0), {}, {}, Pace())
    assert (list(found.by_subject), list(found.by_curator), list(found.by_video)) == ([""], [""], [str(second)])
    assert sum(found.accepted_scores) + sum(found.rejected_scores) == 1
    project.restore_videos([first])
    assert project_statistics(project) == before


def test_a_named_subject_without_a_clip_is_listed(project: Project) -> None:
    first, _ = two_videos(project)
    project.set_subject(first, 1, "Anna")
    assert project_statistics(project).by_subject == {"Anna": Amount()}


reviews = st.lists(
    st.builds(
        review,
        st.integers(0, 10**6),
        st.sampled_from(Decision),
        frames=st.integers(2, 500),
        track=st.integers(1, 3),
        tags=st.sets(st.sampled_from(["smile", "talk", "ünï"]), max_size=2).map(lambda tags: tuple(sorted(tags))),
        at_s=st.floats(0, 10**6),
        by=st.sampled_from(["", "mara", "jonas"]),
        reason=st.sampled_from(["", "blurred", "cut"]),
        score=st.floats(-1, 2),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reviews, reviews, st.dictionaries(st.integers(1, 3), st.sampled_from(["Anna", "Ben"])))
def test_every_grouping_adds_up_to_the_total(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[WindowReview],
    second: list[WindowReview],
    subjects: dict[int, str],
) -> None:
    with Project(tmp_path_factory.mktemp("work") / "work.clipgen") as project:
        ids = two_videos(project)
        for video_id, made in zip(ids, (first, second), strict=True):
            save(project, video_id, *made)
            for track, name in subjects.items():
                project.set_subject(video_id, track, name)
        kept = [one for video_id in ids for one in project.windows(video_id).values()]
        found = project_statistics(project, lambda subject, fingerprint: subject or fingerprint)
    counts = Counter(one.decision for one in kept)
    assert found.decided == Decided(counts[ACCEPTED], counts[REJECTED])
    for grouping in ("subject", "split", "video"):
        amounts = found.amounts(grouping).values()  # type: ignore[arg-type]
        assert sum(one.clips for one in amounts) == found.total.clips == found.decided.accepted
        assert sum(one.seconds for one in amounts) == pytest.approx(found.total.seconds)
        assert sum(one.unmeasured for one in amounts) == found.total.unmeasured
    for groups in (found.by_day, found.by_curator):
        assert sum(groups.values(), Decided()) == found.decided
    assert sum(found.reasons.values()) == sum(found.rejected_scores) == found.decided.rejected
    assert sum(found.accepted_scores) == found.decided.accepted
    accepted = [one for one in kept if one.decision is ACCEPTED]
    assert {tag: one.clips for tag, one in found.by_tag.items()} == Counter(tag for one in accepted for tag in one.tags)
    bins = Counter(max(0, min(BINS - 1, int(BINS * one.sequence.combined_score))) for one in accepted)
    assert found.accepted_scores == tuple(bins[place] for place in range(BINS))
    assert found.pace == pace_of(kept)


def pace_of(kept: list[WindowReview]) -> Pace:
    """The pace by its definition."""
    count, active_s = 0, 0.0
    for curator in {one.decided_by for one in kept}:
        mine = [one for one in kept if one.decided_by == curator and one.decision is not UNDECIDED]
        times = sorted(datetime.fromisoformat(one.decided_at).timestamp() for one in mine)
        gaps = [round(later - earlier, 3) for earlier, later in pairwise(times)]
        count += sum(gap <= 120 for gap in gaps)
        active_s += sum(gap for gap in gaps if gap <= 120)
    return Pace(count, pytest.approx(active_s, abs=0.01 * max(1, count)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE marked_window SET scores = '{'",
        'UPDATE marked_window SET scores = \'{"combined_score": "high"}\'',
        "UPDATE marked_window SET decided_at = 'yesterday'",
        "UPDATE marked_window SET decided_by = 12, reason = x'00ff'",
        "UPDATE marked_window SET stop_frame = -5",
        "UPDATE marked_window SET stop_frame = 'x'",
        "UPDATE marked_window SET tags = '[1, null, [2]]'",
        "UPDATE video SET duration_s = 'long', frame_count = -1, window_count = 'many', state = x'00'",
        "UPDATE video SET duration_s = 9e999",
        "UPDATE subject SET subject_id = 7",
    ],
)
def test_damaged_values_are_left_out(tmp_path: Path, damage: str) -> None:
    with Project(tmp_path / "work.clipgen") as project:
        first, _ = two_videos(project)
        project.set_subject(first, 1, "Anna")
        save(project, first, review(0, tags=("smile",)), review(100, REJECTED, at_s=1))
    with sqlite3.connect(tmp_path / "work.clipgen") as database:
        database.execute(damage)
    database.close()
    with Project(tmp_path / "work.clipgen") as project:
        found = project_statistics(project)
    assert found.decided == Decided(1, 1)
    assert found.total.clips == sum(one.clips for one in found.by_subject.values()) == 1
    assert found.total.seconds >= 0


def test_tags_that_are_not_json_are_reported(tmp_path: Path) -> None:
    with Project(tmp_path / "work.clipgen") as project:
        first, _ = two_videos(project)
        save(project, first, review(0, tags=("smile",)))
        project.write(lambda database: database.execute("UPDATE marked_window SET tags = '['"))
        with pytest.raises(ProjectError):
            project_statistics(project)


def test_the_rate_of_a_video_is_kept_when_other_things_about_it_change(project: Project) -> None:
    first, _ = two_videos(project)
    project.describe_video(first, state="failed")
    assert project.video(first).frame_count == 1000
    assert replace(project.video(first), frame_count=None) != project.video(first)
