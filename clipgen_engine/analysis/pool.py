"""Several workers at the segments of one video, and what they find as one stream of events."""

from __future__ import annotations

import logging
import os
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
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_LOOK_AROUND_S = 0.05
_QUEUED_EVENTS = 64
_ATTEMPTS = 2  # at a segment in which a worker crashes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentBegun:
    """Work at a segment begins, perhaps once more after a crash: parts received before are void."""

    segment: int


@dataclass(frozen=True)
class SegmentEnded:
    """All parts of a segment were received."""

    segment: int


Event = SegmentBegun | SegmentPart | SegmentEnded


class SegmentPool:
    """Worker processes, each with a thread that feeds it. A context manager: no process or thread outlives it."""

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
        self._left = threading.Event()
        self._lock = threading.Lock()  # of `_workers`
        self._workers: set[SegmentWorker] = set()
        count = min(settings.workers or _core_count(), len(segments))
        self._threads = [
            threading.Thread(target=self._feed, name=f"clipgen-segments-{number}") for number in range(count)
        ]

    def events(self, cancel: threading.Event) -> Iterator[Event]:
        """What the workers find, until all is found or `cancel` is set.

        Raises:
            ClipgenError: a worker cannot use the video or the model, or crashes again and again.
            WorkerFailed: there is a bug.
        """
        running = len(self._threads)
        while running and not cancel.is_set():
            try:
                event = self._events.get(timeout=_LOOK_AROUND_S)
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
            while not self._left.is_set() and (segment := self._next_segment()):
                worker = self._analyze(segment, worker)
            self._put(None)
        except BaseException as error:  # raised again where the events are read
            self._put(error)

    def _next_segment(self) -> Segment | None:
        try:
            return self._pending.popleft()
        except IndexError:
            return None

    def _analyze(self, segment: Segment, worker: SegmentWorker | None) -> SegmentWorker | None:
        """Have a segment analysed; returns the worker that goes on."""
        task = SegmentTask(self._video, self._settings, segment)
        for _ in range(_ATTEMPTS):
            if not self._put(SegmentBegun(segment.number)):
                return worker
            try:
                worker = worker or self._open()
                for part in worker.analyze(task):
                    self._put(part)
            except WorkerCrashed:
                if self._left.is_set():
                    return worker
                if worker is not None:
                    _log.warning(
                        "A worker crashed in frames %d to %d: %s", segment.start, segment.stop - 1, worker.last_words()
                    )
                    self._close(worker)
                    worker = None
            else:
                self._put(SegmentEnded(segment.number))
                return worker
        raise ClipgenError(
            f"The face models crash on frames {segment.start} to {segment.stop - 1} of {self._video.path.name}",
            "Try another analysis size, or convert the video to H.264",
        )

    def _put(self, event: Event | BaseException | None) -> bool:
        """Hand over; False where nobody listens any more."""
        while not self._left.is_set():
            try:
                self._events.put(event, timeout=_LOOK_AROUND_S)
            except queue.Full:
                continue
            return True
        return False

    def _open(self) -> SegmentWorker:
        with self._lock:
            if self._left.is_set():
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
        self._left.set()
        with self._lock:
            for worker in self._workers:
                worker.kill()
        for thread in self._threads:
            thread.join()
        for worker in list(self._workers):
            self._close(worker)


def _core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
