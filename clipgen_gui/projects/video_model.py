"""List model of the videos, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt

from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.formatting import clock

_AnyIndex = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = Qt.ItemDataRole.UserRole
MIME = "application/x-clipgen-videos"


@dataclass(frozen=True)
class Order:
    """A sort order of the list."""

    label: str
    key: Callable[[VideoEntry], Any]


def _undecided(entry: VideoEntry) -> int:
    return entry.tally.undecided if entry.tally else 0


ORDERS = {
    "queue": Order("Queue", lambda entry: 0),
    "added": Order("Newest first", lambda entry: [-ord(one) for one in entry.added_at]),
    "name": Order("Name", lambda entry: entry.path.name.casefold()),
    "length": Order("Longest first", lambda entry: -(entry.duration_s or 0)),
    "accepted": Order("Most accepted", lambda entry: -(entry.tally.accepted if entry.tally else -1)),
    "undecided": Order("Most undecided", lambda entry: -_undecided(entry)),
}
_NOT_ANALYSED = (VideoState.WAITING, VideoState.ANALYSING, VideoState.STOPPED)
FILTERS: dict[str, tuple[str, Callable[[VideoEntry], bool]]] = {
    "all": ("All", lambda entry: True),
    "undecided": ("Undecided", lambda entry: entry.state is VideoState.DONE and _undecided(entry) > 0),
    "decided": ("Decided", lambda entry: entry.tally is not None and not _undecided(entry)),
    "accepted": ("Has accepted", lambda entry: entry.tally is not None and entry.tally.accepted > 0),
    "waiting": ("Not analysed", lambda entry: entry.state in _NOT_ANALYSED),
    "failed": ("Failed or missing", lambda entry: entry.state in (VideoState.FAILED, VideoState.MISSING)),
}  # fmt: skip


def state_text(entry: VideoEntry) -> str:
    """The state of the video in a few words."""
    tally = entry.tally
    if entry.state is VideoState.ANALYSING:
        return f"analysing {100 * entry.progress:.0f} %"
    if entry.state is VideoState.FAILED:
        return f"failed: {entry.message}" if entry.message else "failed"
    if entry.state is VideoState.MISSING:
        return "missing"
    if entry.state is VideoState.DONE and tally is not None:
        if not tally.windows:
            return "no windows pass"
        words = [f"{tally.windows} windows" if tally.windows > 1 else "1 window"]
        words += [f"{tally.accepted} accepted"] if tally.accepted else []
        words += [f"{tally.undecided} left"] if tally.undecided and tally.undecided < tally.windows else []
        words += ["decided"] if not tally.undecided else []
        return " · ".join(words)
    return (
        "cancelled"
        if entry.state is VideoState.STOPPED
        else "analysed"
        if entry.state is VideoState.DONE
        else "waiting"
    )


class VideosModel(QAbstractListModel):
    """Rows are entries. The current video is always listed, even if the filter excludes it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._order, self._filter, self._words = "queue", "all", ""
        self.entries: list[VideoEntry] = []
        self._rows: dict[VideoEntry, int] = {}
        session.videos_changed.connect(self.refresh)
        session.current_changed.connect(self._current_changed)
        session.video_changed.connect(self.show_entry)
        self.refresh()

    @property
    def sorted_by(self) -> str:
        return self._order

    @property
    def filtered(self) -> bool:
        """Whether a filter is active."""
        return self._filter != "all" or bool(self._words)

    def sort_by(self, order: str) -> None:
        """Sort the videos by an order of ORDERS."""
        self._order = order
        self.refresh()

    def filter_by(self, name: str, words: str) -> None:
        """List the videos that pass a filter of FILTERS and whose path contains all these words."""
        self._filter, self._words = name, words.casefold()
        self.refresh()

    def row_of(self, entry: VideoEntry | None) -> int | None:
        return None if entry is None else self._rows.get(entry)

    def refresh(self) -> None:
        """Filter and sort again."""
        entries = [entry for entry in self._session.videos if self._passes(entry) or entry is self._session.current]
        if self._order != "queue":
            entries.sort(key=ORDERS[self._order].key)
        if entries != self.entries:
            self.beginResetModel()
            self.entries = entries
            self._rows = {entry: row for row, entry in enumerate(entries)}
            self.endResetModel()
        elif entries:
            self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))

    def show_entry(self, entry: VideoEntry) -> None:
        """Update the row of a changed video. Only filter again, since sorting would move rows during work."""
        row = self._rows.get(entry)
        shown = self._passes(entry) or entry is self._session.current
        if shown != (row is not None) and entry in self._session.videos:
            self.refresh()
        elif row is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index)

    def _current_changed(self) -> None:
        if self.filtered or self._order != "queue":
            self.refresh()

    def _passes(self, entry: VideoEntry) -> bool:
        if not FILTERS[self._filter][1](entry):
            return False
        where = str(entry.path).casefold() if self._words else ""
        return all(word in where for word in self._words.split())

    def rowCount(self, parent: _AnyIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: _AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.path.name
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.message or state_text(entry)}\n{entry.path}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            length = f", {clock(entry.duration_s)}" if entry.duration_s is not None else ""
            return f"{entry.path.name}{length}: {state_text(entry)}"
        return None

    # Dragging rows reorders the queue

    def flags(self, index: _AnyIndex) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if self._order == "queue" else flags

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, ",".join(str(index.row()) for index in indexes).encode())
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: _AnyIndex) -> bool:
        if not data.hasFormat(MIME) or self._order != "queue":
            return False
        moved = [self.entries[int(number)] for number in bytes(data.data(MIME).data()).decode().split(",")]
        videos = self._session.videos
        index = videos.index(self.entries[row]) if 0 <= row < len(self.entries) else len(videos)
        self._session.move(moved, index)
        return False  # `move` already reordered the rows: the view must not remove any
