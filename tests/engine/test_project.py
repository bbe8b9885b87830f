from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from clipgen_engine.errors import ProjectError
from clipgen_engine.project import Project, StoredWindow
from clipgen_engine.types import Decision, Sequence

KILLS = 50


def window(start: int, decision: Decision = Decision.ACCEPTED, *, by_hand: bool = False) -> StoredWindow:
    terms = {"expression_variation": 0.5, "position_stability": 0.25}
    return StoredWindow(Sequence(0, start, start + 30, 1, terms, 0.425, (("jawOpen", -0.5),)), decision, by_hand)


def test_everything_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "ünï 漢" / "work.clipgen"
    with Project(path) as project:
        first = project.add_video(Path("/videos/a.mp4"), "aaa")
        second = project.add_video(Path("/videos/b.mp4"), "bbb")
        made = {one.sequence.key: one for one in (window(10), window(50, Decision.REJECTED), window(90, by_hand=True))}
        project.mark(first.video_id, made)
        project.mark(first.video_id, {(50, 80, 1): None})
        project.mark(first.video_id, {(10, 40, 1): window(10, Decision.REJECTED)})
        project.set_place(second.video_id, 123, (10, 40, 1))
        project.set_settings({"sequence_length": 45, "weights": {"face_size": 0.5}})
        project.add_export(first.video_id, Path("/out"), ["clip_001.mp4"])
    with Project(path) as project:
        assert not project.read_only
        assert [(video.path, video.fingerprint) for video in project.videos()] == [
            (Path("/videos/a.mp4"), "aaa"),
            (Path("/videos/b.mp4"), "bbb"),
        ]
        assert (project.videos()[1].position, project.videos()[1].selected) == (123, (10, 40, 1))
        windows = project.windows(first.video_id)
        assert windows == {(10, 40, 1): window(10, Decision.REJECTED), (90, 120, 1): window(90, by_hand=True)}
        assert all(stored.decided_at.endswith("+00:00") for stored in windows.values())
        assert project.settings() == {"sequence_length": 45, "weights": {"face_size": 0.5}}
        assert [export[1:] for export in project.exports(first.video_id)] == [(Path("/out"), ["clip_001.mp4"])]
        assert project.windows(second.video_id) == {}


def test_a_moved_video_keeps_its_decisions(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        there = project.add_video(Path("/old/a.mp4"), "aaa")
        project.mark(there.video_id, {(10, 40, 1): window(10)})
        moved = project.add_video(Path("/new/a.mp4"), "aaa")
        assert moved.video_id == there.video_id
        assert [video.path for video in project.videos()] == [Path("/new/a.mp4")]


def test_the_second_opener_may_only_read(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    with Project(path) as project:
        video = project.add_video(Path("/a.mp4"), "aaa")
        with Project(path) as second:
            assert second.read_only
            project.mark(video.video_id, {(10, 40, 1): window(10)})
            assert second.windows(video.video_id) == {(10, 40, 1): window(10)}
            with pytest.raises(ProjectError, match="open in another window"):
                second.mark(video.video_id, {(10, 40, 1): None})
    with Project(path) as third:
        assert not third.read_only


def test_several_marks_are_all_or_none(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        video = project.add_video(Path("/a.mp4"), "aaa")
        broken = StoredWindow(Sequence(0, 5, 35, 0, {"x": float("nan")}, 0.0), Decision.ACCEPTED, False)
        with pytest.raises(ValueError, match="JSON"):
            project.mark(video.video_id, {(10, 40, 1): window(10), (5, 35, 0): broken})
        assert project.windows(video.video_id) == {}
        project.mark(video.video_id, {(10, 40, 1): window(10)})


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.clipgen"
    text.write_text("not a database at all, but long enough to look at\n" * 20)
    with pytest.raises(ProjectError, match=r"text\.clipgen is no clipgen project"):
        Project(text)
    other = tmp_path / "other.clipgen"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE thing (id)")
    database.close()
    with pytest.raises(ProjectError, match="another program"):
        Project(other)
    with Project(tmp_path / "new.clipgen") as project:
        project.set_settings({"a": 1})
    with sqlite3.connect(tmp_path / "new.clipgen") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ProjectError, match="newer clipgen"):
        Project(tmp_path / "new.clipgen")
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be opened"):
        Project(tmp_path / "file" / "p.clipgen")


WRITER = """
import sys
from pathlib import Path
from clipgen_engine.project import Project, StoredWindow
from clipgen_engine.types import Decision, Sequence

project = Project(Path(sys.argv[1]))
video = project.add_video(Path("/a.mp4"), "aaa")
begin = len(project.windows(video.video_id))
for number in range(begin, begin + 100000):
    made = StoredWindow(Sequence(0, number, number + 30, 0, {}, 0.5), Decision.ACCEPTED, False)
    project.mark(video.video_id, {made.sequence.key: made})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_process_loses_no_decision(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    rng = random.Random(0)
    told = -1
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 12)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split("\n")
        process.wait()
        process.stdout.close()
        whole = [int(line) for line in lines[:-1]]
        told = max([told, *whole])
        with Project(path) as project:
            assert not project.read_only
            stored = sorted(key[0] for key in project.windows(1))
            assert stored == list(range(len(stored)))
            assert len(stored) > told
            told = len(stored) - 1
            assert project._database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
