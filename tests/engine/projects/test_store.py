from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clipgen_engine.errors import OutputError, ProjectError
from clipgen_engine.projects.file import _MIGRATIONS
from clipgen_engine.projects.records import MAX_REASON, REASONS, WindowReview, as_reason
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence

KILLS = 50


def window(
    start: int,
    decision: Decision = Decision.ACCEPTED,
    *,
    manual: bool = False,
    tags: tuple[str, ...] = (),
    note: str = "",
    decided_at: str = "",
) -> WindowReview:
    terms = {"expression_variation": 0.5, "position_stability": 0.25}
    sequence = Sequence(0, start, start + 30, 1, terms, 0.425, (("jawOpen", -0.5),))
    return WindowReview(sequence, decision, manual, tags, note, decided_at)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "ünï 漢" / "work.clipgen"
    with Project(path) as project:
        first = project.add_video(Path("/videos/a.mp4"), "aaa")
        second = project.add_video(Path("/videos/b.mp4"), "bbb")
        made = {one.sequence.key: one for one in (window(10), window(50, Decision.REJECTED), window(90, manual=True))}
        project.save_reviews(first.video_id, made)
        project.save_reviews(first.video_id, {(50, 80, 1): None})
        project.save_reviews(first.video_id, {(10, 40, 1): window(10, Decision.REJECTED)})
        project.set_position(second.video_id, 123, (10, 40, 1))
        project.set_settings({"sequence_length": 45, "weights": {"face_size": 0.5}})
        project.add_export(first.video_id, Path("/out"), ["clip_001.mp4"], {"layout": "clips"})
    with Project(path) as project:
        assert not project.read_only
        assert [(video.path, video.fingerprint) for video in project.videos()] == [
            (Path("/videos/a.mp4"), "aaa"),
            (Path("/videos/b.mp4"), "bbb"),
        ]
        assert (project.videos()[1].position, project.videos()[1].selected) == (123, (10, 40, 1))
        windows = project.windows(first.video_id)
        assert windows == {(10, 40, 1): window(10, Decision.REJECTED), (90, 120, 1): window(90, manual=True)}
        assert all(stored.decided_at.endswith("+00:00") for stored in windows.values())
        assert project.settings() == {"sequence_length": 45, "weights": {"face_size": 0.5}}
        (export,) = project.exports(first.video_id)
        assert (export.folder, export.clips, export.details) == (Path("/out"), ("clip_001.mp4",), {"layout": "clips"})
        assert project.windows(second.video_id) == {}


def test_tags_notes_subjects_and_times_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    with Project(path) as project:
        first, second = project.add_video(Path("/a.mp4"), "aaa"), project.add_video(Path("/b.mp4"), "bbb")
        at = "2025-01-02T03:04:05.678+00:00"
        noted = window(10, tags=("lächeln", "smile"), note="two\nlines, “quoted”", decided_at=at)
        project.save_reviews(first.video_id, {noted.sequence.key: noted})
        only_tag = window(50, Decision.UNDECIDED, tags=("smile",))
        project.save_reviews(second.video_id, {only_tag.sequence.key: only_tag})
        project.set_subject(first.video_id, 1, "anna")
        project.set_subject(first.video_id, 2, "17")
        project.set_subject(second.video_id, 1, "anna")
        project.set_subject(first.video_id, 2, "")
        project.set_app_state({"current": 2})
    with Project(path) as project:
        (back,) = project.windows(first.video_id).values()
        assert (back, back.decided_at) == (noted, at)
        assert list(project.windows(second.video_id).values()) == [only_tag]
        assert project.tags() == {"lächeln": 1, "smile": 2}
        assert (project.subjects(first.video_id), project.subjects(second.video_id)) == ({1: "anna"}, {1: "anna"})
        assert project.subject_ids() == ["anna"]
        assert project.app_state() == {"current": 2}
        assert [(video.accepted, video.rejected) for video in project.videos()] == [(1, 0), (0, 0)]


