"""Entry of the ranking room."""

from __future__ import annotations

from PySide6.QtCore import QObject

from clipgen_gui.document.session import Session
from clipgen_gui.ranking.explainer import Explainer
from clipgen_gui.ranking.explanation import ExplanationPanel
from clipgen_gui.ranking.panel import RankingPanel


class RankingRoom(QObject):
    """`panel` and `why` are the widgets to place."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.panel = RankingPanel(session)
        self.explainer = Explainer(session, self)
        self.why = ExplanationPanel(session, self.explainer)
        self.why.gate_chosen.connect(self.panel.show_gate)
