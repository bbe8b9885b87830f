"""Small videos with reviewed windows for exports, without a face model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Sequence as SequenceABC
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.datasets.analyses import GivenAnalyses
from clipgen_engine.datasets.export import export_clips
from clipgen_engine.datasets.request import ExportRequest, ExportSource
from clipgen_engine.datasets.results import ExportResult
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import DatasetSettings, ExportSettings, RankingSettings
from clipgen_engine.types import Analysis, Decision, VideoInfo
from clipgen_engine.video.index import probe
from tests.support.analyses import make_analysis, random_track
from tests.support.videos import write_coded_video

SIZE = 64, 48
SPANS = ((4, 9), (20, 24), (40, 43))  # half-open
FAST = {"encoder_preset": "ultrafast"}


def small_video(path: Path, count: int = 60, size: tuple[int, int] = SIZE, **options: Any) -> VideoInfo:
    """Write a coded video (see `tests.support.videos`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return probe(write_coded_video(path, count, size=size, options={"g": "6", "bf": "0", "crf": "20"}, **options))


def analysis_of(video: VideoInfo, seed: int = 0, tracks: int = 1) -> Analysis:
    """Return an analysis with 20 px faces that stay inside the frame."""
    rng = np.random.default_rng(seed)
    made = []
    for track_id in range(tracks):
        track = random_track(rng, 0, video.frame_count, track_id)
        track.size = 20.0
        track.center = (np.array([32.0, 24.0]) + np.clip((track.center - 300) / 20, -8, 8)).astype(np.float32)
        made.append(track)
    return replace(make_analysis(*made, frame_count=video.frame_count), video=video, model_sha256={"made": "0" * 64})


def source_of(
    analysis: Analysis,
    spans: Iterable[tuple[int, int]],
    *,
    tags: SequenceABC[str] = (),
    note: str = "",
    subjects: dict[int, str] | None = None,
    decision: Decision = Decision.ACCEPTED,
    track_id: int = 0,
) -> ExportSource:
    """Return a source with windows of these half-open spans, all with the same decision."""
    ranker = Ranker(analysis)
    windows = []
    for start, stop in spans:
        sequence = ranker.describe((start, stop, track_id), RankingSettings())
        assert sequence is not None
        windows.append(WindowReview(sequence, decision, False, tuple(tags), note, "2026-11-22T10:00:00.000+00:00"))
    return ExportSource(analysis.video.path, analysis.video.fingerprint, tuple(windows), subjects or {})


def request_for(
    output_dir: Path,
    sources: Iterable[ExportSource],
    layouts: SequenceABC[str] = ("plain",),
    export: dict[str, Any] | None = None,
    **dataset: Any,
) -> ExportRequest:
    return ExportRequest(
        tuple(sources),
        output_dir,
        tuple(layouts),
        ExportSettings(**{**FAST, **(export or {})}),
        DatasetSettings(**dataset),
    )


def run(request: ExportRequest, *analyses: Analysis, **options: Any) -> ExportResult:
    return export_clips(request, GivenAnalyses(analyses), **options)


def tree(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def content_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, mtime and size of every file, by relative path."""
    return {
        path.relative_to(folder).as_posix(): (status.st_ino, status.st_mtime_ns, status.st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (status := path.stat())
    }
