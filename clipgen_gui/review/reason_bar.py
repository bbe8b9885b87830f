"""Asks why a window was rejected, without getting in the way: a row of reasons with digit keys, for a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from clipgen_engine.projects.records import REASONS
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import WindowId
from clipgen_gui.look.theme import theme
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named
from clipgen_gui.widgets.labels import shortened
from clipgen_gui.widgets.typing_field import QuickEntry

_SHOWN_MS = 8000
_DIGITS = "1234567890"
_OTHER = "other…"


class ReasonBar(QWidget):
    """Shown after a rejection. A digit (with Alt on the contact sheet, where digits accept) or a click says why."""

    def __init__(self, session: Session, quick: QuickEntry, parent: QWidget | None = None) -> None:
        """
        Args:
            quick: entry for a reason of one's own.
        """
        super().__init__(parent)
        self._session, self._quick = session, quick
        self._windows: tuple[WindowId, ...] = ()
        self.digits_are_taken: Callable[[], bool] = lambda: False
        self.title = QLabel()
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 0, 0, 0)
        self._row.setSpacing(10)
        self._row.addWidget(self.title)
        self._row.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self._plain: list[QShortcut] = []  # without Alt
        for place, digit in enumerate(_DIGITS):
            for keys in (digit, f"Alt+{digit}"):
                shortcut = QShortcut(QKeySequence(keys), self)
                shortcut.setAutoRepeat(False)
                shortcut.activated.connect(partial(self._choose, place))
                if keys == digit:
                    self._plain.append(shortcut)
                else:  # also where the contact sheet has a window of its own
                    shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        session.decisions.rejected.connect(self._ask)
        session.decisions.accepted.connect(self.hide)
        session.project_changed.connect(self.hide)
        follow(self, theme.changed, self.updateGeometry)
        self.hide()

    def reasons(self) -> tuple[str, ...]:
        """The reasons to choose from: the usual ones, then those that the project uses most."""
        own = [one for one in self._session.storage.reasons() if one not in REASONS]
        return (*REASONS, *own)[: len(_DIGITS) - 1]

    def refresh_keys(self) -> None:
        """Let plain digits give reasons unless the contact sheet takes them."""
        for shortcut in self._plain:
            shortcut.setEnabled(not self.digits_are_taken())

    def _ask(self, windows: tuple[WindowId, ...]) -> None:
        self._windows = windows
        numbers = [self._session.selection.rows.place_of(window) for window in windows]
        what = f"window {numbers[0] + 1}" if len(numbers) == 1 and numbers[0] is not None else f"{len(windows)} windows"
        self.title.setText(f"Rejected {what}. Why?")
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        alt = "Alt+" if self.digits_are_taken() else ""
        self.buttons = []
        for place, reason in enumerate((*self.reasons(), _OTHER)):
            digit = _DIGITS[place] if reason != _OTHER else "0"
            button = QPushButton(f"{digit} {shortened(reason, 18)}".replace("&", "&&"))
            button.setObjectName("link")
            button.setFlat(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            named(button, f"Reason: {reason}", f"Say that it was rejected as “{reason}” ({alt}{digit})")
            button.clicked.connect(partial(self._choose, _DIGITS.index(digit)))
            self._row.insertWidget(self._row.count() - 1, button)
            self.buttons.append(button)
        self.refresh_keys()
        self.show()
        self._fit()
        self._timer.start()

    def _choose(self, place: int, _checked: bool = False) -> None:
        if not self.isVisible():
            return
        reasons = self.reasons()
        if place == len(_DIGITS) - 1:
            self._timer.stop()
            windows = self._windows
            self._quick.ask(
                "Why was it rejected?",
                "Reason",
                "",
                reasons,
                lambda text: self._session.decisions.set_reason(windows, text),
            )
            self.hide()
        elif place < len(reasons):
            self._session.decisions.set_reason(self._windows, reasons[place])
            self.hide()

    def _fit(self) -> None:
        """Hide the last reasons where there is no room for all; their digits still work."""
        left = self.width() - self.title.sizeHint().width() - 24
        for button in (self.buttons[-1:] + self.buttons[:-1]) if self.buttons else []:
            left -= button.sizeHint().width() + self._row.spacing()
            button.setVisible(left >= 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.title.sizeHint().height())
