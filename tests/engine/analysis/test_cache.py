"""Analysis cache: hits, resumption, eviction, damaged entries."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import clipgen_engine
from clipgen_engine.analysis import analyzer as analyzer
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.store import save_analysis
from clipgen_engine.errors import Cancelled
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Progress


def same_bytes(one: Analysis, other: Analysis, folder: Path) -> bool:
    save_analysis(one, folder / "one")
    save_analysis(other, folder / "other")
    return (folder / "one" / "analysis.npz").read_bytes() == (folder / "other" / "analysis.npz").read_bytes()


def test_cache_hit_is_independent_of_the_number_of_workers(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    cache.store(short_analysis)
    monkeypatch.setattr(analyzer, "TaskPool", None)  # must not be used
    again = clipgen_engine.analyze_video(short_clip, AnalysisSettings(workers=3), cache=cache)
    monkeypatch.undo()
    assert same_bytes(again, short_analysis, tmp_path)
    models = short_analysis.model_sha256
    assert cache.load(short_analysis.video, AnalysisSettings(max_faces=2), models) is None
    assert cache.load(replace(short_analysis.video, fingerprint="1" * 64), AnalysisSettings(), models) is None
    assert cache.size_bytes() > 0
    cache.clear()
    assert cache.size_bytes() == 0


@pytest.mark.usefixtures("short_segments")
def test_interrupted_analysis_resumes_at_its_unfinished_segment(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    cache, cancel = AnalysisCache(tmp_path / "cache"), threading.Event()

    def stop_in_the_third_segment(progress: Progress) -> None:
        if progress.done > 80:
            cancel.set()

    settings = AnalysisSettings(workers=1)
    with pytest.raises(Cancelled):
        clipgen_engine.analyze_video(
            short_clip, settings, progress=stop_in_the_third_segment, cancel=cancel, cache=cache
        )
    done: list[int] = []
    analysis = clipgen_engine.analyze_video(short_clip, settings, progress=lambda p: done.append(p.done), cache=cache)
    assert done[0] > 60
    assert same_bytes(analysis, short_analysis, tmp_path)
    assert not list((tmp_path / "cache").rglob("segment_*"))


def test_damaged_entry_is_quarantined(
    short_analysis: Analysis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = AnalysisCache(tmp_path)
    cache.store(short_analysis)
    (stored,) = tmp_path.rglob("analysis.npz")
    stored.write_bytes(stored.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        assert cache.load(short_analysis.video, AnalysisSettings(), short_analysis.model_sha256) is None
    assert "quarantined" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == [stored.parent.name + ".damaged"]


def test_least_recently_used_entries_are_evicted(short_analysis: Analysis, tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path, max_bytes=1)
    other = replace(short_analysis, video=replace(short_analysis.video, fingerprint="2" * 64))
    cache.store(short_analysis)
    cache.store(other)
    assert len(list(tmp_path.iterdir())) == 1
    assert cache.load(other.video, AnalysisSettings(), other.model_sha256) is not None


def test_unwritable_folder_is_logged(
    short_analysis: Analysis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        AnalysisCache(tmp_path / "file" / "cache").store(short_analysis)
    assert "not cached" in caplog.text
