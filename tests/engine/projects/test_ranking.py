"""Ranking across a project, with a quota per video."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli import main as cli
from clipgen_engine.cli import rank as cli_rank
from clipgen_engine.projects.ranking import decided_videos, rank_project
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision
from tests.support.analyses import make_analysis, random_track

SETTINGS = RankingSettings(sequence_length=20, gates={"face_confidence": 0.0})


@pytest.fixture
def cache(tmp_path: Path) -> AnalysisCache:
    return AnalysisCache(tmp_path / "cache")


@pytest.fixture
def project_path(tmp_path: Path, cache: AnalysisCache) -> Path:
    """Three analysed videos and one without analysis. The best windows of the first two are decided."""
    path = tmp_path / "work.clipgen"
    with Project(path) as project:
        for number in range(3):
            analysis = make_analysis(random_track(np.random.default_rng(number), 0, 300))
            analysis = replace(analysis, video=replace(analysis.video, fingerprint=f"{number:064d}"))
            cache.store(analysis)
            video = project.add_video(tmp_path / f"{number}.mp4", analysis.video.fingerprint)
            project.describe_video(video.video_id, state="done", analysis=cache.name_of(analysis))
            best = rank_sequences(analysis, SETTINGS).sequences[0]
            if number == 0:
                project.save_reviews(video.video_id, {best.key: WindowReview(best, Decision.REJECTED, False)})
            if number == 1:
                project.save_reviews(video.video_id, {best.key: WindowReview(best, Decision.ACCEPTED, False)})
        project.add_video(tmp_path / "new.mp4", "f" * 64)
        project.set_settings(SETTINGS.as_dict())
    return path


def test_project_ranking_with_a_quota_per_video(project_path: Path, cache: AnalysisCache) -> None:
    with Project(project_path) as project:
        videos = decided_videos(project)
    every = rank_project(videos, cache, SETTINGS, 100, 100)
    scores = [one.sequence.combined_score for one in every.best]
    assert scores == sorted(scores, reverse=True)
    assert [one.sequence.rank for one in every.best] == list(range(1, len(scores) + 1))
    assert [video.path.name for video in every.without_analysis] == ["new.mp4"]
    accepted = [one for one in every.best if one.decision is Decision.ACCEPTED]
    assert [one.video.path.name for one in accepted] == ["1.mp4"]
    (rejected,) = videos[0].decisions
    for one in every.best:
        if one.video.path.name == "0.mp4":
            assert one.sequence.stop_frame <= rejected[0] or one.sequence.start_frame >= rejected[1]

    few = rank_project(videos, cache, SETTINGS, 5, 2)
    assert len(few.best) == 5
    names = [one.video.path.name for one in few.best]
    assert max(names.count(name) for name in names) == 2
    kept: dict[str, int] = {}
    expected = []
    for one in every.best:  # straightforward reference implementation
        kept[one.video.path.name] = kept.get(one.video.path.name, 0) + 1
        if kept[one.video.path.name] <= 2:
            expected.append((one.video.path.name, one.sequence.key))
    assert [(one.video.path.name, one.sequence.key) for one in few.best] == expected[:5]


def test_rank_from_the_command_line(
    project_path: Path, cache: AnalysisCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_rank, "AnalysisCache", lambda: cache)
    output = tmp_path / "best.json"
    arguments = ["rank", str(project_path), "--num-sequences", "4", "--quota", "2", "--output", str(output)]
    assert cli.main(arguments) == 0
    listed = json.loads(output.read_text(encoding="utf-8"))
    assert [one["rank"] for one in listed] == [1, 2, 3, 4]
    assert all(one["end_frame"] - one["start_frame"] == 19 for one in listed)
    assert {one["decision"] for one in listed} <= {"accepted", "undecided"}
    assert listed[0]["source"].endswith(".mp4")
    assert cli.main(["rank", str(tmp_path / "absent.clipgen")]) == 2
    assert cli.main(["rank", str(project_path), "--quota", "0"]) == 2
