"""Every number keeps what made it: through the project, another ranking, the export, its repetition and its import."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clipgen_engine.datasets.analyses import GivenAnalyses
from clipgen_engine.datasets.export import export_clips
from clipgen_engine.datasets.reimport import import_export, read_export
from clipgen_engine.datasets.request import project_sources
from clipgen_engine.expression_tokens.filling import TokenFilling
from clipgen_engine.expression_tokens.priorities import rows_in_time
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.effective import effective_regions
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.ranking.terms import METRIC_VERSIONS, metric_of
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision, Sequence
from tests.support.exports import request_for
from tests.support.tokens import FrameTokens

KEY = 4, 24, 0
LEARNED = RankingSettings(token_source="learned")
BLENDSHAPES = RankingSettings(token_source="blendshapes", regions={"mouth": 0.5})


@pytest.fixture(scope="module")
def learned(analyses: tuple[Analysis, ...]) -> Analysis:
    """The analysis of a coded video with learned tokens of every face."""
    filling = TokenFilling(analyses[0], FrameTokens())
    filling.run(lambda: rows_in_time(analyses[0].tracks))
    return filling.result()


def described(analysis: Analysis, settings: RankingSettings) -> Sequence:
    sequence = Ranker(analysis).describe(KEY, settings)
    assert sequence is not None
    return sequence


def stored(path: Path, analysis: Analysis, sequence: Sequence, settings: RankingSettings) -> Path:
    with Project(path) as project:
        video = project.add_video(analysis.video.path, analysis.video.fingerprint)
        project.save_reviews(video.video_id, {KEY: WindowReview(sequence, Decision.ACCEPTED)})
        project.set_settings(settings.as_dict())
    return path


def exported(project: Path, folder: Path, analysis: Analysis, settings: RankingSettings) -> dict[str, Any]:
    """The record of the only clip, as a project without an open analysis is exported."""
    with Project(project) as opened:
        request = replace(request_for(folder, project_sources(opened)), ranking=settings)
    result = export_clips(request, GivenAnalyses([replace(analysis, model_sha256={"made": "0" * 64})]))
    assert not result.failures
    (record,) = json.loads((folder / "clips" / "clip_metadata.json").read_text(encoding="utf-8"))["clips"]
    return dict(record)


def assert_made_by(record: dict[str, Any], sequence: Sequence, settings: RankingSettings) -> None:
    """The record holds the terms of this sequence, and says what they were computed from."""
    assert record["expression_variation"] == sequence.terms["expression_variation"]
    assert record["scored_by"] == record["token_backend"] == sequence.scored_by
    metric = metric_of(settings, learned=sequence.scored_by != "blendshapes")
    assert record["ranking_settings"]["variation_metric"] == record["variation_metric"] == metric
    assert record["variation_version"] == METRIC_VERSIONS[metric]
    assert record["ranking_settings"]["regions"] == effective_regions(settings)
    pair = sequence.variations
    assert record.get("learned_variation") == (None if pair is None else pair.learned)


def test_a_learned_score_is_never_called_another(tmp_path: Path, learned: Analysis, analyses: Any) -> None:
    sequence = described(learned, LEARNED)
    assert sequence.scored_by == "transformer"
    assert sequence.variations is not None
    path = stored(tmp_path / "a.clipgen", learned, sequence, LEARNED)
    with Project(path) as project:
        assert project.windows(1)[KEY].sequence == sequence, "store and reload"
    record = exported(path, tmp_path / "out", analyses[0], LEARNED)  # its own analysis has blendshapes only
    assert_made_by(record, sequence, LEARNED)


def test_terms_and_provenance_come_from_one_ranking(tmp_path: Path, learned: Analysis, analyses: Any) -> None:
    """Exported, ranked again under other settings, and exported again: the clip is unchanged, its record is not."""
    first, second = described(learned, LEARNED), described(learned, BLENDSHAPES)
    assert first.terms["expression_variation"] != second.terms["expression_variation"]
    path = stored(tmp_path / "a.clipgen", learned, first, LEARNED)
    exported(path, tmp_path / "out", analyses[0], LEARNED)
    stored(path, learned, second, BLENDSHAPES)
    record = exported(path, tmp_path / "out", analyses[0], BLENDSHAPES)
    assert_made_by(record, second, BLENDSHAPES)


def test_settings_changed_after_the_decision_are_not_claimed(tmp_path: Path, learned: Analysis, analyses: Any) -> None:
    sequence = described(learned, BLENDSHAPES)
    path = stored(tmp_path / "a.clipgen", learned, sequence, BLENDSHAPES)
    later = RankingSettings(variation_metric="keyframe_cosine", weights={"expression_variation": 0.2})
    record = exported(path, tmp_path / "out", analyses[0], later)
    assert_made_by(record, sequence, BLENDSHAPES)
    weights = record["weights"]
    assert weights["expression_variation"] == 0.2
    total = sum(weight * record[name] for name, weight in weights.items() if weight)
    assert record["combined_score"] == pytest.approx(total, abs=1e-9), "the sum is of the weights that are written"


def test_an_import_brings_back_what_made_every_number(tmp_path: Path, learned: Analysis, analyses: Any) -> None:
    sequence = described(learned, LEARNED)
    path = stored(tmp_path / "a.clipgen", learned, sequence, LEARNED)
    exported(path, tmp_path / "out", analyses[0], LEARNED)
    with Project(tmp_path / "b.clipgen") as project:
        import_export(read_export(tmp_path / "out"), project)
        assert project.windows(1)[KEY].sequence == sequence
    record = exported(tmp_path / "b.clipgen", tmp_path / "again", analyses[0], LEARNED)
    assert_made_by(record, sequence, LEARNED)
