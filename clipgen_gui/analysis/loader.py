"""Loads the stored analysis of the current video, independently of the queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from clipgen_engine.errors import Cancelled, StoredAnalysisError
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import ProgressCallback
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import CacheFactory, Job, Verb


class AnalysisLoader(Job):
    """Loads one analysis at a time from the cache."""

    loaded = Signal(object)  # entry
    lost = Signal(object)  # entry: no longer in the cache, and waiting to be analysed again

    def __init__(self, session: Session, cache: CacheFactory | None = None, parent: QObject | None = None) -> None:
        super().__init__("stored analyses", parent)
        self._session, self._cache = session, cache
        self._wanted: VideoEntry | None = None
        self._path: Path | None = None  # where its file was when loading began
        self._worker.finished.connect(lambda _, found: self._take(found))
        self._worker.failed.connect(lambda _, message: self._fail(message))
        session.current_changed.connect(self.load_current)

    @property
    def loading(self) -> VideoEntry | None:
        """The video whose analysis is being loaded."""
        return self._wanted

    def load_current(self) -> None:
        """Load the analysis of the current video, unless it is loaded or being loaded; then check the file."""
        entry = self._session.current
        if entry is None or entry is self._wanted or not (entry.unloaded or entry.unchecked):
            return
        if entry.unchecked:
            self._wanted, self._path = entry, entry.path
            self._worker.start(_check_of(entry))
            return
        if self._cache is None:
            self._forget(entry)
            return
        self._wanted, self._path = entry, entry.path
        self._worker.start(_stored_analysis_of(entry, self._session.settings, self._cache))

    def _take(self, found: Any) -> None:
        entry, self._wanted = self._wanted, None
        assert entry is not None
        if entry.unchecked:
            entry.unchecked = False
            if found is None:
                entry.unload()
                self._forget(entry)
            else:
                self.loaded.emit(entry)
            return
        if not entry.unloaded:
            return
        if found is None:
            self._forget(entry)
            return
        analysis, ranker = found
        self._session.set_analysis(entry, analysis, ranker, complete=True, name=entry.analysis_name)
        self.loaded.emit(entry)

    def _fail(self, message: str) -> None:
        entry, self._wanted = self._wanted, None
        assert entry is not None
        if entry.path == self._path:
            self._session.fail(entry, message)
        else:  # it was found elsewhere meanwhile
            self.load_current()

    def _forget(self, entry: VideoEntry) -> None:
        entry.analysis_name = ""
        self._session.set_state(entry, VideoState.WAITING)
        self.lost.emit(entry)


def _check_of(entry: VideoEntry) -> Verb:
    """Whether the file of a video is still the one that was analysed: its path, or None."""
    path, known = entry.path, entry.fingerprint

    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
        from clipgen_engine.video.container import check_present, fingerprint

        check_present(path)
        return path if known is None or fingerprint(path) == known else None

    return run


def _stored_analysis_of(entry: VideoEntry, settings: RankingSettings, cache: CacheFactory) -> Verb:
    path, name = entry.path, entry.analysis_name

    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
        from clipgen_engine.video.container import check_present, fingerprint

        if cancel.is_set():
            raise Cancelled  # the curator moved on before loading began
        check_present(path)
        try:
            analysis = cache().open(name, path)
        except StoredAnalysisError:
            return None  # will be analysed again, which logs the error
        if analysis is None or fingerprint(path) != analysis.video.fingerprint:
            return None
        ranker = Ranker(analysis)
        ranker.rank(settings)
        return analysis, ranker

    return run
