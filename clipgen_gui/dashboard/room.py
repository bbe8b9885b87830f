"""Entry of the dashboard room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from clipgen_engine.datasets.names import split_of
from clipgen_engine.projects.statistics import SplitOf
from clipgen_engine.types import Decision
from clipgen_gui.dashboard.page import DashboardPage
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session

_FIELDS = ("decision", "tag", "subject", "reason", "curator", "day", "split", "video", "score")


class DashboardRoom(QObject):
    """Place `page` in a layout. Its charts filter the list of windows."""

    def __init__(self, session: Session, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._preferences = session, preferences
        self.page = DashboardPage(session, self._splits)
        self.page.filter_requested.connect(self._filter)
        preferences.changed.connect(lambda _: self.page.schedule())

    def _filter(self, kind: str, value: str) -> None:
        """List the windows of the project that a bar stands for; a second click lists the others again."""
        selection = self._session.selection
        selection.set_scope(Scope.PROJECT)
        condition = self._condition(kind, value)
        if kind in _FIELDS:
            on = getattr(selection.filter, kind) == condition
            changes: dict[str, Any] = {kind: None if on else condition}
            wanted = replace(selection.filter, **changes)
            selection.set_filter(replace(wanted, split_of=self._splits()) if kind == "split" else wanted)

    def _condition(self, kind: str, value: str) -> Any:
        """The value of the filter's condition of this kind."""
        if kind == "decision":
            return Decision(value)
        if kind == "video":
            return next((one for one in self._session.videos if str(one.video_id) == value), None)
        if kind == "score":
            low, high = map(float, value.split("-"))
            return low, high if high < 1 else float("inf")
        return value

    def _splits(self) -> SplitOf:
        """The splits under the settings of the next export, which are slow to read."""
        settings = self._preferences.dataset
        return lambda subject, fingerprint: split_of(
            {"subject_id": subject, "source_fingerprint": fingerprint}, bool(subject), settings
        )
