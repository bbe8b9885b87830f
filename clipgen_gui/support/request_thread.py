"""A thread that serves what was asked for last; what is no longer wanted is never begun."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QThread


class RequestThread(QThread):
    """Base of the servers. `run` waits on `_wake` until there is something to do, or until `_ending`.

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
    def _asking(self) -> Iterator[None]:
        """Change what is asked for, under the lock; the thread takes it up at once."""
        with self._wake:
            yield
            self._wake.notify()
            begins = not self.isRunning() and not self._ending
        if begins:
            self.start(self._start_priority)

    def request_end(self) -> None:
        """Ask the thread to end as soon as it can; it does not start again."""
        with self._wake:
            self._ending = True
            self._wake.notify()
