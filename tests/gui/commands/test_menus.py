"""The menu bar lists every command, and the Edit menu names the next undo and redo step."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Decision
from clipgen_gui.commands.registry import COMMANDS
from clipgen_gui.main_window.window import MainWindow


def test_every_command_is_in_exactly_one_menu(window: MainWindow) -> None:
    actions = [action for menu in window.menus.values() for action in menu.actions()]
    listed = [action for action in actions if not action.isSeparator() and action.menu() is None]
    assert sorted(map(id, listed)) == sorted(id(window.actions_by_name[command.name]) for command in COMMANDS)
    for menu in window.menus.values():
        assert not menu.actions()[0].isSeparator()
        assert menu.title().startswith("&")


def test_edit_menu_names_undo_and_redo_steps(reviewed: MainWindow, qtbot: QtBot) -> None:
    undo, redo = reviewed.menus["Edit"].actions()[:2]
    assert (undo.text(), undo.isEnabled()) == ("Undo", False)
    qtbot.keyClick(reviewed, Qt.Key.Key_Down)
    qtbot.keyClick(reviewed, Qt.Key.Key_R)
    assert (undo.text(), undo.isEnabled()) == ("Undo: Reject window 1", True)
    undo.trigger()
    entry = reviewed.session.current
    assert entry is not None
    assert entry.decision_of(entry.rows[0].key) is Decision.UNDECIDED
    assert (undo.text(), redo.text()) == ("Undo", "Redo: Reject window 1")
    redo.trigger()
    assert entry.decision_of(entry.rows[0].key) is Decision.REJECTED


def test_default_keys_are_unique() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert sorted(keys) == sorted(set(keys))
