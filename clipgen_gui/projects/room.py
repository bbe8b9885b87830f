"""Entry of the projects room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.projects.flow import ProjectFlow
from clipgen_gui.projects.scout import VideoScout
from clipgen_gui.projects.video_list import VideosList
from clipgen_gui.widgets.message_bar import MessageArea


class ProjectsRoom(QObject):
    """`videos` is the widget to place; `flow` opens and saves."""

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        messages: MessageArea,
        settings: QSettings,
        thumbnails: Path | None,
        busy: Callable[[], bool],
        window: QWidget,
    ) -> None:
        """
        Args:
            thumbnails: folder of video thumbnails; None: kept in memory only.
            busy: whether a running job writes to the open project.
            window: parent of the dialogs.
        """
        super().__init__(window)
        self.scout = VideoScout(thumbnails, self)
        self.flow = ProjectFlow(
            session, self.scout, messages, settings, busy, preferences.apply_ranking_defaults, window
        )
        self.videos = VideosList(session, self.scout, settings)
        self.videos.locate_requested.connect(self.flow.locate)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        return {
            "open": self.flow.choose_files,
            "open_folder": self.flow.choose_folder,
            "new_project": self.flow.new_project,
            "open_project": self.flow.choose_project,
            "open_export": self.flow.choose_export,
            "save_project_as": self.flow.save_as,
            "next_video": partial(self.videos.step, 1),
            "previous_video": partial(self.videos.step, -1),
        }
