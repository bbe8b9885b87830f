"""An export from the question for a folder to the message that says what was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from clipgen_gui.export_dialog import ExportDialog
from clipgen_gui.jobs import ExportJob
from clipgen_gui.message_bar import Kind, MessageArea
from clipgen_gui.session import Session
from clipgen_gui.video_entry import VideoEntry

if TYPE_CHECKING:
    from clipgen_engine.extractor import ExtractionResult

_LAST_EXPORT = "export/last_parent"


class ExportFlow(QObject):
    """Asks, starts the job, and tells how it ended."""

    changed = Signal()  # an export began or ended

    def __init__(
        self, session: Session, job: ExportJob, messages: MessageArea, settings: QSettings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._job, self._messages = session, job, messages
        self._settings, self._window = settings, window
        job.finished.connect(self._finished)
        job.failed.connect(lambda sentence: self._over(sentence, "warning"))
        job.cancelled.connect(lambda: self._over("The export was cancelled. Clips that were complete are kept."))

    def ask(self) -> None:
        """Ask for a folder and write the accepted windows of the video on screen."""
        entry = self._session.current
        if entry is None or not entry.accepted or self._job.busy:
            return
        remembered = self._settings.value(_LAST_EXPORT)
        parent = Path(str(remembered)) if remembered and Path(str(remembered)).is_dir() else entry.path.parent
        dialog = ExportDialog(len(entry.accepted), parent / f"{entry.path.stem}_clips", self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._start(entry, dialog.folder))
        dialog.finished.connect(lambda _: self._window.activateWindow())
        dialog.open()

    def _start(self, entry: VideoEntry, folder: Path) -> None:
        self._settings.setValue(_LAST_EXPORT, str(folder.parent))
        self._job.start(entry, folder)
        self.changed.emit()

    def _finished(self, result: ExtractionResult) -> None:
        count, folder = len(result.clips), result.clips_dir
        if count:
            clips = "1 clip" if count == 1 else f"{count} clips"
            action = ("Open folder", lambda: open_folder(folder))
            self._messages.show_message(f"{clips} written to {folder}", "success", action)
        for sentence in result.failures:
            self._messages.show_message(sentence, "warning")
        self.changed.emit()

    def _over(self, sentence: str, kind: Kind = "info") -> None:
        self._messages.show_message(sentence, kind)
        self.changed.emit()


def open_folder(folder: Path) -> None:
    """Show a folder in the file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
