"""The keyboard shortcuts overlay, built from the commands and their current key bindings."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from clipgen_gui.commands.keymap import keymap, pressed_key, shown_key
from clipgen_gui.commands.registry import COMMANDS, GESTURES, Command
from clipgen_gui.look.theme import follow_theme, px
from clipgen_gui.widgets.cards import muted_label

_Groups = list[tuple[str, list[Command]]]


class ShortcutsOverlay(QDialog):
    """Closes on Escape, on the key that opens it, or on a click."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAccessibleName("Keyboard shortcuts")
        self._window, self._stale = parent, True
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidgetResizable(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._area)
        keymap.changed.connect(self._invalidate)
        follow_theme(self, self._invalidate)

    def _invalidate(self) -> None:
        """Mark the contents as stale; rebuild them now if visible."""
        self._stale = True
        if self.isVisible():
            self._fill()

    def _fill(self) -> None:
        """Rebuild stale contents. Fit the size to them, within the main window; larger contents scroll."""
        available = self._window.size() * 0.97
        if self._stale:
            self._stale = False
            self._area.setWidget(_contents(in_two=True))
            if _content_size(self._area).width() > available.width():  # with a large text size
                self._area.setWidget(_contents(in_two=False))
        size = _content_size(self._area)
        if size.height() > available.height():
            size.setWidth(size.width() + self._area.verticalScrollBar().sizeHint().width() + 4)
        self.resize(size.boundedTo(available))
        self.move(self._window.mapToGlobal(self._window.rect().center()) - self.rect().center())

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


def _content_size(area: QScrollArea) -> QSize:
    content = area.widget()
    assert content is not None
    content.ensurePolished()
    return content.sizeHint()


def _contents(*, in_two: bool) -> QWidget:
    content = QWidget()
    content.setObjectName("sheet")
    columns = QHBoxLayout(content)
    columns.setContentsMargins(20, 18, 20, 18)
    columns.setSpacing(28)
    groups = [(title, list(commands)) for title, commands in groupby(COMMANDS, key=lambda one: one.group)]
    for half in _halves(groups) if in_two else (groups,):
        column = QVBoxLayout()
        column.setSpacing(0)
        for title, commands in half:
            column.addSpacing(18 if column.count() else 0)
            column.addLayout(_group(title, commands))
        column.addStretch(1)
        columns.addLayout(column)
    return content


def _halves(groups: _Groups) -> tuple[_Groups, _Groups]:
    """Split the groups into two columns of similar height. The last group goes to the shorter one."""
    gestures = [sum(gesture.group == title for gesture in GESTURES) for title, _ in groups]
    heights = [len(commands) + more + 2 for (_, commands), more in zip(groups, gestures, strict=True)]  # title and gap
    *heights, _ = heights
    cut = min(range(1, len(groups)), key=lambda at: abs(sum(heights[:at]) - sum(heights[at:])))
    left, right = groups[:cut], groups[cut:-1]
    (left if sum(heights[:cut]) < sum(heights[cut:]) else right).append(groups[-1])
    return left, right


def _group(title: str, commands: list[Command]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(4)
    heading = QLabel(title.upper())
    heading.setObjectName("cardTitle")
    grid.addWidget(heading, 0, 0, 1, 2)
    keyed = [(keymap.keys(one.name), one.help) for one in commands]
    lines = [(" or ".join(map(shown_key, keys)), help_text) for keys, help_text in keyed if keys]
    lines += [(gesture.keys, gesture.help) for gesture in GESTURES if gesture.group == title]
    for row, (shown, help_text) in enumerate(lines, start=1):
        keys = QLabel(shown)
        keys.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(keys, row, 0)
        grid.addWidget(muted_label(help_text), row, 1)
    grid.setColumnMinimumWidth(0, px(172))
    grid.setColumnStretch(1, 1)
    return grid
