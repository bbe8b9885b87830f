"""The window: builds the views, wires them to the session and to what runs in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget

from clipgen_gui.analysis.loader import AnalysisLoader
from clipgen_gui.analysis.queue import AnalysisQueue
from clipgen_gui.analysis.token_bar import TokenBar
from clipgen_gui.analysis.token_flow import TokenFlow
from clipgen_gui.analysis.token_job import TokenJob
from clipgen_gui.commands.actions import fill_menu_bar, make_actions, name_undo_actions, press_focused_button
from clipgen_gui.commands.keymap import keymap
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.export.flow import ExportFlow, open_folder
from clipgen_gui.export.job import ExportJob
from clipgen_gui.look.theme import follow_theme, px, theme
from clipgen_gui.main_window.first_steps import StepsBar
from clipgen_gui.main_window.handlers import command_handlers
from clipgen_gui.main_window.key_sheet import KeySheet
from clipgen_gui.main_window.layout import column, player_card, remember_sizes, splitter
from clipgen_gui.main_window.start_page import DropPage, sample_video
from clipgen_gui.main_window.state import DeskState
from clipgen_gui.main_window.status_bar import StatusLine
from clipgen_gui.main_window.toolbar import MainToolBar
from clipgen_gui.player.frame_server import FrameServer
from clipgen_gui.player.playback import SPEEDS, Playback
from clipgen_gui.player.sound import SoundPlayer
from clipgen_gui.player.transport_bar import TransportBar
from clipgen_gui.player.video_view import VideoPlayer
from clipgen_gui.player.volume_control import VolumeControl
from clipgen_gui.plot.panel import ScorePlot
from clipgen_gui.projects.best import BestOfProject
from clipgen_gui.projects.flow import ProjectFlow
from clipgen_gui.projects.scout import VideoScout
from clipgen_gui.projects.video_list import VideosList
from clipgen_gui.ranking.explainer import Explainer
from clipgen_gui.ranking.explanation import ExplanationPanel
from clipgen_gui.ranking.panel import RankingPanel
from clipgen_gui.review.contact_sheet import ContactSheet
from clipgen_gui.review.details import WindowDetails
from clipgen_gui.review.panel import WindowsPanel
from clipgen_gui.settings.window import SettingsWindow
from clipgen_gui.widgets.focus_ring import FocusRing
from clipgen_gui.widgets.message_bar import MessageArea
from clipgen_gui.widgets.typing_field import QuickEntry

if TYPE_CHECKING:
    from clipgen_engine.analysis.cache import AnalysisCache
    from clipgen_engine.projects.store import Project

_JOIN_MS = 5000
_JOIN_TOKENS_MS = 30_000  # a batch that is being computed cannot be interrupted
_GEOMETRY = "window/geometry"
_CONTEXT = ("accept", "reject", "undecide", "", "tag", "note", "subject", "", "trim_start", "trim_end")  # "": a line


class MainWindow(QMainWindow):
    """One window, one session."""

    def __init__(
        self,
        settings: QSettings | None = None,
        project: Project | None = None,
        cache: Callable[[], AnalysisCache] | None = None,
        thumbnails: Path | None = None,
    ) -> None:
        """
        Args:
            settings: of the window itself; else the user's.
            project: where decisions are kept, closed with the window; None: nowhere.
            cache: makes the store of finished analyses, in the thread that uses it; None: there is none.
            thumbnails: folder of the small pictures of videos; None: they are kept in memory only.
        """
        super().__init__()
        self._settings = settings or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "clipgen", "clipgen"
        )
        self.preferences = Preferences(self._settings, self)
        keymap.load(self._settings)
        self._dress()
        if project is not None:
            self.preferences.begin(project)
        self.session = Session(project, self)
        self.playback = Playback(self.session, self)
        self.sound = SoundPlayer(self.session, self.playback, self._settings, parent=self)
        self.server = FrameServer(self)
        self.queue = AnalysisQueue(self.session, cache, self)
        self.loader = AnalysisLoader(self.session, cache, self)
        self.exports = ExportJob(cache, self)
        self.tokens = TokenJob(self.session, lambda: self.preferences.tokens, cache, parent=self)
        self.queue.settings = lambda: self.preferences.analysis
        self.scout = VideoScout(thumbnails, self)
        self.messages = MessageArea()
        self.export_flow = ExportFlow(self.session, self.exports, self.messages, self.preferences, self._settings, self)
        self.project_flow = ProjectFlow(
            self.session,
            self.scout,
            self.messages,
            self._settings,
            lambda: self.exports.busy,
            self.preferences.begin,
            self,
        )
        self.best = BestOfProject(self.session, cache, self)
        self.setWindowTitle("clipgen")
        self.setAcceptDrops(True)
        self._make_actions()
        self._make_views()
        self._connect()
        self.resize(1600, 940)
        geometry = self._settings.value(_GEOMETRY)
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.desk_state = DeskState(self)

    # Building

    def _make_actions(self) -> None:
        handlers = command_handlers(self)
        self.actions_by_name = make_actions(self, {name: partial(self._run, name, handlers[name]) for name in handlers})
        name_undo_actions(self.session.undo_stack, self.actions_by_name)
        for name in ("loop", "follow"):
            self.actions_by_name[name].setChecked(True)

    def _run(self, name: str, handler: Callable[[], object]) -> None:
        """Run a command; while the contact sheet is open some of them are the sheet's."""
        if self.sheet.isVisible():
            handler = self.sheet.commands.get(name, handler)
        handler()

    def _make_views(self) -> None:
        actions = self.actions_by_name
        self.player = VideoPlayer(self.session, self.server)
        self.drop_page = DropPage(actions, sample_video())
        self.stage = QStackedWidget()
        self.stage.addWidget(self.drop_page)
        self.stage.addWidget(self.player)
        self.transport = TransportBar(self.session, actions, SPEEDS, self._settings)
        self.volume = VolumeControl(self.session, self.sound, actions)
        self.transport.add_control(self.volume)
        self.plot = ScorePlot(self.session, actions["follow"], self._settings)
        self.videos = VideosList(self.session, self.scout, self._settings)
        self.ranking = RankingPanel(self.session)
        self.explainer = Explainer(self.session, self)
        self.why = ExplanationPanel(self.session, self.explainer)
        self.table = WindowsPanel(self.session, self._settings)
        self.table.set_context_actions([actions[name] if name else None for name in _CONTEXT])
        self.token_bar = TokenBar(self.session, self.tokens)
        self.table.body.addWidget(self.token_bar)
        self.key_sheet = KeySheet(self)
        for view in (self.player, self.plot.plot, self.table.view, self.table.strip):
            view.setAcceptDrops(False)  # the window takes what is dropped, wherever it falls

        below = splitter(Qt.Orientation.Horizontal, (self.plot, self.why), (790, 310))
        follow_theme(below, lambda: below.setMinimumHeight(px(212)))
        left = splitter(
            Qt.Orientation.Vertical, (player_card(self.stage, self.messages, self.transport), below), (650, 290)
        )
        self.sheet = ContactSheet(self.session, self._settings)
        self._left = QStackedWidget()
        self._left.addWidget(left)
        self._left.addWidget(self.sheet)
        right = splitter(Qt.Orientation.Vertical, (column(self.videos, self.ranking), self.table), (490, 410))
        follow_theme(self, lambda: self.videos.setMinimumWidth(px(330)))
        both = splitter(Qt.Orientation.Horizontal, (self._left, right), (1140, 424))
        both.setStretchFactor(0, 1)
        both.setStretchFactor(1, 0)
        remember_sizes(self._settings, {"below": below, "left": left, "right": right, "both": both})

        self.steps = StepsBar(self.session, self._settings)
        central = column(both, above=self.steps, margin=8)
        central.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCentralWidget(central)
        central.setFocus()
        self.details = WindowDetails(self.session, QuickEntry(central))
        self.why.body.addWidget(self.details)
        self.status = StatusLine(actions["cancel"])
        self.setStatusBar(self.status)
        self.toolbar = MainToolBar(actions)
        self.addToolBar(self.toolbar)
        self.menus = fill_menu_bar(self.menuBar(), actions)
        self.focus_ring = FocusRing(self)

    def _connect(self) -> None:
        session, playback, actions = self.session, self.playback, self.actions_by_name
        self.drop_page.clicked.connect(self.project_flow.choose_files)
        self.drop_page.recent_chosen.connect(self.project_flow.open_project)
        self.drop_page.show_recent(self.project_flow.recent)
        self.project_flow.videos_found.connect(self.open_paths)
        session.project_changed.connect(lambda: self.drop_page.show_recent(self.project_flow.recent))
        self.drop_page.sample_wanted.connect(lambda sample: self.open_paths([sample]))
        self.player.clicked.connect(playback.toggle)
        self.player.frame_shown.connect(self.transport.show_frame)
        self.player.open_failed.connect(session.fail)
        self.transport.speed_chosen.connect(playback.set_speed)
        playback.speed_changed.connect(self.transport.show_speed)
        playback.playing_changed.connect(self.transport.show_playing)
        self.transport.show_speed(playback.speed)
        self.player.bind(actions, self._settings)
        self.player.set_export(self.preferences.export)
        actions["export"].triggered.connect(self.steps.finish)
        actions["loop"].toggled.connect(playback.set_loop)
        session.window_chosen.connect(self._play_chosen)
        self.sheet.closed.connect(lambda: self.show_sheet(False))
        playback.speed_changed.connect(self.sheet.grid.set_speed)
        self.loader.lost.connect(self.queue.start)
        self.queue.analysed.connect(self.tokens.take)
        self.loader.loaded.connect(self.tokens.take)
        self.token_flow = TokenFlow(session, self.tokens, self.preferences, self.messages, self)
        self.token_flow.settings_wanted.connect(lambda: self.show_settings("tokens"))
        self.token_bar.settings_wanted.connect(lambda: self.show_settings("tokens"))
        self.preferences.changed.connect(lambda page: self._dress() if page == "appearance" else None)
        self.preferences.changed.connect(lambda _: self.player.set_export(self.preferences.export))
        session.project_changed.connect(self.queue.start)
        recent = QMenu("Open recent project", self)
        recent.aboutToShow.connect(lambda: self.project_flow.fill_recent(recent))
        self.menus["File"].insertMenu(actions["save_project_as"], recent)
        self.videos.analyse_asked.connect(self.queue.again)
        self.videos.pause_asked.connect(self.queue.set_paused)
        self.queue.pause_changed.connect(self.videos.set_paused)
        self.queue.pause_changed.connect(actions["pause_queue"].setChecked)
        self.videos.locate_asked.connect(self.project_flow.locate)
        self.videos.folder_asked.connect(lambda entry: open_folder(entry.path.parent))
        self.why.gate_chosen.connect(self.ranking.show_gate)

    # Opening

    def resume(self) -> None:
        """Go on where the project was left."""
        self.project_flow.resume()
        self.queue.start()

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open projects, files and folders, and analyse the videos one after another."""
        self.project_flow.open_paths(paths)
        self.queue.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.open_paths(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())

    # Player

    def _step(self, frames: int) -> None:
        self.playback.pause()
        if self.session.current is not None:
            self.session.seek(self.session.current.position + frames)

    def _go_to(self, frame: int) -> None:
        self.playback.pause()
        self.session.seek(frame)

    def _loop_triggered(self) -> None:
        if press_focused_button():
            self.actions_by_name["loop"].toggle()  # Enter was for the button
        elif self.sheet.isVisible():
            self.actions_by_name["loop"].setChecked(True)
            self.show_sheet(False)  # to the player, where the marked window loops
        elif self.playback.loop and self.session.current and self.session.current.selected:
            self.session.select(self.session.current.selected)

    def _play_chosen(self) -> None:
        if self.playback.loop and not self.sheet.isVisible():
            self.playback.play()

    def show_sheet(self, on: bool) -> None:
        """Open the contact sheet in place of player and curves, or go back to them."""
        self.playback.pause()
        self._left.setCurrentIndex(1 if on else 0)
        self.actions_by_name["contact_sheet"].setChecked(on)
        for name in ("next_page", "previous_page", "reject_rest"):
            self.actions_by_name[name].setEnabled(on)
        if not on:
            self.table.take_focus()  # else it would go on to the next field, and keys would be typed there
        if not on and self.session.current is not None and self.session.current.selected is not None:
            self.session.select(self.session.current.selected)

    def _toggle_sheet(self) -> None:
        self.show_sheet(not self.sheet.isVisible())

    def _show_keys(self) -> None:
        self.key_sheet.setVisible(not self.key_sheet.isVisible())

    # Settings

    @cached_property
    def settings_window(self) -> SettingsWindow:
        """Made when it is first wanted."""
        return SettingsWindow(self.preferences, lambda: self.preferences.take_ranking(self.session.settings), self)

    def show_settings(self, page: str = "") -> None:
        """Open the settings, at a page where one is named."""
        if page:
            self.settings_window.show_page(page)
        self.settings_window.show()
        self.settings_window.activateWindow()

    def _switch_theme(self) -> None:
        self.preferences.set_value("appearance", "scheme", "light" if theme.is_dark else "dark")

    def _dress(self) -> None:
        chosen = self.preferences.values("appearance")
        theme.apply(chosen["scheme"], chosen["text_size"] / 100)

    # Analysis

    def analyse(self) -> None:
        """Analyse the video on screen, again if it was analysed before."""
        if self.session.current is not None:
            self.queue.again([self.session.current])

    def cancel(self) -> None:
        """Cancel the export that runs, else the analysis."""
        if self.exports.busy:
            self.exports.cancel()
        else:
            self.queue.cancel()

    def complain(self, sentence: str) -> None:
        """Say what will not work as it should, until it is dismissed."""
        self.messages.show_message(sentence, "warning")

    def report_bug(self, log_file: Path) -> None:
        """Something in the app itself went wrong; it goes on."""
        self.messages.show_message(
            "Something unexpected happened, and clipgen went on. What happened is in the log.",
            "error",
            ("Open log folder", lambda: open_folder(log_file.parent)),
        )

    def _dismiss(self) -> None:
        self.messages.dismiss_all()
        self.plot.cancel_drag()
        self.key_sheet.hide()
        self.session.ask_about(None)

    # Leaving

    def closeEvent(self, event: QCloseEvent) -> None:
        """End every thread; what runs is cancelled and leaves nothing half-written."""
        self._settings.setValue(_GEOMETRY, self.saveGeometry())
        self.hide()
        self.session.undo_stack.blockSignals(True)  # it says "changed" once more when it is destroyed
        self.playback.pause()
        self.queue.cancel()
        self.tokens.leave()
        self.exports.cancel()
        self.server.shutdown(_JOIN_MS)
        self.player.meshes.shutdown(_JOIN_MS)
        self.sound.shutdown(_JOIN_MS)
        self.sheet.server.shutdown(_JOIN_MS)
        self.table.strip.server.shutdown(_JOIN_MS)
        self.queue.shutdown(_JOIN_MS)
        self.loader.shutdown(_JOIN_MS)
        self.best.job.shutdown(_JOIN_MS)
        self.scout.shutdown(_JOIN_MS)
        self.project_flow.shutdown(_JOIN_MS)
        self.tokens.shutdown(_JOIN_TOKENS_MS)
        self.export_flow.shutdown(_JOIN_MS)
        self.session.close()
        super().closeEvent(event)
