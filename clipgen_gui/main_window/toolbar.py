"""The toolbar: frequent actions and the Analyse and Export buttons."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from clipgen_gui.commands.keymap import keymap, with_key
from clipgen_gui.look.theme import icon
from clipgen_gui.support.signals import follow
from clipgen_gui.widgets.cards import named


class ToolBar(QToolBar):
    """The Analyse button becomes a Cancel button while the current video is analysed."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__("Main", parent)
        self._actions = actions
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for name in ("open", None, "undo", "redo", None, "loop", "contact_sheet", "dashboard"):
            if name is None:
                self.addSeparator()
            else:
                self._add(actions[name], text=name not in ("undo", "redo", "dashboard"))
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self._add(actions["keys"])
        self.analyse_button = QPushButton()
        self.analyse_button.clicked.connect(self._analyse_clicked)
        self.export_button = QPushButton()
        self.export_button.setObjectName("primary")
        self.export_button.setIcon(icon("export-variant", "on_accent"))
        self.export_button.clicked.connect(actions["export"].trigger)
        gap = QWidget()
        gap.setFixedWidth(8)
        for widget in (self.analyse_button, gap, self.export_button):
            self.addWidget(widget)
        self._running = self._analysable = self._exporting = self._whole = False
        self._accepted = 0
        follow(self, keymap.changed, self._show)

    def _add(self, action: QAction, *, text: bool = True) -> None:
        self.addAction(action)
        button = self.widgetForAction(action)
        button.setAccessibleName(action.text())
        if not text and isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def show_state(self, *, analysable: bool, running: bool, accepted: int, exporting: bool, whole: bool) -> None:
        """Update the Analyse and Export buttons and their tooltips.

        Args:
            accepted: number of accepted windows, of the whole project if `whole`.
        """
        self._analysable, self._running, self._accepted, self._exporting = analysable, running, accepted, exporting
        self._whole = whole
        self._show()

    def _show(self) -> None:
        running, accepted, exporting = self._running, self._accepted, self._exporting
        self.analyse_button.setEnabled(self._analysable)
        self.analyse_button.setText("Cancel" if running else "Analyse")
        self.analyse_button.setIcon(icon("close" if running else "auto-fix"))
        if running:
            help_text = with_key("Cancel the analysis, keeping the results so far", "cancel")
            named(self.analyse_button, "Cancel", help_text)
        else:
            named(self.analyse_button, "Analyse", with_key("Analyse this video", "analyse"))

        possible = bool(accepted) and not exporting
        self._actions["export"].setEnabled(possible)
        self.export_button.setEnabled(possible)
        clips = "1 clip" if accepted == 1 else f"{accepted:,} clips"
        self.export_button.setText(f"Export {clips}" if accepted else "Export clips")
        if exporting:
            why = "An export is running"
        elif accepted:
            which = "of all videos" if self._whole else "of this video"
            why = with_key(f"Export the accepted windows {which} as clips", "export")
        else:
            why = with_key(with_key("Accept a window first", "accept") + ", then export it", "export")
        named(self.export_button, self.export_button.text(), why)

    def _analyse_clicked(self) -> None:
        self._actions["cancel" if self._running else "analyse"].trigger()
