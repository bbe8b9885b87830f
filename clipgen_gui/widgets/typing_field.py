"""Text fields that take all keys while focused, including shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QCompleter, QFrame, QHBoxLayout, QLabel, QLineEdit, QListView, QWidget

from clipgen_gui.look.theme import px
from clipgen_gui.widgets.cards import named

_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class TypingField(QLineEdit):
    """A line edit. Enter and Escape leave it and return the focus to the previous widget."""

    entered = Signal(str)  # Enter
    cancelled = Signal()  # Escape

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._focus_before: QWidget | None = None
        self.setPlaceholderText(name)
        named(self, name)
        self._words = QStringListModel(self)
        completer = QCompleter(self._words, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._list = QListView()
        completer.setPopup(self._list)  # transfers ownership
        self.setCompleter(completer)

    def begin(self, words: Iterable[str] = ()) -> None:
        """Take the focus.

        Args:
            words: completions.
        """
        focused = QApplication.focusWidget()
        if focused is not self:
            self._focus_before = focused
        self.offer(words)
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def offer(self, words: Iterable[str]) -> None:
        self._words.setStringList(list(words))

    def event(self, event: QEvent) -> bool:
        override = event.type() is QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and not event.modifiers() & _COMMANDS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._list.hide()
            self._leave()
            self.entered.emit(self.text())
        elif event.key() == Qt.Key.Key_Escape and not self._list.isVisible():
            self.cancelled.emit()  # before leaving, which emits editingFinished
            self._leave()
        else:
            super().keyPressEvent(event)

    def _leave(self) -> None:
        previous, self._focus_before = self._focus_before, None
        if previous is not None and previous.isVisible() and previous is not self:
            previous.setFocus()
        else:
            self.clearFocus()


class QuickEntry(QFrame):
    """A popup field over the window for one entry. Enter commits, Escape cancels."""

    _WIDTH = 380

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._hosts = [parent]
        self.setObjectName("message")
        self._commit: Callable[[str], object] = lambda _: None
        self._title = QLabel()
        self.field = TypingField("Entry")
        self.field.entered.connect(self._entered)
        self.field.cancelled.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.setSpacing(10)
        layout.addWidget(self._title)
        layout.addWidget(self.field, 1)
        self.hide()

    def add_host(self, window: QWidget) -> None:
        """Also ask in this window, while it is the active one."""
        self._hosts.append(window)

    def ask(self, title: str, hint: str, text: str, words: Iterable[str], commit: Callable[[str], object]) -> None:
        """Show the field. Enter passes the text to `commit`; Escape discards it."""
        self._commit = commit
        self._title.setText(title)
        self.field.setText(text)
        self.field.setPlaceholderText(hint)
        named(self.field, title, f"{hint}. Enter to apply, Esc to cancel")
        host = next((one for one in self._hosts if one.isActiveWindow()), self._hosts[0])
        if host is not self.parentWidget():
            self.setParent(host)
        area = host.rect()
        self.resize(min(px(self._WIDTH), area.width() - 40), self.sizeHint().height())
        self.move((area.width() - self.width()) // 2, area.height() // 3)
        self.show()
        self.raise_()
        self.field.begin(words)

    def _entered(self, text: str) -> None:
        self.hide()
        self._commit(text)
