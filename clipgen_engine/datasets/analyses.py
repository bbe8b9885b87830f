"""Sources of the analyses an export needs for crops, boxes and tokens."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.errors import Cancelled, VideoError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, ProgressCallback, VideoInfo

_MODELS = {"face_landmarker": FACE_MODEL_SHA256}


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
