"""The best windows of all videos of a project together, so many of each at most, from stored analyses."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.errors import Cancelled, StoredAnalysisError
from clipgen_engine.projects.store import Key, Project, StoredVideo
from clipgen_engine.ranking.ranker import Ranker, Ranking, rank_across_videos
from clipgen_engine.ranking.records import sequence_record
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision, Progress, ProgressCallback
from clipgen_engine.types import Sequence as Window


@dataclass(frozen=True)
class DecidedVideo:
    """A video and the decisions that its ranking has to respect."""

    video: StoredVideo
    decisions: Mapping[Key, Decision]


@dataclass(frozen=True)
class ProjectWindow:
    """One of the best windows of a project."""

    video: StoredVideo
    sequence: Window  # its rank is that within the project
    decision: Decision
    record: Mapping[str, Any]  # the window as `sequences.json` has it


@dataclass(frozen=True)
class ProjectRanking:
    """The answer for a whole project."""

    best: tuple[ProjectWindow, ...]
    without_analysis: tuple[StoredVideo, ...]  # not analysed yet, or the analysis is not stored any more


def decided_videos(project: Project) -> list[DecidedVideo]:
    """All videos of a project with their decisions: what `rank_project` needs to know of it."""
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
    """Rank every video under the same settings, and take the best of all. One analysis is in memory at a time.

    Args:
        videos: their accepted windows occupy their spans and compete, their rejected ones stay out.
        total: how many windows are taken at most.
        quota: how many of one video at most.
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
        analysis = None  # a damaged one is as good as none: the app makes it anew
    if analysis is None:
        return None
    chosen = {
        decision: [key for key, one in decided.decisions.items() if one is decision]
        for decision in (Decision.ACCEPTED, Decision.REJECTED)
    }
    ranker = Ranker(analysis)
    ranking = ranker.rank(settings, pinned=chosen[Decision.ACCEPTED], blocked=chosen[Decision.REJECTED])
    return analysis.video, ranking
