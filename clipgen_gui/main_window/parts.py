"""The parts of the main window, created in dependency order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QWidget

from clipgen_gui.analysis.room import AnalysisRoom
from clipgen_gui.dashboard.room import DashboardRoom
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.export.room import ExportRoom
from clipgen_gui.main_window.first_steps import FirstSteps
from clipgen_gui.main_window.shortcuts_overlay import ShortcutsOverlay
from clipgen_gui.main_window.start_page import StartPage, sample_video
from clipgen_gui.main_window.status_bar import StatusBar
from clipgen_gui.main_window.toolbar import ToolBar
from clipgen_gui.player.room import PlayerRoom
from clipgen_gui.plot.panel import ScorePlot
from clipgen_gui.projects.room import ProjectsRoom
from clipgen_gui.ranking.room import RankingRoom
from clipgen_gui.review.room import ReviewRoom
from clipgen_gui.settings.room import SettingsRoom
from clipgen_gui.support.jobs import CacheFactory
from clipgen_gui.widgets.message_bar import MessageArea
from clipgen_gui.widgets.typing_field import QuickEntry


class Parts:
    """The rooms, and the widgets of the window itself."""

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        actions: Mapping[str, QAction],
        preferences: Preferences,
        settings: QSettings,
        cache: CacheFactory | None,
        thumbnails: Path | None,
    ) -> None:
        """
        Args:
            window: parent of all parts.
            cache: creates the analysis cache in the thread that uses it; None: no cache.
            thumbnails: folder of video thumbnails; None: kept in memory only.
        """
        self.session, self.actions = session, actions
        self.central = QWidget(window)
        self.messages = MessageArea()
        self.player = PlayerRoom(session, actions, preferences, settings, window)
        self.plot = ScorePlot(session, actions["follow"], settings)
        self.analysis = AnalysisRoom(session, preferences, self.messages, cache, window)
        self.export = ExportRoom(session, preferences, self.messages, settings, cache, window)
        self.projects = ProjectsRoom(
            session, preferences, self.messages, settings, thumbnails, lambda: self.export.job.busy, window
        )
        self.ranking = RankingRoom(session, window)
        self.quick_entry = QuickEntry(self.central)
        self.review = ReviewRoom(session, actions, settings, self.quick_entry, window)
        self.dashboard = DashboardRoom(session, preferences, window)
        self.settings = SettingsRoom(session, preferences, window)
        self.start_page = StartPage(actions, sample_video())
        self.steps = FirstSteps(session, settings)
        self.status = StatusBar(actions["cancel"])
        self.status.place_first(self.review.reasons)
        self.toolbar = ToolBar(actions)
        self.shortcuts = ShortcutsOverlay(window)
