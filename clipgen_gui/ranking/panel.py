"""The ranking card with its pages: weights, gates and regions."""

from __future__ import annotations

from functools import cached_property

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QStackedWidget, QToolButton, QWidget

from clipgen_gui.document.session import Session
from clipgen_gui.ranking.gates import GatesPanel
from clipgen_gui.ranking.regions import RegionsPanel
from clipgen_gui.ranking.summary import summary, weights_in_words
from clipgen_gui.ranking.weights import WeightsPanel
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import Card, chip, named

_TABS = (
    ("Weights", "Weights of the scores, and how windows are selected"),
    ("Gates", "Conditions that a window must meet"),
    ("Regions", "Weights of the face regions in the expression variation"),
)


class RankingPanel(Card):
    """Three pages under one title. The height follows the current page.

    Pages are created on first use, since their sixty controls would delay the start of the app.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Ranking", parent, foldable=True)
        self._session = session
        self._pages = QStackedWidget()
        self._group = QButtonGroup(self)
        self.tabs: list[QToolButton] = []
        for index, (title, help_text) in enumerate(_TABS):
            tab = QToolButton()
            tab.setObjectName("tab")
            tab.setText(title)
            tab.setCheckable(True)
            tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            named(tab, title, help_text)
            self._group.addButton(tab, index)
            self.header.addWidget(tab)
            self.tabs.append(tab)
        self.header.setSpacing(2)
        self.summary = chip()  # in the place of the tabs while the card is folded
        self.summary.hide()
        self.header.addWidget(self.summary)
        self.body.addWidget(self._pages)
        self._group.idClicked.connect(self.show_page)
        self.folded_changed.connect(self._show_header)
        follow(self, session.controls.changed, self._show_summary)
        self.show_page(0)

    def _show_header(self, folded: bool) -> None:
        for tab in self.tabs:
            tab.setHidden(folded)
        self.summary.setVisible(folded)

    def _show_summary(self) -> None:
        settings = self._session.settings
        self.summary.setText(summary(settings))
        self.summary.setToolTip(weights_in_words(settings))

    @cached_property
    def weights(self) -> WeightsPanel:
        return WeightsPanel(self._session)

    @cached_property
    def gates(self) -> GatesPanel:
        return GatesPanel(self._session)

    @cached_property
    def regions(self) -> RegionsPanel:
        return RegionsPanel(self._session)

    def show_page(self, index: int) -> None:
        """Show weights (0), gates (1) or regions (2)."""
        page: QWidget = self.weights if index == 0 else self.gates if index == 1 else self.regions
        before = self._pages.currentWidget()
        if before is not None and before is not page:
            before.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        if self._pages.indexOf(page) < 0:
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        self.tabs[index].setChecked(True)

    def show_gate(self, name: str) -> None:
        """Show the gates page, scrolled to a gate, even if the card was folded."""
        self.set_folded(False)
        self.show_page(1)
        self.gates.reveal(name)
