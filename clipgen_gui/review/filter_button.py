"""Filter button of the windows list; its menu shows counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from clipgen_engine.types import Decision
from clipgen_gui.commands.keymap import keymap, with_key
from clipgen_gui.document.filter import WindowFilter, tag_counts
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import WindowId, WindowList
from clipgen_gui.look.theme import icon, px
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named, restyle

_TEXT_WIDTH, _ELIDED_WIDTH = 118, 90  # what does not fit anyway makes room for the rest of the header
_DECISIONS = (Decision.UNDECIDED, Decision.ACCEPTED, Decision.REJECTED)


class FilterButton(QToolButton):
    """Shows the session's filter; the menu is built when it opens."""

    def __init__(self, session: Session, set_stacking: Callable[[bool], None], parent: QWidget | None = None) -> None:
        """
        Args:
            set_stacking: stacks similar windows or not.
        """
        super().__init__(parent)
        self._session, self._set_stacking = session, set_stacking
        self.setObjectName("tab")
        self.setIcon(icon("filter-variant", "muted"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setAccessibleName("Filter windows")
        menu.aboutToShow.connect(self._fill_menu)
        self.setMenu(menu)
        session.selection.filter_changed.connect(self._show)
        session.decisions.subjects_changed.connect(self._show)
        follow(self, keymap.changed, self._show)

    def _show(self) -> None:
        chosen = self._session.selection.filter
        parts = [
            *chosen.words,
            "" if chosen.track_id is None else self._face(chosen.track_id),
        ]
        text = " · ".join(part for part in parts if part)
        metrics = self.fontMetrics()
        fits = metrics.horizontalAdvance(text) <= px(_TEXT_WIDTH)
        shown = text if fits else metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, px(_ELIDED_WIDTH))
        self.setText(_escaped(shown))
        restyle(self, "active", chosen.active)
        named(self, "Filter", with_key(f"Showing {text or 'all windows'}. Choose which windows are listed", "filter"))

    def _face(self, track_id: int) -> str:
        entry = self._session.current
        subject = entry.subjects.get(track_id) if entry else None
        return f"Face {track_id + 1}" + (f" ({subject})" if subject else "")

    def _fill_menu(self) -> None:
        """List each choice with its number of windows under the other current conditions."""
        menu, chosen = self.menu(), self._session.selection.filter
        menu.clear()
        rows = self._session.selection.rows
        self._add_choice(menu, f"All windows\t{len(rows)}", not chosen.active, WindowFilter())
        decisions = Counter(entry.decision_of(key) for entry, key in _matching(replace(chosen, decision=None), rows))
        self._add_section(
            menu,
            [(one.capitalize(), one, decisions[one]) for one in _DECISIONS],
            "decision",
            chosen.decision,
        )
        contested = sum(key in entry.conflicts for entry, key in _matching(replace(chosen, contested=False), rows))
        if contested or chosen.contested:
            self._add_section(menu, [("Conflicts", True, contested)], "contested", chosen.contested)
        tags = tag_counts(_matching(replace(chosen, tag=None), rows))
        if chosen.tag:
            tags.setdefault(chosen.tag, 0)
        self._add_section(menu, [(_escaped(tag), tag, count) for tag, count in tags.items()], "tag", chosen.tag)
        reasons = Counter(
            review.reason
            for entry, key in _matching(replace(chosen, reason=None), rows)
            if (review := entry.reviews.get(key)) is not None and review.reason
        )
        if chosen.reason:
            reasons.setdefault(chosen.reason, 0)
        rejected_as = [(_escaped(f"Rejected: {one}"), one, count) for one, count in reasons.most_common()]
        self._add_section(menu, rejected_as, "reason", chosen.reason)
        subjects = Counter(
            entry.subjects.get(key[2], "") for entry, key in _matching(replace(chosen, subject=None), rows)
        )
        named = sorted(subject for subject in subjects if subject)
        if chosen.subject and chosen.subject not in named:
            named.append(chosen.subject)
        if self._session.selection.scope is Scope.PROJECT:
            choices = [(_escaped(one), one, subjects[one]) for one in named]
            self._add_section(menu, choices, "subject", chosen.subject)
            self._add_stacking(menu)
            return
        faces = Counter(key[2] for _, key in _matching(replace(chosen, track_id=None), rows))
        if len({key[2] for _, key in rows.ids}) > 1:
            numbered = [(_escaped(self._face(track)), track, faces[track]) for track in sorted(faces)]
            self._add_section(menu, numbered, "track_id", chosen.track_id)

    def _add_stacking(self, menu: QMenu) -> None:
        menu.addSeparator()
        action = menu.addAction("Stack similar windows")
        action.setCheckable(True)
        action.setChecked(self._session.selection.stacking)
        action.toggled.connect(self._set_stacking)

    def _add_section(self, menu: QMenu, choices: list[tuple[str, Any, int]], field: str, current: Any) -> None:
        """Add the choices of one condition; choosing the current one again clears it."""
        if not choices:
            return
        menu.addSeparator()
        group = QActionGroup(menu)
        off = getattr(WindowFilter(), field)
        for text, value, count in choices:
            on = value == current
            window_filter = replace(self._session.selection.filter, **{field: off if on else value})
            group.addAction(self._add_choice(menu, f"{text}\t{count}", on, window_filter))

    def _add_choice(self, menu: QMenu, text: str, on: bool, window_filter: WindowFilter) -> QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.triggered.connect(lambda _=False: self._session.selection.set_filter(window_filter))
        return action


def _matching(wanted: WindowFilter, windows: WindowList) -> list[WindowId]:
    return [windows.ids[place] for place in wanted.places(windows)]


def _escaped(text: str) -> str:
    return text.replace("&", "&&")  # a single "&" marks a mnemonic
