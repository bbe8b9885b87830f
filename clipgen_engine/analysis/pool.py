"""Pool of worker processes that analyse the segments of one video and report a single stream of events."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from clipgen_engine.analysis.segments import Segment, SegmentPart
from clipgen_engine.analysis.worker import SegmentTask, SegmentWorker, WorkerCrashed
from clipgen_engine.errors import ClipgenError
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.processors import core_count
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_POLL_S = 0.05
_QUEUED_EVENTS = 64
_ATTEMPTS = 2  # per segment, if workers crash

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentBegun:
    """The analysis of a segment begins, or begins again after a crash: discard parts received so far."""

    segment: int


@dataclass(frozen=True)
class SegmentEnded:
    """All parts of a segment have been received."""

    segment: int


Event = SegmentBegun | SegmentPart | SegmentEnded


class SegmentPool:
    """Worker processes, each fed by a thread. A context manager that stops all processes and threads on exit."""

    def __init__(
        self,
        video: VideoInfo,
        settings: AnalysisSettings,
        model: FaceModel,
        segments: Sequence[Segment],
        *,
        low_priority: bool = False,
    ) -> None:
        self._video = video
        self._settings = settings
        self._model = model
        self._low_priority = low_priority
        self._pending = deque(segments)
        self._events: queue.Queue[Event | BaseException | None] = queue.Queue(_QUEUED_EVENTS)
        self._closing = threading.Event()
        self._lock = threading.Lock()  # of `_workers`
        self._workers: set[SegmentWorker] = set()
        count = min(settings.workers or core_count(), len(segments))
        self._threads = [
            threading.Thread(target=self._feed, name=f"clipgen-segments-{number}") for number in range(count)
        ]

    def events(self, cancel: threading.Event) -> Iterator[Event]:
        """Yield the events of all workers, until all segments are done or `cancel` is set.

        Raises:
            ClipgenError: a worker cannot use the video or the model, or crashes repeatedly.
            WorkerFailed: unexpected exception in a worker, i.e. a bug.
        """
        running = len(self._threads)
        while running and not cancel.is_set():
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if event is None:
                running -= 1
            elif isinstance(event, BaseException):
                raise event
            else:
                yield event

    def _feed(self) -> None:
        worker: SegmentWorker | None = None
        try:
            while not self._closing.is_set() and (segment := self._next_segment()):
                worker = self._analyze(segment, worker)
            self._put(None)
        except BaseException as error:  # re-raised by `events`
            self._put(error)

    def _next_segment(self) -> Segment | None:
        try:
            return self._pending.popleft()
        except IndexError:
            return None

    def _analyze(self, segment: Segment, worker: SegmentWorker | None) -> SegmentWorker | None:
        """Analyse a segment, starting a new worker if necessary; return the worker for the next segment."""
        task = SegmentTask(self._video, self._settings, segment)
        for _ in range(_ATTEMPTS):
            if not self._put(SegmentBegun(segment.number)):
                return worker
            try:
                worker = worker or self._open()
                for part in worker.analyze(task):
                    self._put(part)
            except WorkerCrashed:
                if self._closing.is_set():
                    return worker
                if worker is not None:
                    _log.warning(
                        "A worker crashed in frames %d to %d: %s", segment.start, segment.stop - 1, worker.stderr_tail()
                    )
                    self._close(worker)
                    worker = None
            else:
                self._put(SegmentEnded(segment.number))
                return worker
        raise ClipgenError(
            f"The face models crash on frames {segment.start} to {segment.stop - 1} of {self._video.path.name}",
            "Try a different analysis size, or convert the video to H.264",
        )

    def _put(self, event: Event | BaseException | None) -> bool:
        """Enqueue an event; False if the pool is closing."""
        while not self._closing.is_set():
            try:
                self._events.put(event, timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def _open(self) -> SegmentWorker:
        with self._lock:
            if self._closing.is_set():
                raise WorkerCrashed
            worker = SegmentWorker(self._model, low_priority=self._low_priority)
            self._workers.add(worker)
        return worker

    def _close(self, worker: SegmentWorker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.close()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with self._lock:
            for worker in self._workers:
                worker.kill()
        for thread in self._threads:
            thread.join()
        for worker in list(self._workers):
            self._close(worker)
