"""Where an export takes analyses from, for what only they know: crops, boxes, tokens."""

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
        """Hash of what makes the analysis of this video; known without the analysis itself."""

    @abstractmethod
    def stored(self, video: VideoInfo) -> Analysis | None:
        """The analysis of a video, where it is at hand."""

    @abstractmethod
    def made(self, video: VideoInfo, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        """The analysis of a video, at hand or made now.

        Raises:
            ClipgenError: it cannot be had.
            Cancelled: `cancel` was set.
        """


class GivenAnalyses(Analyses):
    """Analyses that the caller holds."""

    def __init__(self, analyses: Iterable[Analysis] = (), others: Analyses | None = None) -> None:
        """
        Args:
            others: where those of other videos come from; None: nowhere.
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
            raise VideoError(f"{video.path.name} is not analysed", "Analyse it first")
        return analysis


class CachedAnalyses(Analyses):
    """Analyses of the cache; one that is not there is made, and kept there."""

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
        from clipgen_engine.analysis.analyzer import analyze_video  # models are loaded only where they are needed

        found = self.stored(video)
        if found is None:
            found = analyze_video(
                video, self._settings, face_model=self._face_model, progress=progress, cancel=cancel, cache=self._cache
            )
        if cancel.is_set():
            raise Cancelled
        return found
