"""R, then a digit or a click, says why a window was rejected; decisions carry the name of the curator."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.records import REASONS
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import bring_up, open_analysed

ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def entry_of(window: MainWindow) -> VideoEntry:
    entry = window.session.current
    assert entry is not None
    return entry


def press(*keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        QTest.keyClick(focused(), key, modifier)


def test_a_digit_after_a_rejection_is_its_reason(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, bar = entry_of(reviewed), reviewed.parts.review.reasons
    first, second = entry.rows[0].key, entry.rows[1].key
    press(Qt.Key.Key_Down, Qt.Key.Key_R)
    assert bar.isVisible()
    assert bar.title.text() == "Rejected window 1. Why?"
    assert entry.selected == second, "the next window is selected already"
    press(Qt.Key.Key_3)
    assert not bar.isVisible()
    assert entry.reviews[first].reason == REASONS[2] == "talking"
    assert entry.selected == second
    press(Qt.Key.Key_4)
    assert entry.reviews[first].reason == "talking", "without a question, digits do nothing"
    press(Qt.Key.Key_Z, modifier=CONTROL)
    assert (entry.reviews[first].decision, entry.reviews[first].reason) == (Decision.REJECTED, "")
    press(Qt.Key.Key_Z, modifier=CONTROL | Qt.KeyboardModifier.ShiftModifier)
    press(Qt.Key.Key_Z, modifier=CONTROL)
    reviewed.session.undo_stack.redo()
    assert entry.reviews[first].reason == "talking"
    reviewed.session.selection.select(first)
    press(Qt.Key.Key_A)
    assert entry.reviews[first].reason == "", "an accepted window has no reason of rejection"


def test_a_click_gives_a_reason_and_accepting_ends_the_question(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, bar = entry_of(reviewed), reviewed.parts.review.reasons
    press(Qt.Key.Key_Down, Qt.Key.Key_R)
    key = entry.rows[0].key
    qtbot.mouseClick(bar.buttons[0], Qt.MouseButton.LeftButton)
    assert entry.reviews[key].reason == "blurred"
    press(Qt.Key.Key_R)
    assert bar.isVisible()
    press(Qt.Key.Key_A)
    assert not bar.isVisible()
    model = reviewed.parts.review.panel.model
    assert "rejected: blurred" in model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    reviewed.session.selection.select(key)
    qtbot.waitUntil(lambda: "rejected (blurred)" in reviewed.parts.ranking.why.verdict.text())


def test_a_reason_of_ones_own_is_offered_again(
    qtbot: QtBot, tmp_path: Path, short_video: Path, short_analysis: Analysis
) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(settings, Project(tmp_path / "work.clipgen"))
    bring_up(window, qtbot)
    window.parts.analysis.queue.set_paused(True)
    window.preferences.set_value("review", "curator", "Anna")
    entry = open_analysed(window, qtbot, short_video, short_analysis)
    keys = [row.key for row in entry.rows]
    press(Qt.Key.Key_Down, Qt.Key.Key_R, Qt.Key.Key_0)
    qtbot.keyClicks(focused(), "  eyes   closed ")
    press(Qt.Key.Key_Return)
    assert entry.reviews[keys[0]].reason == "eyes closed"
    press(Qt.Key.Key_R)
    assert window.parts.review.reasons.buttons[6].text() == "7 eyes closed"
    press(Qt.Key.Key_7)
    window.session.selection.set_filter(WindowFilter(reason="eyes closed"))
    assert [row.key for row in window.session.selection.shown_rows] == keys[:2]
    window.close()
    with Project(tmp_path / "work.clipgen") as project:
        stored = project.windows(1)
        assert [(stored[key].reason, stored[key].decided_by) for key in keys[:2]] == [("eyes closed", "Anna")] * 2
        assert project.reasons() == {"eyes closed": 2}


def test_on_the_contact_sheet_digits_accept_and_alt_gives_the_reason(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, bar = entry_of(reviewed), reviewed.parts.review.reasons
    press(Qt.Key.Key_C, Qt.Key.Key_X)
    rejected = list(entry.reviews)
    assert len(rejected) > 1
    assert bar.title.text() == f"Rejected {len(rejected)} windows. Why?"
    press(Qt.Key.Key_5, modifier=ALT)
    assert {entry.reviews[key].reason for key in rejected} == {"hands"}
    press(Qt.Key.Key_Z, modifier=CONTROL)
    assert {entry.reviews[key].reason for key in rejected} == {""}, "one undo step"


@pytest.mark.parametrize("name", ["", "Ben"])
def test_the_curator_is_named_by_setting_or_user(
    window: MainWindow, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "system-user")
    window.preferences.set_value("review", "curator", name)
    assert window.session.decisions.curator == (name or "system-user")
