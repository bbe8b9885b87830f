"""Background jobs: the export and its estimate."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from clipgen_engine.datasets.analyses import Analyses, CachedAnalyses, GivenAnalyses
from clipgen_engine.types import Analysis, Progress, ProgressCallback
from clipgen_gui.support.jobs import CacheFactory, EngineWorker

if TYPE_CHECKING:
    from clipgen_engine.datasets.estimate import ExportEstimate
    from clipgen_engine.datasets.request import ExportRequest
    from clipgen_engine.datasets.results import ExportResult, ExportStep


def _analyses(open_analyses: Sequence[Analysis], cache: CacheFactory | None) -> Analyses:
    return GivenAnalyses(open_analyses, CachedAnalyses(cache()) if cache is not None else None)


class EstimateJob(QObject):
    """Estimates an export; a new request replaces a running one."""

    estimated = Signal(object)  # ExportEstimate
    failed = Signal(str)

    def __init__(self, cache: CacheFactory | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._worker = EngineWorker("export estimate", self)
        self._worker.finished.connect(lambda _, estimate: self.estimated.emit(estimate))
        self._worker.failed.connect(lambda _, sentence: self.failed.emit(sentence))

    def start(self, request: ExportRequest, open_analyses: Sequence[Analysis]) -> None:
        """Estimate this export; arguments as in `ExportJob.start`."""
        cache = self._cache

        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> ExportEstimate:
            from clipgen_engine.datasets.estimate import estimate_export

            return estimate_export(request, _analyses(open_analyses, cache))

        self._worker.start(run)


class ExportJob(QObject):
    """Runs one export at a time; later decisions do not affect it."""

    progressed = Signal(object)  # Progress, at most ten per second; None at the start
    clip_ended = Signal(object)  # ExportStep
    finished = Signal(object)  # ExportResult, cancelled or not
    failed = Signal(str)

    def __init__(self, cache: CacheFactory | None = None, parent: QObject | None = None) -> None:
        """
        Args:
            cache: opens the analysis cache, in the thread that uses it; None: use the open ones only.
        """
        super().__init__(parent)
        self.cache = cache
        self._worker = EngineWorker("export", self)
        self._worker.progressed.connect(lambda _, progress: self.progressed.emit(progress))
        self._worker.offered.connect(lambda _, step: self.clip_ended.emit(step))
        self._worker.finished.connect(lambda _, result: self.finished.emit(result))
        self._worker.failed.connect(lambda _, sentence: self.failed.emit(sentence))

    @property
    def busy(self) -> bool:
        return self._worker.busy

    def start(self, request: ExportRequest, open_analyses: Sequence[Analysis]) -> None:
        """Start an export.

        Args:
            open_analyses: analyses in memory; others are read from the cache or computed on demand.
        """
        cache = self.cache

        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> ExportResult:
            from clipgen_engine.datasets.export import export_clips

            def relay(step: ExportStep) -> None:
                if step.clip and step.state != "waiting":
                    offer(step)
                if step.total:
                    report(Progress("analysis" if step.stage == "analysis" else "clips", step.done, step.total))

            return export_clips(request, _analyses(open_analyses, cache), report=relay, cancel=cancel)

        self._worker.start(run)
        self.progressed.emit(None)

    def cancel(self) -> None:
        """Cancel the export; finished clips are kept."""
        self._worker.cancel()
