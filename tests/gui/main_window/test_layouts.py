"""Cards fold down to their headers; three layouts, each with a key, remember how they were left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
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


@pytest.fixture
def many(reviewed: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """The window with 36 videos, so that their list has its filter; all but the first are missing."""
    monkeypatch.setattr(reviewed.parts.analysis.queue, "start", lambda: None)
    reviewed.session.open_paths([tmp_path / f"take {number}.mp4" for number in range(35)])
    reviewed.session.set_current(reviewed.session.videos[0])
    assert reviewed.parts.projects.videos.filter_row.isVisible()
    return reviewed


def test_layouts_give_room_by_key(many: MainWindow, qtbot: QtBot) -> None:
    reviewed = many
    assert reviewed.parts.steps.isVisible(), "also with the bar of the first run"
    assert cards(reviewed) == {"videos": False, "ranking": False, "windows": False}, "a newcomer sees everything"
    assert reviewed.actions_by_name["layout_tune"].isChecked()
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
    assert cards(reviewed) == {"videos": False, "ranking": True, "windows": True}
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


def test_a_click_on_a_title_folds_its_card(reviewed: MainWindow, qtbot: QtBot) -> None:
    videos = reviewed.parts.projects.videos
    qtbot.mouseClick(videos.title, Qt.MouseButton.LeftButton)
    assert videos.folded
    qtbot.mouseClick(videos, Qt.MouseButton.LeftButton, pos=videos.rect().center())
    assert not videos.folded, "a folded card is a target as a whole"
    qtbot.mouseClick(videos, Qt.MouseButton.LeftButton, pos=videos.rect().bottomLeft() + QPoint(6, -4))
    assert not videos.folded
    plot = reviewed.parts.plot
    qtbot.mouseClick(plot.title, Qt.MouseButton.LeftButton)
    assert not plot.folded, "only cards with an arrow fold"


def test_a_folded_card_says_what_matters(many: MainWindow, qtbot: QtBot) -> None:
    videos, ranking, panel = many.parts.projects.videos, many.parts.ranking.panel, many.parts.review.panel
    for card in (videos, ranking, panel):
        card.set_folded(True)
    assert (videos.count.text(), ranking.summary.text()) == ("36", "Default")
    assert panel.count.text() == str(len(many.session.current.rows))
    assert videos.count.isVisible()
    assert ranking.summary.isVisible()
    assert panel.count.isVisible()
    assert not any(tab.isVisible() for tab in ranking.tabs), "they would do nothing"
    many.session.controls.apply_preset("strict_frontal")
    assert ranking.summary.text() == "Strict frontal"
    many.session.controls.set_weight("position_stability", 0.8)
    assert ranking.summary.text() == "Strict frontal · changed weights"
    assert "Position stability 0.80" in ranking.summary.toolTip()
    many.session.remove(many.session.videos[1:])
    assert videos.count.text() == "1"
    assert videos.count.isVisible()
    ranking.set_folded(False)
    assert not ranking.summary.isVisible()
    assert all(tab.isVisible() for tab in ranking.tabs)


def test_folding_leaves_the_player_as_it_is(reviewed: MainWindow, qtbot: QtBot) -> None:
    player = reviewed.parts.player.view
    qtbot.wait(20)
    before = player.height()
    for card in (reviewed.parts.projects.videos, reviewed.parts.ranking.panel, reviewed.parts.review.panel):
        card.set_folded(True)
        qtbot.wait(20)
        assert player.height() == before
    assert reviewed.parts.review.panel.mapTo(reviewed, QPoint()).y() < 260, "folded cards stand at the top"


def test_a_gate_is_shown_on_a_folded_card(reviewed: MainWindow) -> None:
    panel = reviewed.parts.ranking.panel
    panel.set_folded(True)
    reviewed.parts.ranking.why.gate_chosen.emit("max_yaw")
    assert panel.gates.isVisible()


def test_only_changes_are_remembered_and_reset(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("window/splitters/both", window._layout._splitters["both"].saveState())
    for key in (Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_1):
        qtbot.keyClick(window, key, CONTROL)
    assert not [key for key in settings.allKeys() if key.startswith("window/arrangements")]
    qtbot.mouseClick(window.parts.ranking.panel.fold, Qt.MouseButton.LeftButton)
    stored = [key for key in window._settings.allKeys() if key.startswith("window/arrangements")]
    assert stored == ["window/arrangements/review/folded/ranking"]
    window.actions_by_name["reset_layout"].trigger()
    assert not [key for key in window._settings.allKeys() if key.startswith("window/arrangements")]
    assert "window/splitters/both" in window._settings.allKeys(), "the sizes of older versions belong to Tune"
    qtbot.keyClick(window, Qt.Key.Key_2, CONTROL)
    window.actions_by_name["reset_layout"].trigger()
    assert "window/splitters/both" not in window._settings.allKeys()


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
    assert cards(again) == {"videos": False, "ranking": False, "windows": True}
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
