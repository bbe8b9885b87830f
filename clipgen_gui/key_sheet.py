"""The sheet of keys that `?` shows, made from the commands themselves."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from clipgen_gui.cards import muted_label
from clipgen_gui.commands import COMMANDS, GESTURES, Command, shown_key


class KeySheet(QDialog):
    """Goes away with Escape, with `?`, or with a click."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAccessibleName("Keys")
        columns = QHBoxLayout(self)
        columns.setContentsMargins(28, 24, 28, 24)
        columns.setSpacing(40)
        columns.setSizeConstraint(QHBoxLayout.SizeConstraint.SetFixedSize)
        groups = [(title, list(commands)) for title, commands in groupby(COMMANDS, key=lambda one: one.group)]
        for half in _halves(groups):
            column = QVBoxLayout()
            for title, commands in half:
                column.addLayout(_group(title, commands))
                column.addSpacing(14)
            column.addStretch(1)
            columns.addLayout(column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() == "?":
            self.close()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: object) -> None:
        self.close()


_Groups = list[tuple[str, list[Command]]]


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
    lines = [
        (" or ".join(shown_key(key) for key in command.keys if key not in ("Enter", "Shift+?")), command.help)
        for command in commands
    ]
    lines += [(gesture.keys, gesture.help) for gesture in GESTURES if gesture.group == title]
    for row, (shown, told) in enumerate(lines, start=1):
        keys = QLabel(shown)
        keys.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(keys, row, 0)
        grid.addWidget(muted_label(told), row, 1)
    grid.setColumnMinimumWidth(0, 176)
    grid.setColumnStretch(1, 1)
    return grid
