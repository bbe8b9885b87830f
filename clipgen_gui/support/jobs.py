"""Runs engine verbs in a thread of its own, one at a time, and brings back what they say."""

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

MakeCache = Callable[[], "AnalysisCache"]  # called in the thread that uses the cache

_log = logging.getLogger(__name__)
_PROGRESS_INTERVAL_S = 0.1


class Verb(Protocol):
    """A long call. `offer` hands over a part of the result while it runs."""

    def __call__(self, report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> Any: ...


class EngineWorker(QObject):
    """The GUI's side of the thread. Signals carry the job id that `start` returned; a job that was superseded
    or cancelled says nothing more."""

    progressed = Signal(int, object)  # Progress, at most ten times a second
    offered = Signal(int, object)
    finished = Signal(int, object)
    failed = Signal(int, str)  # a sentence
    cancelled = Signal(int)
    _run = Signal(int, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = QThread(self)
        self._thread.setObjectName(name)
        self._runner = _Runner()
        self._runner.moveToThread(self._thread)
        self._run.connect(self._runner.run)
        self._runner.said.connect(self._hear)
        self._job = 0
        self._busy = False
        self._ended = False
        self._cancel = threading.Event()

    @property
    def busy(self) -> bool:
        return self._busy

    def start(self, verb: Verb) -> int:
        """Run this verb as soon as the thread is free; whatever ran before is cancelled. Nothing runs after the end."""
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
        """Ask the running verb to stop; `cancelled` follows when it did."""
        self._cancel.set()

    def request_end(self) -> None:
        """Cancel what runs, and ask the thread to end; it does not start again."""
        self._ended = True
        self._cancel.set()
        self._job += 1  # nothing that is still on its way is for anybody
        self._busy = False
        self._thread.quit()

    @Slot(int, str, object)
    def _hear(self, job: int, what: str, value: Any) -> None:
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
    """Work in a thread of its own that can be stopped."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = EngineWorker(name, self)

    def cancel(self) -> None:
        """Stop what is running; what it found or wrote so far is kept."""
        self._worker.cancel()


class _Runner(QObject):
    """Lives in the thread."""

    said = Signal(int, str, object)

    @Slot(int, object, object)
    def run(self, job: int, verb: Verb, cancel: threading.Event) -> None:
        last_report_s = 0.0

        def report(progress: Progress) -> None:
            nonlocal last_report_s
            now = time.monotonic()
            if now - last_report_s >= _PROGRESS_INTERVAL_S or progress.done >= progress.total:
                last_report_s = now
                self.said.emit(job, "progressed", progress)

        def offer(value: Any) -> None:
            self.said.emit(job, "offered", value)

        try:
            result = verb(report, offer, cancel)
        except Cancelled:
            self.said.emit(job, "cancelled", None)
        except ClipgenError as error:
            self.said.emit(job, "failed", str(error))
        except Exception as error:
            # A thread's last line of defence: whatever it is, the app goes on and the log has the whole story.
            _log.exception("an engine verb failed")
            self.said.emit(
                job, "failed", f"Something unexpected happened ({type(error).__name__}). Details are in the log."
            )
        else:
            self.said.emit(job, "finished", result)
