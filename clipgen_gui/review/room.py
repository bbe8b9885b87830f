"""The ranked windows in every view of them, and what is written on the selected one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QSettings
from PySide6.QtGui import QAction

from clipgen_engine.types import Decision
from clipgen_gui.document.session import Session
from clipgen_gui.review.contact_sheet import ContactSheet
from clipgen_gui.review.details import WindowDetails
from clipgen_gui.review.panel import WindowsPanel
from clipgen_gui.widgets.typing_field import QuickEntry

_CONTEXT = ("accept", "reject", "undecide", "", "tag", "note", "subject", "", "trim_start", "trim_end")  # "": a line
_SHEET_ONLY = ("next_page", "previous_page", "reject_rest")


class ReviewRoom(QObject):
    """`panel`, `sheet` and `details` are to be placed; the quick entry is the one that `details` types into."""

    def __init__(
        self,
        session: Session,
        actions: Mapping[str, QAction],
        settings: QSettings,
        quick_entry: QuickEntry,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session, self._actions = session, actions
        self.panel = WindowsPanel(session, settings)
        self.panel.set_context_actions([actions[name] if name else None for name in _CONTEXT])
        self.sheet = ContactSheet(session, settings)
        self.details = WindowDetails(session, quick_entry)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by the name of the command."""
        session = self._session
        return {
            "previous_window": partial(session.selection.step, -1),
            "next_window": partial(session.selection.step, 1),
            "accept": partial(session.decisions.decide, Decision.ACCEPTED),
            "reject": partial(session.decisions.decide, Decision.REJECTED),
            "undecide": partial(session.decisions.decide, Decision.UNDECIDED),
            "trim_start": partial(session.decisions.trim, "start"),
            "trim_end": partial(session.decisions.trim, "end"),
            "new_window": session.decisions.accept_here,
            "by_disagreement": lambda: session.selection.sort_by_disagreement(not session.selection.by_disagreement),
            "tag": self.details.ask_tag,
            "note": self.details.ask_note,
            "subject": self.details.ask_subject,
            "film_strip": lambda: self.panel.show_strip(not self.panel.shows_strip),
            "filter": self.panel.filter.showMenu,
            "next_page": partial(self.sheet.turn, 1),
            "previous_page": partial(self.sheet.turn, -1),
            "reject_rest": self.sheet.reject_rest,
        }

    @property
    def commands_of_sheet(self) -> Mapping[str, Callable[[], object]]:
        """What commands do instead while the contact sheet is open."""
        return self.sheet.commands if self.sheet.isVisible() else {}

    def enter_sheet(self, on: bool) -> None:
        """The contact sheet was put in place of the player, or the player came back."""
        for name in _SHEET_ONLY:
            self._actions[name].setEnabled(on)
        current = self._session.current
        if not on:
            self.panel.take_focus()  # else it would go on to the next field, and keys would be typed there
            if current is not None and current.selected is not None:
                self._session.selection.select(current.selected)
