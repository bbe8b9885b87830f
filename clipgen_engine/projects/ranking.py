"""Rank the windows of all videos of a project together, from stored analyses, with a per-video quota."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.errors import Cancelled, StoredAnalysisError
from clipgen_engine.projects.records import Key, StoredVideo
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import Ranker, Ranking, rank_across_videos
from clipgen_engine.ranking.records import sequence_record
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision, Progress, ProgressCallback
from clipgen_engine.types import Sequence as Window


@dataclass(frozen=True)
class DecidedVideo:
    """A video and the decisions its ranking must respect."""

    video: StoredVideo
    decisions: Mapping[Key, Decision]


@dataclass(frozen=True)
class ProjectWindow:
    """One of the best windows of a project."""

    video: StoredVideo
    sequence: Window  # ranked within the project
    decision: Decision
    record: Mapping[str, Any]  # as in `sequences.json`


@dataclass(frozen=True)
class ProjectRanking:
    """The ranking of a project."""

    best: tuple[ProjectWindow, ...]
    without_analysis: tuple[StoredVideo, ...]  # not analysed, or no longer in the cache


def decided_videos(project: Project) -> list[DecidedVideo]:
    """Return all videos of a project with their decisions, as input of `rank_project`."""
    return [
        DecidedVideo(video, {key: one.decision for key, one in project.windows(video.video_id).items()})
        for video in project.videos()
    ]


def rank_project(
    videos: Sequence[DecidedVideo],
    cache: AnalysisCache,
    settings: RankingSettings,
    total: int,
    quota: int,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> ProjectRanking:
    """Rank all videos with the same settings and return the best windows. Holds one analysis in memory at a time.

    Args:
        videos: accepted windows keep their spans and compete; rejected windows are excluded.
        total: maximum number of windows.
        quota: maximum number of windows per video.
        progress: counts videos.

    Raises:
        Cancelled: `cancel` was set.
    """
    settings = replace(settings, num_sequences=quota)
    without: list[StoredVideo] = []

    def rankings() -> Iterator[tuple[tuple[DecidedVideo, dict[Key, dict[str, Any]]], Ranking]]:
        for done, decided in enumerate(videos):
            if cancel is not None and cancel.is_set():
                raise Cancelled
            if progress:
                progress(Progress("analysis", done, len(videos)))
            ranked = _ranked(decided, cache, settings)
            if ranked is None:
                without.append(decided.video)
                continue
            info, ranking = ranked
            records = {one.key: sequence_record(info, one) for one in ranking.sequences[:quota]}
            yield (decided, records), ranking

    best = tuple(
        ProjectWindow(
            decided.video,
            replace(sequence, rank=rank),
            decided.decisions.get(sequence.key, Decision.UNDECIDED),
            records[sequence.key],
        )
        for rank, ((decided, records), sequence) in enumerate(rank_across_videos(rankings(), total, quota), start=1)
    )
    if progress:
        progress(Progress("analysis", len(videos), len(videos)))
    return ProjectRanking(best, tuple(without))


def _ranked(decided: DecidedVideo, cache: AnalysisCache, settings: RankingSettings) -> tuple[Any, Ranking] | None:
    video = decided.video
    try:
        analysis = cache.open(video.analysis, video.path) if video.analysis else None
    except StoredAnalysisError:
        analysis = None  # damaged: treated as missing, the app recomputes it
    if analysis is None:
        return None
    chosen = {
        decision: [key for key, one in decided.decisions.items() if one is decision]
        for decision in (Decision.ACCEPTED, Decision.REJECTED)
    }
    ranker = Ranker(analysis)
    ranking = ranker.rank(settings, pinned=chosen[Decision.ACCEPTED], blocked=chosen[Decision.REJECTED])
    return analysis.video, ranking
