"""The contact sheet in a window of its own, for a second screen."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QByteArray, QSettings, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from clipgen_gui.widgets.focus_ring import FocusRing

_GEOMETRY = "sheet/geometry"


class SheetWindow(QWidget):
    """Holds the sheet while it is shown; the shortcuts of the main window work here, too."""

    closed = Signal()  # by its frame

    def __init__(self, settings: QSettings, actions: Iterable[QAction], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._settings = settings
        self.setWindowTitle("Contact sheet — clipgen")
        self.addActions(list(actions))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 8, 8, 8)
        self.focus_ring = FocusRing(self)
        self.resize(1100, 760)
        geometry = settings.value(_GEOMETRY)
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)  # on the screen where it was, if that is there

    def show_sheet(self, sheet: QWidget) -> None:
        """Take the sheet and show it."""
        self._layout.addWidget(sheet)
        sheet.show()
        self.show()
        self.raise_()
        self.activateWindow()

    def hide(self) -> None:
        if self.isVisible():
            self._settings.setValue(_GEOMETRY, self.saveGeometry())
        super().hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        if event.spontaneous():
            event.ignore()
            self.closed.emit()
        else:
            super().closeEvent(event)
