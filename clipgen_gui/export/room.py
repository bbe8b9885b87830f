"""The export: the flow from the window that asks, and the job that runs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.export.flow import ExportFlow
from clipgen_gui.export.job import ExportJob
from clipgen_gui.support.jobs import MakeCache
from clipgen_gui.widgets.message_bar import MessageArea


class ExportRoom(QObject):
    """Nothing is to be placed: the export has a window of its own."""

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        messages: MessageArea,
        settings: QSettings,
        cache: MakeCache | None,
        window: QWidget,
    ) -> None:
        """
        Args:
            cache: makes the store of finished analyses, in the thread that uses it; None: there is none.
            window: the parent of the export window.
        """
        super().__init__(window)
        self.job = ExportJob(cache, self)
        self.flow = ExportFlow(session, self.job, messages, preferences, settings, window)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by the name of the command."""
        return {"export": self.flow.ask}
