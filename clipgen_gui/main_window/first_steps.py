"""First-run hints: a bar that explains the three steps of the workflow."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from clipgen_gui.commands.keymap import key_hint, keymap
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import icon
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named, restyle

_SEEN = "first_run/steps_seen"
_ENOUGH_DECISIONS = 12  # then its room serves better to show more windows


class FirstSteps(QFrame):
    """Open, review, export; the current step is highlighted.

    Once dismissed, completed, or no longer needed after some decisions, it never shows again.
    """

    def __init__(self, session: Session, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("steps")
        self._session, self._settings = session, settings
        self.labels = [QLabel() for _ in range(3)]
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close", "muted"))
        named(self.close_button, "Hide first steps", "Hide permanently")
        self.close_button.clicked.connect(self.finish)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 3, 6, 3)
        layout.setSpacing(22)
        for label in self.labels:
            label.setObjectName("step")
            label.setWordWrap(True)
            layout.addWidget(label, 1)
        layout.addWidget(self.close_button)
        self._step = 0
        self.setVisible(not settings.value(_SEEN, False, bool))
        if self.isHidden():
            return
        follow(self, keymap.changed, self._write)
        for changed in (session.current_changed, session.ranking_changed, session.videos_changed):
            changed.connect(self._show)
        self._show()

    @property
    def step(self) -> int:
        """The current step: 0 open, 1 review, 2 export."""
        return self._step

    def finish(self) -> None:
        """Hide the bar permanently."""
        self._settings.setValue(_SEEN, True)
        self.hide()

    def _write(self) -> None:
        up, down, accept, reject = map(key_hint, ("previous_window", "next_window", "accept", "reject"))
        texts = (
            f"<b>1  Open</b> videos: drop them here, or {key_hint('open')}",
            f"<b>2  Review</b>: {up} {down} select, {accept} accepts, {reject} rejects",
            f"<b>3  Export</b> what you accepted: {key_hint('export')}",
        )
        for label, text in zip(self.labels, texts, strict=True):
            label.setText(text)

    def _show(self) -> None:
        tallies = [entry.tally for entry in self._session.videos if entry.tally is not None]
        accepted = sum(tally.accepted for tally in tallies)
        if accepted + sum(tally.rejected for tally in tallies) >= _ENOUGH_DECISIONS:
            self.finish()
        all_decided = len(tallies) == len(self._session.videos) and not any(tally.undecided for tally in tallies)
        self._step = 0 if self._session.current is None else 2 if accepted and all_decided else 1
        for index, label in enumerate(self.labels):
            restyle(label, "now", index == self._step)
