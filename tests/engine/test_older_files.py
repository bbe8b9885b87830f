"""Files written by earlier versions remain readable."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.findings import Findings
from clipgen_engine.cli.run_folder import read_analysis
from clipgen_engine.datasets.export import export_clips
from clipgen_engine.datasets.names import PROJECT_NAME_PATTERN
from clipgen_engine.datasets.reimport import import_export, read_export
from clipgen_engine.datasets.request import ExportRequest, project_sources
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.ranking.records import sequence_record
from clipgen_engine.settings import AnalysisSettings, DatasetSettings, ExportSettings, RankingSettings
from clipgen_engine.types import Decision
from clipgen_engine.video.index import probe
from tests.support.paths import FIXTURES

MODEL = {"face_landmarker": FACE_MODEL_SHA256}
NOTE = "a note\nof two lines"


@pytest.fixture(params=["made_by_0_1_0"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the files written by one version."""
    return Path(shutil.copytree(FIXTURES / request.param, tmp_path / "files"))


def test_analysis_of_a_project_opens(files: Path) -> None:
    """Projects name their analyses; a newer method does not make them worthless."""
    with Project(files / "work.clipgen") as project:
        (video,) = project.videos()
    analysis = AnalysisCache(files / "cache").open(video.analysis, files / "portrait.mp4")
    assert analysis is not None
    assert analysis.exact is None
    assert analysis.analyzed_frames == probe(files / "portrait.mp4").frame_count == 90
    assert [len(track.frame_index) for track in analysis.tracks] == [90]
    assert len(rank_sequences(analysis).sequences) > 0


def test_interrupted_analysis_of_an_older_method_is_left_alone(files: Path) -> None:
    settings = AnalysisSettings(analysis_max_side=None)
    video = probe(files / "portrait.mp4")
    findings = Findings(video, settings, MODEL)
    AnalysisCache(files / "cache").parts(video, settings, MODEL).restore(findings)
    assert len(findings.missing(exact=True)) == len(findings.segments)
    assert list((files / "cache").rglob("segment_*.npz"))


def test_learned_tokens_are_found(files: Path) -> None:
    with AnalysisCache(files / "cache").token_store({"checkpoint": "0" * 64, "backbone": "1" * 64}) as store:
        rows, values = store.load(8)
    assert rows.tolist() == [0, 1, 2, 3]
    assert values.ravel().tolist() == list(range(32))


def test_project_opens_with_all_decisions(files: Path) -> None:
    with Project(files / "work.clipgen") as project:
        (video,) = project.videos()
        windows = project.windows(video.video_id)
        (export,) = project.exports(video.video_id)
        assert (video.accepted, video.rejected, video.window_count) == (1, 1, 4)
        assert project.subjects(video.video_id) == {0: "Ána"}
        assert project.settings()["sequence_length"] == 15
    assert [(key, one.decision.value, one.tags, one.note) for key, one in windows.items()] == [
        ((14, 29, 0), "accepted", ("lächeln", "smile"), NOTE),
        ((33, 48, 0), "rejected", (), ""),
        ((57, 70, 0), "undecided", (), ""),
    ]
    assert windows[14, 29, 0].sequence.terms["expression_variation"] == 0.43619292974472046
    assert export.details["layouts"] == ["plain", "videofolder", "webdataset", "losslesscut", "edl"]


def test_run_folder_yields_the_same_ranking(files: Path) -> None:
    analysis = read_analysis(files / "run")
    settings = RankingSettings(sequence_length=15, num_sequences=3, variation_metric="token_spread")
    records = [sequence_record(analysis.video, one) for one in rank_sequences(analysis, settings).sequences]
    before = json.loads((files / "run" / "analysis" / "sequences.json").read_text(encoding="utf-8"))
    # mouth activity was of blendshapes, not of actions; later versions record more
    compared = [name for name in before[0] if name != "mouth_activity"]
    assert [{name: record[name] for name in compared} for record in records] == [
        {name: record[name] for name in compared} for record in before
    ]
    assert all(record["variation_metric"] == "token_spread" for record in records)


def test_scores_of_an_older_project_are_computed_anew(files: Path) -> None:
    with Project(next(files.glob("*.clipgen"))) as project:
        settings = RankingSettings(**project.settings())
        assert settings.variation_metric == "actions"
        decided = [one for video in project.videos() for one in project.windows(video.video_id).values()]
    assert any(one.decision is Decision.ACCEPTED for one in decided)


def test_older_export_brings_no_metric_along(files: Path) -> None:
    ranking = read_export(files / "export").ranking
    assert ranking.variation_metric == "actions"
    assert "gaze" not in ranking.regions


def test_imported_export_is_not_written_again(files: Path) -> None:
    folder = files / "export"
    imported = read_export(folder)
    with Project(files / "again.clipgen") as project:
        import_export(imported, project)
        (video,) = project.videos()
        project.describe_video(video.video_id, path=files / "portrait.mp4")
        (window,) = [one for one in project.windows(video.video_id).values() if one.decision is Decision.ACCEPTED]
        assert (window.tags, window.note) == (("lächeln", "smile"), NOTE)
        request = ExportRequest(
            project_sources(project),
            folder,
            ("plain", "videofolder", "webdataset", "losslesscut", "edl"),
            ExportSettings(),
            DatasetSettings(name_pattern=PROJECT_NAME_PATTERN),
        )
        clip = folder / "clips" / "portrait_001_frames_000014_000028.mp4"
        before = clip.stat().st_mtime_ns
        result = export_clips(request)
    assert [one.state for one in result.clips] == ["unchanged"]
    assert not result.failures
    assert clip.stat().st_mtime_ns == before
