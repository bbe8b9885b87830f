"""The app opens projects, settings and caches of earlier versions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from clipgen_gui.commands.keymap import keymap
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import bring_up
from tests.support.paths import FIXTURES


@pytest.mark.parametrize("version", ["made_by_0_1_0"])
def test_project_of_an_older_version_is_resumed(qtbot: QtBot, tmp_path: Path, version: str) -> None:
    files = Path(shutil.copytree(FIXTURES / version, tmp_path / "files"))
    settings = QSettings(str(files / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(settings, Project(files / "work.clipgen"), lambda: AnalysisCache(files / "cache"))
    bring_up(window, qtbot)
    try:
        assert window.preferences.export.crf == 23
        assert window.preferences.analysis.workers == 2
        assert window.preferences.value("appearance", "scheme") == "light"
        assert keymap.keys("accept") == ("G",)
        window.resume()
        (entry,) = window.session.videos
        qtbot.waitUntil(lambda: entry.state is VideoState.MISSING, timeout=10_000)
        window.session.relink(entry, files / "portrait.mp4")  # the project was created with another path
        qtbot.waitUntil(lambda: bool(entry.rows), timeout=10_000)
        assert entry.selected == (57, 70, 0), "expected the window with the largest overlap"
        assert entry.position == 68
        assert entry.subjects == {0: "Ána"}
        decisions = {row.key: row.decision for row in entry.rows}
        assert decisions[14, 29, 0] is Decision.ACCEPTED
        assert decisions[33, 48, 0] is Decision.REJECTED
        assert (57, 70, 0) in entry.reviews, "expected the manually trimmed window"
        assert entry.reviews[14, 29, 0].note == "a note\nof two lines"
    finally:
        window.close()
        keymap.load(None)
