"""Helpers of the GUI tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QStyle, QStyleOptionSlider, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.widgets.setting_slider import SettingSlider

SHORT_FRAMES = 150


def write_video(path: Path, pictures: list[np.ndarray], rate: int = 30) -> Path:
    """Write these RGB pictures to a small H.264 file."""
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


def python_threads() -> set[threading.Thread]:
    """Python threads, without the permanent dummies of QThreads that once ran Python code."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Dummy-")}


def bring_up(window: MainWindow, qtbot: QtBot) -> None:
    """Show and activate a window; qtbot closes it after the test."""
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def end_now(owner: QObject) -> None:
    """Delete an object without a parent, with its children, in this thread; the garbage collector may do it wrongly."""
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(owner, QEvent.Type.DeferredDelete)


def open_analysed(window: MainWindow, qtbot: QtBot, path: Path, analysis: Analysis) -> VideoEntry:
    """Open a video with an existing analysis, and wait for its first frame."""
    (entry,) = window.session.open_paths([path])
    window.session.set_state(entry, VideoState.ANALYSING)
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    qtbot.waitUntil(lambda: window.parts.player.view.shown_frame == entry.position, timeout=5000)
    return entry


def drag(qtbot: QtBot, slider: SettingSlider, to_value: int) -> None:
    """Drag the slider handle to a value with the mouse."""
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


# Widgets that may have the focus when a key is pressed.
FOCUSES: dict[str, Callable[[MainWindow], QWidget]] = {
    "table": lambda window: window.parts.review.panel.view,
    "slider": lambda window: window.parts.ranking.panel.weights.sliders["position_stability"],
    "plot": lambda window: window.parts.plot.plot,
    "videos": lambda window: window.parts.projects.videos.view,
    "player": lambda window: window.parts.player.view,
    "number box": lambda window: window.parts.ranking.panel.weights.boxes["num_sequences"],
    "button": lambda window: window.parts.toolbar.analyse_button,
}
