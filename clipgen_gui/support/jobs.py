"""Runs engine verbs in a worker thread, one at a time, and delivers their results as signals."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot

from clipgen_engine.errors import Cancelled, ClipgenError
from clipgen_engine.types import Progress, ProgressCallback

if TYPE_CHECKING:
    from clipgen_engine.analysis.cache import AnalysisCache

CacheFactory = Callable[[], "AnalysisCache"]  # called in the thread that uses the cache

_log = logging.getLogger(__name__)
_PROGRESS_INTERVAL_S = 0.1


class Verb(Protocol):
    """A long-running engine call. `offer` delivers partial results while it runs."""

    def __call__(self, report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any: ...


class EngineWorker(QObject):
    """GUI-side handle of a worker thread. Signals carry the job id returned by `start`; a superseded job emits
    nothing more."""

    progressed = Signal(int, object)  # Progress, at most ten times a second
    offered = Signal(int, object)
    finished = Signal(int, object)
    failed = Signal(int, str)  # a message for the user
    cancelled = Signal(int)
    _run = Signal(int, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = QThread(self)
        self._thread.setObjectName(name)
        self._runner = _Runner()
        self._runner.moveToThread(self._thread)
        self._run.connect(self._runner.run)
        self._runner.reported.connect(self._dispatch)
        self._job = 0
        self._busy = False
        self._ended = False
        self._cancel = threading.Event()

    @property
    def busy(self) -> bool:
        return self._busy

    def start(self, verb: Verb) -> int:
        """Cancel the running verb and run this one as soon as the thread is free. No-op after `request_end`."""
        if self._ended:
            return self._job
        self._cancel.set()
        self._cancel = threading.Event()
        self._job += 1
        self._busy = True
        if not self._thread.isRunning():
            self._thread.start(QThread.Priority.LowPriority)
        self._run.emit(self._job, verb, self._cancel)
        return self._job

    def cancel(self) -> None:
        """Ask the running verb to stop; `cancelled` is emitted once it has."""
        self._cancel.set()

    def request_end(self) -> None:
        """Cancel the running verb and ask the thread to end. It does not start again."""
        self._ended = True
        self._cancel.set()
        self._job += 1  # drops results that are still queued
        self._busy = False
        self._thread.quit()

    @Slot(int, str, object)
    def _dispatch(self, job: int, what: str, value: Any) -> None:
        if job != self._job:
            return
        if what == "progressed":
            self.progressed.emit(job, value)
        elif what == "offered":
            if not self._cancel.is_set():
                self.offered.emit(job, value)
        else:
            self._busy = False
            if what == "finished":
                self.finished.emit(job, value)
            elif what == "failed":
                self.failed.emit(job, value)
            else:
                self.cancelled.emit(job)


class Job(QObject):
    """Cancellable work in a worker thread."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = EngineWorker(name, self)

    def cancel(self) -> None:
        """Cancel the running work; partial results are kept."""
        self._worker.cancel()


class _Runner(QObject):
    """The part that lives in the worker thread."""

    reported = Signal(int, str, object)

    @Slot(int, object, object)
    def run(self, job: int, verb: Verb, cancel: threading.Event) -> None:
        last_report_s = 0.0

        def report(progress: Progress) -> None:
            nonlocal last_report_s
            now = time.monotonic()
            if now - last_report_s >= _PROGRESS_INTERVAL_S or progress.done >= progress.total:
                last_report_s = now
                self.reported.emit(job, "progressed", progress)

        def offer(value: Any) -> None:
            self.reported.emit(job, "offered", value)

        try:
            result = verb(report, offer, cancel)
        except Cancelled:
            self.reported.emit(job, "cancelled", None)
        except ClipgenError as error:
            self.reported.emit(job, "failed", str(error))
        except Exception as error:
            # A bug must not end the thread: log it and report it to the user.
            _log.exception("an engine verb failed")
            self.reported.emit(job, "failed", f"Unexpected error ({type(error).__name__}). Details are in the log.")
        else:
            self.reported.emit(job, "finished", result)
