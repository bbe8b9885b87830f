"""Fixtures of the GUI tests: an offscreen platform, a short cut of the sample, and its analysis, made once."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionSlider
from pytestqt.qtbot import QtBot

from clipgen_engine import analyze_video
from clipgen_engine.ranking import Ranker
from clipgen_engine.types import Analysis
from clipgen_engine.video import decode, probe
from clipgen_gui.main_window import MainWindow
from clipgen_gui.setting_slider import SettingSlider
from clipgen_gui.theme import apply_theme
from clipgen_gui.video_entry import VideoEntry, VideoState
from tests.conftest import SAMPLE

SHORT_FRAMES = 150


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # The offscreen platform says this of windows with a minimum size and of menus; it means nothing there.
            said = r"This plugin does not support (propagateSizeHints|raise\(\)|grabbing the keyboard)"
            item.add_marker(pytest.mark.qt_log_ignore(said, extend=True))


def write_video(path: Path, pictures: list[np.ndarray], rate: int = 30) -> Path:
    """A small H.264 file of these RGB pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "16", "preset": "ultrafast", "g": "30"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for index, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the sample: a still face, then one that moves its brows."""
    pictures = [picture.pixels for picture in decode(probe(SAMPLE), 0, SHORT_FRAMES)]
    return write_video(tmp_path_factory.mktemp("video") / "short.mp4", pictures)


@pytest.fixture(scope="session")
def no_face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ramp = np.linspace(0, 255, 160, dtype=np.uint8)
    pictures = [np.repeat(np.tile(np.roll(ramp, shift), (96, 1))[:, :, None], 3, axis=2) for shift in range(20)]
    return write_video(tmp_path_factory.mktemp("video") / "sky.mp4", pictures)


@pytest.fixture(scope="session")
def short_analysis(short_video: Path) -> Analysis:
    return analyze_video(short_video)


def python_threads() -> set[threading.Thread]:
    """Threads that run Python; a QThread that ran some leaves a dummy of itself behind for ever."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Dummy-")}


def bring_up(window: MainWindow, qtbot: QtBot) -> None:
    """Show a window as it is when a person turns to it; it is closed with the test."""
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """The real window; when it has closed, no thread of it is left."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app)
    before = python_threads()
    made = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    bring_up(made, qtbot)
    yield made
    made.close()
    servers = (made.server, made.sheet.server, made.table.strip.server)
    threads = (
        *(server.isRunning() for server in servers),
        made.queue.is_alive,
        made.tokens.is_alive,
        made.export_flow.is_alive,
        made.project_flow.is_alive,
    )
    assert not any(threads)
    qtbot.waitUntil(lambda: python_threads() <= before, timeout=2000)


@pytest.fixture
def reviewed(window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis) -> MainWindow:
    """The window with an analysed video on screen, paused, as if the analysis had just come in."""
    open_analysed(window, qtbot, short_video, short_analysis)
    return window


def open_analysed(window: MainWindow, qtbot: QtBot, path: Path, analysis: Analysis) -> VideoEntry:
    """Open a video with an analysis that exists already, and wait for its first picture."""
    (entry,) = window.session.open_paths([path])
    window.session.set_state(entry, VideoState.ANALYSING)
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    qtbot.waitUntil(lambda: window.player.shown_frame == entry.position, timeout=5000)
    return entry


def drag(qtbot: QtBot, slider: SettingSlider, to_value: int) -> None:
    """Take the handle with the mouse and move it."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    handle = slider.style().subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    )
    start = handle.center()
    usable = slider.width() - handle.width()
    end = QPoint(handle.width() // 2 + round(usable * to_value / slider.maximum()), start.y())
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        qtbot.mouseMove(slider, start + (end - start) * step / 5)
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=end)
