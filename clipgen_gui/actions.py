"""Qt actions made from the declared commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QUndoStack
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from clipgen_gui.commands import COMMANDS
from clipgen_gui.theme import icon


def make_actions(window: QWidget, handlers: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """One action for each command, with its keys valid in the whole window whatever has the focus."""
    actions = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        if command.icon:
            action.setIcon(icon(command.icon, "text", "accent"))
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setAutoRepeat(command.repeats)
        action.setToolTip(command.tooltip)
        action.setCheckable(command.checkable)
        if command.name in handlers:
            action.triggered.connect(_without_argument(handlers[command.name]))
        window.addAction(action)
        actions[command.name] = action
    return actions


def _without_argument(handler: Callable[[], object]) -> Callable[[], None]:
    def call(*_: object) -> None:
        handler()

    return call


def name_undo_actions(stack: QUndoStack, actions: Mapping[str, QAction]) -> None:
    """Let "Undo" and "Redo" say what they would undo and redo, now and whenever that changes."""

    def show() -> None:
        for name, possible, what, verb, key in (
            ("undo", stack.canUndo(), stack.undoText(), "Undo", "Ctrl + Z"),
            ("redo", stack.canRedo(), stack.redoText(), "Redo", "Ctrl + Shift + Z"),
        ):
            action = actions[name]
            action.setEnabled(possible)
            action.setText(f"{verb}: {what}".replace("&", "&&") if what else verb)  # one "&" would mark a letter
            action.setToolTip(f"{verb}: {what} ({key})" if what else f"Nothing to {name} ({key})")

    stack.indexChanged.connect(show)
    show()


def press_focused_button() -> bool:
    """Enter on a button that was reached by Tab presses it; whether there was one."""
    focused = QApplication.focusWidget()
    if isinstance(focused, QAbstractButton) and focused.isEnabled():
        focused.click()
        return True
    return False
