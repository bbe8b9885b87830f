"""Where the clips shall go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from clipgen_gui.cards import muted_label, named


class ExportDialog(QDialog):
    """Asks for a folder; Enter takes the one that is proposed."""

    def __init__(self, count: int, proposed: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        clips = "1 clip" if count == 1 else f"{count} clips"
        self.setWindowTitle(f"Export {clips}")
        self.setMinimumWidth(560)
        self.path = QLineEdit(str(proposed))
        named(self.path, "Folder", "Folder that the clips are written to; it is made when it does not exist")
        browse = QPushButton("Browse…")
        named(browse, "Choose another folder")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        self.export_button = QPushButton(f"Export {clips}")
        self.export_button.setObjectName("primary")
        named(self.export_button, f"Export {clips}", "Write the accepted windows as clips (Enter)")
        self.export_button.setDefault(True)
        self.export_button.clicked.connect(self.accept)
        cancel = QPushButton("Cancel")
        named(cancel, "Cancel", "Write nothing (Esc)")
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self.path.textChanged.connect(lambda text: self.export_button.setEnabled(bool(text.strip())))

        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.export_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(muted_label("Clips, their metadata and a summary are written to this folder:"))
        layout.addLayout(row)
        layout.addSpacing(6)
        layout.addLayout(buttons)

    @property
    def folder(self) -> Path:
        return Path(self.path.text().strip()).expanduser()

    def _browse(self) -> None:
        start = self.folder
        while not start.is_dir() and start != start.parent:
            start = start.parent
        chosen = QFileDialog.getExistingDirectory(self, "Folder for the clips", str(start))
        if chosen:
            self.path.setText(chosen)
