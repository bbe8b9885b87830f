"""`clipgen-engine forget`: what is kept of a video is gone, to the last byte, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.main import main
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision, Sequence
from clipgen_engine.user_folders import (
    analyses_folder,
    backups_folder,
    data_folder,
    log_folder,
    thumbnails_folder,
    unnamed_project,
)
from tests.support.exports import analysis_of, small_video

NOTE = "a note that nobody else has"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CACHE", "DATA", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Analysis, Analysis]:
    """Two videos of which everything is kept that clipgen keeps."""
    found = []
    for number in range(2):
        analysis = analysis_of(small_video(tmp_path / f"{number}.mp4", 60 + number), number)
        cache = AnalysisCache()
        cache.store(analysis)
        with cache.token_store({"fingerprint": analysis.video.fingerprint, "checkpoint": "0" * 64}) as store:
            store.add(np.arange(3), np.ones((3, 4), np.float32))
        thumbnails_folder().mkdir(parents=True, exist_ok=True)
        (thumbnails_folder() / f"{analysis.video.fingerprint}.jpg").write_bytes(b"a face")
        for _ in range(2):  # the second one makes a backup
            with Project(unnamed_project()) as project:
                video = project.add_video(analysis.video.path, analysis.video.fingerprint)
                window = WindowReview(Sequence(0, 5, 20, 0, {}, 0.5), Decision.ACCEPTED, note=f"{NOTE} {number}")
                project.save_reviews(video.video_id, {window.sequence.key: window})
        with Project(unnamed_project()):
            pass
        found.append(analysis)
    log_folder().mkdir(parents=True)
    (log_folder() / "clipgen.log").write_text("a line")
    return found[0], found[1]


def everything() -> bytes:
    """All bytes that are kept."""
    folders = (analyses_folder(), thumbnails_folder(), data_folder())
    return b"".join(path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_video_is_forgotten_and_the_others_are_not(
    kept: tuple[Analysis, Analysis], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = kept
    assert f"{NOTE} 0".encode() in everything()
    assert main(["forget", str(first.video.path)]) == 0
    said = capsys.readouterr().out
    for what in ("2 cached analyses", "a thumbnail", "backups", "the unnamed project"):
        assert what in said
    assert f"{NOTE} 0".encode() not in everything()
    assert first.video.fingerprint.encode() not in everything()
    cache = AnalysisCache()
    assert cache.open(cache.name_of(first), first.video.path) is None
    assert f"{NOTE} 1".encode() in everything()
    assert cache.open(cache.name_of(second), second.video.path) is not None
    assert first.video.path.exists(), "the video itself is the user's"
    assert main(["forget", str(first.video.path)]) == 0
    assert "nothing is kept of it" in capsys.readouterr().out


def test_a_video_whose_file_is_gone_is_named_by_its_fingerprint(kept: tuple[Analysis, Analysis]) -> None:
    first, _ = kept
    first.video.path.unlink()
    assert main(["forget", str(first.video.path)]) == 2
    assert main(["forget", first.video.fingerprint]) == 0
    assert f"{NOTE} 0".encode() not in everything()


@pytest.mark.usefixtures("kept")
def test_everything_is_forgotten(tmp_path: Path) -> None:
    saved = Path(shutil.copy(unnamed_project(), tmp_path / "saved.clipgen"))
    assert main(["forget", "--all"]) == 0
    assert everything() == b""
    assert not backups_folder().exists()
    assert not list(log_folder().iterdir())
    assert saved.exists(), "a project that was saved elsewhere is the user's"
    assert main(["forget", "--all"]) == 0


def test_nothing_is_forgotten_while_the_project_is_open(kept: tuple[Analysis, Analysis]) -> None:
    before = everything()
    with Project(unnamed_project()):
        assert main(["forget", "--all"]) == 2
        assert len(everything()) >= len(before)


def test_either_videos_or_all() -> None:
    assert main(["forget"]) == 2
    assert main(["forget", "--all", "x.mp4"]) == 2
