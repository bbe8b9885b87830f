"""Tags, notes and subjects: editing, undo, persistence in the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import FOCUSES, bring_up, open_analysed

_CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def chosen(reviewed: MainWindow) -> MainWindow:
    """The window with the first ranked window selected."""
    reviewed.session.selection.select(entry_of(reviewed).rows[0].key)
    return reviewed


def entry_of(window: MainWindow) -> VideoEntry:
    entry = window.session.current
    assert entry is not None
    return entry


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def type_in(qtbot: QtBot, key: Qt.Key, text: str) -> None:
    """Press the shortcut that opens a field, type the text, press Enter."""
    qtbot.keyClick(focused(), key)
    qtbot.keyClicks(focused(), text)
    qtbot.keyClick(focused(), Qt.Key.Key_Return)


def test_shortcuts_type_text_in_a_note(chosen: MainWindow, qtbot: QtBot) -> None:
    entry, session = entry_of(chosen), chosen.session
    chosen.parts.review.panel.view.setFocus()
    chosen.parts.player.playback.pause()
    before = entry.position, chosen.parts.player.playback.playing, chosen.parts.player.playback.speed
    text = "AruB kjl[ ]x t5w?vcsfnp !"
    qtbot.keyClick(chosen.parts.review.panel.view, Qt.Key.Key_W)
    note = chosen.parts.review.details.note
    assert note.hasFocus()
    qtbot.keyClicks(note, text)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageDown):
        qtbot.keyClick(note, key)
    assert note.text() == text
    assert entry.rows[0].note == text
    assert not any(mark.decision != "undecided" for mark in entry.reviews.values())
    assert (entry.position, chosen.parts.player.playback.playing, chosen.parts.player.playback.speed) == before
    assert not chosen.parts.shortcuts.isVisible()
    assert not chosen.parts.review.sheet.isVisible()
    qtbot.keyClick(note, Qt.Key.Key_Escape)
    assert chosen.parts.review.panel.view.hasFocus(), "focus returns to the previous widget"
    assert chosen.menus["Edit"].actions()[0].text() == "Undo: Note on window 1"
    qtbot.keyClick(chosen.parts.review.panel.view, Qt.Key.Key_Z, _CONTROL)
    assert (entry.rows[0].note, note.text()) == ("", ""), "typing is one undo step"
    session.selection.select(entry.rows[1].key)
    qtbot.keyClick(chosen.parts.review.panel.view, Qt.Key.Key_Z, _CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert entry.selected == entry.rows[0].key
    assert note.text() == text


def test_tags_are_added_completed_and_removed(chosen: MainWindow, qtbot: QtBot) -> None:
    entry, details = entry_of(chosen), chosen.parts.review.details
    chosen.parts.plot.plot.setFocus()
    type_in(qtbot, Qt.Key.Key_T, "smile, A & B")
    assert chosen.parts.plot.plot.hasFocus()
    assert entry.rows[0].tags == ("A & B", "smile")
    assert [chip.accessibleName() for chip in details.tags.chips] == ["Tag A & B", "Tag smile"]
    assert "tags: A & B, smile" in chosen.parts.review.panel.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    qtbot.mouseClick(details.tags.chips[0], Qt.MouseButton.LeftButton)
    assert entry.rows[0].tags == ("smile",)

    qtbot.keyClick(chosen, Qt.Key.Key_Down)
    assert not details.tags.chips
    qtbot.mouseClick(details.tags.add, Qt.MouseButton.LeftButton)
    field = focused()
    qtbot.keyClicks(field, "mil")  # completion matches anywhere in known tags
    qtbot.keyClick(details._quick.field._list, Qt.Key.Key_Down)
    qtbot.keyClick(details._quick.field._list, Qt.Key.Key_Return)
    assert entry.rows[1].tags == ("smile",)
    assert not details._quick.isVisible()

    qtbot.keyClick(chosen, Qt.Key.Key_T)
    qtbot.keyClicks(focused(), "never")
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not details._quick.isVisible()
    qtbot.keyClick(chosen, Qt.Key.Key_T)
    chosen.session.selection.select(entry.rows[2].key)
    assert not details._quick.isVisible(), "selecting another window closes the entry"
    assert not any("never" in row.tags for row in entry.rows)
    chosen.session.selection.select(None)
    with qtbot.waitSignal(chosen.session.refused) as refusal:
        qtbot.keyClick(chosen, Qt.Key.Key_T)
    assert refusal.args == ["Select a window first (↓), then tag it."]


def test_a_subject_belongs_to_the_track(chosen: MainWindow, qtbot: QtBot) -> None:
    entry, details = entry_of(chosen), chosen.parts.review.details
    type_in(qtbot, Qt.Key.Key_S, "anna")
    assert entry.subjects == {0: "anna"}
    qtbot.keyClick(chosen, Qt.Key.Key_Down)
    assert details.subject.text() == "anna", "applies to all windows of the face"
    qtbot.keyClick(chosen, Qt.Key.Key_S)
    qtbot.keyClicks(focused(), "berta")
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert (details.subject.text(), entry.subjects) == ("anna", {0: "anna"})
    qtbot.keyClick(chosen, Qt.Key.Key_Z, _CONTROL)
    assert (details.subject.text(), entry.subjects) == ("", {})


def test_tags_notes_and_subjects_from_the_contact_sheet(chosen: MainWindow, qtbot: QtBot) -> None:
    entry = entry_of(chosen)
    qtbot.keyClick(chosen, Qt.Key.Key_C)
    chosen.session.selection.select(entry.rows[1].key, seek=False)
    for key, text in ((Qt.Key.Key_T, "1 2 3 x"), (Qt.Key.Key_W, "cards"), (Qt.Key.Key_S, "anna")):
        type_in(qtbot, key, text)
    row = entry.rows[1]
    assert (row.tags, row.note, entry.subjects) == (("1 2 3 x",), "cards", {0: "anna"})
    assert row.decision == "undecided", "digits are typed, not decisions"
    assert chosen.parts.review.sheet.grid.cells[1].row == row
    assert chosen.parts.review.sheet.grid.hasFocus()


def test_fields_open_from_any_focus(chosen: MainWindow, qtbot: QtBot) -> None:
    for focus in ("slider", "videos", "number box", "button"):
        widget = FOCUSES[focus](chosen)
        widget.setFocus()
        assert widget.hasFocus()
        type_in(qtbot, Qt.Key.Key_T, focus)
        assert focus in entry_of(chosen).rows[0].tags
        assert widget.hasFocus()


def test_reviews_persist_across_sessions(
    qtbot: QtBot, tmp_path: Path, short_video: Path, short_analysis: Analysis
) -> None:
    for again in (False, True):
        window = MainWindow(project=Project(tmp_path / "day.clipgen"))
        bring_up(window, qtbot)
        entry = open_analysed(window, qtbot, short_video, short_analysis)
        if not again:
            window.session.selection.select(entry.rows[1].key)
            for key, text in ((Qt.Key.Key_T, "smile"), (Qt.Key.Key_W, "look"), (Qt.Key.Key_S, "anna")):
                type_in(qtbot, key, text)
            written = entry.rows[1].key
        else:
            row = next(row for row in entry.rows if row.key == written)
            assert (row.tags, row.note, entry.subjects) == (("smile",), "look", {0: "anna"})
            assert entry.selected == written
            assert window.parts.review.details.note.text() == "look"
        window.close()
