"""The export, and the estimate of one, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from clipgen_engine.types import Analysis, Progress, ProgressCallback
from clipgen_gui.support.jobs import EngineWorker

if TYPE_CHECKING:
    from clipgen_engine.analysis.cache import AnalysisCache
    from clipgen_engine.datasets.analyses import Analyses
    from clipgen_engine.datasets.estimate import ExportEstimate
    from clipgen_engine.datasets.request import ExportRequest
    from clipgen_engine.datasets.results import ExportResult, ExportStep

MakeCache = Callable[[], "AnalysisCache"]


def _analyses(given: Sequence[Analysis], cache: MakeCache | None) -> Analyses:
    from clipgen_engine.datasets.analyses import CachedAnalyses, GivenAnalyses

    return GivenAnalyses(given, CachedAnalyses(cache()) if cache is not None else None)


class Forecast(QObject):
    """Estimates an export; the newest question alone is answered."""

    answered = Signal(object)  # ExportEstimate
    failed = Signal(str)

    def __init__(self, cache: MakeCache | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._worker = EngineWorker("export forecast", self)
        self._worker.finished.connect(lambda _, estimate: self.answered.emit(estimate))
        self._worker.failed.connect(lambda _, sentence: self.failed.emit(sentence))

    def ask(self, request: ExportRequest, given: Sequence[Analysis]) -> None:
        """Estimate this export; see `ExportJob.start`."""
        cache = self._cache

        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> ExportEstimate:
            from clipgen_engine.datasets.estimate import estimate_export

            return estimate_export(request, _analyses(given, cache))

        self._worker.start(run)


class ExportJob(QObject):
    """Runs one export at a time; decisions that come later do not change it."""

    progressed = Signal(object)  # Progress, at most ten times a second; None at the start
    clip_ended = Signal(object)  # ExportStep
    finished = Signal(object)  # ExportResult, cancelled or not
    failed = Signal(str)

    def __init__(self, cache: MakeCache | None = None, parent: QObject | None = None) -> None:
        """
        Args:
            cache: makes the store of finished analyses, in the thread that uses it; None: only those that are given.
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

    def start(self, request: ExportRequest, given: Sequence[Analysis]) -> None:
        """Export.

        Args:
            given: the analyses that are open; others come from the cache, or are made when they are needed.
        """
        cache = self.cache

        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> ExportResult:
            from clipgen_engine.datasets.export import export_clips

            def tell(step: ExportStep) -> None:
                if step.clip and step.state != "waiting":
                    offer(step)
                if step.total:
                    report(Progress("analysis" if step.stage == "analysis" else "clips", step.done, step.total))

            return export_clips(request, _analyses(given, cache), report=tell, cancel=cancel)

        self._worker.start(run)
        self.progressed.emit(None)

    def cancel(self) -> None:
        """Stop; what is finished is kept."""
        self._worker.cancel()
