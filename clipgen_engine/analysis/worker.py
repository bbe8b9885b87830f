"""Worker process that analyses parts of videos, so that a crash in native code does not bring down the program.

A worker is a plain Python process that runs `main` and exchanges pickles over its standard streams. It imports neither
the caller's main module nor Qt, and exits with the caller, even after a crash.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clipgen_engine.analysis.tasks import Reply, Task
from clipgen_engine.errors import ClipgenError
from clipgen_engine.faces.model_files import FaceModel

_START = "from clipgen_engine.analysis.worker import main; main()"
_LOW_PRIORITY = 10  # niceness


class WorkerCrashed(Exception):
    """The process ended without a reply."""


class WorkerFailed(Exception):
    """An exception other than ClipgenError in the process; holds its traceback."""


class Worker:
    """One process that runs tasks one after another."""

    def __init__(self, model: FaceModel, *, low_priority: bool = False) -> None:
        """
        Args:
            low_priority: run the process at low CPU priority.
        """
        # The same module search path; -P keeps the working directory from shadowing modules.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # no console on Windows
        if low_priority:
            flags |= getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            creationflags=flags,
        )
        if low_priority and sys.platform != "win32":
            # Threads started later inherit the priority.
            nice = max(_LOW_PRIORITY, os.getpriority(os.PRIO_PROCESS, 0))
            os.setpriority(os.PRIO_PROCESS, self._process.pid, nice)
        self._model: FaceModel | None = model  # until it is sent
        self.frames = 0  # of all tasks so far

    def run(self, task: Task, threads: int) -> Iterator[Reply]:
        """Yield the replies to a task as they are completed.

        Args:
            threads: number of decoder threads.

        Raises:
            ClipgenError: propagated from the worker.
            WorkerFailed: unexpected exception in the worker, i.e. a bug.
            WorkerCrashed: the process ended, on its own or by `kill`.
        """
        if self._model is not None:
            self._send(self._model)
            self._model = None
        self._send((task, threads))
        start, stop = task.span
        self.frames += stop - start
        while True:
            reply = self._receive()
            if reply is None:
                return
            if isinstance(reply, Reply):
                yield reply
            elif isinstance(reply, ClipgenError):
                raise reply
            else:
                raise WorkerFailed(reply)

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill the process; may be called from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Kill the process and wait for it to end."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue  # the process died with unflushed data in the pipe
        self._stderr.close()

    def stderr_tail(self) -> str:
        """The last 2000 bytes of the process's standard error."""
        self._stderr.seek(0)
        return self._stderr.read()[-2000:].decode(errors="replace")

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerCrashed from error

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise WorkerCrashed from error


def main() -> None:
    """Run a worker: read a face model, then tasks, from stdin; write the replies to each task, then None, to stdout."""
    from clipgen_engine.faces.tracker import FaceTracker
    from clipgen_engine.opencv import cv2

    cv2.setNumThreads(1)  # other cores run their own workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is handled by the caller
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keep native output out of the reply stream

    def reply(message: Any) -> None:
        try:
            pickle.dump(message, replies)
            replies.flush()
        except BrokenPipeError:
            os._exit(0)  # the caller has exited

    model = pickle.load(requests)
    faces: FaceTracker | None = None
    while True:
        try:
            task: Task
            task, threads = pickle.load(requests)
        except EOFError:
            break
        try:
            faces = faces or FaceTracker(model)
            for part in task.run(faces, threads):
                reply(part)
            reply(None)
        except ClipgenError as error:
            reply(error)
        except Exception:
            reply(traceback.format_exc())
