"""Sources of the analyses an export needs for crops, boxes and tokens."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.best_windows import frames_behind
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.errors import Cancelled, ClipgenError, VideoError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis, Decision, ProgressCallback, VideoInfo
from clipgen_engine.types import Sequence as Window
from clipgen_engine.video.index import probe

if TYPE_CHECKING:
    from clipgen_engine.datasets.request import ExportRequest, ExportSource

_MODELS = {"face_landmarker": FACE_MODEL_SHA256}
Spans = Sequence[tuple[int, int]]


class Analyses(ABC):
    """A source of analyses."""

    @abstractmethod
    def key(self, fingerprint: str) -> str:
        """Hash of the inputs of this video's analysis. Does not need the analysis itself."""

    @abstractmethod
    def stored(self, video: VideoInfo) -> Analysis | None:
        """Return the analysis of a video, or None if it is not available yet."""

    @abstractmethod
    def made(self, video: VideoInfo, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        """Return the analysis of a video, running it if needed.

        Raises:
            ClipgenError: the analysis is missing or failed.
            Cancelled: `cancel` was set.
        """

    @abstractmethod
    def exact(
        self, video: VideoInfo, spans: Spans, progress: ProgressCallback | None, cancel: threading.Event
    ) -> Analysis:
        """Return an analysis of a video that is exact at least in these half-open spans of frames; raises as `made`."""


class GivenAnalyses(Analyses):
    """Analyses held by the caller."""

    def __init__(self, analyses: Iterable[Analysis] = (), others: Analyses | None = None) -> None:
        """
        Args:
            others: source of analyses for all other videos, if any.
        """
        self._analyses = {analysis.video.fingerprint: analysis for analysis in analyses}
        self._others = others

    def key(self, fingerprint: str) -> str:
        analysis = self._analyses.get(fingerprint)
        if analysis is None:
            return "" if self._others is None else self._others.key(fingerprint)
        return key_of(dict(analysis.settings), dict(analysis.model_sha256))

    def stored(self, video: VideoInfo) -> Analysis | None:
        analysis = self._analyses.get(video.fingerprint)
        return self._others.stored(video) if analysis is None and self._others is not None else analysis

    def made(self, video: VideoInfo, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        analysis = self._analyses.get(video.fingerprint)
        if analysis is None and self._others is not None:
            return self._others.made(video, progress, cancel)
        if analysis is None:
            raise VideoError(f"{video.path.name} has not been analysed", "Analyse it first")
        return analysis

    def exact(
        self, video: VideoInfo, spans: Spans, progress: ProgressCallback | None, cancel: threading.Event
    ) -> Analysis:
        analysis = self._analyses.get(video.fingerprint)
        if analysis is None or analysis.exact is None:
            return self.made(video, progress, cancel)
        others = self._others or CachedAnalyses(settings=AnalysisSettings(**analysis.settings))
        return others.exact(video, spans, progress, cancel)


class CachedAnalyses(Analyses):
    """Analyses from the cache. Missing ones are computed and cached."""

    def __init__(
        self,
        cache: AnalysisCache | None = None,
        settings: AnalysisSettings | None = None,
        face_model: Path | None = None,
    ) -> None:
        self._cache, self._settings = cache or AnalysisCache(), settings or AnalysisSettings()
        self._face_model = face_model

    def key(self, fingerprint: str) -> str:
        return key_of(self._settings.as_dict(), _MODELS)

    def stored(self, video: VideoInfo) -> Analysis | None:
        return self._cache.load(video, self._settings, _MODELS)

    def made(self, video: VideoInfo, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        from clipgen_engine.analysis.analyzer import analyze_video  # loads models

        found = self.stored(video)
        if found is None:
            found = analyze_video(
                video, self._settings, face_model=self._face_model, progress=progress, cancel=cancel, cache=self._cache
            )
        if cancel.is_set():
            raise Cancelled
        return found

    def exact(
        self, video: VideoInfo, spans: Spans, progress: ProgressCallback | None, cancel: threading.Event
    ) -> Analysis:
        from clipgen_engine.analysis.analyzer import analyze_video  # loads models

        return analyze_video(
            video,
            replace(self._settings, effort="draft"),
            face_model=self._face_model,
            progress=progress,
            cancel=cancel,
            cache=self._cache,
            aim=Aim(looked_at=lambda: spans),
        )


def with_exact_scores(
    request: ExportRequest, analyses: Analyses, progress: ProgressCallback | None, cancel: threading.Event
) -> tuple[ExportRequest, Analyses]:
    """Replace the scores of accepted drafts by exact ones; return also the analyses that these come from.

    A window in which the face turns out to be missing, and windows of a video that cannot be analysed, keep the scores
    of their drafts, marked as such.
    """
    sources, exact = [], []
    for source in request.sources:
        with suppress(ClipgenError, Cancelled):  # the export of the source will report what is wrong with it
            if (analysis := _exact_behind(source, analyses, progress, cancel)) is not None:
                exact.append(analysis)
                source = _with_scores(source, Ranker(analysis), request.ranking)
        sources.append(source)
    return replace(request, sources=tuple(sources)), GivenAnalyses(exact, analyses) if exact else analyses


def _drafts(source: ExportSource) -> list[Window]:
    return [one.sequence for one in source.windows if one.decision is Decision.ACCEPTED and not one.sequence.exact]


def _exact_behind(
    source: ExportSource, analyses: Analyses, progress: ProgressCallback | None, cancel: threading.Event
) -> Analysis | None:
    """An analysis that is exact around the accepted drafts of a source; None if it has none."""
    drafts = _drafts(source)
    if not drafts or not source.path.is_file():
        return None
    video = probe(source.path)
    if video.fingerprint != source.fingerprint:
        return None
    spans = [frames_behind(video, draft.start_frame, draft.stop_frame) for draft in drafts]
    return analyses.exact(video, spans, progress, cancel)


def _with_scores(source: ExportSource, ranker: Ranker, settings: RankingSettings) -> ExportSource:
    """Describe the accepted drafts of a source anew."""
    scores = {}
    for draft in _drafts(source):
        found = ranker.describe(draft.key, settings)
        if found is not None:
            scores[draft.key] = replace(found, rank=draft.rank)
    windows = (replace(one, sequence=scores.get(one.sequence.key, one.sequence)) for one in source.windows)
    return replace(source, windows=tuple(windows))
