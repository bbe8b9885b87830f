"""Cards fold down to their headers; three layouts, each with a key, remember how they were left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QAbstractItemView
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import bring_up, open_analysed

CONTROL = Qt.KeyboardModifier.ControlModifier


def visible_rows(view: QAbstractItemView) -> int:
    """How many rows fit into the view as it is, whether or not there are as many."""
    model = view.model()
    assert model is not None
    return view.viewport().height() // view.visualRect(model.index(0, 0)).height()


def cards(window: MainWindow) -> dict[str, bool]:
    """Which cards are folded."""
    parts = window.parts
    return {
        "videos": parts.projects.videos.folded,
        "ranking": parts.ranking.panel.folded,
        "windows": parts.review.panel.folded,
    }


def test_layouts_give_room_by_key(reviewed: MainWindow, qtbot: QtBot) -> None:
    assert cards(reviewed) == {"videos": False, "ranking": False, "windows": False}, "a newcomer sees everything"
    assert reviewed.actions_by_name["layout_tune"].isChecked()
    reviewed.parts.steps.finish()
    qtbot.wait(20)
    tuned = visible_rows(reviewed.parts.review.panel.view)
    qtbot.keyClick(reviewed, Qt.Key.Key_1, CONTROL)
    qtbot.wait(20)
    assert cards(reviewed) == {"videos": True, "ranking": True, "windows": False}
    assert reviewed.actions_by_name["layout_review"].isChecked()
    assert not reviewed.actions_by_name["layout_tune"].isChecked()
    assert reviewed.width() == 1280
    assert visible_rows(reviewed.parts.review.panel.view) >= 12
    assert reviewed.parts.projects.videos.height() < 50
    qtbot.keyClick(reviewed, Qt.Key.Key_3, CONTROL)
    qtbot.wait(20)
    assert cards(reviewed) == {"videos": False, "ranking": True, "windows": False}
    assert visible_rows(reviewed.parts.projects.videos.view) >= 10
    qtbot.keyClick(reviewed, Qt.Key.Key_2, CONTROL)
    qtbot.wait(20)
    assert visible_rows(reviewed.parts.review.panel.view) == tuned
    assert reviewed.height() == 800


def test_a_card_folds_by_click_and_key(reviewed: MainWindow, qtbot: QtBot) -> None:
    reviewed.parts.steps.finish()
    qtbot.wait(20)
    panel, videos = reviewed.parts.review.panel, reviewed.parts.projects.videos
    before = visible_rows(panel.view)
    qtbot.mouseClick(reviewed.parts.ranking.panel.fold, Qt.MouseButton.LeftButton)
    assert cards(reviewed) == {"videos": False, "ranking": True, "windows": False}
    videos.fold.setFocus()
    qtbot.keyClick(videos.fold, Qt.Key.Key_Return)
    qtbot.wait(20)
    assert videos.folded
    assert videos.isVisible()
    assert visible_rows(panel.view) > before + 3, "the list of windows takes the room"
    qtbot.mouseClick(panel.fold, Qt.MouseButton.LeftButton)
    assert panel.folded
    reviewed.actions_by_name["reset_layout"].trigger()
    qtbot.wait(20)
    assert cards(reviewed) == {"videos": False, "ranking": False, "windows": False}
    assert visible_rows(panel.view) == before


def test_layouts_are_remembered(tmp_path: Path, qtbot: QtBot, short_video: Path, short_analysis: Analysis) -> None:
    def made() -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(settings, Project(tmp_path / "work.clipgen"))
        bring_up(window, qtbot)
        window.parts.analysis.queue.set_paused(True)
        return window

    window = made()
    open_analysed(window, qtbot, short_video, short_analysis)
    qtbot.keyClick(window, Qt.Key.Key_3, CONTROL)
    qtbot.mouseClick(window.parts.ranking.panel.fold, Qt.MouseButton.LeftButton)
    splitter = window._layout._splitters["both"]
    qtbot.wait(20)
    splitter.moveSplitter(650, 1)
    sizes = splitter.sizes()
    qtbot.keyClick(window, Qt.Key.Key_1, CONTROL)
    qtbot.wait(20)
    assert splitter.sizes() != sizes
    qtbot.keyClick(window, Qt.Key.Key_3, CONTROL)
    qtbot.wait(20)
    assert splitter.sizes() == sizes, "what was changed in a layout belongs to it"
    window.close()
    again = made()
    qtbot.wait(50)
    assert again.actions_by_name["layout_manage"].isChecked()
    assert cards(again) == {"videos": False, "ranking": False, "windows": False}
    assert again._layout._splitters["both"].sizes() == sizes
    again.close()


@pytest.mark.parametrize("stored", ["nonsense", "", "17"])
def test_stored_layouts_of_other_versions_are_data(tmp_path: Path, qtbot: QtBot, stored: str) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    for key in ("window/arrangement", "window/arrangements/tune/folded/videos", "window/splitters/both"):
        settings.setValue(key, stored)
    window = MainWindow(settings)
    bring_up(window, qtbot)
    assert cards(window) == {"videos": False, "ranking": False, "windows": False}
    window.close()


def test_the_contact_sheet_can_have_a_window_of_its_own(reviewed: MainWindow, qtbot: QtBot) -> None:
    sheet, entry, view = reviewed.parts.review.sheet, reviewed.session.current, reviewed.parts.player.view
    qtbot.keyClick(reviewed, Qt.Key.Key_C)
    assert not view.isVisible()
    qtbot.keyClick(reviewed, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    apart = reviewed.sheet_window
    qtbot.waitUntil(apart.isActiveWindow)
    assert sheet.window() is apart
    assert view.isVisible(), "the player stays in the main window"
    qtbot.keyClick(sheet.grid, Qt.Key.Key_2)
    second = entry.rows[1].key
    assert entry.reviews[second].decision.value == "accepted"
    assert entry.position >= second[0], "the player follows"
    qtbot.keyClick(sheet.grid, Qt.Key.Key_Z, CONTROL)
    assert not entry.reviews
    qtbot.keyClick(sheet.grid, Qt.Key.Key_R)
    assert entry.reviews[second].decision.value == "rejected"
    apart.grab()
    qtbot.keyClick(sheet.grid, Qt.Key.Key_Escape)
    assert not apart.isVisible()
    assert not sheet.isVisible()
    reviewed.activateWindow()
    qtbot.waitUntil(reviewed.isActiveWindow)
    qtbot.keyClick(reviewed, Qt.Key.Key_C)
    qtbot.waitUntil(apart.isActiveWindow)
    assert sheet.window() is apart, "it is remembered"
    qtbot.keyClick(sheet.grid, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert sheet.window() is reviewed
    assert sheet.isVisible()
    assert not apart.isVisible()
