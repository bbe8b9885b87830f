"""The layout of the main window."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QGridLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from clipgen_gui.look.theme import follow_theme, px
from clipgen_gui.main_window.parts import Parts
from clipgen_gui.widgets.cards import Card

_GAP = 8
_MARGIN = 8


class Layout:
    """Fills the central widget. The stage and the left side are stacks that each show one of their widgets."""

    def __init__(self, parts: Parts, settings: QSettings) -> None:
        """
        Args:
            settings: where splitter sizes are stored.
        """
        player, review, ranking = parts.player, parts.review, parts.ranking
        self._parts = parts
        self._stage = _stack(parts.start_page, player.view)
        card = _player_card(self._stage, parts.messages, player.transport)
        review.panel.body.addWidget(parts.analysis.token_bar)
        ranking.why.body.addWidget(review.details)
        below = _splitter(Qt.Orientation.Horizontal, (parts.plot, ranking.why), (790, 310))
        follow_theme(below, lambda: below.setMinimumHeight(px(212)))
        left = _splitter(Qt.Orientation.Vertical, (card, below), (650, 290))
        self._left = _stack(left, review.sheet, parts.dashboard.page)
        videos = parts.projects.videos
        manage = _column(QWidget(), videos, below=ranking.panel)
        right = _splitter(Qt.Orientation.Vertical, (manage, review.panel), (490, 410))
        follow_theme(videos, lambda: videos.setMinimumWidth(px(330)))
        both = _splitter(Qt.Orientation.Horizontal, (self._left, right), (1140, 424))
        both.setStretchFactor(0, 1)
        both.setStretchFactor(1, 0)
        _remember_sizes(settings, {"below": below, "left": left, "right": right, "both": both})
        _column(parts.central, both, above=parts.steps, margin=_MARGIN)
        parts.central.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for view in (player.view, parts.plot.plot, review.panel.view, review.panel.strip):
            view.setAcceptDrops(False)  # drops anywhere are handled by the main window

    def show_player(self, on: bool) -> None:
        """Show the player, or the start page."""
        self._stage.setCurrentWidget(self._parts.player.view if on else self._parts.start_page)

    def show_sheet(self, on: bool) -> None:
        """Show the contact sheet, or player and curves."""
        self._left.setCurrentIndex(1 if on else 0)

    def show_dashboard(self, on: bool) -> None:
        """Show the dashboard, or player and curves."""
        self._left.setCurrentIndex(2 if on else 0)


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


def _splitter(orientation: Qt.Orientation, widgets: tuple[QWidget, ...], sizes: tuple[int, ...]) -> QSplitter:
    """A splitter with these widgets and initial sizes."""
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(_GAP)
    splitter.setChildrenCollapsible(False)
    for position, widget in enumerate(widgets):
        splitter.addWidget(widget)
        splitter.setStretchFactor(position, sizes[position])
    splitter.setSizes(list(sizes))
    return splitter


def _remember_sizes(settings: QSettings, splitters: dict[str, QSplitter]) -> None:
    """Restore the stored sizes of the splitters, by name, and store later changes."""
    for name, one in splitters.items():
        key = f"window/splitters/{name}"
        stored = settings.value(key)
        if isinstance(stored, QByteArray):
            one.restoreState(stored)
        one.splitterMoved.connect(lambda _at, _index, one=one, key=key: settings.setValue(key, one.saveState()))
