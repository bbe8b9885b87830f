"""The contact sheet: loops timed by frame timestamps; decisions by digit, click and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import Key, VideoEntry
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.review.sheet_pages import SheetPages
from tests.support.gui import FOCUSES

_NONE = Qt.KeyboardModifier.NoModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def sheet(reviewed: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window with an open contact sheet of at least two pages."""
    reviewed.session.controls.set_setting("sequence_length", 10)
    reviewed.session.controls.set_setting("num_sequences", 12)
    reviewed.session.rank_now()
    assert len(entry_of(reviewed).rows) >= 10
    qtbot.keyClick(reviewed, Qt.Key.Key_C)
    assert reviewed.parts.review.sheet.isVisible()
    return reviewed


def wait_for_pictures(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(
        lambda: all(window.parts.review.sheet.grid.shown_frame(place) >= 0 for place in range(9)), timeout=10_000
    )


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


def test_all_cells_loop_by_frame_timestamps(sheet: MainWindow, qtbot: QtBot) -> None:
    wait_for_pictures(sheet, qtbot)
    grid, entry = sheet.parts.review.sheet.grid, entry_of(sheet)
    assert on_page(sheet) == [row.key for row in entry.rows[:9]]
    assert entry.info is not None
    now = grid.clock()
    grid.clock = lambda: now
    grid.set_speed(1.0)
    origin = now - grid.seconds  # clock at the start of the loops
    for later_s, expected in ((0.0, 0), (0.051, 1), (0.32, 9), (0.35, 0), (1.15, 4)):
        now = origin + later_s
        for place, (start, _, _) in enumerate(on_page(sheet)):
            assert grid.shown_frame(place) == start + expected, (later_s, place)
    now = origin
    qtbot.keyClick(focused(), Qt.Key.Key_J)
    assert sheet.parts.player.playback.speed == 0.75
    now = origin + 0.1
    assert grid.shown_frame(0) == entry.rows[0].key[0] + 2, "the sheet follows the player's speed"
    qtbot.keyClick(focused(), Qt.Key.Key_Space)
    now = origin + 99
    assert grid.shown_frame(0) == entry.rows[0].key[0] + 2
    assert not sheet.parts.player.playback.playing, "the player is paused behind the sheet"


def test_a_cell_shows_the_due_frame_of_its_window(sheet: MainWindow, qtbot: QtBot) -> None:
    wait_for_pictures(sheet, qtbot)
    grid = sheet.parts.review.sheet.grid
    now = grid.clock()
    grid.clock = lambda: now
    now += 0.11 - grid.seconds  # loop time
    place = 4
    assert grid.shown_frame(place) == on_page(sheet)[place][0] + 3
    grid.grab()  # paints the due pictures
    loop = grid._loops[grid.cells[place].id]
    painted = grid.grab(grid.cell_rect(place)).toImage()
    due = loop.clip.pictures[loop.frames.index(grid.shown_frame(place))]
    at = painted.rect().center()
    shown, wanted = painted.pixelColor(at), due.pixelColor(due.rect().center())
    for one, other in zip(shown.getRgb()[:3], wanted.getRgb()[:3], strict=True):
        assert abs(one - other) <= 12


def test_digits_and_clicks_toggle_decisions(sheet: MainWindow, qtbot: QtBot) -> None:
    entry, grid = entry_of(sheet), sheet.parts.review.sheet.grid
    page = on_page(sheet)
    qtbot.keyClick(focused(), Qt.Key.Key_3)
    qtbot.keyClick(focused(), Qt.Key.Key_5, _SHIFT)
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell_rect(6).center())
    qtbot.mouseClick(grid, Qt.MouseButton.RightButton, pos=grid.cell_rect(7).center())
    decided = {page[2]: "accepted", page[4]: "rejected", page[6]: "accepted", page[7]: "rejected"}
    assert {key: entry.decision_of(key).value for key in decided} == decided
    assert on_page(sheet) == page, "cells keep their position after a decision"
    assert [cell.decision.value for cell in grid.cells if cell.key in decided] == list(decided.values())
    assert sheet.parts.toolbar.export_button.text() == "Export 2 clips"
    qtbot.keyClick(focused(), Qt.Key.Key_3)
    assert entry.decision_of(page[2]) is Decision.UNDECIDED
    for _ in range(2):
        qtbot.keyClick(focused(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert entry.decision_of(page[2]) is Decision.ACCEPTED
    assert entry.decision_of(page[7]) is Decision.UNDECIDED


def test_digits_decide_from_any_focus_except_a_spin_box(sheet: MainWindow, qtbot: QtBot) -> None:
    for focus in ("table", "slider", "videos", "button"):
        widget = FOCUSES[focus](sheet)
        widget.setFocus()
        assert widget.hasFocus()
        qtbot.keyClick(widget, Qt.Key.Key_2)
        assert entry_of(sheet).decision_of(on_page(sheet)[1]) is Decision.ACCEPTED
        qtbot.keyClick(widget, Qt.Key.Key_2)
    box = sheet.parts.ranking.panel.weights.boxes["sequence_length"]
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "12")
    assert not entry_of(sheet).reviews
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: {stop - start for start, stop, _ in on_page(sheet)} == {12})


