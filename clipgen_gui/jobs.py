"""What runs in the background: the queue of analyses, and the export beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from clipgen_engine.ranking import Ranker
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis, Progress, ProgressCallback, VideoInfo
from clipgen_gui.engine_worker import EngineWorker, Verb
from clipgen_gui.session import Session
from clipgen_gui.video_entry import VideoEntry, VideoState

if TYPE_CHECKING:
    from clipgen_engine.analysis_cache import AnalysisCache

_PARTIAL_INTERVAL_S = 0.3


class _Job(QObject):
    """Work in a thread of its own that can be stopped."""

    def __init__(self, name: str, session: Session, parent: QObject | None) -> None:
        super().__init__(parent)
        self._session = session
        self._worker = EngineWorker(name, self)

    def cancel(self) -> None:
        """Stop what is running; what it found or wrote so far is kept."""
        self._worker.cancel()

    @property
    def is_alive(self) -> bool:
        """Whether the thread still exists."""
        return self._worker.is_alive

    def shutdown(self, timeout_ms: int) -> bool:
        return self._worker.shutdown(timeout_ms)


class AnalysisQueue(_Job):
    """Analyses the waiting videos of the session one after another; the one on screen goes first."""

    progressed = Signal(object, object)  # entry, Progress or None at the start
    analysed = Signal(object)  # entry
    idle = Signal()

    def __init__(
        self,
        session: Session,
        cache: Callable[[], AnalysisCache] | None = None,
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            cache: makes the store of finished analyses, in the thread that uses it.
        """
        super().__init__("analysis", session, parent)
        self._cache = cache
        self.settings: Callable[[], AnalysisSettings] = AnalysisSettings  # what the next analysis runs with
        self._running: VideoEntry | None = None
        self._worker.progressed.connect(lambda _, progress: self.progressed.emit(self._running, progress))
        self._worker.offered.connect(lambda _, found: self._take(found, complete=False))
        self._worker.finished.connect(lambda _, found: self._take(found, complete=True))
        self._worker.failed.connect(self._failed)
        self._worker.cancelled.connect(self._cancelled)

    @property
    def running(self) -> VideoEntry | None:
        return self._running

    def start(self) -> None:
        """Begin with the next waiting video, unless one is being analysed."""
        if self._running is not None:
            return
        entries = self._session.videos
        current = self._session.current
        if current is not None:
            entries = [current, *entries]
        entry = next((one for one in entries if one.state is VideoState.WAITING), None)
        if entry is None:
            self.idle.emit()
            return
        self._running = entry
        self._session.set_state(entry, VideoState.ANALYSING)
        self.progressed.emit(entry, None)
        self._worker.start(
            _analysis_of(entry.info or entry.path, self.settings(), lambda: self._session.settings, self._cache)
        )

    def again(self, entry: VideoEntry) -> None:
        """Put a video back into the queue."""
        if entry is not self._running:
            self._session.set_state(entry, VideoState.WAITING)
            self.start()

    def _take(self, found: Any, *, complete: bool) -> None:
        entry = self._running
        assert entry is not None
        analysis, ranker = found
        if complete:
            self._running = None
        self._session.set_analysis(entry, analysis, ranker, complete=complete)
        if complete:
            self.analysed.emit(entry)
            self.start()

    def _failed(self, _: int, message: str) -> None:
        entry, self._running = self._running, None
        assert entry is not None
        self._session.fail(entry, message)
        self.start()

    def _cancelled(self, _: int) -> None:
        entry, self._running = self._running, None
        assert entry is not None
        self._session.set_state(entry, VideoState.STOPPED)
        self.start()


def _analysis_of(
    source: VideoInfo | Path,
    analysis_settings: AnalysisSettings,
    settings: Callable[[], RankingSettings],
    cache: Callable[[], AnalysisCache] | None,
) -> Verb:
    """Analyse, and rank once in the thread, so that the window only has to rank again."""

    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
        # MediaPipe and OpenCV are imported here and not before: the window does not wait for them.
        from clipgen_engine import analyze_video

        def ranked(analysis: Analysis) -> tuple[Analysis, Ranker]:
            ranker = Ranker(analysis)
            ranker.rank(settings())
            return analysis, ranker

        offered_s = time.monotonic()

        def progressed(progress: Progress) -> None:
            nonlocal offered_s
            report(progress)
            now = time.monotonic()
            if progress.partial is not None and now - offered_s >= _PARTIAL_INTERVAL_S:
                offer(ranked(progress.partial()))
                # A long video's partial result takes longer to build: it may cost a tenth of the time, not more.
                offered_s = time.monotonic() + 9 * (time.monotonic() - now)

        store = cache() if cache is not None else None
        # The player goes first: it must not drop a frame because another video is analysed.
        found = analyze_video(
            source, analysis_settings, cache=store, progress=progressed, cancel=cancel, low_priority=True
        )
        return ranked(found)

    return run
