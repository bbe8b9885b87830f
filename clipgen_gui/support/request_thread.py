"""A thread that serves the newest request and skips stale ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QThread


class RequestThread(QThread):
    """Base class of the request servers. `run` waits on `_wake` for a request or for `_ending`.

    The thread starts with the first request.
    """

    def __init__(
        self,
        name: str,
        parent: QObject | None = None,
        priority: QThread.Priority = QThread.Priority.LowPriority,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._start_priority = priority
        self._wake = threading.Condition()  # guards the requests and `_ending`
        self._ending = False

    @contextmanager
    def _update_requests(self) -> Iterator[None]:
        """Modify the requests under the lock, then wake the thread, starting it if needed."""
        with self._wake:
            yield
            self._wake.notify()
            must_start = not self.isRunning() and not self._ending
        if must_start:
            self.start(self._start_priority)

    def request_end(self) -> None:
        """Ask the thread to end as soon as possible. It does not start again."""
        with self._wake:
            self._ending = True
            self._wake.notify()