def test_list_shortcuts_work_on_the_sheet(sheet: MainWindow, qtbot: QtBot) -> None:
    entry = entry_of(sheet)
    page = on_page(sheet)
    sheet.session.selection.select(page[0], seek=False)
    for key, expected in (
        (Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 4), (Qt.Key.Key_Left, 3), (Qt.Key.Key_Up, 0)
    ):  # fmt: skip
        qtbot.keyClick(focused(), key)
        assert entry.selected == page[expected]
    qtbot.keyClick(focused(), Qt.Key.Key_A)
    qtbot.keyClick(focused(), Qt.Key.Key_R)
    assert [entry.decision_of(key).value for key in page[:2]] == ["accepted", "rejected"]
    assert entry.selected == page[2]
    sheet.session.selection.select(page[0], seek=False)
    qtbot.keyClick(focused(), Qt.Key.Key_U)
    assert entry.decision_of(page[0]) is Decision.UNDECIDED
    sheet.session.selection.select(page[8], seek=False)
    qtbot.keyClick(focused(), Qt.Key.Key_Right)
    assert sheet.parts.review.sheet.pages.page == 1, "moving past the end of a page turns it"


def test_rejecting_the_rest_is_one_undo_step_and_the_next_page_is_prefetched(sheet: MainWindow, qtbot: QtBot) -> None:
    entry, contact = entry_of(sheet), sheet.parts.review.sheet
    page, ahead = on_page(sheet), contact.pages.following
    rows = [sheet.session.selection.rows.row_of(window) for window in ahead]
    qtbot.waitUntil(lambda: all(contact.server.get(contact.grid.request(row)) for row in rows), timeout=10_000)
    qtbot.keyClick(focused(), Qt.Key.Key_1)
    qtbot.keyClick(focused(), Qt.Key.Key_X)
    assert [entry.decision_of(key).value for key in page] == ["accepted"] + ["rejected"] * 8
    assert contact.pages.page == 1
    assert on_page(sheet)[: len(ahead)] == [window.key for window in ahead]
    assert all(contact.grid.shown_frame(place) >= 0 for place in range(len(ahead))), "prefetched"
    assert sheet.menus["Edit"].actions()[0].text() == "Undo: Reject 8 windows"
    qtbot.keyClick(focused(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [entry.decision_of(key).value for key in page] == ["accepted"] + ["undecided"] * 8
    assert contact.pages.page == 0, "undo goes to the page it affects"
    qtbot.keyClick(focused(), Qt.Key.Key_PageDown)
    qtbot.keyClick(focused(), Qt.Key.Key_PageUp)
    assert on_page(sheet) == page


def test_grid_size_whole_frames_and_leaving_the_sheet(sheet: MainWindow, qtbot: QtBot) -> None:
    contact = sheet.parts.review.sheet
    sizes = {button.text(): button for button in contact.findChildren(QWidget) if hasattr(button, "text")}
    qtbot.mouseClick(sizes["2 × 2"], Qt.MouseButton.LeftButton)
    assert len(contact.grid.cells) == 4
    qtbot.mouseClick(sizes["4 × 4"], Qt.MouseButton.LeftButton)
    assert len(contact.grid.cells) == len(entry_of(sheet).rows)
    qtbot.mouseClick(contact.whole, Qt.MouseButton.LeftButton)
    request = contact.grid.request(contact.grid.cells[0].row)
    assert request is not None
    assert request.crop == (0, 0, request.video.width_px, request.video.height_px)
    sheet.session.selection.select(on_page(sheet)[2], seek=False)
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not contact.isVisible()
    assert sheet.parts.player.view.isVisible()
    assert entry_of(sheet).position == entry_of(sheet).rows[2].key[0], "the player seeks to the selected window"
    assert sheet.parts.player.playback.playing
    qtbot.keyClick(sheet, Qt.Key.Key_5)
    assert not entry_of(sheet).reviews, "digits do nothing without the sheet"

    # Enter opens the selected window in the player, or presses the focused button.
    qtbot.keyClick(sheet, Qt.Key.Key_C)
    contact.rest_button.setFocus()
    qtbot.keyClick(contact.rest_button, Qt.Key.Key_Return)
    assert all(mark.decision is Decision.REJECTED for mark in entry_of(sheet).reviews.values())
    assert entry_of(sheet).reviews
    assert contact.isVisible()
    sheet.session.selection.select(on_page(sheet)[1], seek=False)
    contact.grid.setFocus()
    qtbot.keyClick(contact.grid, Qt.Key.Key_Return)
    assert not contact.isVisible()
    assert sheet.parts.player.playback.loop
    assert sheet.parts.player.playback.playing
    assert entry_of(sheet).position == entry_of(sheet).rows[1].key[0]


def test_pages_keep_window_positions() -> None:
    keys = [(start, start + 5, 0) for start in range(0, 60, 5)]
    pages = SheetPages(4)
    pages.restart(keys[:10])
    assert (pages.count, pages.total) == (3, 10)
    assert pages.turn(1)
    pages.follow([keys[11], *keys[1:5], *keys[6:9], keys[10]])  # 0 and 5 left on or before this page, 9 after it
    assert pages.shown == tuple(keys[4:8])
    assert pages.following == (keys[8], keys[11], keys[10])
    pages.resize(9, keys[8])
    assert pages.page == 0
    assert not pages.turn(-1)
    assert pages.neighbour(keys[8], 99) == keys[10]
    assert pages.neighbour(None, 1) == keys[0]


def test_pages_follow_a_running_analysis_and_clear_on_video_change(
    sheet: MainWindow, qtbot: QtBot, no_face_video: Path
) -> None:
    entry, contact = entry_of(sheet), sheet.parts.review.sheet
    wait_for_pictures(sheet, qtbot)
    assert entry.analysis is not None
    grown = replace(entry.analysis, analyzed_frames=entry.analysis.analyzed_frames)
    qtbot.keyClick(focused(), Qt.Key.Key_PageDown)
    sheet.session.selection.select(None)
    sheet.session.controls.set_setting("num_sequences", 11)
    sheet.session.set_analysis(entry, grown, Ranker(grown), complete=False)
    sheet.session.rank_now()
    assert all(cell.listed for cell in contact.grid.cells), "windows that left the list are removed"
    assert contact.pages.total == len(entry.rows)
    sheet.session.open_paths([no_face_video])
    assert contact.grid.cells == ()
    assert contact.page_label.text() == "No windows"


def test_sweeping_over_cells_decides_them_in_one_undo_step(sheet: MainWindow, qtbot: QtBot) -> None:
    entry, grid = entry_of(sheet), sheet.parts.review.sheet.grid
    page = on_page(sheet)
    for button, decision, cells in (
        (Qt.MouseButton.LeftButton, Decision.ACCEPTED, (0, 1, 4)),
        (Qt.MouseButton.RightButton, Decision.REJECTED, (3, 4, 5)),
    ):
        centers = [grid.cell_rect(cell).center() for cell in cells]
        qtbot.mousePress(grid, button, pos=centers[0])
        for center in (*centers[1:], centers[-1]):
            drag = QMouseEvent(
                QEvent.Type.MouseMove, QPointF(center), QPointF(center), Qt.MouseButton.NoButton, button, _NONE
            )
            QApplication.sendEvent(grid, drag)
        grid.grab()  # paints what is about to be decided
        assert not any(entry.decision_of(page[cell]) is decision for cell in cells)
        qtbot.mouseRelease(grid, button, pos=centers[-1])
        assert all(entry.decision_of(page[cell]) is decision for cell in cells)
    sheet.session.undo_stack.undo()
    assert [entry.decision_of(page[cell]).value for cell in (0, 1, 3, 4, 5)] == [
        "accepted",
        "accepted",
        "undecided",
        "accepted",
        "undecided",
    ]
