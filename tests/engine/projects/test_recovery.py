"""Recovery of damaged projects."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from clipgen_engine.errors import DamagedProjectError, ProjectError
from clipgen_engine.projects.backups import backups_of
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.recovery import recover_project
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision, Sequence
from tests.support.command_line import engine

VIDEOS, WINDOWS = 40, 20


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def review(start: int) -> WindowReview:
    terms = {"expression_variation": 0.5, "position_stability": 0.9}
    return WindowReview(Sequence(0, start, start + 30, 0, terms, 0.62), Decision.ACCEPTED, note=f"note {start}")


def filled(path: Path) -> Path:
    with Project(path) as project:
        for number in range(VIDEOS):
            video = project.add_video(Path(f"/videos/{number}.mp4"), f"{number:064x}")
            project.save_reviews(
                video.video_id, {review(start).sequence.key: review(start) for start in range(WINDOWS)}
            )
            project.set_subject(video.video_id, 0, f"person {number}")
        project.set_settings({"sequence_length": 45})
    return path


def decisions(path: Path) -> int:
    with Project(path) as project:
        return sum(len(project.windows(video.video_id)) for video in project.videos())


def overwrite_page(path: Path, page: int, content: bytes = b"\xa5" * 4096) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(content)


def test_an_overwritten_page_is_reported_and_the_project_is_recovered(tmp_path: Path) -> None:
    original = filled(tmp_path / "original.clipgen")
    pages = original.stat().st_size // 4096
    assert pages > 20
    recovered_some = 0
    for page in range(1, pages, max(1, pages // 12)):
        path = Path(shutil.copy(original, tmp_path / f"work {page}.clipgen"))
        overwrite_page(path, page)
        damaged = path.read_bytes()
        with pytest.raises(DamagedProjectError, match=r"is damaged"):
            Project(path)
        recovery = recover_project(path)
        assert recovery.set_aside.read_bytes() == damaged
        assert recovery.backup_at is None
        assert "was damaged" in recovery.sentence(path.name)
        assert decisions(path) <= VIDEOS * WINDOWS
        recovered_some += decisions(path) > VIDEOS * WINDOWS // 2
    assert recovered_some > 6, "losing one page must not lose most rows"


def test_unreadable_rows_are_restored_from_the_backup(tmp_path: Path) -> None:
    path = filled(tmp_path / "work.clipgen")
    with Project(path):
        pass  # opening creates a backup
    assert len(backups_of(path)) == 1
    with Project(path) as project:
        video = project.videos()[0]
        project.save_reviews(video.video_id, {review(500).sequence.key: review(500)})
    for page in range(4, path.stat().st_size // 4096 - 4):
        overwrite_page(path, page)
    with pytest.raises(DamagedProjectError):
        Project(path)
    recovery = recover_project(path)
    assert recovery.backup_at is not None
    assert recovery.videos == VIDEOS
    assert decisions(path) >= VIDEOS * WINDOWS
    assert "using the backup of" in recovery.sentence("work.clipgen")
    with Project(path) as project:
        assert project.settings() == {"sequence_length": 45}


def test_at_most_three_distinct_backups_are_kept(tmp_path: Path) -> None:
    path = filled(tmp_path / "work.clipgen")
    for number in range(6):
        for _ in range(2):
            with Project(path) as project:
                pass
        with Project(path) as project:
            project.set_settings({"sequence_length": 30 + number})
    kept = backups_of(path)
    assert len(kept) == 3
    with sqlite3.connect(kept[0]) as database:
        assert database.execute("SELECT value FROM setting WHERE name = 'sequence_length'").fetchone() == ("34",)
    assert all(one.stat().st_mode & 0o077 == 0 for one in (*kept, kept[0].parent))


def test_a_header_without_a_database_comes_back_from_the_backup_only(tmp_path: Path) -> None:
    path = filled(tmp_path / "work.clipgen")
    path.write_bytes(b"not a database " * 400)
    with pytest.raises(ProjectError, match="is not a clipgen project"):
        recover_project(path)
    assert path.read_bytes().startswith(b"not a database"), "foreign files must not be moved"


def test_an_open_project_is_not_recovered(tmp_path: Path) -> None:
    path = filled(tmp_path / "work.clipgen")
    with Project(path), pytest.raises(ProjectError, match="open in another window"):
        recover_project(path)


def test_invalid_values_are_reported_as_damage(tmp_path: Path) -> None:
    changes = (
        "UPDATE marked_window SET scores = '{'",
        "UPDATE marked_window SET scores = '" + "[" * 5000 + "'",
        "UPDATE marked_window SET scores = '[]'",
        "UPDATE marked_window SET decision = 'maybe'",
        "UPDATE marked_window SET tags = '3'",
        "UPDATE marked_window SET start_frame = 'x'",
    )
    for number, change in enumerate(changes):
        path = filled(tmp_path / f"{number}.clipgen")
        with sqlite3.connect(path) as database:
            database.execute(change)
        database.close()
        with Project(path) as project, pytest.raises(DamagedProjectError, match="is damaged"):
            project.windows(project.videos()[0].video_id)


def test_random_bytes_never_crash(tmp_path: Path) -> None:
    original = filled(tmp_path / "original.clipgen").read_bytes()
    rng = random.Random(1)
    for number in range(15):
        content = bytearray(original)
        for _ in range(rng.choice((1, 20, 2000))):
            content[rng.randrange(100, len(content))] = rng.randrange(256)
        path = tmp_path / f"mutated {number}.clipgen"
        path.write_bytes(content)
        try:
            with Project(path) as project:
                for video in project.videos():
                    project.windows(video.video_id)
        except DamagedProjectError:
            recover_project(path)
            decisions(path)
        except ProjectError as error:
            assert "\n" not in str(error)  # noqa: PT017  # either is right: most bytes hurt nothing


def test_the_command_line_suggests_recovery(tmp_path: Path) -> None:
    path = filled(tmp_path / "work.clipgen")
    overwrite_page(path, 3)
    done = engine("export", path, "--layout", "edl", "--output_dir", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("clipgen-engine: work.clipgen is damaged (")
    assert "Open it in the app" in done.stderr
    assert done.stderr.count("\n") == 1
