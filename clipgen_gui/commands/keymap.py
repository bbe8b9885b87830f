"""The current key bindings. `keymap` is the only instance; everything that shows keys follows `keymap.changed`."""

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
    """Key bindings: the declared defaults with the user's overrides."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._store: QSettings | None = None
        self._custom: dict[str, tuple[str, ...]] = {}

    def load(self, store: QSettings | None) -> None:
        """Read overrides from `store`, and write later changes to it. None: do not persist."""
        self._store, self._custom = store, {}
        for name in _BY_NAME:
            value = store.value(f"{_GROUP}/{name}") if store else None
            if value is not None:
                given = value if isinstance(value, list) else [value]
                self._custom[name] = tuple(key for key in map(portable, given) if key)
        self.changed.emit()

    def keys(self, name: str) -> tuple[str, ...]:
        """Portable key sequences of the command; the first is the one shown. Empty if it has none."""
        return self._custom.get(name, _BY_NAME[name].keys)

    def is_default(self, name: str) -> bool:
        return self.keys(name) == _BY_NAME[name].keys

    def owner(self, key: str) -> Command | None:
        """The command bound to this key, if any."""
        return next((command for command in COMMANDS if key in self.keys(command.name)), None)

    def assign(self, name: str, keys: Iterable[str]) -> None:
        """Bind these keys to the command, and unbind them from all others."""
        wanted = tuple(dict.fromkeys(keys))
        for command in COMMANDS:
            had = self.keys(command.name)
            if command.name != name and set(had) & set(wanted):
                self._set_keys(command.name, tuple(key for key in had if key not in wanted))
        self._set_keys(name, wanted)
        self.changed.emit()

    def reset(self, name: str) -> None:
        """Restore the default keys of the command, and unbind them from all others."""
        self.assign(name, _BY_NAME[name].keys)

    def reset_all(self) -> None:
        for name in list(self._custom):
            self._set_keys(name, _BY_NAME[name].keys)
        self.changed.emit()

    def _set_keys(self, name: str, keys: tuple[str, ...]) -> None:
        stored = f"{_GROUP}/{name}"
        if keys == _BY_NAME[name].keys:
            self._custom.pop(name, None)
            if self._store is not None:
                self._store.remove(stored)
        else:
            self._custom[name] = keys
            if self._store is not None:
                self._store.setValue(stored, list(keys) or "")


keymap = Keymap()


def portable(keys: object) -> str:
    """The portable name of a key sequence; empty if it is invalid."""
    return QKeySequence(str(keys)).toString(QKeySequence.SequenceFormat.PortableText)


def pressed_key(event: QKeyEvent) -> str:
    """The portable name of the pressed key combination; empty for modifiers alone."""
    if event.key() in _MODIFIERS:
        return ""
    combination = event.keyCombination()
    modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.KeypadModifier
    sign = event.text()
    if sign.isprintable() and sign.strip() and not sign.isalnum():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier  # a sign is a key of its own, with or without Shift
    key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else Qt.Key(event.key())
    sequence = QKeySequence(modifiers.value | key.value)
    return sequence.toString(QKeySequence.SequenceFormat.PortableText)


def sequences(name: str) -> list[QKeySequence]:
    """The shortcuts of the command's action: its keys and the equivalents that a keyboard may send."""
    found = []
    for key in keymap.keys(name):
        found.append(QKeySequence(key))
        if key == "Return" or key.endswith("+Return"):
            found.append(QKeySequence(key.removesuffix("Return") + "Enter"))
        elif len(key) == 1 and not key.isalnum():
            found.append(QKeySequence(f"Shift+{key}"))
    return found


def shown_key(key: str) -> str:
    """The key sequence as shown to the user, such as `Ctrl + E`."""
    parts = key.removesuffix("+").split("+") if key != "+" else []
    if key.endswith("+"):
        parts.append("+")
    return " + ".join(_NAMES.get(part, part) for part in parts if part)


def key_hint(name: str) -> str:
    """The first key of the command as shown to the user; empty if it has none."""
    keys = keymap.keys(name)
    return shown_key(keys[0]) if keys else ""


def with_key(text: str, name: str) -> str:
    """Append the key of a command: `Export the accepted windows (Ctrl + E)`."""
    hint = key_hint(name)
    return f"{text} ({hint})" if hint else text


def decision_key_hint() -> str:
    """Hint for views of windows: `↑ ↓ select · A accept · R reject · U undecide`."""
    keys = ("previous_window", "next_window"), ("accept",), ("reject",), ("undecide",)
    hints = zip(keys, ("select", "accept", "reject", "undecide"), strict=True)
    return " · ".join(" ".join([*map(key_hint, commands), what]) for commands, what in hints)
