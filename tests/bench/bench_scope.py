"""The windows of a whole project as one list: 1,400 copies of the sample with about a million windows.

Run it alone on an idle machine: `python -m tests.bench.bench_scope`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from clipgen_engine import analyze_video
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.windows import WindowId
from clipgen_gui.look.theme import apply_theme
from clipgen_gui.main_window.window import MainWindow
from tests.bench.event_loop import qt_app, until
from tests.support.paths import SAMPLE
from tests.support.projects import make_project

_VIDEOS = 1_400
_JUDGED = 100
_DRAGS = 60
_ARROWS = 40
_PAGES = 12
_SIDE = 4  # columns of the contact sheet
_AHEAD_S = 1.5  # a curator looks at a window or page at least this long


@contextmanager
def _window(folder: Path) -> Iterator[MainWindow]:
    apply_theme(qt_app(), "dark")
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(settings, Project(folder / "work.clipgen"), lambda: AnalysisCache(folder / "cache"))
    window.parts.analysis.queue.set_paused(True)
    window.resize(1600, 940)
    window.show()
    window.resume()
    until(lambda: bool(window.session.current and window.session.current.rows))
    yield window
    window.close()


def _p95(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 95)) * 1000


def _rest(seconds: float) -> None:
    """Let the event loop run."""
    end = time.perf_counter() + seconds
    until(lambda: time.perf_counter() > end)


def opened_s(window: MainWindow) -> dict[str, float]:
    """Seconds from choosing the project until the first rows are listed, and until all are."""
    session = window.session
    began = time.perf_counter()
    session.selection.set_scope(Scope.PROJECT)
    until(lambda: window.parts.review.panel.model.with_videos and window.parts.review.panel.model.rowCount() > 0)
    first = time.perf_counter() - began
    until(lambda: window.parts.analysis.project_ranking.complete)
    ranked = session.project_windows.ranked
    assert ranked is not None
    return {
        "project scope, first rows, s (limit 1)": first,
        "project scope, all rows, s": time.perf_counter() - began,
        "windows": float(ranked.window_count),
        "listed": float(len(ranked)),
    }


def drags_ms(window: MainWindow) -> dict[str, float]:
    """From a changed setting to the new list of all videos."""
    session, figures = window.session, {}
    changes: dict[str, Callable[[int], None]] = {
        "weight": lambda step: session.controls.set_weight("position_stability", 0.2 + step / 100),
        "length": lambda step: session.controls.set_setting("sequence_length", 30 + step % 10),
        "gate": lambda step: session.controls.set_gate("max_yaw", 20.0 + step % 20),
    }
    for name, change in changes.items():
        taken = []
        for step in range(_DRAGS):
            before = session.project_windows.ranked
            began = time.perf_counter()
            change(step + 1)
            until(lambda before=before: session.project_windows.ranked is not before)  # type: ignore[misc]
            taken.append(time.perf_counter() - began)
        limit = " (limit 60)" if name == "weight" else ""
        figures[f"{name} of the project, p95 ms{limit}"] = _p95(taken)
    session.controls.set_setting("sequence_length", 30)
    _rest(0.5)
    return figures


def arrows_ms(window: MainWindow) -> dict[str, float]:
    """From an arrow key to the second frame of a window of another video: decoded ahead, and after a far jump."""
    session, view = window.session, window.parts.player.view

    def moved(target: WindowId) -> bool:
        start, stop, _ = target.key
        return session.current is target.entry and start < view.shown_frame < stop

    ahead, cold = [], []
    session.selection.go_to(session.selection.shown_rows.ids[0])
    for _ in range(_ARROWS):
        _rest(_AHEAD_S)
        was = session.current
        began = time.perf_counter()
        session.selection.step(1)
        target = session.selection.selected
        assert target is not None
        until(lambda target=target: moved(target))  # type: ignore[misc]
        if session.current is not was:
            ahead.append(time.perf_counter() - began)
    places = np.random.default_rng(0).permutation(len(session.selection.shown_rows))
    for place in places[:_ARROWS].tolist():
        _rest(0.3)
        target = session.selection.shown_rows.ids[place]
        began = time.perf_counter()
        session.selection.go_to(target)
        until(lambda target=target: moved(target))  # type: ignore[misc]
        cold.append(time.perf_counter() - began)
    return {
        "arrow to another video, decoded ahead, p95 ms (limit 150)": _p95(ahead),
        "arrow to another video, cold, p95 ms (limit 400)": _p95(cold),
    }


def sheet_ms(window: MainWindow) -> dict[str, float]:
    """From turning a page of sixteen until all of it moves: prepared ahead, and after a far jump."""
    sheet = window.parts.review.sheet
    window.show_sheet(True)
    sheet._set_columns(_SIDE)

    def moves() -> bool:
        return all(sheet.grid.shown_frame(place) >= 0 for place in range(len(sheet.grid.cells)))

    ahead, cold = [], []
    until(moves)
    for _ in range(_PAGES):
        _rest(2 * _AHEAD_S)
        began = time.perf_counter()
        sheet.turn(1)
        until(moves)
        ahead.append(time.perf_counter() - began)
    for page in np.random.default_rng(1).permutation(sheet.pages.count - 1)[:_PAGES].tolist():
        began = time.perf_counter()
        sheet._go_to_page(page)
        until(moves)
        cold.append(time.perf_counter() - began)
    window.show_sheet(False)
    return {
        "sheet of 16, prepared ahead, p95 ms (limit 150)": _p95(ahead),
        "sheet of 16, cold, p95 s (limit 1.5)": _p95(cold) / 1000,
    }


def judged_s(window: MainWindow) -> dict[str, float]:
    """Seconds to judge a hundred windows with digit keys, each of which was seen moving before its decision."""
    session, sheet = window.session, window.parts.review.sheet
    window.show_sheet(True)
    sheet._set_columns(3)
    sheet._go_to_page(0)
    window.activateWindow()
    until(window.isActiveWindow)
    grid, judged = sheet.grid, 0
    began = time.perf_counter()
    while judged < _JUDGED:
        first = [grid.shown_frame(place) for place in range(len(grid.cells))]

        def moved(first: list[int] = first) -> bool:
            shown = [grid.shown_frame(place) for place in range(len(grid.cells))]
            return all(-1 < one != other for one, other in zip(shown, first, strict=True))

        until(moved)
        for place, cell in enumerate(grid.cells):
            reject = (judged + place) % 3 == 0
            QTest.keyClick(
                grid,
                str(place + 1),
                Qt.KeyboardModifier.ShiftModifier if reject else Qt.KeyboardModifier.NoModifier,
            )
            wanted = Decision.REJECTED if reject else Decision.ACCEPTED
            assert cell.id.entry.decision_of(cell.id.key) is wanted
        judged += len(grid.cells)
        QTest.keyClick(grid, Qt.Key.Key_PageDown)
    taken = (time.perf_counter() - began) * _JUDGED / judged
    window.show_sheet(False)
    while session.undo_stack.canUndo():
        session.undo_stack.undo()
    return {"100 windows judged on the contact sheet, s (limit 60)": taken}


def measure() -> dict[str, float]:
    """All results by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, SAMPLE, analyze_video(SAMPLE), _VIDEOS)
        with _window(folder) as window:
            figures = opened_s(window) | drags_ms(window) | arrows_ms(window) | sheet_ms(window) | judged_s(window)
            figures["memory, GB (limit 2)"] = psutil.Process().memory_info().rss / 1e9
    return figures


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name} {value:.2f}", flush=True)
