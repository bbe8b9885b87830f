"""The layout of the main window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from clipgen_gui.look.theme import follow_theme, px
from clipgen_gui.main_window.parts import Parts
from clipgen_gui.widgets.cards import Card

_GAP = 8
_MARGIN = 8
_LARGE = 10_000  # px: all the room there is
_ARRANGEMENT, _ARRANGEMENTS, _OLD_SIZES = "window/arrangement", "window/arrangements", "window/splitters"


@dataclass(frozen=True)
class Arrangement:
    """Which cards are folded, and how wide and high the rest is, until the curator changes it."""

    folded: frozenset[str]
    sizes: Mapping[str, tuple[int, int]]  # of the splitters, by name


_LEFT = {"below": (790, 310), "left": (650, 290)}
ARRANGEMENTS = {
    "review": Arrangement(frozenset({"videos", "ranking"}), _LEFT | {"right": (490, 410), "both": (1140, 424)}),
    "tune": Arrangement(frozenset(), _LEFT | {"right": (490, 410), "both": (1140, 424)}),
    "manage": Arrangement(frozenset({"ranking", "windows"}), _LEFT | {"right": (600, 300), "both": (960, 604)}),
}
_FIRST = "tune"


class Layout:
    """Fills the central widget. The stage and the left side are stacks that each show one of their widgets.

    Splitters and folded cards belong to the arrangement in use, which remembers them.
    """

    def __init__(self, parts: Parts, settings: QSettings) -> None:
        """
        Args:
            settings: where arrangements are stored.
        """
        player, review, ranking = parts.player, parts.review, parts.ranking
        self._parts = parts
        self._stage = _stack(parts.start_page, player.view)
        card = _player_card(self._stage, parts.messages, player.transport)
        review.panel.body.addWidget(parts.analysis.token_bar)
        ranking.why.body.addWidget(review.details)
        below = _splitter(Qt.Orientation.Horizontal, (parts.plot, ranking.why))
        follow_theme(below, lambda: below.setMinimumHeight(px(212)))
        left = _splitter(Qt.Orientation.Vertical, (card, below))
        self._front = left
        self._left = _stack(left, review.sheet, parts.dashboard.page)
        videos = parts.projects.videos
        self._manage = _column(QWidget(), videos, below=ranking.panel)
        right = _splitter(Qt.Orientation.Vertical, (self._manage, review.panel))
        follow_theme(videos, lambda: videos.setMinimumWidth(px(330)))
        both = _splitter(Qt.Orientation.Horizontal, (self._left, _with_space_below(right)))
        self._settings, self._applying = settings, False
        self._later = QTimer(both)  # once the cards have their new heights
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._size_all)
        self._splitters = {"below": below, "left": left, "right": right, "both": both}
        self._cards: dict[str, Card] = {"videos": videos, "ranking": ranking.panel, "windows": review.panel}
        stored = str(settings.value(_ARRANGEMENT, _FIRST))
        self.arrangement = stored if stored in ARRANGEMENTS else _FIRST
        for name, one in self._cards.items():
            one.folded_changed.connect(partial(self._folded, name))
        for name, splitter in self._splitters.items():
            splitter.splitterMoved.connect(partial(self._moved, name))
        _column(parts.central, both, above=parts.steps, margin=_MARGIN)
        parts.central.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for view in (player.view, parts.plot.plot, review.panel.view, review.panel.strip):
            view.setAcceptDrops(False)  # drops anywhere are handled by the main window

    # Arrangements

    def use(self, arrangement: str) -> None:
        """Arrange everything as it was left in this arrangement."""
        self.arrangement = arrangement
        self._settings.setValue(_ARRANGEMENT, arrangement)
        self._apply()

    def reset(self) -> None:
        """Forget what was changed in this arrangement."""
        self._settings.remove(f"{_ARRANGEMENTS}/{self.arrangement}")
        if self.arrangement == _FIRST:
            self._settings.remove(_OLD_SIZES)
        self._apply()

    def _apply(self) -> None:
        self._applying = True
        for name, card in self._cards.items():
            card.set_folded(self._is_folded(name))
        self._applying = False
        self._give_room()
        self._size_all()
        self._later.start()

    def _is_folded(self, name: str) -> bool:
        """Whether a card was left folded in this arrangement."""
        stored = str(self._settings.value(self._key("folded", name)))
        return stored == "true" if stored in ("true", "false") else name in ARRANGEMENTS[self.arrangement].folded

    def _size(self, name: str) -> None:
        """Give a splitter the sizes that it was left with in this arrangement."""
        splitter, sizes = self._splitters[name], ARRANGEMENTS[self.arrangement].sizes[name]
        stored = self._settings.value(self._key("sizes", name))
        if stored is None and self.arrangement == _FIRST:
            stored = self._settings.value(f"{_OLD_SIZES}/{name}")  # by versions without arrangements
        for place, size in enumerate(sizes if name != "both" else (1, 0)):  # only the left side grows with the window
            splitter.setStretchFactor(place, size)
        if name == "right" and self._cards["videos"].folded:
            splitter.setSizes([1, _LARGE])
        elif name == "right" and self._cards["windows"].folded:
            splitter.setSizes([_LARGE, 1])
        elif not isinstance(stored, QByteArray) or not splitter.restoreState(stored):
            splitter.setSizes(list(sizes))

    def _size_all(self) -> None:
        for name in self._splitters:
            self._size(name)

    def _key(self, what: str, name: str) -> str:
        return f"{_ARRANGEMENTS}/{self.arrangement}/{what}/{name}"

    def _folded(self, name: str, on: bool) -> None:
        if self._applying:
            return  # only what the curator changes is stored
        self._settings.setValue(self._key("folded", name), "true" if on else "false")
        self._give_room()
        self._later.start()

    def _moved(self, name: str, _position: int, _index: int) -> None:
        if name != "right" or not (self._cards["videos"].folded or self._cards["windows"].folded):
            self._settings.setValue(self._key("sizes", name), self._splitters[name].saveState())

    def _give_room(self) -> None:
        """Let the list of windows have the height that a folded list of videos does not need."""
        grows = not self._cards["videos"].folded
        policy = QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding if grows else QSizePolicy.Policy.Maximum
        self._manage.setSizePolicy(*policy)
        self._manage.updateGeometry()

    # What the left side shows

    def show_player(self, on: bool) -> None:
        """Show the player, or the start page."""
        self._stage.setCurrentWidget(self._parts.player.view if on else self._parts.start_page)

    def show_sheet(self, on: bool) -> None:
        """Show the contact sheet, or player and curves."""
        sheet = self._parts.review.sheet
        if on and self._left.indexOf(sheet) < 0:  # it was in a window of its own
            self._left.addWidget(sheet)
        self._left.setCurrentWidget(sheet if on else self._front)

    def show_dashboard(self, on: bool) -> None:
        """Show the dashboard, or player and curves."""
        self._left.setCurrentWidget(self._parts.dashboard.page if on else self._front)


def _stack(*widgets: QWidget) -> QStackedWidget:
    stack = QStackedWidget()
    for widget in widgets:
        stack.addWidget(widget)
    return stack


def _player_card(stage: QWidget, messages: QWidget, transport: QWidget) -> Card:
    """The picture with messages over it, and the transport bar below."""
    card = Card()
    layout = card.layout()
    assert layout is not None
    layout.setContentsMargins(1, 1, 1, 1)
    card.body.setSpacing(0)
    grid = QGridLayout()
    grid.addWidget(stage, 0, 0)
    grid.addWidget(messages, 0, 0, Qt.AlignmentFlag.AlignTop)  # overlaid, so that the layout does not shift
    card.body.addLayout(grid, 1)
    card.body.addWidget(transport)
    return card


def _column(
    whole: QWidget, tall: QWidget, *, above: QWidget | None = None, below: QWidget | None = None, margin: int = 0
) -> QWidget:
    """Stack widgets in `whole`: `tall` takes the remaining height, the others their preferred height."""
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(_GAP)
    for widget in (above, tall, below):
        if widget is not None:
            layout.addWidget(widget, 1 if widget is tall else 0)
    return whole


def _with_space_below(splitter: QSplitter) -> QWidget:
    """Let only this column stay empty where cards are folded; a splitter would limit the height of the whole window."""
    whole = QWidget()
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(splitter, 1)
    layout.addStretch()
    return whole


def _splitter(orientation: Qt.Orientation, widgets: tuple[QWidget, ...]) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(_GAP)
    splitter.setChildrenCollapsible(False)
    for widget in widgets:
        splitter.addWidget(widget)
    return splitter
