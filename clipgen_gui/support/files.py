"""Files and folders handed to the system's own programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_folder(folder: Path) -> None:
    """Show a folder or a file with the program that is for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
