"""Shortcuts: changing, reassigning and resetting keys, and keeping everything that shows them up to date."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from clipgen_gui.commands.keymap import Keymap, key_hint, keymap, portable, shown_key
from clipgen_gui.commands.registry import COMMANDS
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.settings.shortcut_field import ShortcutField
from clipgen_gui.settings.window import SettingsWindow

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def settings(window: MainWindow, qtbot: QtBot) -> SettingsWindow:
    window.parts.settings.show("shortcuts")
    qtbot.waitUntil(window.parts.settings.window.isActiveWindow)
    return window.parts.settings.window


def field_of(settings: SettingsWindow, name: str) -> ShortcutField:
    field = settings.page("shortcuts").fields[name]
    assert isinstance(field, ShortcutField)
    return field


def test_default_keys_are_valid_and_unique() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert [portable(key) for key in keys] == keys
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_default_keys_are_as_documented() -> None:
    documented = {
        "play": ("Space", "K"),
        "slower": ("J",),
        "faster": ("L",),
        "back": ("Left",),
        "forward": ("Right",),
        "back_10": ("Shift+Left",),
        "forward_10": ("Shift+Right",),
        "first": ("Home",),
        "last": ("End",),
        "previous_window": ("Up",),
        "next_window": ("Down",),
        "accept": ("A",),
        "reject": ("R",),
        "undecide": ("U",),
        "trim_start": ("[",),
        "trim_end": ("]",),
        "new_window": ("B",),
        "next_video": ("N",),
        "previous_video": ("P",),
        "export": ("Ctrl+E",),
        "open": ("Ctrl+O",),
    }
    declared = {command.name: command.keys for command in COMMANDS}
    assert {name: declared[name] for name in documented} == documented
    assert declared["loop"][0] == "Return"
    assert declared["undo"][0] == "Ctrl+Z"
    assert declared["redo"][0] == "Ctrl+Shift+Z"
    assert declared["keys"][0] == "?"


def test_key_is_changed_by_pressing_another(
    window: MainWindow, settings: SettingsWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    field = field_of(settings, "accept")
    qtbot.mouseClick(field.buttons[0], Qt.MouseButton.LeftButton)
    assert field.buttons[0].text() == "Press a key…"
    qtbot.keyClick(field.buttons[0], Qt.Key.Key_Y)
    assert keymap.keys("accept") == ("Y",)
    assert [key.toString() for key in window.actions_by_name["accept"].shortcuts()] == ["Y"]
    assert "(Y)" in window.actions_by_name["accept"].toolTip()
    assert "Y accept" in window.parts.review.panel.view.toolTip()
    assert "(Y)" in window.parts.toolbar.export_button.toolTip()
    assert field.reset.isVisible()
    stored = Keymap()
    stored.load(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    assert stored.keys("accept") == ("Y",)
    qtbot.mouseClick(field.reset, Qt.MouseButton.LeftButton)
    assert keymap.keys("accept") == ("A",)
    stored.load(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    assert stored.keys("accept") == ("A",)


def test_only_the_new_key_works(reviewed: MainWindow, qtbot: QtBot) -> None:
    keymap.assign("accept", ["Y"])
    entry = reviewed.session.current
    assert entry is not None
    reviewed.session.selection.select(entry.rows[0].key)
    qtbot.keyClick(reviewed, Qt.Key.Key_A)
    assert not entry.accepted
    qtbot.keyClick(reviewed, Qt.Key.Key_Y)
    assert len(entry.accepted) == 1


@pytest.mark.parametrize("answer", ["reassign", "keep"])
def test_key_in_use_is_reassigned_only_after_confirmation(settings: SettingsWindow, qtbot: QtBot, answer: str) -> None:
    field = field_of(settings, "accept")
    qtbot.mouseClick(field.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.keyClick(field.buttons[0], Qt.Key.Key_R)
    assert keymap.keys("accept") == ("A",), "nothing must change before the answer"
    assert field.conflict.isVisible()
    assert field.conflict.text() == "R is already assigned to “Reject”."
    qtbot.mouseClick(getattr(field, answer), Qt.MouseButton.LeftButton)
    assert not field.conflict.isVisible()
    reassigned = answer == "reassign"
    assert keymap.keys("accept") == (("R",) if reassigned else ("A",))
    assert keymap.keys("reject") == (() if reassigned else ("R",))
    assert len(field_of(settings, "reject").buttons) == (1 if reassigned else 2)
    qtbot.mouseClick(settings.page("shortcuts").reset_all, Qt.MouseButton.LeftButton)
    assert (keymap.keys("accept"), keymap.keys("reject")) == (("A",), ("R",))


def test_keys_are_added_and_removed_by_keyboard(settings: SettingsWindow, qtbot: QtBot) -> None:
    field = field_of(settings, "first")
    more = field.buttons[-1]
    more.setFocus()
    qtbot.keyClick(more, Qt.Key.Key_Return)
    qtbot.keyClick(more, Qt.Key.Key_Control)
    qtbot.keyClick(more, Qt.Key.Key_Tab, CTRL)
    assert keymap.keys("first") == ("Home", "Ctrl+Tab")
    first = field.buttons[0]
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Delete)
    assert keymap.keys("first") == ("Ctrl+Tab",)
    again = field.buttons[0]
    qtbot.keyClick(again, Qt.Key.Key_Return)
    qtbot.keyClick(again, Qt.Key.Key_Escape)
    assert keymap.keys("first") == ("Ctrl+Tab",), "Escape must cancel"
    assert settings.isVisible()


def test_removal_of_all_keys_is_persistent(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat)
    one = Keymap()
    one.load(store)
    one.assign("accept", [])
    one.assign("loop", ["Ctrl+Return", "?"])
    store.sync()
    other = Keymap()
    other.load(QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat))
    assert other.keys("accept") == ()
    assert other.keys("loop") == ("Ctrl+Return", "?")
    assert other.keys("keys") == ("F1",), "“?” must be reassigned"
    other.reset("keys")
    assert other.keys("keys") == ("?", "F1")
    assert other.keys("loop") == ("Ctrl+Return",)


def test_shortcuts_overlay_shows_current_keys(window: MainWindow, qtbot: QtBot) -> None:
    keymap.assign("accept", ["Y", "Ctrl+Return"])
    keymap.assign("keys", ["F2"])
    qtbot.keyClick(window, Qt.Key.Key_Question, SHIFT)
    assert not window.parts.shortcuts.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert window.parts.shortcuts.isVisible()

    def texts() -> list[str]:
        return [label.text() for label in window.parts.shortcuts.findChildren(QLabel) if label.isVisible()]

    assert "Y or Ctrl + Enter" in texts()
    keymap.assign("accept", ["G"])
    assert "G" in texts()
    assert "Y or Ctrl + Enter" not in texts()
    qtbot.keyClick(window.parts.shortcuts, Qt.Key.Key_F2)
    assert not window.parts.shortcuts.isVisible()


def test_keys_are_formatted() -> None:
    assert [shown_key(key) for key in ("Ctrl++", "+", "Ctrl+.", "Shift+Left", "Return", "PgDown")] == [
        "Ctrl + +",
        "+",
        "Ctrl + .",
        "Shift + ←",
        "Enter",
        "Page Down",
    ]
    keymap.load(None)
    assert key_hint("export") == "Ctrl + E"
    assert not portable("no such key")
