"""What drafts and kept workers save, compared with the plain loop and with single runs of the command line.

Run it alone on an idle machine: `python -m tests.bench bench_effort`.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSettings, QTimer

from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.pool import Workers
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import AnalysisSettings
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.window import MainWindow
from tests.bench.bench_analysis import SAMPLE, interleaved, plain_loop, processor_s, repeated
from tests.bench.event_loop import qt_app, until
from tests.support.composed import frames_of, write_video

_THREE_MINUTES, _TEN_MINUTES = 6, 21  # repetitions of the sample
_ROUNDS = 3
_SHORT, _SHORT_FRAMES = 20, 90
_TICK_MS = 10


def measure(rounds: int = _ROUNDS) -> dict[str, float]:
    """All results by name."""
    with tempfile.TemporaryDirectory() as folder:
        return _efforts(Path(folder), rounds) | _short_videos(Path(folder)) | _app(Path(folder))


def _efforts(folder: Path, rounds: int) -> dict[str, float]:
    video = repeated(SAMPLE, folder / "three.mp4", _THREE_MINUTES)

    def ranked(effort: str) -> Callable[[], object]:
        return lambda: rank_sequences(analyze_video(video, AnalysisSettings(workers=2, effort=effort)))

    jobs = {"plain": lambda: plain_loop(video, landmarks=True)}
    jobs |= {effort: ranked(effort) for effort in ("draft", "top", "full")}
    wall, cost = interleaved(jobs, rounds)
    return {
        "first ranking of three minutes / plain loop (bar: 5.5)": wall["plain"] / wall["draft"],
        "effort top / plain loop (bar: 4)": wall["plain"] / wall["top"],
        "effort full / plain loop (bar: 1.75)": wall["plain"] / wall["full"],
        "processor seconds, draft / full": cost["draft"] / cost["full"],
        "processor seconds, top / full": cost["top"] / cost["full"],
    }


def _short_videos(folder: Path) -> dict[str, float]:
    """Processor time of videos of three seconds in one process, against one run of the command line each."""
    frames = frames_of(SAMPLE, 0, _SHORT_FRAMES)
    videos = [write_video(folder / f"{number}.mp4", frames) for number in range(_SHORT)]
    begun = processor_s()
    for video in videos:
        environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
        arguments = ["--video_path", str(video), "--output_dir", str(folder / "out"), "--skip_extraction"]
        command = [sys.executable, "-m", "clipgen_engine", *arguments]
        subprocess.run(command, env=environment, capture_output=True, check=False)
        for stored in (folder / "cache").rglob("analysis.npz"):
            stored.unlink()
    single = processor_s() - begun
    begun = processor_s()
    with Workers() as workers:
        for video in videos:
            rank_sequences(analyze_video(video, workers=workers))
    return {
        "processor time of 20 short videos, one process / single runs (bar: 0.65)": (processor_s() - begun) / single
    }


def _app(folder: Path) -> dict[str, float]:
    """A video of ten minutes dropped into the app: time to the first whole list, and lateness of timers meanwhile."""
    video = repeated(SAMPLE, folder / "ten.mp4", _TEN_MINUTES)
    app = qt_app()
    window = MainWindow(
        QSettings(str(folder / "s.ini"), QSettings.Format.IniFormat), cache=lambda: AnalysisCache(folder)
    )
    window.resize(1600, 940)
    window.show()
    late: list[float] = []
    expected = time.perf_counter()

    def tick() -> None:
        nonlocal expected
        now = time.perf_counter()
        late.append((now - expected) * 1e3)
        expected = now + _TICK_MS / 1e3

    timer = QTimer()
    timer.setInterval(_TICK_MS)
    timer.timeout.connect(tick)
    begun = time.perf_counter()
    window.open_paths([video])
    (entry,) = window.session.videos
    timer.start()
    until(lambda: entry.is_draft and bool(entry.rows), 600)
    listed = time.perf_counter() - begun
    until(lambda: entry.state is VideoState.DONE, 900)
    done = time.perf_counter() - begun
    timer.stop()
    window.close()
    app.processEvents()
    return {
        "first whole list of ten minutes, s": listed,
        "first whole list / full analysis (bar: 0.3)": listed / done,
        "timers late meanwhile, ms, p95 (bar: 30)": float(np.quantile(late, 0.95)),
    }
