"""The end of the app's threads: all are asked to stop first, then awaited against one deadline."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QDeadlineTimer, QObject, QThread

_log = logging.getLogger(__name__)


@runtime_checkable
class EndsOnRequest(Protocol):
    """A QObject with a thread of its own, which is among its children or which it is itself."""

    def request_end(self) -> None:
        """Ask the thread to end as soon as it can; it does not start again."""


def running_threads(root: QObject) -> list[QThread]:
    """The threads below this object that have not ended, and the object itself where it is one."""
    threads = [one for one in (root, *root.findChildren(QThread)) if isinstance(one, QThread)]
    return [thread for thread in threads if thread.isRunning()]


def end_threads(root: QObject, timeout_ms: int) -> bool:
    """Ask every thread below this object to end, and wait for all of them.

    Returns:
        Whether all have ended. Those that have not are named in the log.
    """
    for one in (root, *root.findChildren(QObject)):
        if isinstance(one, EndsOnRequest):
            one.request_end()
    deadline = QDeadlineTimer(timeout_ms)
    late = [thread.objectName() for thread in running_threads(root) if not thread.wait(deadline)]
    if late:
        _log.error("threads did not end in %d ms: %s", timeout_ms, ", ".join(late))
    return not late
