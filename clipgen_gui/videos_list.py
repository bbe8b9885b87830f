"""The open videos with the state that each is in."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from clipgen_gui.cards import Card, chip, named
from clipgen_gui.session import Session
from clipgen_gui.theme import follow_theme, icon, px
from clipgen_gui.video_entry import VideoEntry, VideoState

_ICONS = {
    VideoState.WAITING: ("circle-outline", "faint"),
    VideoState.ANALYSING: ("progress-clock", "accent"),
    VideoState.DONE: ("check-circle", "accepted"),
    VideoState.STOPPED: ("pause-circle-outline", "muted"),
    VideoState.FAILED: ("alert-circle-outline", "warning"),
}
_EXPLAINED = {
    VideoState.WAITING: "Waits for its turn",
    VideoState.ANALYSING: "Is being analysed",
    VideoState.DONE: "Analysed",
    VideoState.STOPPED: "Analysis cancelled; what was found so far is kept",
    VideoState.FAILED: "Could not be used",
}


class VideosList(Card):
    """A click puts a video on screen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Videos", parent)
        self._session = session
        self._count = chip()
        self.header.addWidget(self._count)
        self.view = QListWidget()
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        follow_theme(self, lambda: self.view.setIconSize(QSize(px(16), px(16))))
        self.view.setUniformItemSizes(True)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        named(self.view, "Open videos", "N next video · P previous video")
        self.view.viewport().setToolTip("")
        self.body.addWidget(self.view)
        self.view.itemClicked.connect(lambda item: session.set_current(session.videos[self.view.row(item)]))
        session.videos_changed.connect(self._show)
        session.current_changed.connect(self._show_current)
        self._show()

    def _show(self) -> None:
        while self.view.count() < len(self._session.videos):
            self.view.addItem(QListWidgetItem())
        for place, entry in enumerate(self._session.videos):
            _show_entry(self.view.item(place), entry)
        self._count.setText(str(len(self._session.videos)))
        self._count.setVisible(len(self._session.videos) > 1)
        self._show_current()

    def _show_current(self) -> None:
        if self._session.current is not None:
            self.view.setCurrentRow(self._session.videos.index(self._session.current))


def _show_entry(item: QListWidgetItem, entry: VideoEntry) -> None:
    accepted = sum(row.decision == "accepted" for row in entry.rows)
    text = f"{entry.path.name}   {accepted} ✓" if accepted else entry.path.name
    empty = entry.state is VideoState.DONE and not entry.rows
    look = _ICONS[VideoState.FAILED if empty else entry.state]
    why = entry.message or ("Analysed, but no window passes" if empty else _EXPLAINED[entry.state])
    if item.text() != text:
        item.setText(text)
    if item.data(Qt.ItemDataRole.UserRole) != look:
        item.setData(Qt.ItemDataRole.UserRole, look)
        item.setIcon(icon(*look))
    item.setToolTip(f"{why}\n{entry.path}")
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.path.name}: {why}")
