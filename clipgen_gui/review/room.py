"""The review views: list of windows, contact sheet and details of the selected window."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QEvent, QObject, QSettings
from PySide6.QtGui import QAction

from clipgen_engine.types import Decision
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.review.contact_sheet import ContactSheet
from clipgen_gui.review.details import WindowDetails
from clipgen_gui.review.panel import WindowsPanel
from clipgen_gui.review.reason_bar import ReasonBar
from clipgen_gui.widgets.typing_field import QuickEntry

_CONTEXT = (
    "accept",
    "reject",
    "undecide",
    "",
    "open_stack",
    "accept_stack",
    "reject_stack",
    "",
    "tag",
    "note",
    "subject",
    "",
    "trim_start",
    "trim_end",
)  # "": separator
_SHEET_ONLY = ("next_page", "previous_page", "accept_rest", "reject_rest")
_IN_USE_S = 3.0  # after the last step or move of the pointer through the list


class ReviewRoom(QObject):
    """Place `panel`, `sheet`, `details` and `reasons` in a layout. `quick_entry` is the popup that `details` uses."""

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
        self.sheet.add_button(actions["sheet_window"])
        self.details = WindowDetails(session, quick_entry)
        self.reasons = ReasonBar(session, quick_entry)
        session.selection.stacking_changed.connect(self._show_stacking)
        self._show_stacking()
        self.reasons.digits_are_taken = lambda: self.sheet.isVisible() and self.sheet.window() is self.panel.window()
        self._used_s = 0.0
        for used in (session.selection.changed, session.selection.filter_changed):
            used.connect(self._note_use)
        for view in (self.panel.view, self.panel.strip):
            view.viewport().installEventFilter(self)
        session.hold_order = session.project_windows.hold_order = self._is_in_use

    def _show_stacking(self) -> None:
        self._actions["stack_similar"].setChecked(self._session.selection.stacking)

    def _note_use(self) -> None:
        self._used_s = time.monotonic()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note that the pointer is used over the windows."""
        if event.type() in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel):
            self._note_use()
        return False

    def _is_in_use(self) -> bool:
        """Whether the curator is going through the windows, so that they must not move."""
        return self.sheet.isVisible() or time.monotonic() - self._used_s < _IN_USE_S

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers by command name."""
        session = self._session
        return {
            "previous_window": partial(session.selection.step, -1),
            "next_window": partial(session.selection.step, 1),
            "scope": self._switch_scope,
            "accept": partial(session.decisions.decide, Decision.ACCEPTED),
            "reject": partial(session.decisions.decide, Decision.REJECTED),
            "undecide": partial(session.decisions.decide, Decision.UNDECIDED),
            "accept_stack": partial(session.decisions.decide_stack, Decision.ACCEPTED),
            "reject_stack": partial(session.decisions.decide_stack, Decision.REJECTED),
            "open_stack": session.selection.toggle_stack,
            "stack_similar": lambda: self.panel.set_stacking(not session.selection.stacking),
            "trim_start": partial(session.decisions.trim, "start"),
            "trim_end": partial(session.decisions.trim, "end"),
            "new_window": session.decisions.accept_at_playhead,
            "by_disagreement": lambda: session.selection.sort_by_disagreement(not session.selection.by_disagreement),
            "tag": self.details.ask_tag,
            "note": self.details.ask_note,
            "subject": self.details.ask_subject,
            "film_strip": lambda: self.panel.show_strip(not self.panel.shows_strip),
            "filter": self.panel.filter.showMenu,
            "next_page": partial(self.sheet.turn, 1),
            "previous_page": partial(self.sheet.turn, -1),
            "accept_rest": self.sheet.accept_rest,
            "reject_rest": self.sheet.reject_rest,
        }

    def _switch_scope(self) -> None:
        selection = self._session.selection
        selection.set_scope(Scope.VIDEO if selection.scope is Scope.PROJECT else Scope.PROJECT)

    @property
    def commands_of_sheet(self) -> Mapping[str, Callable[[], object]]:
        """Handlers that replace commands while the contact sheet is open."""
        return self.sheet.commands if self.sheet.isVisible() else {}

    def enter_sheet(self, on: bool) -> None:
        """Enable the sheet's commands when it opens; focus the list and select again when it closes."""
        for name in _SHEET_ONLY:
            self._actions[name].setEnabled(on)
        self.reasons.refresh_keys()
        selected = self._session.selection.selected
        if not on:
            self.panel.take_focus()  # otherwise the next field takes the focus and the shortcuts type there
            if selected is not None:
                self._session.selection.go_to(selected)
