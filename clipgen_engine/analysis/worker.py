"""Segments analysed in processes of their own, so that a crash of native code costs one segment, not the program.

A worker is a plain Python process that runs `main` here and talks in pickles over its standard streams: nothing of
the caller's main module, nor Qt, is imported in it, and it ends when the caller ends, however that happens.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipgen_engine.analysis.segments import Segment, SegmentPart
from clipgen_engine.errors import ClipgenError
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_START = "from clipgen_engine.analysis.worker import main; main()"
_LOW_PRIORITY = 10  # niceness


class WorkerCrashed(Exception):
    """The process ended without an answer."""


class WorkerFailed(Exception):
    """Python code in the process raised what is no ClipgenError; holds its traceback."""


@dataclass(frozen=True)
class SegmentTask:
    """What a worker is asked to do."""

    video: VideoInfo
    settings: AnalysisSettings
    segment: Segment


class SegmentWorker:
    """One process that analyses segments, one after another."""

    def __init__(self, model: FaceModel, *, low_priority: bool = False) -> None:
        """
        Args:
            low_priority: whatever else wants to run on this machine goes first.
        """
        # The same modules as here, and -P: not whatever lies in the current folder under a module's name.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        self._chatter = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
        if low_priority:
            flags |= getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._chatter,
            env=environment,
            creationflags=flags,
        )
        if low_priority and sys.platform != "win32":
            # It has one thread yet; those to come inherit this.
            nice = max(_LOW_PRIORITY, os.getpriority(os.PRIO_PROCESS, 0))
            os.setpriority(os.PRIO_PROCESS, self._process.pid, nice)
        self._model: FaceModel | None = model  # until it is sent

    def analyze(self, task: SegmentTask) -> Iterator[SegmentPart]:
        """The parts of a segment as they are found.

        Raises:
            ClipgenError: raised there, raised again here.
            WorkerFailed: there is a bug.
            WorkerCrashed: the process ended, by itself or by `kill`.
        """
        if self._model is not None:
            self._send(self._model)
            self._model = None
        self._send(task)
        while True:
            answer = self._receive()
            if answer is None:
                return
            if isinstance(answer, SegmentPart):
                yield answer
            elif isinstance(answer, ClipgenError):
                raise answer
            else:
                raise WorkerFailed(answer)

    def kill(self) -> None:
        """End the process at once; may be called from any thread."""
        self._process.kill()

    def close(self) -> None:
        """End the process and wait for its end."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue  # it died with something still to be read
        self._chatter.close()

    def last_words(self) -> str:
        """What the process printed on its standard error, the end of it."""
        self._chatter.seek(0)
        return self._chatter.read()[-2000:].decode(errors="replace")

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
    """Run a worker: a face model and then tasks on standard input, their parts on standard output, then None."""
    import signal
    import traceback

    from clipgen_engine.analysis.frame_pass import analyze_segment
    from clipgen_engine.faces.tracker import FaceFollower
    from clipgen_engine.opencv import cv2

    cv2.setNumThreads(1)  # the other cores have workers of their own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C on a terminal reaches the caller, which decides
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not get between the answers

    def answer(message: Any) -> None:
        try:
            pickle.dump(message, answers)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the caller is gone

    model = pickle.load(requests)
    faces: FaceFollower | None = None
    settings: AnalysisSettings | None = None
    while True:
        try:
            task = pickle.load(requests)
        except EOFError:
            break
        try:
            if faces is None or task.settings != settings:
                if faces is not None:
                    faces.close()
                faces, settings = FaceFollower(model, task.settings), task.settings
            for part in analyze_segment(task.video, task.settings, task.segment, faces):
                answer(part)
            answer(None)
        except ClipgenError as error:
            answer(error)
        except Exception:
            answer(traceback.format_exc())
    if faces is not None:
        faces.close()
