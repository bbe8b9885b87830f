"""Signals that are listened to only as long as somebody is there to listen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, SignalInstance, Slot


def follow(owner: QObject, changed: SignalInstance, show: Callable[[], None]) -> None:
    """Call `show` now and whenever the signal comes, as long as its owner exists."""
    follower = _Follower(owner, show)
    changed.connect(follower.show)
    show()


class _Follower(QObject):
    """Goes with its owner, and the connection with it; one to a lambda would outlive both."""

    def __init__(self, owner: QObject, show: Callable[[], None]) -> None:
        super().__init__(owner)
        self._show = show

    @Slot()
    def show(self) -> None:
        self._show()
