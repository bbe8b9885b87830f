"""The best windows across all videos of the project, with a quota per video."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.projects.ranking import DecidedVideo, ProjectRanking, ProjectWindow, decided_videos, rank_project
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision, Progress, ProgressCallback
from clipgen_gui.document.entry import VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.support.formatting import clock
from clipgen_gui.support.jobs import CacheFactory, Job
from clipgen_gui.widgets.cards import muted_label, named

_HEADINGS = ("#", "Video", "Start", "Score", "")
_MARKS = {Decision.ACCEPTED: "accepted", Decision.REJECTED: "rejected", Decision.UNDECIDED: ""}


class BestOfProject(QDialog):
    """Non-modal list of the best windows. Selecting a row shows its video and window in the main window."""

    def __init__(self, session: Session, cache: CacheFactory | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._cache = session, cache
        self._found: tuple[ProjectWindow, ...] = ()
        self.job = _RankJob(self)
        self.setWindowTitle("Best of the project")
        self.resize(560, 620)
        self.total, self.quota = _box(100, 10_000, "Number of windows"), _box(5, 1000, "Maximum per video")
        self.button = QPushButton("Rank")
        self.button.setObjectName("primary")
        named(self.button, "Rank", "Rank all analysed videos with the current settings")
        choices = QHBoxLayout()
        for widget in (QLabel("Best"), self.total, QLabel("windows, at most"), self.quota, QLabel("per video")):
            choices.addWidget(widget)
        choices.addStretch(1)
        choices.addWidget(self.button)
        self.note = muted_label("", wrap=True)
        self.table = QTableWidget(0, len(_HEADINGS))
        self.table.setHorizontalHeaderLabels(_HEADINGS)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        columns = self.table.horizontalHeader()
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        named(self.table, "Best windows of the project", "Select a row to show its video and window")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.addLayout(choices)
        layout.addWidget(self.note)
        layout.addWidget(self.table, 1)
        self.button.clicked.connect(self.rank)
        self.table.currentCellChanged.connect(lambda row, *_: self._go_to(row))
        self.job.found.connect(self._show_found)
        self.job.progressed.connect(self._show_progress)
        session.project_changed.connect(self._clear)

    def open_and_rank(self) -> None:
        """Show the list, ranked with the current settings."""
        self.show()
        self.raise_()
        self.rank()

    def rank(self) -> None:
        project = self._session.storage.project
        if project is None or self._cache is None:
            self.note.setText("No project is open.")
            return
        self.button.setEnabled(False)
        videos, settings = decided_videos(project), self._session.settings
        self.job.start(videos, self._cache, settings, self.total.value(), self.quota.value())

    def _show_progress(self, progress: Progress) -> None:
        self.note.setText(f"Ranking video {min(progress.done + 1, progress.total)} of {progress.total}")

    def _show_found(self, found: ProjectRanking | None) -> None:
        self.button.setEnabled(True)
        if found is None:
            self.note.setText("Ranking cancelled.")
            return
        self._found = found.best
        self.table.blockSignals(True)
        self.table.setRowCount(len(found.best))
        for row, one in enumerate(found.best):
            texts = (
                str(one.sequence.rank),
                one.video.path.name,
                clock(one.record["start_time_s"]),
                f"{one.sequence.combined_score:.2f}",
                _MARKS[one.decision],
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(str(one.video.path) if column == 1 else "")
                self.table.setItem(row, column, item)
        self.table.setCurrentCell(-1, -1)
        self.table.blockSignals(False)
        videos = len({one.video.video_id for one in found.best})
        text = f"{len(found.best)} windows of {videos} videos. Select a row to review it in the main window."
        if found.without_analysis:
            text += f" {len(found.without_analysis)} videos are not analysed yet."
        self.note.setText(text)

    def _go_to(self, row: int) -> None:
        if not 0 <= row < len(self._found):
            return
        one = self._found[row]
        entry = next((entry for entry in self._session.videos if entry.video_id == one.video.video_id), None)
        if entry is None or entry.state is VideoState.MISSING:
            return
        self._session.set_current(entry)
        if entry.unloaded:
            # its analysis is still being loaded
            entry.selected, entry.position = one.sequence.key, one.sequence.start_frame
        else:
            self._session.selection.select(one.sequence.key)

    def _clear(self) -> None:
        self._found = ()
        self.table.setRowCount(0)
        self.note.setText("")

    def closeEvent(self, event: QCloseEvent) -> None:
        self.job.cancel()
        super().closeEvent(event)


class _RankJob(Job):
    """Ranks in a worker thread."""

    progressed = Signal(object)  # Progress
    found = Signal(object)  # ProjectRanking; None: cancelled or failed

    def __init__(self, parent: QWidget) -> None:
        super().__init__("best of the project", parent)
        self._worker.progressed.connect(lambda _, progress: self.progressed.emit(progress))
        self._worker.finished.connect(lambda _, found: self.found.emit(found))
        self._worker.cancelled.connect(lambda _: self.found.emit(None))
        self._worker.failed.connect(lambda *_: self.found.emit(None))

    def start(
        self, videos: list[DecidedVideo], cache: CacheFactory, settings: RankingSettings, total: int, quota: int
    ) -> None:
        def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> ProjectRanking:
            return rank_project(videos, cache(), settings, total, quota, progress=report, cancel=cancel)

        self._worker.start(run)


def _box(value: int, largest: int, name: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, largest)
    box.setValue(value)
    box.setFixedWidth(70)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    named(box, name)
    return box
