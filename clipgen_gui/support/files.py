"""Opening files and folders with the system's default applications."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_folder(folder: Path) -> None:
    """Open a folder or file with the default application."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
