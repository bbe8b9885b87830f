"""Cache content is untrusted: no code execution, no path traversal. Reading needs no write access."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.findings import Findings
from clipgen_engine.analysis.store import load_analysis
from clipgen_engine.errors import StoredAnalysisError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_engine.video.index import probe

MODEL = {"face_landmarker": FACE_MODEL_SHA256}
Arrays = dict[str, Any]


class Explosive:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.fixture
def stored(short_analysis: Analysis, tmp_path: Path) -> Path:
    cache = AnalysisCache(tmp_path / "cache")
    cache.store(short_analysis)
    (entry,) = (tmp_path / "cache").iterdir()
    return entry


def change(path: Path, edit: Callable[[Arrays], object]) -> None:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    edit(arrays)
    np.savez(path, **arrays)


CHANGES: dict[str, Callable[[Arrays], object]] = {
    "missing row": lambda arrays: arrays.update(track_0_confidence=arrays["track_0_confidence"][1:]),
    "wrong width": lambda arrays: arrays.update(track_0_box_xywh=arrays["track_0_box_xywh"][:, :3]),
    "wrong dtype": lambda arrays: arrays.update(track_0_center_xy=arrays["track_0_center_xy"].astype(np.float64)),
    "frames beyond the video": lambda arrays: arrays.update(track_0_frame_index=arrays["track_0_frame_index"] + 10**9),
    "negative frames": lambda arrays: arrays.update(track_0_frame_index=arrays["track_0_frame_index"] - 10**9),
    "frames out of order": lambda arrays: arrays.update(track_0_frame_index=arrays["track_0_frame_index"][::-1]),
    "PTS out of order": lambda arrays: arrays.update(pts=arrays["pts"][::-1]),
    "no frames": lambda arrays: arrays.update(pts=arrays["pts"][:0]),
    "wrong token width": lambda arrays: arrays.update(track_0_tokens=arrays["track_0_tokens"][:, :7]),
    "header is not JSON": lambda arrays: arrays.update(header=np.array("{")),
    "deeply nested header": lambda arrays: arrays.update(header=np.array("[" * 100_000)),
    "header is not an object": lambda arrays: arrays.update(header=np.array("[]")),
    "no header": lambda arrays: arrays.pop("header"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_inconsistent_arrays_are_reported_as_damage(stored: Path, name: str) -> None:
    change(stored / "analysis.npz", CHANGES[name])
    with pytest.raises(StoredAnalysisError, match="is damaged"):
        load_analysis(stored)


def test_pickles_are_never_loaded(stored: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    change(stored / "analysis.npz", lambda arrays: arrays.update(pts=np.array([Explosive()], object)))
    with pytest.raises(StoredAnalysisError):
        load_analysis(stored)
    (stored / "analysis.npz").write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(StoredAnalysisError):
        load_analysis(stored)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "..", ".", "", "x" * 40, "0" * 39, "0" * 40 + "/.."])
def test_entry_name_cannot_escape_the_cache_folder(
    stored: Path, short_analysis: Analysis, tmp_path: Path, name: str
) -> None:
    """Entry names come from project files."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "analysis.npz").write_bytes((stored / "analysis.npz").read_bytes())
    assert AnalysisCache(tmp_path / "cache").open(name, short_analysis.video.path) is None


def test_analysis_of_another_video_is_rejected(stored: Path, short_analysis: Analysis, tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    other = replace(short_analysis.video, fingerprint="3" * 64)
    target = tmp_path / "cache" / cache.name_of(replace(short_analysis, video=other))
    target.mkdir()
    (target / "analysis.npz").write_bytes((stored / "analysis.npz").read_bytes())
    assert cache.load(other, AnalysisSettings(), short_analysis.model_sha256) is None


PART_CHANGES: dict[str, Callable[[Arrays], object] | None] = {
    "wrong width": lambda arrays: arrays.update(row_box_xywh=arrays["row_box_xywh"][:, :2]),
    "frames of another segment": lambda arrays: arrays.update(row_frame_index=arrays["row_frame_index"] + 10**9),
    "no rows": lambda arrays: arrays.pop("row_region"),
    "not an archive": None,
}


@pytest.fixture
def draft(short_clip: Path, tmp_path: Path) -> tuple[AnalysisCache, VideoInfo]:
    """A cache that holds the parts of a draft with a refined selection."""
    cache, video = AnalysisCache(tmp_path / "parts"), probe(short_clip)
    aim = Aim(ranking=lambda: RankingSettings(num_sequences=1))
    analyze_video(video, AnalysisSettings(effort="top"), cache=cache, aim=aim)
    return cache, video


@pytest.mark.parametrize("name", PART_CHANGES)
@pytest.mark.parametrize("part", ["segment", "gaps"])
def test_inconsistent_part_is_discarded(
    draft: tuple[AnalysisCache, VideoInfo], part: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache, video = draft
    path = next(cache.folder.rglob(f"{part}_*.npz"))
    edit = PART_CHANGES[name]
    if edit is None:
        path.write_bytes(pickle.dumps(Explosive()))
    else:
        change(path, edit)
    findings = Findings(video, AnalysisSettings(), MODEL)
    with caplog.at_level(logging.WARNING):
        cache.parts(video, AnalysisSettings(), MODEL).restore(findings)
    assert "is damaged" in caplog.text
    assert not path.exists()
    assert not list(cache.folder.rglob("gaps_*.npz")) or part == "gaps"  # gaps are of no use without their segment


def refuse(*_: object) -> None:
    raise PermissionError(1, "not permitted")


def test_read_only_cache_is_readable(
    short_analysis: Analysis, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    made_by = {"checkpoint": "0" * 64}
    with cache.token_store(made_by) as store:
        store.add(np.arange(2), np.ones((2, 4), np.float32))
    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    assert cache.load(short_analysis.video, AnalysisSettings(), short_analysis.model_sha256) is not None
    assert cache.open(stored.name, short_analysis.video.path) is not None
    with cache.token_store(made_by) as store:
        assert store.load(4)[0].tolist() == [0, 1]


def test_cache_is_private_to_its_owner(stored: Path, tmp_path: Path) -> None:
    with AnalysisCache(tmp_path / "cache").token_store({"checkpoint": "0" * 64}) as store:
        store.add(np.arange(2), np.ones((2, 4), np.float32))
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
