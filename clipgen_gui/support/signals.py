"""Signal connections that end with their owner."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, SignalInstance, Slot


def follow(owner: QObject, changed: SignalInstance, show: Callable[[], None]) -> None:
    """Call `show` now and on every `changed`, for as long as `owner` exists."""
    follower = _Follower(owner, show)
    changed.connect(follower.show)
    show()


class _Follower(QObject):
    """Child of the owner, so that Qt drops the connection with it. A connection to a lambda would outlive the owner."""

    def __init__(self, owner: QObject, show: Callable[[], None]) -> None:
        super().__init__(owner)
        self._show = show

    @Slot()
    def show(self) -> None:
        self._show()
