"""Non-modal messages over the video, instead of dialogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.support.error_report import recent_errors, report_text
from clipgen_gui.widgets.cards import fold_button, named
from clipgen_gui.widgets.labels import WrappedLabel

Kind = Literal["info", "success", "warning", "error"]
_KIND_ICONS: dict[Kind, tuple[str, str]] = {
    "info": ("information-outline", "accent"),
    "success": ("check-circle", "accepted"),
    "warning": ("alert-circle-outline", "warning"),
    "error": ("alert-octagon-outline", "rejected"),
}
_MAX_MESSAGES = 2


class MessageArea(QWidget):
    """A stack of messages, newest on top; the oldest is dismissed when there are too many."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(230, 12, 24, 0)  # clear of the frame number
        self._layout.setSpacing(6)
        self._bars: list[Message] = []
        self.hide()

    @property
    def bars(self) -> tuple[Message, ...]:
        """Visible messages, newest first."""
        return tuple(self._bars)

    @property
    def texts(self) -> list[str]:
        """Texts of the visible messages, newest first."""
        return [bar.text for bar in self._bars]

    def show_message(
        self, text: str, kind: Kind = "info", action: tuple[str, Callable[[], None]] | None = None
    ) -> None:
        """Show a message, optionally with an action button.

        An error also gets a report with recent log entries, which can be viewed and copied.
        """
        report = report_text(text, recent_errors.take()) if kind == "error" else ""
        for bar in [bar for bar in self._bars if bar.text == text] + self._bars[_MAX_MESSAGES - 1 :]:
            self._dismiss(bar)
        bar = Message(text, kind, action, report)
        bar.close_button.clicked.connect(lambda: self._dismiss(bar))
        self._bars.insert(0, bar)
        self._layout.insertWidget(0, bar)
        self.show()

    def dismiss(self, text: str) -> None:
        """Dismiss the message with this text, if shown."""
        for bar in [bar for bar in self._bars if bar.text == text]:
            self._dismiss(bar)

    def dismiss_all(self) -> None:
        for bar in list(self._bars):
            self._dismiss(bar)

    def _dismiss(self, bar: Message) -> None:
        if bar in self._bars:
            self._bars.remove(bar)
            self._layout.removeWidget(bar)
            bar.hide()
            bar.deleteLater()
            self.setVisible(bool(self._bars))


class Message(QFrame):
    """One message with its buttons."""

    def __init__(self, text: str, kind: Kind, action: tuple[str, Callable[[], None]] | None, report: str) -> None:
        super().__init__()
        self.setObjectName("message")
        self.text = text
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 7, 8, 7)
        column.setSpacing(6)
        layout = QHBoxLayout()
        layout.setSpacing(10)
        column.addLayout(layout)
        mark = QLabel()
        follow_theme(mark, lambda: mark.setPixmap(icon(*_KIND_ICONS[kind]).pixmap(px(18), px(18))))
        mark.setAccessibleName(kind)
        layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        label = WrappedLabel(text)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(label, 1)
        if action is not None:
            button = QPushButton(action[0])
            named(button, action[0])
            button.clicked.connect(action[1])
            layout.addWidget(button)
        self.details: QToolButton | None = None
        if report:
            self.details = fold_button("Details", "Show or hide the error report")
            layout.addWidget(self.details)
            column.addWidget(self._report_view(report, self.details))
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close", "muted"))
        named(self.close_button, "Dismiss message")
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)

    def _report_view(self, report: str, details: QToolButton) -> QWidget:
        self.report = QPlainTextEdit(report)
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setObjectName("report")
        named(self.report, "Report", "Versions, system and recent errors. Nothing is sent anywhere")
        self.copy_button = QPushButton("Copy report")
        self.copy_button.setObjectName("slim")
        named(self.copy_button, "Copy report", "Copy the report to the clipboard, to include it in a bug report")
        self.copy_button.clicked.connect(lambda: QApplication.clipboard().setText(report))
        self.copy_button.clicked.connect(lambda: self.copy_button.setText("Copied"))
        view = QWidget()
        layout = QVBoxLayout(view)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.report)
        layout.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignRight)
        follow_theme(self, lambda: self.report.setFixedHeight(px(130)))
        details.toggled.connect(view.setVisible)
        view.hide()
        return view
