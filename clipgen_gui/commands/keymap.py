"""Which keys every command has now. There is one, `keymap`; what shows keys follows its signal `changed`."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence

from clipgen_gui.commands.registry import COMMANDS, Command

_GROUP = "shortcuts"
_BY_NAME = {command.name: command for command in COMMANDS}
_NAMES = {
    "Left": "←",
    "Right": "→",
    "Up": "↑",
    "Down": "↓",
    "Return": "Enter",
    "PgUp": "Page Up",
    "PgDown": "Page Down",
}
_MODIFIERS = (
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_Meta,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_unknown,
)


class Keymap(QObject):
    """The declared keys, with those that the user chose instead."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._store: QSettings | None = None
        self._chosen: dict[str, tuple[str, ...]] = {}

    def load(self, store: QSettings | None) -> None:
        """Take the chosen keys from here, and keep them here."""
        self._store, self._chosen = store, {}
        for name in _BY_NAME:
            value = store.value(f"{_GROUP}/{name}") if store else None
            if value is not None:
                given = value if isinstance(value, list) else [value]
                self._chosen[name] = tuple(key for key in map(portable, given) if key)
        self.changed.emit()

    def keys(self, name: str) -> tuple[str, ...]:
        """Portable key sequences of the command, the one that is shown first; empty where it has none."""
        return self._chosen.get(name, _BY_NAME[name].keys)

    def is_default(self, name: str) -> bool:
        return self.keys(name) == _BY_NAME[name].keys

    def owner(self, key: str) -> Command | None:
        """The command that has this key."""
        return next((command for command in COMMANDS if key in self.keys(command.name)), None)

    def give(self, name: str, keys: Iterable[str]) -> None:
        """Let a command have these keys, and take them from whoever had them."""
        wanted = tuple(dict.fromkeys(keys))
        for command in COMMANDS:
            had = self.keys(command.name)
            if command.name != name and set(had) & set(wanted):
                self._choose(command.name, tuple(key for key in had if key not in wanted))
        self._choose(name, wanted)
        self.changed.emit()

    def reset(self, name: str) -> None:
        """Let a command have its declared keys again, and take them from whoever has them."""
        self.give(name, _BY_NAME[name].keys)

    def reset_all(self) -> None:
        for name in list(self._chosen):
            self._choose(name, _BY_NAME[name].keys)
        self.changed.emit()

    def _choose(self, name: str, keys: tuple[str, ...]) -> None:
        stored = f"{_GROUP}/{name}"
        if keys == _BY_NAME[name].keys:
            self._chosen.pop(name, None)
            if self._store is not None:
                self._store.remove(stored)
        else:
            self._chosen[name] = keys
            if self._store is not None:
                self._store.setValue(stored, list(keys) or "")


keymap = Keymap()


def portable(keys: object) -> str:
    """The portable name of a key sequence; empty for what is none."""
    return QKeySequence(str(keys)).toString(QKeySequence.SequenceFormat.PortableText)


def pressed_key(event: QKeyEvent) -> str:
    """The portable name of what was pressed; empty while only modifiers are."""
    if event.key() in _MODIFIERS:
        return ""
    combination = event.keyCombination()
    modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
    sign = event.text()
    if sign.isprintable() and sign.strip() and not sign.isalnum():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier  # "?" is a key of its own, wherever the keyboard has it
    key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else Qt.Key(event.key())
    sequence = QKeySequence(modifiers.value | key.value)
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)


def sequences(name: str) -> list[QKeySequence]:
    """What the action of a command listens to: its keys, and what a keyboard may send for the same."""
    found = []
    for key in keymap.keys(name):
        found.append(QKeySequence(key))
        if key == "Return" or key.endswith("+Return"):
            found.append(QKeySequence(key.removesuffix("Return") + "Enter"))
        elif len(key) == 1 and not key.isalnum():
            found.append(QKeySequence(f"Shift+{key}"))
    return found


def shown_key(key: str) -> str:
    """A key sequence as a person reads it."""
    parts = key.removesuffix("+").split("+") if key != "+" else []
    if key.endswith("+"):
        parts.append("+")
    return " + ".join(_NAMES.get(part, part) for part in parts if part)


def key_hint(name: str) -> str:
    """The command's first key as a person reads it; empty where it has none."""
    keys = keymap.keys(name)
    return shown_key(keys[0]) if keys else ""


def with_key(text: str, name: str) -> str:
    """`Export the accepted windows (Ctrl + E)`"""
    hint = key_hint(name)
    return f"{text} ({hint})" if hint else text


def choosing_keys() -> str:
    """What the keys do in a view of windows."""
    keys = ("previous_window", "next_window"), ("accept",), ("reject",), ("undecide",)
    said = zip(keys, ("choose", "accept", "reject", "undecide"), strict=True)
    return " · ".join(" ".join([*map(key_hint, commands), what]) for commands, what in said)
