"""The main window: composes and connects the rooms, and shuts down background work on close."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMenu

from clipgen_gui.commands.actions import fill_menu_bar, make_actions, name_undo_actions, press_focused_button
from clipgen_gui.commands.keymap import keymap, with_key
from clipgen_gui.document.preferences import PAGES, Page, Preferences
from clipgen_gui.document.reached_goals import ReachedGoals
from clipgen_gui.document.session import Session
from clipgen_gui.look import theme as look
from clipgen_gui.main_window.layout import ARRANGEMENTS, Layout
from clipgen_gui.main_window.parts import Parts
from clipgen_gui.main_window.sheet_window import SheetWindow
from clipgen_gui.main_window.state import WindowState
from clipgen_gui.settings.room import apply_appearance
from clipgen_gui.support.files import open_folder
from clipgen_gui.support.jobs import CacheFactory
from clipgen_gui.support.threads import end_threads
from clipgen_gui.widgets.focus_ring import FocusRing

if TYPE_CHECKING:
    from clipgen_engine.projects.store import Project

_END_MS = 30_000  # a running batch of learned tokens cannot be interrupted
_APPEARANCE = Page("appearance", "Appearance", "These apply immediately.", look.SETTINGS)
_GEOMETRY, _SHEET_APART = "window/geometry", "sheet/own_window"


class MainWindow(QMainWindow):
    """One window, one session."""

    def __init__(
        self,
        settings: QSettings | None = None,
        project: Project | None = None,
        cache: CacheFactory | None = None,
        thumbnails: Path | None = None,
    ) -> None:
        """
        Args:
            settings: of the window; default to the user's.
            project: where decisions are stored; closed with the window. None: not stored.
            cache: creates the analysis cache in the thread that uses it; None: no cache.
            thumbnails: folder of video thumbnails; None: kept in memory only.
        """
        super().__init__()
        self._settings = settings or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "clipgen", "clipgen"
        )
        self.preferences = Preferences(self._settings, self, (*PAGES, _APPEARANCE))
        keymap.load(self._settings)
        apply_appearance(self.preferences)
        if project is not None:
            self.preferences.apply_ranking_defaults(project)
        self.session = Session(project, self, with_key)
        self.goals = ReachedGoals(self.session, self)
        self.actions_by_name = make_actions(self, self.run_command)
        name_undo_actions(self.session.undo_stack, self.actions_by_name)
        self.actions_by_name["follow"].setChecked(True)
        self.parts = Parts(
            self, self.session, self.actions_by_name, self.preferences, self._settings, cache, thumbnails
        )
        self._layout = Layout(self.parts, self._settings)
        self._commands = self._handlers()
        self.setWindowTitle("clipgen")
        self.setAcceptDrops(True)
        self.setCentralWidget(self.parts.central)
        self.parts.central.setFocus()
        self.setStatusBar(self.parts.status)
        self.addToolBar(self.parts.toolbar)
        self.menus = fill_menu_bar(self.menuBar(), self.actions_by_name)
        self.focus_ring = FocusRing(self)
        self._connect()
        self._group_layouts()
        self.resize(1600, 940)
        geometry = self._settings.value(_GEOMETRY)
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.use_layout(self._layout.arrangement)
        self.sheet_window = SheetWindow(self._settings, self.actions_by_name.values(), self)
        self.sheet_window.closed.connect(partial(self.set_sheet_apart, False))
        self.parts.quick_entry.add_host(self.sheet_window)
        self._sheet_apart = False
        self.set_sheet_apart(str(self._settings.value(_SHEET_APART, "false")) == "true")
        self.state = WindowState(self, self.parts, self._layout)

    def _name_curator(self) -> None:
        self.session.decisions.curator = self.session.storage.curator() or self.preferences.curator

    def _connect(self) -> None:
        """Connect the rooms to each other."""
        parts, session, flow = self.parts, self.session, self.parts.projects.flow
        queue, videos = parts.analysis.queue, parts.projects.videos
        self._name_curator()
        self.preferences.changed.connect(lambda _: self._name_curator())
        session.project_changed.connect(self._name_curator)
        parts.start_page.clicked.connect(flow.choose_files)
        parts.start_page.recent_chosen.connect(flow.open_project)
        parts.start_page.show_recent(flow.recent)
        parts.start_page.sample_requested.connect(lambda sample: self.open_paths([sample]))
        session.project_changed.connect(lambda: parts.start_page.show_recent(flow.recent))
        flow.videos_found.connect(self.open_paths)
        self.actions_by_name["export"].triggered.connect(parts.steps.finish)
        session.selection.window_chosen.connect(self._play_chosen)
        parts.review.sheet.closed.connect(partial(self.show_sheet, False))
        parts.dashboard.page.closed.connect(partial(self.show_dashboard, False))
        parts.player.playback.speed_changed.connect(parts.review.sheet.grid.set_speed)
        parts.analysis.settings_wanted.connect(parts.settings.show)
        recent = QMenu("Open recent project", self)
        recent.aboutToShow.connect(partial(flow.fill_recent, recent))
        self.menus["File"].insertMenu(self.actions_by_name["save_project_as"], recent)
        videos.analyse_requested.connect(queue.again)
        videos.pause_requested.connect(queue.set_paused)
        queue.pause_changed.connect(videos.set_paused)
        queue.pause_changed.connect(self.actions_by_name["pause_queue"].setChecked)
        videos.show_folder_requested.connect(lambda entry: open_folder(entry.path.parent))

    def _group_layouts(self) -> None:
        group = QActionGroup(self)
        for name in ARRANGEMENTS:
            group.addAction(self.actions_by_name[f"layout_{name}"])

    # Commands

    def _handlers(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name: those of the rooms, and those that concern several rooms."""
        parts = self.parts
        rooms = (parts.projects, parts.analysis, parts.player, parts.review, parts.export, parts.settings)
        handlers = {name: handler for room in rooms for name, handler in room.commands.items()}
        return handlers | {
            **{f"layout_{name}": partial(self.use_layout, name) for name in ARRANGEMENTS},
            "reset_layout": self._layout.reset,
            "undo": self.session.undo_stack.undo,
            "redo": self.session.undo_stack.redo,
            "cancel": self.cancel,
            "loop": self._loop_triggered,
            "sheet_window": self._switch_sheet_window,
            "contact_sheet": lambda: self.show_sheet(not parts.review.sheet.isVisible()),
            "dashboard": lambda: self.show_dashboard(not parts.dashboard.page.isVisible()),
            "keys": lambda: parts.shortcuts.setVisible(not parts.shortcuts.isVisible()),
            "dismiss": self._dismiss,
            "quit": self.close,
        }

    def run_command(self, name: str) -> None:
        """Run a command. While the contact sheet is open, its handlers take precedence.

        A command without a handler is a toggle that a view listens to.
        """
        sheet_first = not self._sheet_apart or self.sheet_window.isActiveWindow()
        sheet_commands = self.parts.review.commands_of_sheet if sheet_first else {}
        if name == "play" and name not in sheet_commands and self.parts.dashboard.page.isVisible():
            self.show_dashboard(False)  # nothing plays unseen
        handler = sheet_commands.get(name) or self._commands.get(name)
        if handler is not None:
            handler()

    def cancel(self) -> None:
        """Cancel the running export, else the analysis."""
        if self.parts.export.job.busy:
            self.parts.export.job.cancel()
        else:
            self.parts.analysis.queue.cancel()

    def _loop_triggered(self) -> None:
        loop, current = self.actions_by_name["loop"], self.session.current
        if press_focused_button():
            loop.toggle()  # Enter was meant for the button: revert the toggle
            return
        if self._player_hidden:
            loop.setChecked(True)
            self._show_player()  # the selected window loops there
            return
        if self.sheet_window.isActiveWindow():
            loop.setChecked(True)  # the marked window loops in the player beside
        if self.parts.player.playback.loop and current is not None and current.selected:
            self.session.selection.select(current.selected)

    def _play_chosen(self) -> None:
        if self.parts.player.playback.loop and not self._player_hidden:
            self.parts.player.playback.play()

    @property
    def _player_hidden(self) -> bool:
        sheet_in_front = self.parts.review.sheet.isVisible() and not self._sheet_apart
        return sheet_in_front or self.parts.dashboard.page.isVisible()

    def _show_player(self) -> None:
        """Close the contact sheet or the dashboard."""
        if self.parts.dashboard.page.isVisible():
            self.show_dashboard(False)
        else:
            self.show_sheet(False)

    def use_layout(self, arrangement: str) -> None:
        """Arrange the cards in one of the three ways."""
        self._layout.use(arrangement)
        self.actions_by_name[f"layout_{arrangement}"].setChecked(True)

    def show_sheet(self, on: bool) -> None:
        """Show the contact sheet instead of player and curves, or return to them; or in its own window."""
        if self._sheet_apart:
            if on:
                self.sheet_window.show_sheet(self.parts.review.sheet)
            else:
                self.sheet_window.hide()
                self.activateWindow()
        else:
            self.parts.player.playback.pause()
            self._layout.show_sheet(on)
            self.actions_by_name["dashboard"].setChecked(False)
        self.actions_by_name["contact_sheet"].setChecked(on)
        self.parts.review.enter_sheet(on)

    def _switch_sheet_window(self) -> None:
        self.set_sheet_apart(not self._sheet_apart)
        if self._sheet_apart and self.actions_by_name["contact_sheet"].isEnabled():
            self.show_sheet(True)

    def set_sheet_apart(self, on: bool) -> None:
        """Let the contact sheet have a window of its own, or show it in this one."""
        shown = self.parts.review.sheet.isVisible()
        if shown:
            self.show_sheet(False)
        self._sheet_apart = self.parts.review.sheet.seeks = on
        self._settings.setValue(_SHEET_APART, "true" if on else "false")
        self.actions_by_name["sheet_window"].setChecked(on)
        if shown:
            self.show_sheet(True)

    def show_dashboard(self, on: bool) -> None:
        """Show the dashboard instead of player and curves, or return to them."""
        if self.parts.review.sheet.isVisible() and not self._sheet_apart:
            self.show_sheet(False)
        self.parts.player.playback.pause()
        self._layout.show_dashboard(on)
        self.actions_by_name["dashboard"].setChecked(on)
        if not on:
            self.parts.review.panel.take_focus()  # otherwise the next field takes the focus

    def _dismiss(self) -> None:
        if self.parts.dashboard.page.isVisible():
            self.show_dashboard(False)
            return
        self.parts.messages.dismiss_all()
        self.parts.plot.cancel_drag()
        self.parts.shortcuts.hide()
        self.session.selection.inspect(None)

    # Opening

    def resume(self) -> None:
        """Restore the state in which the project was closed."""
        self.parts.projects.flow.resume()
        self.parts.analysis.queue.start()

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open projects, files and folders, and queue the videos for analysis."""
        self.parts.projects.flow.open_paths(paths)
        self.parts.analysis.queue.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.open_paths(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())

    # Messages

    def show_warning(self, text: str) -> None:
        """Show a warning until it is dismissed."""
        self.parts.messages.show_message(text, "warning")

    def report_unexpected_error(self, log_file: Path) -> None:
        """Show a message about a bug in the app, which keeps running."""
        self.parts.messages.show_message(
            "An unexpected error occurred; clipgen is still running. Details are in the log.",
            "error",
            ("Open log folder", lambda: open_folder(log_file.parent)),
        )

    # Closing

    def closeEvent(self, event: QCloseEvent) -> None:
        """Cancel running work and end all threads. Nothing is left half-written."""
        self._settings.setValue(_GEOMETRY, self.saveGeometry())
        self.sheet_window.hide()
        self.hide()
        self.session.undo_stack.blockSignals(True)  # it emits once more on destruction
        self.parts.player.playback.pause()
        end_threads(self, _END_MS)
        self.session.close()
        super().closeEvent(event)
