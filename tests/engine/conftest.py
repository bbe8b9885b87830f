"""Fixtures of the engine tests; torch is imported only by fixtures that need it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clipgen_engine
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis
from tests.support import composed
from tests.support.exports import SPANS, analysis_of, small_video, source_of
from tests.support.paths import SAMPLE
from tests.support.segments import plan_short_segments


@pytest.fixture(scope="session")
def analyses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Analysis]:
    """Analyses of two short coded videos: one with non-ASCII characters in its name, one with variable frame rate."""
    folder = tmp_path_factory.mktemp("sources")
    first = small_video(folder / "Çà et là, 顔.mp4", size=(160, 96))
    times = np.cumsum(np.random.default_rng(0).integers(300, 700, 60)).tolist()
    second = small_video(folder / "b.c.mp4", size=(160, 96), pts=times, time_base=Fraction(1, 15360))
    return analysis_of(first, 0), analysis_of(second, 1)


@pytest.fixture(scope="session")
def sources(analyses: tuple[Analysis, Analysis]) -> tuple[ExportSource, ExportSource]:
    """Three accepted windows of the first video, two of the second."""
    first, second = analyses
    return (
        source_of(first, SPANS, tags=["smile", "eyes, wide"], note='a "note", with <b>markup</b>\nand lines'),
        source_of(second, SPANS[:2], subjects={0: "Ána"}),
    )


@pytest.fixture(scope="session")
def small_dinov2() -> Any:
    """A seeded DINOv2 with the real geometry, but two layers."""
    pytest.importorskip("torch")
    from tests.support.checkpoints import made_dinov2

    return made_dinov2()


@pytest.fixture(scope="session")
def model_paths(tmp_path_factory: pytest.TempPathFactory, small_dinov2: Any) -> dict[str, Path]:
    """Paths of that DINOv2 and of a matching checkpoint with seven subjects."""
    from tests.support.checkpoints import LAYOUTS, made_state, saved

    folder = tmp_path_factory.mktemp("models")
    small_dinov2.save_pretrained(folder / "dinov2")
    checkpoint = saved(folder / "c.pt", made_state(LAYOUTS[0]), wrapped=True, config={"num_heads": 4})
    return {"dinov2": folder / "dinov2", "checkpoint": checkpoint}


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of the sample, including a cut."""
    return composed.write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", composed.frames_of(SAMPLE, 470, 620))


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the analyzer split the short clip into several segments, like a long video."""
    monkeypatch.setattr("clipgen_engine.analysis.findings.plan_segments", plan_short_segments)


@pytest.fixture(scope="session")
def short_analysis(short_clip: Path) -> Analysis:
    """The short clip, analysed in parallel in short segments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clipgen_engine.analysis.findings.plan_segments", plan_short_segments)
        return clipgen_engine.analyze_video(short_clip, AnalysisSettings(workers=2))
