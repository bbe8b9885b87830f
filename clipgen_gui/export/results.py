"""Per-clip results of an export, as a list that grows while it runs."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QListView, QWidget

from clipgen_engine.datasets.results import ExportStep
from clipgen_gui.look.theme import icon
from clipgen_gui.widgets.cards import named

_STATE_STYLES = {  # icon, palette role, label
    "written": ("check-circle", "accepted", "written"),
    "unchanged": ("check-circle-outline", "muted", "unchanged"),
    "kept": ("alert-circle-outline", "warning", "earlier version kept"),
    "failed": ("alert-circle", "rejected", "failed"),
    "waiting": ("circle-outline", "muted", "not written"),
}
_Index = QModelIndex | QPersistentModelIndex


class ResultModel(QAbstractListModel):
    """One row per clip, in order of completion."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str, str]] = []  # name, state, message

    def clear(self) -> None:
        self.beginResetModel()
        self._rows.clear()
        self.endResetModel()

    def add(self, step: ExportStep) -> None:
        """Add the result of a clip, or update its row."""
        self.put(step.clip, step.state, step.sentence)

    def put(self, name: str, state: str, message: str) -> None:
        row = next((row for row, one in enumerate(self._rows) if one[0] == name), None)
        if row is None:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows))
            self._rows.append((name, state, message))
            self.endInsertRows()
        else:
            self._rows[row] = name, state, message
            self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        name, state, message = self._rows[index.row()]
        glyph, color, label = _STATE_STYLES[state]
        if role == Qt.ItemDataRole.DisplayRole:
            return message or f"{name} · {label}"
        if role == Qt.ItemDataRole.DecorationRole:
            return icon(glyph, color)
        if role == Qt.ItemDataRole.ToolTipRole:
            return message or f"{name}: {label}"
        return None


class ResultList(QListView):
    """Stays scrolled to the newest clip until the user scrolls up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results = ResultModel(self)
        self.setModel(self.results)
        self.setWordWrap(True)
        self.setUniformItemSizes(False)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        named(self, "Exported clips", "Status of each clip")
        self.results.rowsInserted.connect(self._follow)

    def _follow(self) -> None:
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum() - 2:
            self.scrollToBottom()
