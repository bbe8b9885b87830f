"""The Qt application of the benchmarks, and waiting in its event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from clipgen_gui.app import shorten_switch_interval

_HEARTBEAT_MS = 20


def qt_app() -> QApplication:
    """The one application, made where there is none yet, with threads that give way to it as the app's do."""
    shorten_switch_interval()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return app


def until(done: Callable[[], bool], timeout_s: float = 60.0) -> float:
    """Seconds until the condition holds, the event loop running."""
    began = time.perf_counter()
    heartbeat = QTimer()  # so that the waiting ends where nothing happens any more
    heartbeat.start(_HEARTBEAT_MS)
    while not done():
        assert time.perf_counter() - began < timeout_s, "it did not happen"
        # as the app itself waits: a loop that spins would take the interpreter from the threads that load
        qt_app().processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    return time.perf_counter() - began
