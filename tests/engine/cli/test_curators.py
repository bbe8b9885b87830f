"""`clipgen-engine assign` and `merge`, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from tests.support.command_line import engine
from tests.support.curators import FAR, HERE, NO, YES, reviewed, reviews
from tests.support.exports import small_video

LATE = (30, 45, 0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of three videos, one of which exists."""
    for kind in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    video = small_video(tmp_path / "first.mp4")
    with Project(tmp_path / "work.clipgen") as made:
        made.add_video(video.path, video.fingerprint)
        for number in range(2):
            made.add_video(Path(f"/videos/{number}.mp4"), f"{number:064x}")
    return tmp_path / "work.clipgen"


def decide(path: Path, *windows: WindowReview) -> None:
    with Project(path) as part:
        for video in part.videos():
            part.save_reviews(video.video_id, reviews(*windows))


def test_a_project_is_split_and_merged(project: Path) -> None:
    folder = project.parent
    done = engine("assign", project, "--curators", "anna,ben", "--overlap", "1")
    assert done.returncode == 0, done.stderr
    anna, ben = folder / "work.anna.clipgen", folder / "work.ben.clipgen"
    assert done.stdout.splitlines() == [
        f"{path}: 3 videos, 3 of them shared with all, 0 windows to decide" for path in (anna, ben)
    ]
    decide(anna, reviewed(LATE, YES, "anna", 1), reviewed(FAR, NO, "anna", 1))
    decide(ben, reviewed(LATE, NO, "ben", 2, reason="hands", note="look\nhere"), reviewed(FAR, NO, "ben", 2))
    before = project.read_bytes()
    done = engine("merge", project, anna, ben, "--output", folder / "new.clipgen")
    assert done.returncode == 0, done.stderr
    assert project.read_bytes() == before
    assert "anna and ben agree on 3 of 6 windows; kappa 0.00 (fewer than 20 windows say little)." in done.stdout
    assert f"6 windows changed in {folder / 'new.clipgen'}, 3 conflicts" in done.stdout
    said = "anna accepted; ben rejected (hands, “look here”)"
    assert f"  first.mp4, 1.00 to 1.47 s, frames 30 to 44, face 0: {said}\n" in done.stdout
    assert f"  0.mp4, frames 30 to 44, face 0: {said}\n" in done.stdout, "without the file, the time is not known"

    for expected in (6, 0):
        done = engine("merge", project, ben, anna, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["changed"] == expected
        assert len(report["conflicts"]) == 3
    assert report["agreement"] == [{"curators": ["anna", "ben"], "windows": 6, "same": 3, "kappa": 0.0}]
    assert [one["curator"] for one in report["parts"]] == ["ben", "anna"]
    assert [one["brought"] for one in report["parts"]] == [0, 0]
    first = report["conflicts"][0]
    assert (first["source"], first["start_frame"], first["end_frame"]) == (str(folder / "first.mp4"), 30, 44)
    assert [(one["curator"], one["decision"], one["reason"]) for one in first["decisions"]] == [
        ("anna", "accepted", ""),
        ("ben", "rejected", "hands"),
    ]
    assert (first["decisions"][0]["start_time_s"], first["decisions"][0]["end_time_s"]) == (1.0, 1.466667)
    with Project(project) as merged, Project(folder / "new.clipgen") as copy:
        assert merged.all_windows() == copy.all_windows()
        assert merged.conflicts() == copy.conflicts()
        assert all(windows[LATE].decision is Decision.UNDECIDED for windows in merged.all_windows().values())


def test_wrong_input_ends_in_one_sentence(project: Path) -> None:
    folder = project.parent
    assert engine("assign", project, "--curators", "anna,ben", "--output-dir", folder / "parts").returncode == 0
    part = folder / "parts" / "work.anna.clipgen"
    decide(part, reviewed(HERE, YES, "anna"))
    damaged = folder / "damaged.clipgen"
    with Project(damaged) as made:
        made.set_app_state({"assignment": [1]})
    (folder / "text.clipgen").write_text("no project\n" * 100)
    for arguments, sentence in (
        (("assign", project, "--curators", "anna,ben", "--output_dir", folder / "parts"), "already exists"),
        (("assign", project, "--curators", "anna"), "at least two curators"),
        (("assign", project, "--curators", "a,../b"), "cannot be the name of a curator"),
        (("assign", project, "--curators", "a,b", "--overlap", "2"), "An overlap of 2.0 is not possible"),
        (("assign", project, "--curators", "a,b", "--overlap", "x"), "invalid float value"),
        (("assign", folder / "none.clipgen", "--curators", "a,b"), "does not exist"),
        (("assign", project), "--curators"),
        (("merge", project), "PART"),
        (("merge", project, folder / "none.clipgen"), "does not exist"),
        (("merge", project, project), "is named twice"),
        (("merge", project, part, part), "is named twice"),
        (("merge", project, part, "--output", project), "already exists"),
        (("merge", project, part, "--output", folder / "text.clipgen" / "x.clipgen"), "could not be written"),
        (("merge", project, damaged), "damaged.clipgen is damaged"),
        (("merge", project, folder / "text.clipgen"), "is not a clipgen project"),
    ):
        done = engine(*arguments)
        assert done.returncode == 2, arguments
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in (folder / "parts").glob("*.clipgen")) == [
        *("work.anna.clipgen", "work.ben.clipgen"),
    ]
    with Project(project) as opened:
        assert opened.all_windows() == {}
        done = engine("merge", project, part)
        assert (done.returncode, "open in another window" in done.stderr) == (2, True)
        assert engine("assign", project, "--curators", "x,y").returncode == 2
    with Project(part):  # the curator may still have it open
        assert engine("merge", project, part).returncode == 0
    with Project(project) as opened:
        assert len(opened.all_windows()) == len({NO, YES})
