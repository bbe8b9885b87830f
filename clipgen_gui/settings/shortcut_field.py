"""A command's keys as a line of the settings: press a button, then the key."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from clipgen_gui.commands.keymap import keymap, pressed_key, shown_key
from clipgen_gui.commands.registry import Command
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import muted_label, named

_NEW = ""


class ShortcutField(QWidget):
    """One button for each key of the command, and one for another key.

    A key that another command has is not taken before the user says so.
    """

    def __init__(self, command: Command, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.command = command
        self.label = QLabel(command.help)
        self.label.setWordWrap(True)
        self.buttons: list[KeyButton] = []
        self._wanted = _NEW, _NEW  # the key to change and the key that it shall be, while that is asked about
        self._keys = QHBoxLayout()
        self._keys.setSpacing(6)
        self.reset = QToolButton()
        self.reset.setObjectName("reset")
        self.reset.setIcon(icon("restore", "muted"))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        declared = " or ".join(map(shown_key, command.keys))
        named(self.reset, f"{command.text}: back to {declared}", f"Back to {declared}")
        self.reset.clicked.connect(lambda: keymap.reset(command.name))
        line = QHBoxLayout()
        line.setSpacing(10)
        line.addWidget(self.label, 1)
        line.addLayout(self._keys)
        line.addWidget(self.reset)

        self.conflict = muted_label(wrap=True)
        self.conflict.setObjectName("complaint")
        self.take = QPushButton("Take it")
        self.take.setObjectName("slim")
        self.take.clicked.connect(lambda: self._give(*self._wanted))
        self.leave = QPushButton("Leave it")
        self.leave.setObjectName("slim")
        self.leave.clicked.connect(self._show)
        self._conflict_line = QWidget()
        conflict = QHBoxLayout(self._conflict_line)
        conflict.setContentsMargins(0, 0, 0, 0)
        conflict.addWidget(self.conflict, 1)
        for button in (self.take, self.leave):
            button.setAutoDefault(False)
            conflict.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.setSpacing(3)
        layout.addLayout(line)
        layout.addWidget(self._conflict_line)
        follow_theme(self, lambda: self.reset.setFixedSize(px(20), px(20)))
        follow(self, keymap.changed, self._show)

    def _show(self) -> None:
        keys = keymap.keys(self.command.name)
        focused = next((at for at, button in enumerate(self.buttons) if button.hasFocus()), None)
        if [button.key for button in self.buttons] != [*keys, _NEW]:
            for button in self.buttons:
                self._keys.removeWidget(button)
                button.hide()
                button.deleteLater()
            self.buttons = [self._button(key) for key in (*keys, _NEW)]
            if focused is not None:
                self.buttons[min(focused, len(self.buttons) - 1)].setFocus()
        self.reset.setVisible(not keymap.is_default(self.command.name))
        self._conflict_line.hide()

    def _button(self, key: str) -> KeyButton:
        button = KeyButton(self.command, key)
        button.pressed_key.connect(lambda new: self._wish(key, new))
        button.removed.connect(lambda: self._give(key, _NEW))
        self._keys.addWidget(button)
        return button

    def _wish(self, old: str, new: str) -> None:
        owner = keymap.owner(new)
        if owner is None or owner.name == self.command.name:
            self._give(old, new)
            return
        self._wanted = old, new
        self.conflict.setText(f"{shown_key(new)} is the key of “{owner.text}”.")
        named(self.take, f"Take {shown_key(new)} from {owner.text}")
        named(self.leave, f"Leave {shown_key(new)} to {owner.text}")
        self._conflict_line.show()
        self.take.setFocus()

    def _give(self, old: str, new: str) -> None:
        keys = [new if key == old else key for key in keymap.keys(self.command.name)]
        if old == _NEW:
            keys.append(new)
        keymap.give(self.command.name, [key for key in keys if key])


class KeyButton(QPushButton):
    """Shows a key. Once pressed, it waits for another: Escape leaves it as it is, Delete takes it away."""

    pressed_key = Signal(str)
    removed = Signal()

    def __init__(self, command: Command, key: str) -> None:
        super().__init__()
        self._command, self.key = command, key
        self.setObjectName("key" if key else "slim")
        self.setAutoDefault(False)
        self.waiting = False
        self.clicked.connect(lambda: self._wait(not self.waiting))
        self._wait(False)

    def _wait(self, on: bool) -> None:
        self.waiting = on
        shown = shown_key(self.key)
        self.setText("Press a key…" if on else shown or "+")
        if self.key:
            name, help_text = f"{self._command.text}: {shown}", "Press to change it, Delete to take it away"
        else:
            name, help_text = f"{self._command.text}: another key", "Give the command another key"
        named(self, name, help_text)

    def event(self, event: QEvent) -> bool:
        if self.waiting and isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:  # here and not in keyPressEvent: Tab too is a key to press
                self._take(event)
                return True
        return super().event(event)

    def _take(self, event: QKeyEvent) -> None:
        key = pressed_key(event)
        if not key:
            return  # the modifiers of what is to come
        self._wait(False)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers():
            self.removed.emit()
        elif key != "Esc" and key != self.key:
            self.pressed_key.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.key:
            self.removed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._wait(False)
        super().focusOutEvent(event)
