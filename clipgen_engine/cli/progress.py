"""Progress output and interrupt handling of the command line."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from tqdm import tqdm

from clipgen_engine.errors import Cancelled
from clipgen_engine.types import Progress, ProgressCallback

_LOG_LINE_SHARE = 0.1  # without a terminal, log a line after every such share of the work

_STAGES = {"draft": "Drafting", "refinement": "Refining"}  # of an analysis

_log = logging.getLogger("clipgen")


@contextmanager
def progress_shown(label: str, unit: str) -> Iterator[ProgressCallback]:
    """Show progress as a bar on a terminal, as log lines otherwise."""
    if not sys.stderr.isatty():
        yield _line_logger(label, unit)
        return
    with ExitStack() as stack:
        bar: tqdm[Any] | None = None

        def show(progress: Progress) -> None:
            nonlocal bar
            if bar is None:  # no bar if there is nothing to do
                bar = stack.enter_context(tqdm(unit=unit, unit_scale=unit == "B"))
            bar.set_description(_STAGES.get(progress.stage, label), refresh=False)
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        yield show


def _line_logger(label: str, unit: str) -> Callable[[Progress], None]:
    logged, stage = 0.0, ""

    def show(progress: Progress) -> None:
        nonlocal logged, stage
        if progress.stage != stage and progress.done < progress.total:
            logged, stage = 0.0, progress.stage
        share = progress.done / max(1, progress.total)
        if share - logged >= _LOG_LINE_SHARE or (share == 1 and logged < 1):
            logged = share
            _log.info("%s: %d of %d %ss", _STAGES.get(progress.stage, label), progress.done, progress.total, unit)

    return show


@contextmanager
def cancel_on_interrupt(cancel: threading.Event) -> Iterator[None]:
    """Set `cancel` on the first interrupt; the second one raises KeyboardInterrupt."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise Cancelled from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
