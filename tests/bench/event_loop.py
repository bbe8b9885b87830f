"""The Qt application of the benchmarks, and waiting in its event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from clipgen_gui.app import shorten_switch_interval

_HEARTBEAT_MS = 20


def qt_app() -> QApplication:
    """Return the application, created on first use, with the thread switch interval of the app."""
    shorten_switch_interval()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return app


def until(done: Callable[[], bool], timeout_s: float = 60.0) -> float:
    """Run the event loop until the condition holds; return the seconds it took."""
    began = time.perf_counter()
    heartbeat = QTimer()  # wakes the loop, so that the timeout applies without events
    heartbeat.start(_HEARTBEAT_MS)
    while not done():
        assert time.perf_counter() - began < timeout_s, "timeout"
        # wait as the app does: a busy loop would hold the GIL and slow down the loader threads
        qt_app().processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    return time.perf_counter() - began
