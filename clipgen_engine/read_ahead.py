"""Run a generator ahead of its consumer in a background thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

_Item = TypeVar("_Item")
_POLL_S = 0.05  # latency of a cancel


@contextmanager
def read_ahead(items: Generator[_Item, None, None], cancel: threading.Event, depth: int) -> Iterator[Iterator[_Item]]:
    """Run a generator in a thread, at most `depth` items ahead.

    Yields an iterator over its items. The iterator ends early once `cancel` is set and re-raises exceptions of the
    generator. On exit the thread is joined and the generator closed.
    """
    waiting: queue.Queue[tuple[Literal["item", "error", "end"], Any]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(kind: Literal["item", "error", "end"], value: Any = None) -> bool:
        while not (stopped.is_set() or cancel.is_set()):
            try:
                waiting.put((kind, value), timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end")
        except BaseException as error:  # re-raised by the consumer
            put("error", error)
        finally:
            items.close()

    def consume() -> Iterator[_Item]:
        while not cancel.is_set():
            try:
                kind, value = waiting.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    thread = threading.Thread(target=produce, name="clipgen-read-ahead")
    thread.start()
    try:
        yield consume()
    finally:
        stopped.set()
        thread.join()
