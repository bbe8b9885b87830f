"""Wires up background analyses, learned tokens and the token widgets."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from clipgen_gui.analysis.loader import AnalysisLoader
from clipgen_gui.analysis.project_ranking import ProjectRanking
from clipgen_gui.analysis.queue import AnalysisQueue
from clipgen_gui.analysis.token_bar import TokenBar
from clipgen_gui.analysis.token_flow import TokenFlow
from clipgen_gui.analysis.token_job import TokenJob, TokenState
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.support.jobs import CacheFactory
from clipgen_gui.widgets.message_bar import MessageArea


class AnalysisRoom(QObject):
    """The caller places `token_bar`; everything else is self-contained."""

    settings_wanted = Signal(str)  # name of the page

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        messages: MessageArea,
        cache: CacheFactory | None,
        window: QWidget,
    ) -> None:
        """
        Args:
            cache: creates the analysis cache, in the thread that uses it; None: no cache.
            window: parent of the dialogs.
        """
        super().__init__(window)
        self._session = session
        self.queue = AnalysisQueue(session, cache, self)
        self.queue.settings = lambda: preferences.analysis
        self.loader = AnalysisLoader(session, cache, self)
        self.project_ranking = ProjectRanking(session, cache, self)
        self.tokens = TokenJob(session, lambda: preferences.tokens, cache, parent=self)
        self.token_bar = TokenBar(session, self.tokens)
        self.token_flow = TokenFlow(session, self.tokens, preferences, messages, window)
        self.loader.lost.connect(self.queue.start)
        self.queue.analysed.connect(self.tokens.take)
        self.loader.loaded.connect(self.tokens.take)
        session.project_changed.connect(self.queue.start)
        for asking in (self.token_flow, self.token_bar):
            asking.settings_wanted.connect(self._want_settings)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        return {
            "analyse": self.analyse,
            "pause_queue": lambda: self.queue.set_paused(not self.queue.paused),
            "token_source": self.token_flow.switch,
            "pause_tokens": lambda: self.tokens.pause(self.tokens.state is not TokenState.PAUSED),
            "learned_tokens": self._want_settings,
        }

    def analyse(self) -> None:
        """Analyse the current video, again if already analysed."""
        if self._session.current is not None:
            self.queue.again([self._session.current])

    def _want_settings(self) -> None:
        self.settings_wanted.emit("tokens")
