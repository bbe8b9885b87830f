"""The settings window, made when it is first wanted, and what the app looks like."""

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
    """Nothing is to be placed: the settings have a window of their own."""

    def __init__(self, session: Session, preferences: Preferences, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._preferences, self._main = session, preferences, window
        preferences.changed.connect(lambda page: dress(preferences) if page == "appearance" else None)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by the name of the command."""
        return {"settings": self.show, "theme": self._switch_theme}

    @cached_property
    def window(self) -> SettingsWindow:
        """The settings window."""
        preferences = self._preferences
        return SettingsWindow(preferences, lambda: preferences.take_ranking(self._session.settings), self._main)

    def show(self, page: str = "") -> None:
        """Open the settings, at a page where one is named."""
        if page:
            self.window.show_page(page)
        self.window.show()
        self.window.activateWindow()

    def _switch_theme(self) -> None:
        self._preferences.set_value("appearance", "scheme", "light" if theme.is_dark else "dark")


def dress(preferences: Preferences) -> None:
    """Give the app the look that the user prefers."""
    chosen = preferences.values("appearance")
    theme.apply(cast(Scheme, chosen["scheme"]), chosen["text_size"] / 100)
