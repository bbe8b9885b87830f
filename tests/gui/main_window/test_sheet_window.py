"""The contact sheet in a window of its own: keys, player, undo, prompts, closing, geometry."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.entry import Key, VideoEntry
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.threads import running_threads
from tests.support.gui import bring_up, open_analysed, python_threads

CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def apart(reviewed: MainWindow, qtbot: QtBot) -> MainWindow:
    """The main window, with a contact sheet of two pages in the other, active one."""
    reviewed.session.controls.set_setting("sequence_length", 10)
    reviewed.session.controls.set_setting("num_sequences", 12)
    reviewed.session.rank_now()
    reviewed.session.selection.select(entry_of(reviewed).rows[0].key)
    qtbot.keyClick(reviewed, Qt.Key.Key_C, SHIFT)
    qtbot.waitUntil(reviewed.sheet_window.isActiveWindow)
    return reviewed


def entry_of(window: MainWindow) -> VideoEntry:
    entry = window.session.current
    assert entry is not None
    return entry


def on_page(window: MainWindow) -> list[Key]:
    return [cell.key for cell in window.parts.review.sheet.grid.cells]


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def activate(window: QWidget, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def test_the_sheet_moves_out_and_the_player_stays(apart: MainWindow) -> None:
    sheet = apart.parts.review.sheet
    assert sheet.isVisible(), "the command opens it, not only once it was open"
    assert sheet.window() is apart.sheet_window
    assert apart.parts.player.view.isVisible()
    assert apart.actions_by_name["contact_sheet"].isChecked()
    assert apart.actions_by_name["sheet_window"].isChecked()


def test_keys_work_as_in_the_embedded_sheet(apart: MainWindow, qtbot: QtBot) -> None:
    entry, page = entry_of(apart), on_page(apart)
    for key, place in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 4), (Qt.Key.Key_Left, 3), (Qt.Key.Key_Up, 0)):
        qtbot.keyClick(focused(), key)
        assert entry.selected == page[place]
        assert apart.parts.player.playback.playing or entry.position == page[place][0], "the player goes there"
    qtbot.keyClick(focused(), Qt.Key.Key_A)
    qtbot.keyClick(focused(), Qt.Key.Key_R)
    assert [entry.decision_of(key).value for key in page[:3]] == ["accepted", "rejected", "undecided"]
    assert entry.selected == page[2]
    qtbot.keyClick(focused(), Qt.Key.Key_Left)
    qtbot.keyClick(focused(), Qt.Key.Key_U)
    assert entry.decision_of(page[1]) is Decision.UNDECIDED
    qtbot.keyClick(focused(), Qt.Key.Key_5)
    qtbot.keyClick(focused(), Qt.Key.Key_6, SHIFT)
    assert [entry.decision_of(key).value for key in page[4:6]] == ["accepted", "rejected"]
    for _ in range(2):
        qtbot.keyClick(focused(), Qt.Key.Key_Z, CONTROL)
    assert [entry.decision_of(key).value for key in page[4:6]] == ["undecided", "undecided"]
    qtbot.keyClick(focused(), Qt.Key.Key_PageDown)
    assert apart.parts.review.sheet.pages.page == 1
    qtbot.keyClick(focused(), Qt.Key.Key_PageUp)
    assert on_page(apart) == page
    qtbot.keyClick(focused(), Qt.Key.Key_Space)
    assert apart.parts.review.sheet.grid.paused
    assert apart.sheet_window.isActiveWindow(), "no key takes the curator to the other window"


def test_enter_loops_the_marked_window_in_the_player(apart: MainWindow, qtbot: QtBot) -> None:
    entry, playback = entry_of(apart), apart.parts.player.playback
    for _ in range(2):
        playback.pause()
        qtbot.keyClick(focused(), Qt.Key.Key_Return)
        assert playback.loop
        assert playback.playing
    assert entry.selected == on_page(apart)[0]


def test_reasons_are_given_from_either_window(apart: MainWindow, qtbot: QtBot) -> None:
    entry, page, bar = entry_of(apart), on_page(apart), apart.parts.review.reasons
    qtbot.keyClick(focused(), Qt.Key.Key_R)
    assert bar.isVisible()
    qtbot.keyClick(focused(), Qt.Key.Key_2, ALT)
    assert entry.reviews[page[0]].reason == bar.reasons()[1]
    qtbot.keyClick(focused(), Qt.Key.Key_R)
    activate(apart, qtbot)
    qtbot.keyClick(apart, Qt.Key.Key_1)
    assert entry.reviews[page[1]].reason == bar.reasons()[0], "digits are free in the main window"
    assert entry.decision_of(page[0]) is Decision.REJECTED


def test_a_tag_is_asked_for_where_the_curator_works(apart: MainWindow, qtbot: QtBot) -> None:
    entry, page = entry_of(apart), on_page(apart)
    qtbot.keyClick(focused(), Qt.Key.Key_T)
    field = focused()
    assert field.window() is apart.sheet_window
    qtbot.keyClicks(field, "smile")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert entry.reviews[page[0]].tags == ("smile",)
    assert focused() is apart.parts.review.sheet.grid
    activate(apart, qtbot)
    qtbot.keyClick(apart, Qt.Key.Key_T)
    assert focused().window() is apart
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)


def test_focus_is_visible_in_the_other_window(apart: MainWindow) -> None:
    sheet = apart.parts.review.sheet
    sheet.close_button.setFocus()
    sheet.grid.setFocus(Qt.FocusReason.TabFocusReason)
    assert apart.sheet_window.focus_ring.target is sheet.grid
    assert apart.focus_ring.target is None


def test_the_dashboard_stays_beside_the_sheet(apart: MainWindow, qtbot: QtBot) -> None:
    page = apart.parts.dashboard.page
    qtbot.keyClick(focused(), Qt.Key.Key_D, CONTROL)
    assert page.isVisible()
    assert apart.parts.review.sheet.isVisible()
    activate(apart.sheet_window, qtbot)
    apart.parts.review.sheet.grid.setFocus()
    qtbot.keyClick(focused(), Qt.Key.Key_Space)
    assert page.isVisible(), "Space is for the sheet here"
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not apart.parts.review.sheet.isVisible()
    assert page.isVisible()
    assert apart.actions_by_name["dashboard"].isChecked()


def test_escape_closes_it_and_closing_its_window_brings_it_back(apart: MainWindow, qtbot: QtBot) -> None:
    sheet, other = apart.parts.review.sheet, apart.sheet_window
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    assert not other.isVisible()
    activate(apart, qtbot)
    qtbot.keyClick(apart, Qt.Key.Key_C)
    qtbot.waitUntil(other.isActiveWindow)
    assert sheet.window() is other, "it is remembered"
    QApplication.postEvent(other.windowHandle(), QCloseEvent())  # as its frame does
    qtbot.waitUntil(lambda: not other.isVisible())
    assert sheet.isVisible()
    assert sheet.window() is apart
    assert not apart.actions_by_name["sheet_window"].isChecked()
    activate(apart, qtbot)
    qtbot.keyClick(sheet.grid, Qt.Key.Key_1)
    assert entry_of(apart).decision_of(on_page(apart)[0]) is Decision.ACCEPTED
    name = apart.actions_by_name["sheet_window"].text()
    (button,) = [one for one in sheet.findChildren(QToolButton) if one.accessibleName() == name]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert sheet.window() is other
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert sheet.window() is apart


def test_nothing_opens_without_a_video(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_C, SHIFT)
    assert not window.sheet_window.isVisible()


def test_window_and_size_are_remembered(
    tmp_path: Path, qtbot: QtBot, short_video: Path, short_analysis: Analysis
) -> None:
    before = python_threads()

    def made() -> MainWindow:
        window = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
        bring_up(window, qtbot)
        open_analysed(window, qtbot, short_video, short_analysis)
        return window

    window = made()
    qtbot.keyClick(window, Qt.Key.Key_C, SHIFT)
    qtbot.waitUntil(window.sheet_window.isActiveWindow)
    window.sheet_window.resize(900, 610)
    window.close()
    assert not window.sheet_window.isVisible(), "it closes with the main window"
    assert not running_threads(window)
    qtbot.waitUntil(lambda: python_threads() <= before, timeout=2000)
    again = made()
    assert not again.sheet_window.isVisible()
    qtbot.keyClick(again, Qt.Key.Key_C)
    qtbot.waitUntil(again.sheet_window.isActiveWindow)
    assert again.sheet_window.height() == 610, "the width of the offscreen screen is below the least width"
    again.close()
    assert not running_threads(again)
