"""The export window: scope, options, folder, preview, progress and results."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_gui.export.crop_preview import CropPreview
from clipgen_gui.export.options import ExportOptions
from clipgen_gui.export.results import ResultList
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.widgets.cards import Card, muted_label, named

_SCOPES = ("video", "project")


class ExportWindow(QDialog):
    """Modeless export window. Emits requests; `ExportFlow` handles them."""

    scope_chosen = Signal(str)  # "video" or "project"
    changed = Signal()  # folder, layouts or settings
    step_preview = Signal(int)  # +1 or -1
    start_requested = Signal()
    cancel_requested = Signal()
    folder_requested = Signal()
    index_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setAccessibleName("Export")
        self.setModal(False)
        self.options = ExportOptions()
        self.options.changed.connect(self.changed)
        self.preview = CropPreview()
        self.results = ResultList()
        self.note = muted_label(wrap=True)
        named(self.note, "Export status")

        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.options)
        scroll.setObjectName("bare")
        follow_theme(scroll, lambda: scroll.setMinimumWidth(px(470)))

        preview_card = Card("Preview")
        self.preview_title = muted_label()
        preview_card.header.addWidget(self.preview_title)
        for direction, glyph, name in ((-1, "chevron-left", "Previous window"), (1, "chevron-right", "Next window")):
            preview_card.header.addWidget(self._stepper(direction, glyph, name))
        preview_card.body.addWidget(self.preview, 1)
        results_card = Card("Clips")
        results_card.body.addWidget(self.results, 1)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(preview_card, 3)
        right.addWidget(results_card, 2)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(scroll, 5)
        middle.addLayout(right, 4)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(10)
        layout.addLayout(self._scope_line())
        layout.addLayout(middle, 1)
        layout.addLayout(self._folder_line())
        layout.addLayout(self._bottom_line())
        follow_theme(self, lambda: self.setMinimumSize(px(780), px(520)))
        self.resize(px(980), px(720))
        self.show_running(False)

    # Building

    def _stepper(self, direction: int, glyph: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(glyph, "muted"))
        button.setAutoRaise(True)
        named(button, name)
        button.clicked.connect(lambda: self.step_preview.emit(direction))
        return button

    def _scope_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        self._scopes = QButtonGroup(self)
        self._available = dict.fromkeys(_SCOPES, True)
        self.scope_buttons: dict[str, QToolButton] = {}
        for name, text in zip(_SCOPES, ("This video", "All videos"), strict=True):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.clicked.connect(lambda _, name=name: self.scope_chosen.emit(name))
            self._scopes.addButton(button)
            self.scope_buttons[name] = button
            line.addWidget(button)
        self.scope_buttons["video"].setChecked(True)
        line.addStretch(1)
        return line

    def _folder_line(self) -> QHBoxLayout:
        self.path = QLineEdit()
        named(self.path, "Folder", "Output folder; created if it does not exist")
        self.path.textChanged.connect(lambda _: self.changed.emit())
        self.browse = QPushButton("Browse…")
        self.browse.setAutoDefault(False)
        named(self.browse, "Choose the output folder")
        self.browse.clicked.connect(self._browse)
        label = muted_label("Folder")
        label.setBuddy(self.path)
        line = QHBoxLayout()
        line.addWidget(label)
        line.addWidget(self.path, 1)
        line.addWidget(self.browse)
        return line

    def _bottom_line(self) -> QVBoxLayout:
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        named(self.bar, "Export progress")
        self.open_folder = self._button(
            "Open folder", "Show the output folder in the file manager", self.folder_requested
        )
        self.open_index = self._button("Contact sheet", "Open a page with all clips", self.index_requested)
        self.close_button = self._button("Close", "Close this window; a running export continues (Esc)", None)
        self.close_button.clicked.connect(self.close)
        self.cancel_button = self._button(
            "Cancel export", "Cancel the export; finished clips are kept", self.cancel_requested
        )
        self.start_button = self._button("Export", "Export the accepted windows (Enter)", self.start_requested)
        self.start_button.setObjectName("primary")
        self.start_button.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.note, 1)
        for button in (self.open_index, self.open_folder, self.close_button, self.cancel_button, self.start_button):
            buttons.addWidget(button)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addLayout(buttons)
        return column

    def _button(self, text: str, tooltip: str, signal: SignalInstance | None) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        named(button, text, tooltip)
        if signal is not None:
            button.clicked.connect(signal)
        return button

    # Content

    @property
    def folder(self) -> Path | None:
        text = self.path.text().strip()
        return Path(text).expanduser() if text else None

    def show_scopes(self, texts: dict[str, str], chosen: str, available: dict[str, bool]) -> None:
        """Set the texts of the scopes, the checked one, and which ones are available."""
        for name, button in self.scope_buttons.items():
            button.setText(texts[name])
            named(button, texts[name], "Videos to export")
            button.setChecked(name == chosen)
        self._available = available
        self._enable_scopes(running=False)

    def show_running(self, running: bool) -> None:
        """Lock the options and offer only Cancel while an export runs."""
        self.bar.setVisible(running)
        self.cancel_button.setVisible(running)
        self.start_button.setVisible(not running)
        for widget in (self.options, self.path, self.browse):
            widget.setEnabled(not running)
        self._enable_scopes(running=running)
        if running:
            self.open_folder.hide()
            self.open_index.hide()
            self.bar.setRange(0, 0)
            self.cancel_button.setFocus()

    def _enable_scopes(self, *, running: bool) -> None:
        for name, button in self.scope_buttons.items():
            button.setEnabled(not running and self._available[name])

    def show_done(self, *, folder: bool, index: bool) -> None:
        """Leave the running state and offer the output folder and contact sheet."""
        self.show_running(False)
        self.open_folder.setVisible(folder)
        self.open_index.setVisible(index)

    def show_progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, max(total, 0))
        self.bar.setValue(done)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.start_button.setFocus()

    def _browse(self) -> None:
        start = self.folder or Path.home()
        while not start.is_dir() and start != start.parent:
            start = start.parent
        chosen = QFileDialog.getExistingDirectory(self, "Output folder", str(start))
        if chosen:
            self.path.setText(chosen)
