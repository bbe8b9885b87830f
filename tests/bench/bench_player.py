"""Latency of player and curves: frame steps, seeks, slider drags with 100,000 windows; also during an analysis.

Run it alone on an idle machine: `python -m tests.bench.bench_player`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import av
import numpy as np
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from clipgen_engine.opencv import cv2
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import VideoState
from clipgen_gui.look.theme import apply_theme
from clipgen_gui.main_window.window import MainWindow
from tests.bench.event_loop import qt_app, until
from tests.support.analyses import make_analysis, random_track

SAMPLE = Path(__file__).parents[2] / "resources" / "sample.mp4"
_TICK_MS = 5
_WATCHED_S = 8.0


def measure() -> dict[str, float]:
    """All results by name."""
    app = qt_app()
    apply_theme(app)
    with tempfile.TemporaryDirectory() as folder:
        hd = _hd_video(Path(folder) / "hd.mp4")
        return (
            _percentiles("step +-1 at 720p, cached, ms", _steps_ms(app, hd), bar=10)
            | _percentiles("seek at 360p, ms", _seeks_ms(app, SAMPLE), bar=60)
            | _percentiles("weight drag, 100,000 windows, ms", _drag_ms(app), bar=16)
            | _percentiles("weight drag, zoomed to a minute, ms", _drag_ms(app, shown_s=60.0), bar=16)
            | _percentiles("UI timer delay, analysis on all cores, ms", _lateness_ms(app, hd, play=False), bar=30)
            | _percentiles("UI timer delay, also playing 720p, ms", _lateness_ms(app, hd, play=True), bar=30)
            | {"frames dropped, 720p, idle, %": _dropped(app, hd, analyse=False)}
            | {"frames dropped, 720p, during an analysis, % (bar: 0)": _dropped(app, hd, analyse=True)}
        )


def _percentiles(name: str, taken: list[float], bar: float) -> dict[str, float]:
    return {
        f"{name}: median": float(np.median(taken)),
        f"{name}: 95th percentile (bar: {bar:g})": float(np.percentile(taken, 95)),
    }


def _hd_video(path: Path) -> Path:
    """Ten seconds of the sample at 1280 x 720, 30 frames per second, H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for picture in decode(probe(SAMPLE), 0, 300):
            pixels = cv2.resize(picture.pixels, (1280, 720), interpolation=cv2.INTER_CUBIC)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@contextmanager
def _window(app: QApplication, path: Path) -> Iterator[MainWindow]:
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat))
        window.resize(1600, 940)
        window.show()
        window.session.open_paths([path])
        until(lambda: window.parts.player.view.shown_frame == 0)
        yield window
        window.close()
        window.deleteLater()
        app.processEvents()


def _pass(app: QApplication, seconds: float) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        app.processEvents()
        time.sleep(0.001)


def _shown_ms(app: QApplication, window: MainWindow, frame: int) -> float:
    """Time from the request of a frame until it is painted."""
    begun = time.perf_counter()
    window.session.selection.seek(frame)
    until(lambda: window.parts.player.view.shown_frame == frame)
    app.processEvents()  # finish a pending paint
    return (time.perf_counter() - begun) * 1000


def _steps_ms(app: QApplication, path: Path) -> list[float]:
    """Single steps forward and back, with pauses as in interactive use."""
    taken = []
    with _window(app, path) as window:
        for frame in (100, 101, 102, 103, 102, 101, 100):
            _shown_ms(app, window, frame)
        _pass(app, 0.3)
        for turn in range(6):
            for frame in (*range(101, 121), *range(119, 99, -1)):
                taken.append(_shown_ms(app, window, frame))
                _pass(app, 0.03)
            if not turn:
                taken.clear()  # discard the first round: nothing was cached
    return taken


def _seeks_ms(app: QApplication, path: Path) -> list[float]:
    rng = np.random.default_rng(4)
    with _window(app, path) as window:
        frames = rng.permutation(probe(path).frame_count)[:150].tolist()
        return [_shown_ms(app, window, frame) for frame in frames]


