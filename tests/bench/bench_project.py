"""Performance of large projects: opening a one-hour video, a list of a thousand videos, memory over many switches.

Run it alone on an idle machine: `python -m tests.bench.bench_project`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import av
import numpy as np
import psutil
from PySide6.QtCore import QSettings

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.statistics import project_statistics
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import Decision
from clipgen_engine.types import Sequence as Window
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.look.theme import apply_theme
from clipgen_gui.main_window.window import MainWindow
from tests.bench.event_loop import qt_app, until
from tests.support.analyses import make_analysis, random_track

_HOUR_FRAMES = 108_000
_SHOT_FRAMES = 2_000
_VIDEOS = 1_000
_SCROLLS = 300
_SWITCHES = 200


def _video(path: Path, frames: int) -> Path:
    """Write a tiny video with changing brightness at 30 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), index % 200, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _add_analysed(project: Project, cache: AnalysisCache, path: Path, frames: int, seed: int) -> None:
    """Add a video with a cached synthetic analysis, one face per shot, to the project."""
    rng = np.random.default_rng(seed)
    tracks = [
        replace(random_track(rng, start, min(_SHOT_FRAMES, frames - start) - 1, number), confidence=None)
        for number, start in enumerate(range(0, frames, _SHOT_FRAMES))
    ]
    info = probe(path)
    analysis = replace(make_analysis(*tracks, frame_count=info.frame_count), video=info)
    cache.store(analysis)
    video = project.add_video(path, info.fingerprint)
    project.describe_video(video.video_id, state="done", window_count=10, analysis=cache.name_of(analysis))


@contextmanager
def _window(folder: Path) -> Iterator[MainWindow]:
    apply_theme(qt_app(), "dark")
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    project = Project(folder / "work.clipgen")
    window = MainWindow(settings, project, lambda: AnalysisCache(folder / "cache"), folder / "thumbnails")
    window.parts.analysis.queue.set_paused(True)
    window.resize(1600, 940)
    window.show()
    qt_app().processEvents()
    yield window
    window.close()


def open_an_hour_s(runs: int = 3) -> dict[str, float]:
    """Median seconds from selecting an analysed one-hour video until its windows are listed, and until it is shown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Project(folder / "work.clipgen") as project:
            cache = AnalysisCache(folder / "cache")
            _add_analysed(project, cache, _video(folder / "short.mp4", 300), 300, 1)
            _add_analysed(project, cache, _video(folder / "hour.mp4", _HOUR_FRAMES), _HOUR_FRAMES, 2)
        listed, seen = [], []
        for _ in range(runs):
            with _window(folder) as window:
                short, hour = window.session.videos
                window.session.set_current(short)
                until(lambda window=window, short=short: bool(short.rows) and window.parts.player.view.shown_frame >= 0)
                began = time.perf_counter()
                window.session.set_current(hour)
                until(lambda hour=hour: bool(hour.rows))
                listed.append(time.perf_counter() - began)
                until(lambda window=window: window.parts.player.view.shown_frame >= 0)
                seen.append(time.perf_counter() - began)
    return {"open_hour_listed_s": float(np.median(listed)), "open_hour_picture_s": float(np.median(seen))}


def thousand_videos_ms() -> dict[str, float]:
    """Time to open a project of a thousand videos with ten windows each, and the latency of its list."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = _video(folder / "short.mp4", 60)
        with Project(folder / "work.clipgen") as project:
            paths = [folder / f"interview {number:04d}.mp4" for number in range(_VIDEOS)]
            for number, path in enumerate(paths):
                filler = b"\x00\x00\x00\x10free" + number.to_bytes(8, "big")  # a `free` box: unique fingerprint
                path.write_bytes(short.read_bytes() + filler)
            for video in project.add_videos(paths):
                project.describe_video(video.video_id, state="done", duration_s=2.0, window_count=10, analysis="none")
        began = time.perf_counter()
        with _window(folder) as window:
            opened = time.perf_counter() - began
            figures = {"open_1000_videos_ms": opened * 1000}
            view = window.parts.projects.videos.view
            bar = view.verticalScrollBar()
            for what in ("first", "again"):  # first: thumbnails are being decoded; again: cached
                taken = []
                for step in range(_SCROLLS):
                    began = time.perf_counter()
                    bar.setValue(bar.maximum() * step // _SCROLLS)
                    qt_app().processEvents()
                    taken.append((time.perf_counter() - began) * 1000)
                figures[f"scroll_1000_videos_{what}_p95_ms"] = float(np.percentile(taken, 95))
                figures[f"scroll_1000_videos_{what}_max_ms"] = max(taken)
            for what, do in {
                "filter": lambda: window.parts.projects.videos.words.setText("99"),
                "sort": lambda: window.parts.projects.videos.model.sort_by("name"),
            }.items():
                began = time.perf_counter()
                do()
                qt_app().processEvents()
                figures[f"{what}_1000_videos_ms"] = (time.perf_counter() - began) * 1000
    return figures


def statistics_ms() -> dict[str, float]:
    """Median time in which the numbers of a project of 1,000 videos with 20 decided windows each are counted."""
    rng = np.random.default_rng(1)
    decisions = (Decision.ACCEPTED, Decision.REJECTED)
    terms = dict.fromkeys(TERMS, 0.5)
    with tempfile.TemporaryDirectory() as name, Project(Path(name) / "work.clipgen") as project:
        with project.together():
            for number in range(_VIDEOS):
                video_id = project.add_video(Path(f"/videos/{number}.mp4"), f"{number:064x}").video_id
                project.describe_video(video_id, duration_s=60.0, frame_count=1800, window_count=30, state="done")
                project.set_subject(video_id, 1, f"subject {number % 50}")
                reviews = {}
                for place in range(20):
                    window = Window(0, 60 * place, 60 * place + 30, 1, terms, float(rng.random()))
                    at = f"2026-03-{number % 28 + 1:02d}T12:{place:02d}:{number % 60:02d}.000+00:00"
                    decision = decisions[int(rng.integers(2))]
                    reviews[window.key] = WindowReview(window, decision, tags=("smile",), decided_at=at)
                project.save_reviews(video_id, reviews)
        taken = []
        for _ in range(9):
            began = time.perf_counter()
            project_statistics(project)
            taken.append((time.perf_counter() - began) * 1000)
    return {"statistics_of_20000_decisions_ms": float(np.median(taken))}


def memory_of_switches_mb() -> dict[str, float]:
    """Memory growth over 200 switches between five analysed five-minute videos, after 40 switches of warm-up."""
    process = psutil.Process()
    frames = 9_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Project(folder / "work.clipgen") as project:
            for number in range(5):
                path = _video(folder / f"{number}.mp4", frames + number)
                _add_analysed(project, AnalysisCache(folder / "cache"), path, frames, number)
        with _window(folder) as window:
            session = window.session

            def switch(entry: VideoEntry) -> None:
                session.set_current(entry)
                until(lambda: bool(entry.rows) and window.parts.player.view.shown_frame >= 0)

            used = []
            for number in range(_SWITCHES + 40):
                switch(session.videos[number % 5])
                used.append(process.memory_info().rss / 1e6)
    return {"memory_before_mb": used[39], "memory_growth_200_switches_mb": float(np.mean(used[-8:]) - used[39])}


def measure() -> dict[str, float]:
    """All results by name."""
    return open_an_hour_s() | thousand_videos_ms() | statistics_ms() | memory_of_switches_mb()


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name} {value:.2f}", flush=True)
