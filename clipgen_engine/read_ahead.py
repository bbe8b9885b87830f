"""Work that runs some items ahead in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

_Item = TypeVar("_Item")
_POLL_S = 0.05  # how long a cancel may go unnoticed


@contextmanager
def read_ahead(items: Generator[_Item, None, None], cancel: threading.Event, depth: int) -> Iterator[Iterator[_Item]]:
    """Run a generator in a thread, at most `depth` items ahead.

    Gives an iterator over its items, which ends early once `cancel` is set and raises what the generator raised. The
    thread is joined, and the generator closed, on every way out.
    """
    waiting: queue.Queue[tuple[Literal["item", "error", "end"], Any]] = queue.Queue(depth)
    left = threading.Event()

    def put(kind: Literal["item", "error", "end"], value: Any = None) -> bool:
        while not (left.is_set() or cancel.is_set()):
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
        except BaseException as error:  # handed to the consumer, which raises it
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
        left.set()
        thread.join()
