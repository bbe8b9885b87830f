from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from clipgen_engine.export_items import ExportSource
from clipgen_engine.types import Analysis
from tests.exports import SPANS, analysis_of, small_video, source_of


@pytest.fixture(scope="session")
def analyses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Analysis]:
    """Of two short coded videos: one with an awkward name, one of variable rate."""
    folder = tmp_path_factory.mktemp("sources")
    first = small_video(folder / "Çà et là, 顔.mp4", size=(160, 96))
    times = np.cumsum(np.random.default_rng(0).integers(300, 700, 60)).tolist()
    second = small_video(folder / "b.c.mp4", size=(160, 96), pts=times, time_base=Fraction(1, 15360))
    return analysis_of(first, 0), analysis_of(second, 1)


@pytest.fixture(scope="session")
def sources(analyses: tuple[Analysis, Analysis]) -> tuple[ExportSource, ExportSource]:
    """Three accepted windows of the first, two of the second."""
    first, second = analyses
    return (
        source_of(first, SPANS, tags=["smile", "eyes, wide"], note='a "note", with <b>markup</b>\nand lines'),
        source_of(second, SPANS[:2], subjects={0: "Ána"}),
    )
