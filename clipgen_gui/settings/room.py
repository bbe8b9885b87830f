"""Entry of the settings room: the settings window, created on first use, and the appearance of the app."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import cast

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import Scheme, theme
from clipgen_gui.settings.window import SettingsWindow


class SettingsRoom(QObject):
    """Has no widget to place: the settings have their own window."""

    def __init__(self, session: Session, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._preferences, self._main = session, preferences, window
        preferences.changed.connect(lambda page: apply_appearance(preferences) if page == "appearance" else None)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        return {"settings": self.show, "theme": self._switch_theme}

    @cached_property
    def window(self) -> SettingsWindow:
        """The settings window."""
        preferences = self._preferences
        return SettingsWindow(
            preferences, lambda: preferences.save_ranking_defaults(self._session.settings), self._main
        )

    def show(self, page: str = "") -> None:
        """Open the settings, optionally at a page."""
        if page:
            self.window.show_page(page)
        self.window.show()
        self.window.activateWindow()

    def _switch_theme(self) -> None:
        self._preferences.set_value("appearance", "scheme", "light" if theme.is_dark else "dark")


def apply_appearance(preferences: Preferences) -> None:
    """Apply the preferred color scheme and text size."""
    chosen = preferences.values("appearance")
    theme.apply(cast(Scheme, chosen["scheme"]), chosen["text_size"] / 100)
