"""The sheet of keys that `?` shows, made from the commands and the keys that they have now."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from clipgen_gui.cards import muted_label
from clipgen_gui.commands import COMMANDS, GESTURES, Command
from clipgen_gui.keymap import keymap, pressed_key, shown_key
from clipgen_gui.theme import follow_theme, px

_Groups = list[tuple[str, list[Command]]]


class KeySheet(QDialog):
    """Goes away with Escape, with the key that shows it, or with a click."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAccessibleName("Keys")
        self._content: QWidget | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetFixedSize)
        keymap.changed.connect(self._forget)
        follow_theme(self, self._forget)

    def _forget(self) -> None:
        """What is shown is out of date."""
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
            self._content = None
        if self.isVisible():
            self._fill()

    def _fill(self) -> None:
        if self._content is None:
            self._content = _columns()
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self._content)
            self._content.show()

    def setVisible(self, visible: bool) -> None:
        if visible:
            self._fill()
        super().setVisible(visible)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if pressed_key(event) in keymap.keys("keys"):
            self.close()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: object) -> None:
        self.close()


def _columns() -> QWidget:
    content = QWidget()
    columns = QHBoxLayout(content)
    columns.setContentsMargins(28, 24, 28, 24)
    columns.setSpacing(40)
    groups = [(title, list(commands)) for title, commands in groupby(COMMANDS, key=lambda one: one.group)]
    for half in _halves(groups):
        column = QVBoxLayout()
        for title, commands in half:
            column.addLayout(_group(title, commands))
            column.addSpacing(14)
        column.addStretch(1)
        columns.addLayout(column)
    return content


def _halves(groups: _Groups) -> tuple[_Groups, _Groups]:
    """Two columns, as nearly equal in height as whole groups allow."""
    heights = [len(commands) + 2 for _, commands in groups]  # title and gap
    cut = min(range(1, len(groups)), key=lambda at: abs(sum(heights[:at]) - sum(heights[at:])))
    return groups[:cut], groups[cut:]


def _group(title: str, commands: list[Command]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(6)
    heading = QLabel(title.upper())
    heading.setObjectName("cardTitle")
    grid.addWidget(heading, 0, 0, 1, 2)
    lines = [(" or ".join(map(shown_key, keymap.keys(one.name))) or "no key", one.help) for one in commands]
    lines += [(gesture.keys, gesture.help) for gesture in GESTURES if gesture.group == title]
    for row, (shown, told) in enumerate(lines, start=1):
        keys = QLabel(shown)
        keys.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(keys, row, 0)
        grid.addWidget(muted_label(told), row, 1)
    grid.setColumnMinimumWidth(0, px(176))
    grid.setColumnStretch(1, 1)
    return grid
