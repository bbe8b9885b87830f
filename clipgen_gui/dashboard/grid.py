"""Arranges cards in columns, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from clipgen_gui.look.theme import px

_GAP = 8


class CardGrid(QWidget):
    """Each card goes below the shortest column. All columns end at the same height: what is left goes to the cards that
    can grow, else to the last one."""

    def __init__(self, cards: Sequence[QWidget], counts: tuple[int, ...] = (3, 2, 1), narrowest: int = 330) -> None:
        """
        Args:
            counts: possible numbers of columns, from 1 on, largest first.
            narrowest: width of a column at the default text size, px; a single column may be narrower.
        """
        super().__init__()
        self._cards, self._counts, self._narrowest = tuple(cards), counts, narrowest
        for card in cards:
            card.setParent(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self._place()
        return done

    def _place(self) -> None:
        shown = [card for card in self._cards if not card.isHidden()]
        room = (self.width() + _GAP) // (px(self._narrowest) + _GAP)
        count = next((one for one in self._counts if one <= room), 1)
        edges = [round((self.width() + _GAP) * place / count) for place in range(count + 1)]
        columns: list[list[tuple[QWidget, int]]] = [[] for _ in range(count)]  # cards with their heights
        heights = [0] * count
        for card in shown:
            place = heights.index(min(heights))
            width = edges[place + 1] - edges[place] - _GAP
            height = card.heightForWidth(width) if card.hasHeightForWidth() else card.sizeHint().height()
            columns[place].append((card, height))
            heights[place] += height + _GAP
        for place, column in enumerate(columns):
            self._fill(column, edges[place], edges[place + 1] - _GAP, max(heights) - heights[place])
        self.setFixedHeight(max(0, max(heights) - _GAP))

    def _fill(self, column: list[tuple[QWidget, int]], left: int, right: int, spare: int) -> None:
        """Place the cards of a column, `spare` px higher in all than they need."""
        grows = [card for card, _ in column if _can_grow(card)] or [card for card, _ in column[-1:]]
        y = 0
        for card, height in column:
            if card in grows:
                height += spare // len(grows)
            if card is column[-1][0]:
                height += spare % len(grows)
            card.setGeometry(left, y, right - left, height)
            y += height + _GAP


def _can_grow(card: QWidget) -> bool:
    return card.sizePolicy().verticalPolicy() is QSizePolicy.Policy.Expanding
