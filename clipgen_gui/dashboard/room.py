"""Entry of the dashboard room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from clipgen_engine.datasets.names import split_of
from clipgen_engine.projects.statistics import SplitOf
from clipgen_engine.types import Decision
from clipgen_gui.dashboard.page import DashboardPage
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session


class DashboardRoom(QObject):
    """Place `page` in a layout. Its charts filter the list of windows."""

    def __init__(self, session: Session, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._preferences = session, preferences
        self.page = DashboardPage(session, self._splits)
        self.page.filter_requested.connect(self._filter)
        preferences.changed.connect(lambda _: self.page.schedule())

    def _splits(self) -> SplitOf:
        """The splits under the settings of the next export, which are slow to read."""
        settings = self._preferences.dataset
        return lambda subject, fingerprint: split_of(
            {"subject_id": subject, "source_fingerprint": fingerprint}, bool(subject), settings
        )

    def _filter(self, kind: str, value: str) -> None:
        """List the windows of the project with this decision, tag or subject; a second click lists the others again."""
        selection = self._session.selection
        if kind == "decision":
            conditions: dict[str, Any] = {"decision": Decision(value)}
        elif kind in ("tag", "subject") and value:
            conditions = {kind: value}
        else:
            return
        selection.set_scope(Scope.PROJECT)
        wanted = replace(selection.filter, **conditions)
        off = {kind: getattr(WindowFilter(), kind)}
        selection.set_filter(replace(wanted, **off) if wanted == selection.filter else wanted)
