"""Worker processes that outlive their tasks, and pools that let several of them share the tasks of one video."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from clipgen_engine.analysis.tasks import Reply, Task
from clipgen_engine.analysis.worker import Worker, WorkerCrashed
from clipgen_engine.closing import Closing
from clipgen_engine.errors import ClipgenError
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.processors import core_count

_POLL_S = 0.05
_QUEUED_EVENTS = 64
_ATTEMPTS = 2  # per task, if workers crash
_LIFE_FRAMES = 100_000  # then a worker is replaced, so that a leak in native code cannot grow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TaskBegun:
    """A task begins, or begins again after a crash: discard replies received so far."""

    task: Task


@dataclass(frozen=True, eq=False)
class TaskEnded:
    """All replies to a task have been received."""

    task: Task


Event = TaskBegun | Reply | TaskEnded


class Workers(Closing):
    """Idle worker processes, kept from one video to the next. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, bool], list[Worker]] = {}
        self.closed = False

    def take(self, model: FaceModel, *, low_priority: bool) -> Worker:
        """Return an idle worker, or a new one."""
        with self._lock:
            idle = self._idle.get((model.sha256, low_priority), [])
            while idle:
                worker = idle.pop()
                if worker.alive:
                    return worker
                worker.close()
        return Worker(model, low_priority=low_priority)

    def give_back(self, worker: Worker, model: FaceModel, *, low_priority: bool) -> None:
        """Keep a worker that has finished its task for the next one, unless it is old."""
        with self._lock:
            if not self.closed and worker.frames < _LIFE_FRAMES:
                self._idle.setdefault((model.sha256, low_priority), []).append(worker)
                return
        worker.close()

    def close(self) -> None:
        with self._lock:
            self.closed = True
            idle = [worker for workers in self._idle.values() for worker in workers]
            self._idle.clear()
        for worker in idle:
            worker.close()


class TaskPool:
    """Threads that each feed tasks to a worker. A context manager; on exit, running workers are killed."""

    def __init__(
        self, workers: Workers, model: FaceModel, count: int, tasks: Callable[[], Task | None], *, low_priority: bool
    ) -> None:
        """
        Args:
            count: number of workers.
            tasks: returns the next task, or None if there is none; called from several threads.
        """
        self._source = workers
        self._model = model
        self._next_task = tasks
        self._low_priority = low_priority
        self._threads_each = max(1, core_count() // count)  # of the decoder
        self._events: queue.Queue[Event | BaseException | None] = queue.Queue(_QUEUED_EVENTS)
        self._closing = threading.Event()
        self._lock = threading.Lock()  # of `_running`
        self._running: set[Worker] = set()
        self._threads = [threading.Thread(target=self._feed, name=f"clipgen-tasks-{number}") for number in range(count)]

    def events(self, cancel: threading.Event) -> Iterator[Event]:
        """Yield the events of all workers, until all tasks are done or `cancel` is set.

        Raises:
            ClipgenError: a worker cannot use the video or the model, or crashes repeatedly.
            WorkerFailed: unexpected exception in a worker, i.e. a bug.
        """
        feeding = len(self._threads)
        while feeding and not cancel.is_set():
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if event is None:
                feeding -= 1
            elif isinstance(event, BaseException):
                raise event
            else:
                yield event

    def _feed(self) -> None:
        worker: Worker | None = None
        try:
            while not self._closing.is_set() and (task := self._next_task()):
                worker = self._run(task, worker)
            if worker is not None:
                self._release(worker)
            self._put(None)
        except BaseException as error:  # re-raised by `events`
            self._put(error)

    def _run(self, task: Task, worker: Worker | None) -> Worker | None:
        """Run a task, taking a worker if necessary; return the worker for the next task."""
        start, stop = task.span
        for _ in range(_ATTEMPTS):
            if not self._put(TaskBegun(task)):
                return worker
            try:
                worker = worker or self._take()
                for part in worker.run(task, self._threads_each):
                    self._put(part)
            except WorkerCrashed:
                if self._closing.is_set():
                    return worker
                if worker is not None:
                    _log.warning("A worker crashed in frames %d to %d: %s", start, stop - 1, worker.stderr_tail())
                    self._close(worker)
                    worker = None
            else:
                self._put(TaskEnded(task))
                return worker
        raise ClipgenError(
            f"The face models crash on frames {start} to {stop - 1} of {task.video.path.name}",
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

    def _take(self) -> Worker:
        with self._lock:
            if self._closing.is_set():
                raise WorkerCrashed
            worker = self._source.take(self._model, low_priority=self._low_priority)
            self._running.add(worker)
        return worker

    def _release(self, worker: Worker) -> None:
        with self._lock:
            if self._closing.is_set():  # it may have been killed
                return
            self._running.discard(worker)
        self._source.give_back(worker, self._model, low_priority=self._low_priority)

    def _close(self, worker: Worker) -> None:
        with self._lock:
            self._running.discard(worker)
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
            for worker in self._running:
                worker.kill()
        for thread in self._threads:
            thread.join()
        for worker in list(self._running):
            self._close(worker)
