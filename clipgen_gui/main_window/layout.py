"""How the window's parts lie beside and below each other."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QGridLayout, QSplitter, QVBoxLayout, QWidget

from clipgen_gui.widgets.cards import Card

_GAP = 8


def player_card(stage: QWidget, messages: QWidget, transport: QWidget) -> Card:
    """The picture with its messages and, below it, what plays it."""
    card = Card()
    layout = card.layout()
    assert layout is not None
    layout.setContentsMargins(1, 1, 1, 1)
    card.body.setSpacing(0)
    grid = QGridLayout()
    grid.addWidget(stage, 0, 0)
    grid.addWidget(messages, 0, 0, Qt.AlignmentFlag.AlignTop)  # over the picture: nothing moves
    card.body.addLayout(grid, 1)
    card.body.addWidget(transport)
    return card


def column(tall: QWidget, below: QWidget | None = None, *, above: QWidget | None = None, margin: int = 0) -> QWidget:
    """A widget that takes what height there is, and others as high as they want to be."""
    whole = QWidget()
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(_GAP)
    for widget in (above, tall, below):
        if widget is not None:
            layout.addWidget(widget, 1 if widget is tall else 0)
    return whole


def splitter(orientation: Qt.Orientation, widgets: tuple[QWidget, ...], sizes: tuple[int, ...]) -> QSplitter:
    """Widgets side by side or one below the other, with sizes that a person can change."""
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(_GAP)
    splitter.setChildrenCollapsible(False)
    for position, widget in enumerate(widgets):
        splitter.addWidget(widget)
        splitter.setStretchFactor(position, sizes[position])
    splitter.setSizes(list(sizes))
    return splitter


def remember_sizes(settings: QSettings, splitters: dict[str, QSplitter]) -> None:
    """Give splitters, by name, the sizes that a person gave them last, and note those that they are given."""
    for name, one in splitters.items():
        key = f"window/splitters/{name}"
        stored = settings.value(key)
        if isinstance(stored, QByteArray):
            one.restoreState(stored)
        one.splitterMoved.connect(lambda _at, _index, one=one, key=key: settings.setValue(key, one.saveState()))
