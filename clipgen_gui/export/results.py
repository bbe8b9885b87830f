"""How each clip of an export ended, as a list that grows while it runs."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QListView, QWidget

from clipgen_engine.datasets.results import ExportStep
from clipgen_gui.look.theme import icon
from clipgen_gui.widgets.cards import named

_LOOK = {  # icon, colour role, word
    "written": ("check-circle", "accepted", "written"),
    "unchanged": ("check-circle-outline", "muted", "unchanged"),
    "kept": ("alert-circle-outline", "warning", "earlier version kept"),
    "failed": ("alert-circle", "rejected", "failed"),
    "waiting": ("circle-outline", "muted", "not written"),
}
_Index = QModelIndex | QPersistentModelIndex


class ResultModel(QAbstractListModel):
    """A row a clip, in the order in which they end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str, str]] = []  # name, state, sentence

    def clear(self) -> None:
        self.beginResetModel()
        self._rows.clear()
        self.endResetModel()

    def add(self, step: ExportStep) -> None:
        """Take note of a clip that ended; one that is listed already changes."""
        self.put(step.clip, step.state, step.sentence)

    def put(self, name: str, state: str, sentence: str) -> None:
        row = next((row for row, one in enumerate(self._rows) if one[0] == name), None)
        if row is None:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows))
            self._rows.append((name, state, sentence))
            self.endInsertRows()
        else:
            self._rows[row] = name, state, sentence
            self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        name, state, sentence = self._rows[index.row()]
        glyph, color, word = _LOOK[state]
        if role == Qt.ItemDataRole.DisplayRole:
            return sentence or f"{name} · {word}"
        if role == Qt.ItemDataRole.DecorationRole:
            return icon(glyph, color)
        if role == Qt.ItemDataRole.ToolTipRole:
            return sentence or f"{name}: {word}"
        return None


class ResultList(QListView):
    """Shows the newest clip as long as nobody scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results = ResultModel(self)
        self.setModel(self.results)
        self.setWordWrap(True)
        self.setUniformItemSizes(False)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        named(self, "Clips of this export", "How each clip ended")
        self.results.rowsInserted.connect(self._follow)

    def _follow(self) -> None:
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum() - 2:
            self.scrollToBottom()
