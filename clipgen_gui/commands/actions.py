"""Qt actions and menus built from the declared commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QUndoStack
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QMenuBar, QWidget

from clipgen_gui.commands.keymap import keymap, sequences, with_key
from clipgen_gui.commands.registry import COMMANDS
from clipgen_gui.look.theme import icon
from clipgen_gui.support.signals import follow


def make_actions(window: QWidget, run: Callable[[str], object]) -> dict[str, QAction]:
    """Create one action per command. Shortcuts apply to the whole window, whichever widget has the focus.

    Args:
        run: called with the name of the triggered command.
    """
    actions = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        if command.icon:
            action.setIcon(icon(command.icon, "text", "accent"))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setAutoRepeat(command.repeats)
        action.setCheckable(command.checkable)
        action.triggered.connect(partial(_run, run, command.name))
        window.addAction(action)
        actions[command.name] = action
    follow(window, keymap.changed, lambda: _update_shortcuts(actions))
    return actions


def _update_shortcuts(actions: Mapping[str, QAction]) -> None:
    for command in COMMANDS:
        actions[command.name].setShortcuts(sequences(command.name))
        actions[command.name].setToolTip(with_key(command.help, command.name))


def _run(run: Callable[[str], object], name: str, *_: object) -> None:
    run(name)


def name_undo_actions(stack: QUndoStack, actions: Mapping[str, QAction]) -> None:
    """Show the next undo and redo step in the texts of the actions, and keep them up to date."""

    def show() -> None:
        for name, possible, what, verb in (
            ("undo", stack.canUndo(), stack.undoText(), "Undo"),
            ("redo", stack.canRedo(), stack.redoText(), "Redo"),
        ):
            action = actions[name]
            action.setEnabled(possible)
            action.setText(f"{verb}: {what}".replace("&", "&&") if what else verb)  # a single "&" would mark a mnemonic
            action.setToolTip(with_key(f"{verb}: {what}" if what else f"Nothing to {name}", name))

    stack.indexChanged.connect(show)
    follow(stack, keymap.changed, show)


def press_focused_button() -> bool:
    """Click the focused button, so that Enter works on buttons reached by Tab. Return whether there was one."""
    focused = QApplication.focusWidget()
    if isinstance(focused, QAbstractButton) and focused.isEnabled():
        focused.click()
        return True
    return False


def fill_menu_bar(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Add one menu per command group. Return the menus by group name."""
    menus = {}
    for title, commands in groupby(COMMANDS, key=lambda one: one.group):
        menu = bar.addMenu(f"&{title}")
        menu.setAccessibleName(title)
        for command in commands:
            if command.starts_section and not menu.isEmpty():
                menu.addSeparator()
            actions[command.name].setIconVisibleInMenu(False)  # without icons, check marks stand out
            menu.addAction(actions[command.name])
        menus[title] = menu
    return menus
