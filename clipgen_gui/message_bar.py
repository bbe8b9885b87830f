"""Quiet messages over the picture, instead of dialogs that block the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from clipgen_gui.cards import named
from clipgen_gui.theme import follow_theme, icon, px

Kind = Literal["info", "success", "warning"]
_LOOKS: dict[Kind, tuple[str, str]] = {
    "info": ("information-outline", "accent"),
    "success": ("check-circle", "accepted"),
    "warning": ("alert-circle-outline", "warning"),
}
_AT_MOST = 2


class MessageArea(QWidget):
    """A stack of messages, the newest on top; the oldest makes room when there are too many."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(230, 12, 24, 0)  # clear of the frame number
        self._layout.setSpacing(6)
        self._bars: list[_Message] = []
        self.hide()

    @property
    def texts(self) -> list[str]:
        """What is to be read now, newest first."""
        return [bar.text for bar in self._bars]

    def show_message(
        self, text: str, kind: Kind = "info", action: tuple[str, Callable[[], None]] | None = None
    ) -> None:
        """Show a sentence, with a button where there is something to do about it."""
        for bar in [bar for bar in self._bars if bar.text == text] + self._bars[_AT_MOST - 1 :]:
            self._dismiss(bar)
        bar = _Message(text, kind, action)
        bar.close_button.clicked.connect(lambda: self._dismiss(bar))
        self._bars.insert(0, bar)
        self._layout.insertWidget(0, bar)
        self.show()

    def dismiss_all(self) -> None:
        for bar in list(self._bars):
            self._dismiss(bar)

    def _dismiss(self, bar: _Message) -> None:
        if bar in self._bars:
            self._bars.remove(bar)
            self._layout.removeWidget(bar)
            bar.hide()
            bar.deleteLater()
            self.setVisible(bool(self._bars))


class _Message(QFrame):
    def __init__(self, text: str, kind: Kind, action: tuple[str, Callable[[], None]] | None) -> None:
        super().__init__()
        self.setObjectName("message")
        self.text = text
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 7, 8, 7)
        layout.setSpacing(10)
        mark = QLabel()
        follow_theme(mark, lambda: mark.setPixmap(icon(*_LOOKS[kind]).pixmap(px(18), px(18))))
        mark.setAccessibleName(kind)
        layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(label, 1)
        if action is not None:
            button = QPushButton(action[0])
            named(button, action[0])
            button.clicked.connect(action[1])
            layout.addWidget(button)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close", "muted"))
        named(self.close_button, "Dismiss the message")
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