def _long_analysis() -> Analysis:
    return make_analysis(random_track(np.random.default_rng(1), 0, 100_030), path=SAMPLE)


def _drag_ms(app: QApplication, shown_s: float | None = None) -> list[float]:
    """Time from a weight change until table and curves are repainted."""
    analysis = _long_analysis()
    taken = []
    with _window(app, SAMPLE) as window:
        session = window.session
        assert session.current is not None
        session.current.info = analysis.video
        session.current_changed.emit()
        session.controls.set_gate("face_confidence", 0.0)
        session.set_analysis(session.current, analysis, Ranker(analysis), complete=True)
        if shown_s is not None:
            window.parts.plot.plot.show_span(1000.0, 1000.0 + shown_s)
        _pass(app, 1.0)
        session.controls.hold(True)
        for step in range(240):
            weight = 0.3 + 0.6 * (step % 60) / 60
            begun = time.perf_counter()
            session.controls.set_weight("expression_variation", weight)
            while session.ranking_pending:
                app.processEvents()
            app.processEvents()
            taken.append((time.perf_counter() - begun) * 1000)
        session.controls.hold(False)
    return taken[20:]


@contextmanager
def _analysis_running(app: QApplication, window: MainWindow) -> Iterator[None]:
    """Analyse the sample on all cores in a loop, while another video is on screen."""
    shown = window.session.current
    assert shown is not None
    window.session.set_state(shown, VideoState.DONE)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "again.mp4"
        copy.write_bytes(SAMPLE.read_bytes())
        (entry,) = window.session.open_paths([copy])
        window.session.set_current(shown)
        window.parts.analysis.queue.analysed.connect(
            window.parts.analysis.queue.again, Qt.ConnectionType.QueuedConnection
        )
        window.parts.analysis.queue.start()
        seen: list[object] = []
        window.parts.analysis.queue.progressed.connect(lambda _, progress: seen.append(progress))
        until(lambda: any(progress is not None for progress in seen))
        yield
        window.parts.analysis.queue.analysed.disconnect(window.parts.analysis.queue.again)
        window.parts.analysis.queue.cancel()
        until(lambda: window.parts.analysis.queue.running is not entry)


def _lateness_ms(app: QApplication, path: Path, *, play: bool) -> list[float]:
    late: list[float] = []
    with _window(app, path) as window, _analysis_running(app, window):
        if play:
            window.parts.player.playback.play()
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        last = time.perf_counter()

        def tick() -> None:
            nonlocal last
            now = time.perf_counter()
            late.append(max(0.0, (now - last) * 1000 - _TICK_MS))
            last = now

        timer.timeout.connect(tick)
        timer.start(_TICK_MS)
        until = time.monotonic() + _WATCHED_S
        while time.monotonic() < until:
            app.processEvents()
            time.sleep(0.0005)
        timer.stop()
        window.parts.player.playback.pause()
    return late[10:]


def _dropped(app: QApplication, path: Path, *, analyse: bool) -> float:
    """Percentage of frames that were never shown during eight seconds of playback."""
    with _window(app, path) as window:
        if not analyse:
            return _missing_share(app, window)
        with _analysis_running(app, window):
            return _missing_share(app, window)


def _missing_share(app: QApplication, window: MainWindow) -> float:
    window.session.selection.seek(0)
    _pass(app, 0.5)
    shown = {window.parts.player.view.shown_frame}
    window.parts.player.view.frame_shown.connect(shown.add)
    window.parts.player.playback.play()
    until = time.monotonic() + _WATCHED_S
    while time.monotonic() < until and window.parts.player.playback.playing:
        app.processEvents()
        time.sleep(0.0005)
    window.parts.player.playback.pause()
    last = max(shown)
    assert last > 150
    return 100.0 * (1 - len({frame for frame in shown if frame <= last}) / (last + 1))


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name} {value:.2f}", flush=True)
