"""Shutdown of the app's threads: ask all of them to end, then wait against one deadline."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QDeadlineTimer, QObject, QThread

_log = logging.getLogger(__name__)


@runtime_checkable
class EndsOnRequest(Protocol):
    """A QObject that is a thread or has one as a child."""

    def request_end(self) -> None:
        """Ask the thread to end as soon as possible. It does not start again."""


def running_threads(root: QObject) -> list[QThread]:
    """The running threads among this object and its descendants."""
    threads = [one for one in (root, *root.findChildren(QThread)) if isinstance(one, QThread)]
    return [thread for thread in threads if thread.isRunning()]


def end_threads(root: QObject, timeout_ms: int) -> bool:
    """Ask all threads of this object and its descendants to end, and wait for them.

    Returns:
        Whether all have ended. The others are named in the log.
    """
    for one in (root, *root.findChildren(QObject)):
        if isinstance(one, EndsOnRequest):
            one.request_end()
    deadline = QDeadlineTimer(timeout_ms)
    late = [thread.objectName() for thread in running_threads(root) if not thread.wait(deadline)]
    if late:
        _log.error("threads did not end in %d ms: %s", timeout_ms, ", ".join(late))
    return not late