def test_the_video_list_is_persistent(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    with Project(path) as project:
        a, b, c = project.add_videos([Path("/a.mp4"), Path("/b.mp4"), Path("/c.mp4")])
        assert project.add_videos([Path("/b.mp4")]) == [b]
        project.describe_video(b.video_id, state="done", duration_s=12.5, window_count=7, analysis="entry")
        project.describe_video(c.video_id, state="failed", message="It is no video.")
        marked = window(10)
        project.save_reviews(a.video_id, {marked.sequence.key: marked})
        project.reorder([c.video_id, a.video_id, b.video_id])
        project.remove_videos([a.video_id])
    with Project(path) as project:
        videos = project.videos()
        assert [video.path.name for video in videos] == ["c.mp4", "b.mp4"]
        assert (videos[0].state, videos[0].message) == ("failed", "It is no video.")
        assert (videos[1].state, videos[1].duration_s, videos[1].window_count, videos[1].analysis) == (
            "done", 12.5, 7, "entry",
        )  # fmt: skip
        project.restore_videos([a.video_id])
        assert [video.path.name for video in project.videos()] == ["c.mp4", "a.mp4", "b.mp4"]
        project.remove_videos([a.video_id])
        (again,) = project.add_videos([Path("/a.mp4")])
        assert project.windows(again.video_id) == {marked.sequence.key: marked}


def test_videos_are_identified_by_content(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "a.mp4", tmp_path / "moved.mp4"
    here.touch()
    with Project(tmp_path / "p.clipgen") as project:
        (video,) = project.add_videos([here])
        assert video.fingerprint is None
        assert project.identify(video.video_id, "aaa").video_id == video.video_id

        (copy,) = project.add_videos([elsewhere])
        assert project.identify(copy.video_id, "aaa").path == here, "expected the existing video for a copy of its file"
        here.unlink()
        (moved,) = project.add_videos([elsewhere])
        found = project.identify(moved.video_id, "aaa")
        assert (found.video_id, found.path) == (video.video_id, elsewhere)

        other = project.identify(video.video_id, "bbb")
        assert other.video_id != video.video_id, "expected a new video for a replaced file"
        assert project.video(video.video_id).fingerprint == "aaa"


VERSION_1 = """
    CREATE TABLE video (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
        added_at TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0, selected TEXT);
    CREATE TABLE marked_window (video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        start_frame INTEGER NOT NULL, stop_frame INTEGER NOT NULL, track_id INTEGER NOT NULL, decision TEXT NOT NULL,
        by_hand INTEGER NOT NULL, decided_at TEXT NOT NULL, scores TEXT NOT NULL,
        PRIMARY KEY (video_id, start_frame, stop_frame, track_id));
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE export (id INTEGER PRIMARY KEY, video_id INTEGER NOT NULL REFERENCES video (id) ON DELETE CASCADE,
        exported_at TEXT NOT NULL, folder TEXT NOT NULL, clips TEXT NOT NULL);
    INSERT INTO video VALUES (1, 'aaa', '/videos/a.mp4', '2026-01-01T00:00:00.000+00:00', 12, '[10, 40, 1]');
    INSERT INTO video VALUES (4, 'bbb', '/videos/b.mp4', '2026-01-02T00:00:00.000+00:00', 0, NULL);
    INSERT INTO marked_window VALUES (1, 10, 40, 1, 'accepted', 1, '2026-01-01T00:00:01.000+00:00',
        '{"terms": {"expression_variation": 0.5, "position_stability": 0.25}, "combined_score": 0.425,
        "top_channels": [["jawOpen", -0.5]]}');
    INSERT INTO setting VALUES ('sequence_length', '45');
    INSERT INTO export VALUES (1, 1, '2026-01-03T00:00:00.000+00:00', '/out', '["clip_001.mp4"]');
    PRAGMA user_version = 1;
    PRAGMA application_id = 1668049264;
"""


def test_a_version_1_project_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "old.clipgen"
    with sqlite3.connect(path) as database:
        database.executescript(VERSION_1)
    database.close()
    with Project(path) as project:
        first, second = project.videos()
        assert (first.video_id, first.path, first.position, first.selected) == (
            1,
            Path("/videos/a.mp4"),
            12,
            (10, 40, 1),
        )
        assert (second.video_id, second.fingerprint, second.state) == (4, "bbb", "waiting")
        expected = window(10, manual=True)
        unknown = replace(expected.sequence, scored_by="")  # version 1 did not record it
        assert project.windows(1) == {(10, 40, 1): replace(expected, sequence=unknown)}
        assert project.windows(1)[10, 40, 1].decided_at == "2026-01-01T00:00:01.000+00:00"
        assert project.settings() == {"sequence_length": 45}
        assert project.exports(1)[0].clips == ("clip_001.mp4",)
        assert project.rows("PRAGMA foreign_key_check") == []
        project.write(lambda database: database.execute("DELETE FROM video WHERE id = 1"))
        assert project.windows(1) == {}, "deleting a video must cascade to its windows"
    with sqlite3.connect(tmp_path / "old.clipgen.v1") as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM marked_window").fetchone() == (1,)
    database.close()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["old.clipgen", "old.clipgen.lock", "old.clipgen.v1"]


def test_an_open_project_can_be_copied(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        video = project.add_video(Path("/a.mp4"), "aaa")
        marked = window(10, note="here")
        project.save_reviews(video.video_id, {marked.sequence.key: marked})
        (tmp_path / "there.clipgen").write_text("in the way")
        project.copy_to(tmp_path / "there.clipgen")
        project.save_reviews(video.video_id, {marked.sequence.key: None})
        with Project(tmp_path / "there.clipgen") as there:
            assert not there.read_only
            assert there.windows(video.video_id) == {marked.sequence.key: marked}
        (tmp_path / "file").touch()
        with pytest.raises(OutputError):
            project.copy_to(tmp_path / "file" / "p.clipgen")


def test_a_moved_video_keeps_its_decisions(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        there = project.add_video(Path("/old/a.mp4"), "aaa")
        project.save_reviews(there.video_id, {(10, 40, 1): window(10)})
        moved = project.add_video(Path("/new/a.mp4"), "aaa")
        assert moved.video_id == there.video_id
        assert [video.path for video in project.videos()] == [Path("/new/a.mp4")]


def test_the_second_opener_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    with Project(path) as project:
        video = project.add_video(Path("/a.mp4"), "aaa")
        with Project(path) as second:
            assert second.read_only
            project.save_reviews(video.video_id, {(10, 40, 1): window(10)})
            assert second.windows(video.video_id) == {(10, 40, 1): window(10)}
            with pytest.raises(ProjectError, match="open in another window"):
                second.save_reviews(video.video_id, {(10, 40, 1): None})
    with Project(path) as third:
        assert not third.read_only


def test_reviews_are_saved_in_one_transaction(tmp_path: Path) -> None:
    with Project(tmp_path / "p.clipgen") as project:
        video = project.add_video(Path("/a.mp4"), "aaa")
        broken = WindowReview(Sequence(0, 5, 35, 0, {"x": float("nan")}, 0.0), Decision.ACCEPTED, False)
        with pytest.raises(ValueError, match="JSON"):
            project.save_reviews(video.video_id, {(10, 40, 1): window(10), (5, 35, 0): broken})
        assert project.windows(video.video_id) == {}
        project.save_reviews(video.video_id, {(10, 40, 1): window(10)})


def test_invalid_project_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.clipgen"
    text.write_text("not a database, but long enough to have a header\n" * 20)
    with pytest.raises(ProjectError, match=r"text\.clipgen is not a clipgen project"):
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
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence

project = Project(Path(sys.argv[1]))
video = project.add_video(Path("/a.mp4"), "aaa")
begin = len(project.windows(video.video_id))
for number in range(begin, begin + 100000):
    made = WindowReview(Sequence(0, number, number + 30, 0, {}, 0.5), Decision.ACCEPTED, False)
    project.save_reviews(video.video_id, {made.sequence.key: made})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_process_loses_no_decision(tmp_path: Path) -> None:
    path = tmp_path / "p.clipgen"
    rng = random.Random(0)
    last_reported = -1
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
        last_reported = max([last_reported, *whole])
        with Project(path) as project:
            assert not project.read_only
            stored = sorted(key[0] for key in project.windows(1))
            assert stored == list(range(len(stored)))
            assert len(stored) > last_reported
            last_reported = len(stored) - 1
            assert project.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_version_3_project_gets_reasons_and_curators(tmp_path: Path) -> None:
    path = tmp_path / "old.clipgen"
    with sqlite3.connect(path) as database:
        for script in _MIGRATIONS[:3]:
            database.executescript(script)
        database.executescript(
            "INSERT INTO video (id, fingerprint, path, added_at, queue_place) VALUES (1, 'aaa', '/a.mp4', '', 1);"
            "INSERT INTO marked_window VALUES (1, 10, 40, 1, 'rejected', 0, '2026-01-01T00:00:01.000+00:00', "
            """'{"terms": {}, "combined_score": 0.4, "top_channels": []}', '[]', 'dark');"""
            "PRAGMA user_version = 3; PRAGMA application_id = 1668049264;"
        )
    database.close()
    with Project(path) as project:
        old = project.windows(1)[10, 40, 1]
        assert (old.note, old.reason, old.decided_by) == ("dark", "", "")
        given = replace(old, reason="blurred", decided_by="Anna")
        project.save_reviews(1, {(10, 40, 1): given})
    with Project(path) as project:
        stored = project.windows(1)[10, 40, 1]
        assert (stored.reason, stored.decided_by) == ("blurred", "Anna")
        assert project.all_windows() == {1: {(10, 40, 1): stored}}


def test_a_reason_is_one_short_line() -> None:
    assert as_reason("  wrong \n person\t") == "wrong person"
    assert len(as_reason("x" * 500)) == MAX_REASON
    assert all(as_reason(reason) == reason for reason in REASONS)
