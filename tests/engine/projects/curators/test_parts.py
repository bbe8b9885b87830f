"""Project files are split, decided and merged, again and again; damaged ones end in one sentence."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clipgen_engine.errors import DamagedProjectError, ProjectError
from clipgen_engine.projects.conflicts import Conflict, Opinion
from clipgen_engine.projects.curators.assignment import assign
from clipgen_engine.projects.curators.merging import MergeReport, merge_parts, read_part
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.recovery import recover_project
from clipgen_engine.projects.store import Project
from tests.support.curators import FAR, HERE, NEAR, NO, OPEN, YES, reviewed, reviews

VIDEOS = 4


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user data"))


def split(folder: Path, *names: str) -> tuple[Path, list[Path]]:
    """Write a project of which every curator gets all videos."""
    folder.mkdir(exist_ok=True)
    path = folder / "work.clipgen"
    with Project(path) as project:
        for number in range(VIDEOS):
            project.add_video(Path(f"/videos/{number}.mp4"), f"{number:064x}")
        return path, [one.path for one in assign(project, names, 1.0, folder)]


def decide(path: Path, video: int, *windows: WindowReview) -> None:
    with Project(path) as project:
        found = project.video_of(f"{video:064x}")
        assert found is not None
        project.save_reviews(found.video_id, reviews(*windows))


def merge(path: Path, *paths: Path) -> MergeReport:
    parts = []
    for one in paths:
        with Project(one) as project:
            parts.append(read_part(project))
    with Project(path) as project:
        return merge_parts(project, parts)


def content(path: Path) -> tuple[object, dict[int, tuple[Conflict, ...]]]:
    """Videos, windows and conflicts, also what the comparison of reviews leaves out."""
    with Project(path) as project:
        windows = [
            (video.path, key, one, one.decided_at, one.decided_by)
            for video in project.videos()
            for key, one in project.windows(video.video_id).items()
        ]
        return windows, project.conflicts()


def test_projects_are_merged_twice_and_decided_meanwhile(tmp_path: Path) -> None:
    path, (anna, ben) = split(tmp_path, "anna", "ben")
    decide(anna, 0, reviewed(HERE, YES, "anna", 1), reviewed(FAR, YES, "anna", 1))
    decide(ben, 0, reviewed(HERE, NO, "ben", 2, reason="hands"), reviewed(FAR, YES, "ben", 2))
    with Project(ben) as project:  # by a program that records no names, after the assignment
        project.save_reviews(3, {HERE: WindowReview(reviewed(HERE, NO).sequence, NO)})
    report = merge(path, ben, anna)
    assert report.brought == {anna: 2, ben: 3}
    assert report.changed == 3
    ((video, conflict),) = report.conflicts
    assert (video.path.name, conflict.key) == ("0.mp4", HERE)
    assert [(one.curator, one.decision, one.reason) for one in conflict.opinions] == [
        ("anna", YES, ""),
        ("ben", NO, "hands"),
    ]
    (agreement,) = report.agreements
    assert (agreement.windows, agreement.same, agreement.kappa) == (2, 1, 0.0)
    before = content(path)
    again = merge(path, anna, ben)
    assert content(path) == before
    assert (again.changed, again.brought, again.conflicts) == (0, {anna: 0, ben: 0}, report.conflicts)
    assert again.agreements == report.agreements
    with Project(path) as project:
        assert project.windows(3)[HERE].decided_by == "ben"

    decide(path, 0, reviewed(HERE, YES, "lead", 5), reviewed(FAR, NO, "lead", 6))
    with Project(path) as project:
        assert project.conflicts() == {}, "a decision settles the conflict"
    before = content(path)
    assert merge(path, anna, ben).conflicts == ()
    assert content(path) == before, "what was decided since is not undone"

    decide(ben, 0, reviewed(HERE, NO, "ben", 7, reason="cut"))
    ((_, conflict),) = merge(path, anna, ben).conflicts
    assert [(one.curator, one.decision) for one in conflict.opinions] == [("ben", NO), ("lead", YES)]


def test_a_video_removed_by_its_curator_brings_its_decisions(tmp_path: Path) -> None:
    path, (anna, _) = split(tmp_path, "anna", "ben")
    decide(anna, 1, reviewed(HERE, YES, "anna", 1, note="kept"))
    with Project(anna) as project:
        project.remove_videos([2, 3])
        assert [video.path.name for video in project.videos()] == ["0.mp4", "3.mp4"]
    assert merge(path, anna).brought == {anna: 1}
    with Project(path) as project:
        assert [video.path.name for video in project.videos()] == [f"{number}.mp4" for number in range(VIDEOS)]
        assert {(one.note, one.decided_by) for one in project.windows(2).values()} == {("kept", "anna")}


def test_conflicts_of_a_part_are_brought_and_stay_settled(tmp_path: Path) -> None:
    path, (anna, ben) = split(tmp_path, "anna", "ben")
    decide(anna, 0, reviewed(HERE, YES, "anna", 1, note="a"), reviewed(FAR, YES, "anna", 1))
    decide(ben, 0, reviewed(NEAR, NO, "ben", 2, reason="cut", note="b", tags=("x",)))
    half, direct = tmp_path / "half.clipgen", tmp_path / "direct.clipgen"
    with Project(path) as project:
        project.copy_to(half)
        project.copy_to(direct)
    merge(half, anna, ben)
    merge(direct, anna, ben)
    report = merge(path, half)
    assert report.brought == {half: 3}
    assert content(path) == content(direct), "as if its parts were merged"
    assert [(one.curators, one.windows) for one in report.agreements] == [(("anna", "ben"), 1)]
    for again in ([half], [anna, ben], [half, ben, anna]):
        assert merge(path, *again).changed == 0
        assert content(path) == content(direct)
    decide(path, 0, reviewed(HERE, YES, "lead", 5))
    settled = content(path)
    assert merge(path, half).conflicts == ()
    assert content(path) == settled


def test_decisions_made_before_the_split_are_nobodys_agreement(tmp_path: Path) -> None:
    path = tmp_path / "work.clipgen"
    with Project(path) as project:
        video = project.add_video(Path("/videos/0.mp4"), f"{0:064x}")
        project.save_reviews(video.video_id, reviews(reviewed(HERE, YES, "", 1), reviewed(FAR, YES, "lead", 1)))
        anna, ben = (one.path for one in assign(project, ["anna", "ben"], 1.0, tmp_path))
    report = merge(path, anna, ben)
    assert (report.changed, report.agreements) == (0, ())
    with Project(path) as project:
        assert [one.decided_by for one in project.windows(video.video_id).values()] == ["", "lead"]
    assert merge(path, anna, ben).brought == {anna: 0, ben: 0}


def test_videos_are_matched_by_fingerprint_else_by_path(tmp_path: Path) -> None:
    path = tmp_path / "work.clipgen"
    with Project(path) as project:
        known = project.add_video(Path("/lead/a.mp4"), "a" * 64)
        (unknown,) = project.add_videos([Path("/lead/b.mp4")])
        other = project.add_video(Path("/lead/c.mp4"), "c" * 64)
    with Project(tmp_path / "anna.clipgen") as theirs:
        for name, fingerprint in (("/anna/x.mp4", "a"), ("/lead/b.mp4", "b"), ("/lead/c.mp4", "d"), ("/new.mp4", "e")):
            video = theirs.add_video(Path(name), fingerprint * 64)
            theirs.save_reviews(video.video_id, reviews(reviewed(HERE, YES)))
            theirs.set_subject(video.video_id, 1, "Zoe")
    merge(path, tmp_path / "anna.clipgen")
    with Project(path) as project:
        found = {video.path: video for video in project.videos() if video.video_id != other.video_id}
        assert found[Path("/lead/a.mp4")].video_id == known.video_id
        assert found[Path("/lead/b.mp4")].video_id == unknown.video_id
        assert found[Path("/lead/b.mp4")].fingerprint == "b" * 64
        assert [one.fingerprint for one in project.videos() if one.path == Path("/lead/c.mp4")] == ["c" * 64, "d" * 64]
        assert project.windows(other.video_id) == {}, "another video at the same path"
        assert Path("/new.mp4") in found
        windows = project.all_windows()
        assert len(windows) == 4
        assert {one.decided_by for some in windows.values() for one in some.values()} == {"anna"}, (
            "as the file is called"
        )
        assert project.subjects(known.video_id) == {1: "Zoe"}


def test_names_of_faces_are_kept_and_others_are_mentioned(tmp_path: Path) -> None:
    path, (anna, ben) = split(tmp_path, "anna", "ben")
    for one, name in ((path, "Zoe"), (anna, "Zoë"), (ben, "Zoe")):
        with Project(one) as project:
            project.set_subject(1, 1, name)
            if one != path:
                project.set_subject(1, 2, f"seen by {one.stem}")
    report = merge(path, anna, ben)
    with Project(path) as project:
        assert project.subjects(1) == {1: "Zoe", 2: "seen by work.anna"}
    assert report.remarks == (
        "Face 1 of 0.mp4 is called Zoe; others call it Zoë.",
        "Face 2 of 0.mp4 is called seen by work.anna; others call it seen by work.ben.",
    )


def test_a_part_of_another_project_is_mentioned(tmp_path: Path) -> None:
    path, (anna, _) = split(tmp_path, "anna", "ben")
    _, (carl, _) = split(tmp_path / "other", "carl", "dora")
    assert merge(path, anna).remarks == ()
    assert merge(path, carl).remarks == (
        "work.carl.clipgen was not split off from work.clipgen, but from another project.",
    )


def test_files_in_any_order_have_the_same_content(tmp_path: Path) -> None:
    rng = random.Random(3)
    names = ["anna", "ben", "carl"]
    path, parts = split(tmp_path, *names)
    for one, name in zip(parts, names, strict=True):
        for video in range(VIDEOS):
            keys = [(start, start + 30, 1) for start in rng.sample(range(0, 200, 5), 12)]
            decide(one, video, *(reviewed(key, rng.choice([YES, NO]), name, rng.randrange(1, 28)) for key in keys))
    found = []
    for number, order in enumerate(([0, 1, 2], [2, 0, 1])):
        copy = tmp_path / f"{number}.clipgen"
        with Project(path) as project:
            project.copy_to(copy)
        merge(copy, *(parts[place] for place in order))
        found.append(content(copy))
    assert found[0] == found[1]
    assert found[0][1], "there must be conflicts"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE marked_window SET decision = 'maybe'",
        "UPDATE marked_window SET note = x'00'",
        "UPDATE marked_window SET tags = '[1]'",
        "UPDATE marked_window SET decided_by = x'00ff'",
        "UPDATE marked_window SET decided_at = x'00'",
        "UPDATE marked_window SET start_frame = 9e999",
        "UPDATE app_state SET value = '{\"source\": 1}' WHERE name = 'assignment'",
        "UPDATE app_state SET value = '[' WHERE name = 'curator'",
        "UPDATE app_state SET value = '\"  \"' WHERE name = 'curator'",
        "UPDATE video SET fingerprint = x'01' WHERE id = 1",
        "UPDATE video SET state = x'00', message = x'00', analysis = x'00' WHERE id = 1",
        "UPDATE subject SET subject_id = x'00'",
        "UPDATE subject SET track_id = 'x'",
    ],
)
def test_damaged_parts_end_in_a_sentence_and_change_nothing(tmp_path: Path, change: str) -> None:
    path, (anna, ben) = split(tmp_path, "anna", "ben")
    for part in (anna, ben):
        decide(part, 0, reviewed(HERE, YES, "anna", 1))
        with Project(part) as project:
            project.set_subject(1, 1, "Zoe")
    with Project(anna) as project:
        project.write(lambda database: database.execute(change))
    before = content(path)
    with pytest.raises(ProjectError) as caught:
        merge(path, anna, ben)
    assert "\n" not in str(caught.value)
    assert content(path) == before


@pytest.mark.parametrize(
    "values",
    [
        "1, 'x', 30, 1, 'anna', 'accepted', '', '', ''",
        "1, 30, 0, 1, 'anna', 'accepted', '', '', ''",
        "1, 0, 9e999, 1, 'anna', 'accepted', '', '', ''",
        "1, 0, 30, 'x', 'anna', 'accepted', '', '', ''",
        "1, 0, 30, 1, 'anna', 'undecided', '', '', ''",
        "1, 0, 30, 1, 'anna', 'maybe', '', '', ''",
        "1, 0, 31, 1, x'00', 'accepted', '', '', ''",
        "1, 0, 31, 1, 'anna', 'accepted', '', x'00', ''",
        "1, 0, 31, 1, 'anna', 'accepted', '', '', x'00'",
    ],
)
def test_damaged_conflicts_end_in_a_sentence_and_are_dropped_by_recovery(tmp_path: Path, values: str) -> None:
    path, (anna, _) = split(tmp_path, "anna", "ben")
    with Project(path) as project:
        project.set_conflicts(1, [Opinion(FAR, "anna", YES, "", "", "1"), Opinion(FAR, "ben", NO, "cut", "", "2")])
        project.write(lambda database: database.execute(f"INSERT INTO conflict VALUES ({values})"))
        with pytest.raises(DamagedProjectError, match=r"work\.clipgen is damaged"):
            project.conflicts()
        project.save_reviews(1, reviews(reviewed((200, 230, 1), YES, "lead", 1)))
    with pytest.raises(DamagedProjectError):
        merge(path, anna)
    recover_project(path)
    with Project(path) as project:
        ((conflict,),) = project.conflicts().values()
        assert [one.reason for one in conflict.opinions] == ["", "cut"]


@pytest.mark.parametrize("video", ["999", "'x'", "1.5", "x'00'"])
def test_rows_of_no_video_are_passed_over(tmp_path: Path, video: str) -> None:
    path, (anna, _) = split(tmp_path, "anna", "ben")
    decide(anna, 0, reviewed(HERE, YES, "anna", 1))
    for one in (path, anna):
        with closing(sqlite3.connect(one)) as database:  # which does not check foreign keys
            database.execute(f"INSERT INTO conflict VALUES ({video}, 0, 30, 1, 'ben', 'rejected', '', '', '')")
            database.execute(
                "INSERT INTO marked_window (video_id, start_frame, stop_frame, track_id, decision, by_hand, "
                f"decided_at, scores) VALUES ({video}, 0, 30, 1, 'rejected', 0, '', '{{}}')"
            )
            database.commit()
    assert merge(path, anna).conflicts == ()
    with Project(path) as project:
        assert {video_id: list(windows) for video_id, windows in project.all_windows().items()} == {1: [HERE]}


@pytest.mark.parametrize("value", [3, "x", [3, None, "x"], {"a": 1}])
def test_a_damaged_memory_of_merges_costs_nothing_but_the_memory(tmp_path: Path, value: object) -> None:
    path, (anna, _) = split(tmp_path, "anna", "ben")
    decide(anna, 0, reviewed(HERE, YES, "anna", 1))
    merge(path, anna)
    before = content(path)
    with Project(path) as project:
        project.set_app_state({"merged": value, "project_id": value})
    merge(path, anna)
    assert content(path) == before


def test_a_decision_settles_its_conflict_only(tmp_path: Path) -> None:
    opinions = [
        *(Opinion(HERE, "anna", YES, "", "", "1"), Opinion(NEAR, "ben", NO, "cut", "n", "2")),
        *(Opinion(FAR, "anna", YES, "", "", "1"), Opinion(FAR, "ben", NO, "", "", "2")),
    ]
    both = [tuple(opinions[:2]), tuple(opinions[2:])]
    with Project(tmp_path / "p.clipgen") as project:
        video = project.add_video(Path("/a.mp4"), "a" * 64).video_id

        def left_after(changes: dict[tuple[int, int, int], WindowReview | None]) -> list[tuple[Opinion, ...]]:
            project.set_conflicts(video, opinions)
            project.save_reviews(video, changes)
            return [one.opinions for one in project.conflicts().get(video, ())]

        assert left_after({}) == both
        assert left_after({**reviews(reviewed(HERE, OPEN, tags=("x",))), NEAR: None}) == both, "only a decision does"
        assert left_after(dict(reviews(reviewed(NEAR, YES, "lead")))) == both[1:]
        trimmed = reviews(reviewed((2, 30, 1), NO, "lead"))
        assert left_after({HERE: None, **trimmed}) == both[1:], "so does a window that was trimmed from it"
        others = reviews(reviewed((0, 30, 2), NO, "lead"), reviewed((31, 60, 1), NO, "lead"))
        assert left_after(dict(others)) == both, "others do not"
        project.write(lambda database: database.execute("DELETE FROM video"))
        assert project.conflicts() == {}


def test_only_rejected_windows_keep_a_reason(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        video = project.add_video(Path("/a.mp4"), "a" * 64).video_id
        given = reviews(reviewed(HERE, YES, reason="cut"), reviewed(FAR, NO, reason="cut"))
        project.save_reviews(video, given)
        assert [one.reason for one in project.windows(video).values()] == ["", "cut"]
        project.write(lambda database: database.execute("UPDATE marked_window SET reason = 'hands'"))
        assert [one.reason for one in project.windows(video).values()] == ["", "hands"]
