"""The start page, shown instead of the player while no video is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.widgets.cards import muted_label, named, named_with_key
from clipgen_gui.widgets.labels import shortened

_OFFERED = ("open", "open_folder", "open_project")  # the first is the primary button
_RECENT = 4


class StartPage(QWidget):
    """Offers to open videos and recent projects. A click anywhere opens the file dialog."""

    clicked = Signal()
    sample_requested = Signal(Path)
    recent_chosen = Signal(Path)

    def __init__(self, actions: Mapping[str, QAction], sample: Path | None, parent: QWidget | None = None) -> None:
        """
        Args:
            sample: the sample video, if available.
        """
        super().__init__(parent)
        named_with_key(self, "Open videos", "Open videos", "open")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        picture = QLabel()
        follow_theme(picture, lambda: picture.setPixmap(icon("movie-open-outline", "faint").pixmap(px(64), px(64))))
        headline = QLabel("Drop videos here")
        headline.setObjectName("headline")
        hint = muted_label("Files and whole folders. Nothing leaves this computer.")
        self.buttons = {name: _button(actions[name]) for name in _OFFERED if name in actions}
        first = self.buttons[_OFFERED[0]]
        first.setObjectName("primary")
        first.setIcon(icon("folder-open-outline", "on_accent"))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        self.sample_button = _link("Try the sample video", "Half a minute of a face with known expressions")
        self.sample_button.setVisible(sample is not None)
        self.sample_button.clicked.connect(lambda: self.sample_requested.emit(sample))
        self.recent: list[QPushButton] = []
        self._recent = QGridLayout()
        self._recent.setVerticalSpacing(2)
        self._recent.setHorizontalSpacing(12)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(12)
        layout.addStretch(1)
        for label in (picture, headline, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.sample_button, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addLayout(self._recent)
        layout.addStretch(1)

    def show_recent(self, projects: Sequence[Path]) -> None:
        """List recent projects, newest first."""
        for at in reversed(range(self._recent.count())):
            item = self._recent.takeAt(at)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.recent = []
        for row, path in enumerate(projects[:_RECENT]):
            link = _link(shortened(path.stem), str(path))
            link.clicked.connect(partial(self._choose, path))
            self.recent.append(link)
            self._recent.addWidget(link, row, 0, Qt.AlignmentFlag.AlignRight)
            self._recent.addWidget(muted_label(shortened(path.parent.name)), row, 1, Qt.AlignmentFlag.AlignLeft)

    def _choose(self, path: Path, *_: object) -> None:
        self.recent_chosen.emit(path)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit()


def sample_video() -> Path | None:
    """The sample video: installed with the package, or in the repository."""
    package = Path(__file__).parents[1]
    candidates = package / "sample.mp4", package.parent / "resources" / "sample.mp4"
    return next((path for path in candidates if path.is_file()), None)


def _button(action: QAction) -> QPushButton:
    button = QPushButton(f"{action.text()}…")
    button.setIcon(action.icon())
    button.setCursor(Qt.CursorShape.ArrowCursor)
    button.clicked.connect(_triggering(action))
    named(button, action.text(), action.toolTip())
    action.changed.connect(lambda: button.setToolTip(action.toolTip()))
    return button


def _triggering(action: QAction) -> Callable[[], None]:
    return lambda: action.trigger()


def _link(text: str, help_text: str) -> QPushButton:
    link = QPushButton(text)
    link.setObjectName("link")
    link.setFlat(True)
    link.setCursor(Qt.CursorShape.PointingHandCursor)
    named(link, text, help_text)
    return link
