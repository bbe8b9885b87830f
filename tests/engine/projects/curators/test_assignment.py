"""A project is split evenly, deterministically, and into files that hold what a curator needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipgen_engine.errors import DamagedProjectError, OutputError, ProjectError, SettingError
from clipgen_engine.projects.curators.assignment import assign, assignment_of, checked_curators, curator_of, share_out
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user data"))


WEIGHTS = st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=60)


@given(WEIGHTS, st.integers(2, 5), st.floats(0, 1))
def test_every_video_is_given_once_or_to_all(weights: list[int | None], curators: int, overlap: float) -> None:
    shares = share_out(weights, curators, overlap)
    assert shares == share_out(weights, curators, overlap)
    times_given = [sum(video in share for share in shares.of) for video in range(len(weights))]
    assert all(count == (curators if video in shares.shared else 1) for video, count in enumerate(times_given))
    assert all(list(share) == sorted(set(share)) for share in shares.of)
    assert len(shares.shared) == (max(1, round(overlap * len(weights))) if weights and overlap else 0)
    # by the greedy rule, nobody has more above another one than the largest video
    known = [one for one in weights if one is not None]
    mean = sum(known) / len(known) if known else 1.0
    loads = [sum(mean if weights[one] is None else weights[one] or 0 for one in share) for share in shares.of]
    assert max(loads) - min(loads) <= max([*known, mean]) + 1e-9


def test_shared_videos_are_spread_through_the_list() -> None:
    assert share_out([1] * 20, 2, 0.1).shared == (5, 15)
    assert share_out([1] * 10, 2, 0.3).shared == (1, 5, 8)
    assert share_out([1] * 3, 2, 0.01).shared == (1,), "at least one, or there is nothing to compare"
    assert share_out([1] * 3, 2, 1.0).shared == (0, 1, 2)


def test_videos_without_windows_are_shared_out_by_number() -> None:
    assert share_out([0] * 6, 2, 0.0).of == ((0, 2, 4), (1, 3, 5))
    assert share_out([None] * 6, 3, 0.0).of == ((0, 3), (1, 4), (2, 5))


def window(start: int, decision: Decision = Decision.ACCEPTED, note: str = "", reason: str = "") -> WindowReview:
    sequence = Sequence(0, start, start + 30, 1, {}, 0.5)
    return WindowReview(sequence, decision, False, (), note, "2026-01-01T00:00", "lead", reason)


def split(folder: Path, count: int = 6) -> Project:
    project = Project(folder / "work.clipgen")
    for number in range(count):
        video = project.add_video(Path(f"/videos/{number}.mp4"), f"{number:064x}")
        project.describe_video(video.video_id, state="done", duration_s=9.5, window_count=10, analysis="entry")
        reviews = (window(10, note="kept"), window(50, Decision.REJECTED, reason="hands"))
        project.save_reviews(video.video_id, {one.sequence.key: one for one in reviews})
        project.set_subject(video.video_id, 1, f"person {number}")
    project.add_videos([Path("/videos/not probed.mp4")])
    project.set_settings({"sequence_length": 45})
    return project


def test_parts_hold_settings_subjects_decisions_and_the_assignment(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    with split(tmp_path) as project:
        before = project.videos(), project.all_windows(), project.all_subjects(), project.settings()
        anna, ben = assign(project, ["anna", " ben  b "], 0.2, folder)
        assert (project.videos(), project.all_windows(), project.all_subjects(), project.settings()) == before
        state = project.app_state()
        with pytest.raises(OutputError, match="already exists"):
            assign(project, ["carl", "anna"], 0.2, folder)
        assert project.app_state() == state
        carl = assign(project, ["carl", "dora"], 0.0, folder)[0]
        assert len(project.app_state()["assignments"]) == 2
        assert project.app_state()["project_id"] == state["project_id"]
    assert (anna.path.name, ben.path.name) == ("work.anna.clipgen", "work.ben b.clipgen")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("work.anna.clipgen", "work.ben b.clipgen", "work.carl.clipgen", "work.dora.clipgen"),
    ]
    shared: set[str] = set()
    names: list[str] = []
    for part in (anna, ben):
        with Project(part.path) as own:
            found = assignment_of(own)
            assert found is not None
            assert (found.curator, found.source_name) == (part.curator, "work.clipgen")
            assert found.source_id == state["project_id"]
            assert curator_of(own) == part.curator == own.app_state()["curator"]
            assert own.settings() == {"sequence_length": 45}
            shared |= found.shared
            names += [video.path.name for video in own.videos()]
            assert len(own.videos()) == part.videos
            for video in own.videos():
                if video.fingerprint is None:
                    assert video.path.name == "not probed.mp4"
                    continue
                assert (video.state, video.duration_s, video.window_count, video.analysis) == ("done", 9.5, 10, "entry")
                kept, rejected = own.windows(video.video_id).values()
                assert (kept, kept.decided_by, kept.decided_at) == (window(10, note="kept"), "lead", "2026-01-01T00:00")
                assert (rejected.reason, rejected.decided_by) == ("hands", "lead")
                assert own.subjects(video.video_id) == {1: f"person {video.path.stem}"}
    assert shared == {f"{3:064x}"}
    assert sorted(names) == sorted([*(f"{number}.mp4" for number in (0, 1, 2, 3, 3, 4, 5)), "not probed.mp4"])
    assert carl.shared == 0


@pytest.mark.parametrize(
    "names",
    [["anna"], ["anna", "Anna"], ["anna", ""], ["anna", "../x"], ["anna", "a/b"], ["anna", "x" * 50], ["a", "\n"]],
    ids=repr,
)
def test_names_that_cannot_be_used_are_refused(names: list[str]) -> None:
    with pytest.raises(SettingError):
        checked_curators(names)


def test_what_cannot_be_split_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with split(tmp_path) as project:
        with pytest.raises(SettingError, match="overlap"):
            assign(project, ["anna", "ben"], float("nan"), tmp_path)
        (tmp_path / "file").touch()
        with pytest.raises(OutputError):
            assign(project, ["anna", "ben"], 0.1, tmp_path / "file")
        with Project(project.path) as second, pytest.raises(ProjectError, match="open in another window"):
            assign(second, ["anna", "ben"], 0.1, tmp_path)
        assert project.app_state() == {}
        project.write(lambda database: database.execute("UPDATE video SET window_count = 'many' WHERE id = 2"))
        with pytest.raises(DamagedProjectError):
            assign(project, ["anna", "ben"], 0.1, tmp_path)
    with Project(tmp_path / "empty.clipgen") as empty, pytest.raises(ProjectError, match="no videos"):
        assign(empty, ["anna", "ben"], 0.1, tmp_path)
    assert not list(tmp_path.glob("*.anna.clipgen"))


@pytest.mark.parametrize(
    "record",
    [3, [], {}, {"source": "x"}, {"source": {"id": 3, "name": "x"}, "assigned_at": "", "shared": []},
     {"source": {"id": "a", "name": "x"}, "assigned_at": None, "shared": []},
     {"source": {"id": "a", "name": "x"}, "assigned_at": "", "shared": [[]]},
     {"source": {"id": "a", "name": "x"}, "assigned_at": "", "shared": 7}],
    ids=str,
)  # fmt: skip
def test_damaged_assignments_are_reported(tmp_path: Path, record: object) -> None:
    with Project(tmp_path / "part.clipgen") as part:
        part.set_app_state({"curator": "anna", "assignment": record})
        with pytest.raises(DamagedProjectError, match=r"part\.clipgen is damaged"):
            assignment_of(part)
        part.set_app_state({"curator": ["anna"]})
        with pytest.raises(DamagedProjectError):
            curator_of(part)
