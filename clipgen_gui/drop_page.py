"""What the player's place shows while no video is open."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from clipgen_gui.cards import muted_label, named
from clipgen_gui.theme import follow_theme, icon, px


class DropPage(QWidget):
    """A large calm target; a click opens the file dialog."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Open videos", "Open videos (Ctrl+O)")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        picture = QLabel()
        follow_theme(picture, lambda: picture.setPixmap(icon("movie-open-outline", "faint").pixmap(px(72), px(72))))
        headline = QLabel("Drop videos here or press Ctrl+O")
        headline.setObjectName("headline")
        hint = muted_label("Files and whole folders. Nothing leaves this computer.")
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addStretch(1)
        for label in (picture, headline, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addStretch(1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit()
