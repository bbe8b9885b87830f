"""Latency of the review: lists of ten thousand windows, and the contact sheet.

Run it alone on an idle machine: `python -m tests.bench.bench_review`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QAbstractItemView

from clipgen_engine import analyze_video
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Decision, Sequence
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.windows import WindowRow
from clipgen_gui.look.theme import apply_theme
from clipgen_gui.main_window.window import MainWindow
from tests.bench.event_loop import qt_app, until

SAMPLE = Path(__file__).parents[2] / "resources" / "sample.mp4"
_WINDOWS = 10_000
_PAGES = 60


def _open() -> tuple[MainWindow, VideoEntry]:
    apply_theme(qt_app())
    window = MainWindow(QSettings(f"{tempfile.mkdtemp()}/settings.ini", QSettings.Format.IniFormat))
    window.resize(1600, 940)
    window.show()
    (entry,) = window.session.open_paths([SAMPLE])
    analysis = analyze_video(SAMPLE)
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    entry.state = VideoState.DONE
    until(lambda: window.parts.player.view.shown_frame >= 0)
    return window, entry


def _scroll_ms(view: QAbstractItemView) -> tuple[float, float]:
    """95th percentile and maximum of the time from a scroll by many rows until the list is repainted."""
    taken = []
    bar = view.verticalScrollBar()
    for place in np.linspace(0, bar.maximum(), _PAGES).astype(int):
        began = time.perf_counter()
        bar.setValue(int(place))
        view.viewport().repaint()
        taken.append((time.perf_counter() - began) * 1000)
        qt_app().processEvents()
    return float(np.percentile(taken, 95)), max(taken)


def lists() -> dict[str, float]:
    """Ten thousand windows, a third of them accepted, in the table and in the film strip."""
    window, entry = _open()
    best = entry.rows[0].sequence
    decisions = (Decision.ACCEPTED, Decision.UNDECIDED, Decision.REJECTED)
    spans = entry.frame_count - 31
    made = [
        Sequence(number + 1, number % spans, number % spans + 30 + number // spans, 0, best.terms, 1 - number / 1e5)
        for number in range(_WINDOWS)
    ]
    entry.reviews = {one.key: WindowReview(one, decisions[number % 3]) for number, one in enumerate(made)}
    entry.rows = tuple(
        WindowRow(
            entry,
            number + 1,
            one.key,
            one.combined_score,
            entry.reviews[one.key],
            describe=lambda one=one: one,  # type: ignore[misc]
            find_analysis=lambda: entry.analysis,
        )
        for number, one in enumerate(made)
    )
    figures = {}
    panel = window.parts.review.panel
    began = time.perf_counter()
    panel.model.show(window.session.selection.shown_rows, window.session.controls.shown_terms)
    qt_app().processEvents()
    figures["table of 10,000 windows, show, ms"] = (time.perf_counter() - began) * 1000
    figures["table of 10,000 windows, scroll, p95 ms"], figures["table, scroll, max, ms"] = _scroll_ms(panel.view)
    panel.show_strip(True)
    qt_app().processEvents()
    figures["film strip of 10,000, scroll, p95 ms"], figures["film strip, scroll, max, ms"] = _scroll_ms(panel.strip)
    began = time.perf_counter()
    window.session.selection.set_filter(WindowFilter(Decision.UNDECIDED))
    panel.strip.viewport().repaint()
    figures["filter 10,000 windows, ms"] = (time.perf_counter() - began) * 1000
    window.close()
    return figures


def contact_sheet() -> dict[str, float]:
    """Nine windows of 30 frames at 1600 x 940."""
    window, _ = _open()
    window.session.controls.set_setting("num_sequences", 50)
    window.session.rank_now()
    window.show_sheet(True)
    sheet, grid = window.parts.review.sheet, window.parts.review.sheet.grid

    def all_play() -> bool:
        return all(grid.shown_frame(place) >= 0 for place in range(len(grid.cells)))

    figures = {f"contact sheet: {len(grid.cells)} windows playing, s": until(all_play)}
    requests = [grid.request(key) for key in sheet.pages.following]
    until(lambda: all(sheet.parts.player.frames.get(request) for request in requests if request))
    figures["contact sheet: next page, prefetched, playing, ms"] = _turned_ms(window, all_play)
    figures["contact sheet: frame cache of two pages, MB"] = sheet.parts.player.frames.cached_bytes / 1e6
    taken = []
    for _ in range(100):
        began = time.perf_counter()
        grid.repaint()
        taken.append((time.perf_counter() - began) * 1000)
    figures["contact sheet: repaint of all cells, p95 ms"] = float(np.percentile(taken, 95))
    window.close()
    return figures


def _turned_ms(window: MainWindow, done: Callable[[], bool]) -> float:
    began = time.perf_counter()
    window.parts.review.sheet.turn(1)
    window.parts.review.sheet.grid.repaint()
    until(done)
    return (time.perf_counter() - began) * 1000


def measure() -> dict[str, float]:
    """All results by name."""
    return lists() | contact_sheet()


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:<60} {value:10.3f}")
