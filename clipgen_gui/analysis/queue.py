"""Analyses videos in the background, one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.pool import Workers
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Progress, ProgressCallback, VideoInfo
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import CacheFactory, Job, Verb

if TYPE_CHECKING:
    pass

_PARTIAL_INTERVAL_S = 0.3
_REFINED_INTERVAL_S = 1.0  # while frames become exact
_DRAFT_SHARE = 0.3  # of the processor time of a whole analysis
_AROUND_S = 1.3  # on whose frames the scores of a window depend
_GIVE_WAY_MS = 400  # debounce: flicking through videos must not keep interrupting the analysis


class AnalysisQueue(Job):
    """Analyses the waiting videos of the session, the current one first."""

    progressed = Signal(object, object)  # entry, Progress or None at the start
    analysed = Signal(object)  # entry
    idle = Signal()
    pause_changed = Signal(bool)

    def __init__(self, session: Session, cache: CacheFactory | None = None, parent: QObject | None = None) -> None:
        super().__init__("analysis", parent)
        self._session, self._cache = session, cache
        self.settings: Callable[[], AnalysisSettings] = AnalysisSettings  # settings of the next analysis
        self._running: VideoEntry | None = None
        self._state_after_cancel = VideoState.STOPPED
        self._urgent: VideoEntry | None = None
        self._paused = False
        self._engine_workers = Workers()  # processes, kept from one video to the next
        self._give_way_timer = QTimer(self)
        self._give_way_timer.setSingleShot(True)
        self._give_way_timer.setInterval(_GIVE_WAY_MS)
        self._give_way_timer.timeout.connect(self._give_way)
        self._worker.progressed.connect(lambda _, progress: self._progressed(progress))
        self._worker.offered.connect(lambda _, found: self._take(found, complete=False))
        self._worker.finished.connect(lambda _, found: self._take(found, complete=True))
        self._worker.failed.connect(self._failed)
        self._worker.cancelled.connect(self._cancelled)
        session.current_changed.connect(self._give_way_timer.start)
        session.videos_changed.connect(self._look_for_running)

    @property
    def running(self) -> VideoEntry | None:
        return self._running

    @property
    def paused(self) -> bool:
        return self._paused

    def start(self) -> None:
        """Start the next waiting video, unless one is being analysed."""
        if self._running is not None:
            return
        entry = self._next()
        self._urgent = None
        if entry is None:
            self._engine_workers.close()
            self.idle.emit()
            return
        self._running, self._state_after_cancel = entry, VideoState.STOPPED
        self._session.set_state(entry, VideoState.ANALYSING)
        self.progressed.emit(entry, None)
        if self._engine_workers.closed:
            self._engine_workers = Workers()
        aim = Aim(
            draft_first=True, ranking=lambda: self._session.settings, looked_at=lambda: _looked_at(self._session, entry)
        )
        self._worker.start(
            _analysis_of(entry.info or entry.path, self.settings(), aim, self._cache, self._engine_workers)
        )

    def _next(self) -> VideoEntry | None:
        if self._urgent is not None and self._urgent.state is VideoState.WAITING:
            return self._urgent
        if self._paused:
            return None
        current = self._session.current
        first = [current] if current is not None else []
        return next((one for one in [*first, *self._session.videos] if one.state is VideoState.WAITING), None)

    def cancel(self) -> None:
        """Stop the running analysis; it does not restart automatically."""
        self._state_after_cancel = VideoState.STOPPED
        super().cancel()

    def set_paused(self, on: bool) -> None:
        """Pause or resume. Pausing requeues the running analysis; its finished segments are kept."""
        if on == self._paused:
            return
        self._paused = on
        self.pause_changed.emit(on)
        if on:
            self._put_back()
        else:
            self.start()

    def again(self, entries: Iterable[VideoEntry]) -> None:
        """Requeue videos; a single one is analysed next, even while the queue is paused."""
        chosen = [entry for entry in entries if entry is not self._running]
        for entry in chosen:
            entry.analysis_name = ""
            self._session.set_state(entry, VideoState.WAITING)
        if len(chosen) == 1:
            self._urgent = chosen[0]
        self.start()

    def _put_back(self) -> None:
        if self._running is not None:
            self._state_after_cancel = VideoState.WAITING
            super().cancel()

    def _give_way(self) -> None:
        """Yield to the current video, unless there is no cache: the work so far would be lost."""
        current = self._session.current
        waits = current is not None and current.state is VideoState.WAITING
        if self._running is None:
            self.start()
        elif waits and self._cache is not None and self._running is not self._urgent:
            self._put_back()

    def _look_for_running(self) -> None:
        if self._running is not None and self._running not in self._session.videos:
            self._put_back()

    def _progressed(self, progress: Progress) -> None:
        if self._running is not None:
            self._session.set_progress(self._running, _share_done(progress))
            self.progressed.emit(self._running, progress)

    def _take(self, found: Any, *, complete: bool) -> None:
        entry = self._running
        assert entry is not None
        analysis, ranker, name = found
        if complete:
            self._running = None
        self._session.set_analysis(entry, analysis, ranker, complete=complete, name=name)
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
        self._session.set_state(entry, self._state_after_cancel)
        self.start()


def _share_done(progress: Progress) -> float:
    """Share of an analysis that is done, 0..1; the draft is a part of its beginning."""
    share = progress.done / max(1, progress.total)
    return share * _DRAFT_SHARE if progress.stage == "draft" else max(share, _DRAFT_SHARE)


def _looked_at(session: Session, entry: VideoEntry) -> list[tuple[int, int]]:
    """Half-open spans of frames of a video that the curator looks at. Called in the worker thread."""
    info = entry.info
    if session.current is not entry or info is None:
        return []
    around = max(1, round(_AROUND_S * info.average_rate))
    spans = [(entry.position - around, entry.position + 2 * around)]
    if (selected := entry.selected) is not None:
        spans.insert(0, (selected[0] - around, selected[1] + around))
    return spans


def _analysis_of(
    source: VideoInfo | Path,
    analysis_settings: AnalysisSettings,
    aim: Aim,
    cache: CacheFactory | None,
    workers: Workers,
) -> Verb:
    """Analyse, then rank once in the worker thread to warm the ranker's caches."""

    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any:
        # imported late: loads OpenCV and LiteRT, which would delay the window
        from clipgen_engine.analysis.analyzer import analyze_video

        def ranked(analysis: Analysis, name: str = "") -> tuple[Analysis, Ranker, str]:
            ranker = Ranker(analysis)
            ranker.rank(aim.ranking())
            return analysis, ranker, name

        offered_s, offered_stage = time.monotonic(), ""

        def progressed(progress: Progress) -> None:
            nonlocal offered_s, offered_stage
            report(progress)
            now = time.monotonic()
            drafted = progress.stage == "refinement" and offered_stage != "refinement"
            interval_s = _REFINED_INTERVAL_S if progress.stage == "refinement" else _PARTIAL_INTERVAL_S
            if progress.partial is not None and (drafted or now - offered_s >= interval_s):
                offered_stage = progress.stage
                offer(ranked(progress.partial()))
                # Spend at most a tenth of the time on partial results, which are costly for long videos.
                offered_s = time.monotonic() + 9 * (time.monotonic() - now)

        store = cache() if cache is not None else None
        try:
            # Playback has priority: it must not drop frames during an analysis.
            analysis = analyze_video(
                source,
                analysis_settings,
                cache=store,
                progress=progressed,
                cancel=cancel,
                aim=aim,
                workers=workers,
                low_priority=True,
            )
        finally:
            if cancel.is_set():  # the app may be closing
                workers.close()
        return ranked(analysis, store.name_of(analysis) if store is not None else "")

    return run
