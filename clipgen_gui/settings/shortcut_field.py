"""The shortcuts of a command as a line of the settings."""

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
    """One button per key of the command, and one to add a key.

    A key of another command is reassigned only after confirmation.
    """

    def __init__(self, command: Command, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.command = command
        self.label = QLabel(command.help)
        self.label.setWordWrap(True)
        self.buttons: list[KeyButton] = []
        self._conflicting = _NEW, _NEW  # old and new key while a conflict is shown
        self._keys = QHBoxLayout()
        self._keys.setSpacing(6)
        self.reset = QToolButton()
        self.reset.setObjectName("reset")
        self.reset.setIcon(icon("restore", "muted"))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        default = " or ".join(map(shown_key, command.keys)) or "no shortcut"
        named(self.reset, f"{command.text}: reset to {default}", f"Reset to {default}")
        self.reset.clicked.connect(lambda: keymap.reset(command.name))
        line = QHBoxLayout()
        line.setSpacing(10)
        line.addWidget(self.label, 1)
        line.addLayout(self._keys)
        line.addWidget(self.reset)

        self.conflict = muted_label(wrap=True)
        self.conflict.setObjectName("complaint")
        self.reassign = QPushButton("Reassign")
        self.reassign.setObjectName("slim")
        self.reassign.clicked.connect(lambda: self._assign(*self._conflicting))
        self.keep = QPushButton("Keep")
        self.keep.setObjectName("slim")
        self.keep.clicked.connect(self._show)
        self._conflict_line = QWidget()
        conflict = QHBoxLayout(self._conflict_line)
        conflict.setContentsMargins(0, 0, 0, 0)
        conflict.addWidget(self.conflict, 1)
        for button in (self.reassign, self.keep):
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
        button.pressed_key.connect(lambda new: self._request(key, new))
        button.removed.connect(lambda: self._assign(key, _NEW))
        self._keys.addWidget(button)
        return button

    def _request(self, old: str, new: str) -> None:
        owner = keymap.owner(new)
        if owner is None or owner.name == self.command.name:
            self._assign(old, new)
            return
        self._conflicting = old, new
        self.conflict.setText(f"{shown_key(new)} is already assigned to “{owner.text}”.")
        named(self.reassign, f"Reassign {shown_key(new)} from {owner.text}")
        named(self.keep, f"Keep {shown_key(new)} for {owner.text}")
        self._conflict_line.show()
        self.reassign.setFocus()

    def _assign(self, old: str, new: str) -> None:
        keys = [new if key == old else key for key in keymap.keys(self.command.name)]
        if old == _NEW:
            keys.append(new)
        keymap.assign(self.command.name, [key for key in keys if key])


class KeyButton(QPushButton):
    """Shows a key. After a click it waits for a new one; Escape cancels, Delete removes the key."""

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
            name, help_text = f"{self._command.text}: {shown}", "Click to change, Delete to remove"
        else:
            name, help_text = f"{self._command.text}: add a key", "Add a key"
        named(self, name, help_text)

    def event(self, event: QEvent) -> bool:
        if self.waiting and isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:  # not in keyPressEvent, which does not get Tab
                self._take(event)
                return True
        return super().event(event)

    def _take(self, event: QKeyEvent) -> None:
        key = pressed_key(event)
        if not key:
            return  # modifiers only: keep waiting
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
