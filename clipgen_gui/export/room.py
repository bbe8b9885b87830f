"""The export: its workflow and its background job."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.export.flow import ExportFlow
from clipgen_gui.export.job import ExportJob
from clipgen_gui.support.jobs import CacheFactory
from clipgen_gui.widgets.message_bar import MessageArea


class ExportRoom(QObject):
    """Has no widget to place; the export opens its own window."""

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        messages: MessageArea,
        settings: QSettings,
        cache: CacheFactory | None,
        window: QWidget,
    ) -> None:
        """
        Args:
            cache: opens the analysis cache, in the thread that uses it; None: no cache.
            window: the parent of the export window.
        """
        super().__init__(window)
        self.job = ExportJob(cache, self)
        self.flow = ExportFlow(session, self.job, messages, preferences, settings, window)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        return {"export": self.flow.ask}
