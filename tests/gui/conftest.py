"""Fixtures of the GUI tests: the offscreen platform, an excerpt of the sample, and its analysis."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipgen_engine import analyze_video
from clipgen_engine.types import Analysis
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from clipgen_gui.look.theme import apply_theme
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.threads import running_threads
from tests.support.gui import SHORT_FRAMES, bring_up, open_analysed, python_threads, write_video
from tests.support.paths import SAMPLE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # Harmless warnings of the offscreen platform about windows with a minimum size and menus.
            warning = r"This plugin does not support (propagateSizeHints|raise\(\)|grabbing the keyboard)"
            item.add_marker(pytest.mark.qt_log_ignore(warning, extend=True))


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of the sample: a still face, then moving brows."""
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


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """A real main window. Checks on teardown that all its threads have ended."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply_theme(app)
    before = python_threads()
    made = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    bring_up(made, qtbot)
    yield made
    made.close()
    assert not running_threads(made)
    qtbot.waitUntil(lambda: python_threads() <= before, timeout=2000)


@pytest.fixture
def reviewed(window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis) -> MainWindow:
    """The window with an analysed video, paused."""
    open_analysed(window, qtbot, short_video, short_analysis)
    return window
