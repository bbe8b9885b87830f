"""Small building blocks of the panels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from clipgen_engine.score_terms import TERMS
from clipgen_gui.theme import DARK


class Card(QFrame):
    """A titled panel. `header` takes what stands at the right of the title, `body` the content."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 9, 12, 10)
        layout.setSpacing(6)
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        if title:
            label = QLabel(title.upper())
            label.setObjectName("cardTitle")
            self.header.addWidget(label)
            self.header.addStretch(1)
            layout.addLayout(self.header)
        self.body = QVBoxLayout()
        self.body.setSpacing(4)
        layout.addLayout(self.body, 1)


def named(widget: QWidget, name: str, tooltip: str = "") -> None:
    """Give a control its accessible name and its tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(tooltip or name)


def term_color(name: str) -> str:
    """Colour of a score term, by its place among all of them."""
    return DARK.term(list(TERMS).index(name))


def chip(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName("chip")
    return label


def dot_label(text: str, tint: str) -> QLabel:
    """A coloured dot and a word, for legends."""
    label = QLabel(f'<span style="color:{tint}">●</span>&nbsp;{text}')
    label.setTextFormat(Qt.TextFormat.RichText)
    return label


def muted_label(text: str = "", *, wrap: bool = False) -> QLabel:
    label = QLabel(text)
    label.setObjectName("muted")
    if wrap:
        label.setWordWrap(True)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
    return label
