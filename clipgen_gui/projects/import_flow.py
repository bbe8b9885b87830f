"""Import of export folders as projects, in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from clipgen_engine.errors import OutputError
from clipgen_engine.types import ProgressCallback
from clipgen_gui.projects.files import expand
from clipgen_gui.support.formatting import counted
from clipgen_gui.support.jobs import EngineWorker, Verb
from clipgen_gui.widgets.labels import shortened
from clipgen_gui.widgets.message_bar import MessageArea

if TYPE_CHECKING:
    from clipgen_engine.datasets.reimport import ImportedExport

_LISTED = 8  # paths shown without opening the details


@dataclass(frozen=True)
class FoundExport:
    """The result of reading an export folder."""

    path: Path  # the folder, or its manifest
    export: ImportedExport | None
    problem: str  # message why it cannot be read; empty if it can
    videos: tuple[Path, ...]  # in the folder, without the exported clips
    absent: int  # number of missing source videos

    @property
    def folder(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent


class ImportFlow(QObject):
    """Reads and writes in worker threads. A newer import supersedes one still being written."""

    videos_found = Signal(list)  # paths of videos to be opened
    made = Signal(object, object)  # path of the new project, FoundExport

    def __init__(self, messages: MessageArea, ask_for_path: Callable[[Path], Path | None], window: QWidget) -> None:
        """
        Args:
            ask_for_path: asks for the path of the new project, given the export folder; None: cancelled.
        """
        super().__init__(window)
        self._window = window
        self._messages, self._ask_for_path = messages, ask_for_path
        self._wanted: dict[Path, bool] = {}  # being read; whether chosen for import
        self._making: tuple[FoundExport, Path] | None = None
        self._reader = EngineWorker("export folders", self)
        self._reader.finished.connect(lambda _, found: self._process(found))
        self._reader.failed.connect(lambda _, message: self._read_failed(message))
        self._writer = EngineWorker("project of an export", self)
        self._writer.finished.connect(lambda *_: self._made())
        self._writer.failed.connect(lambda _, message: self._write_failed(message))

    def read_exports(self, paths: Iterable[Path], *, chosen: bool = False) -> None:
        """Read export folders or their manifests.

        For a dropped folder, a message offers the import. Other videos in the folder, besides the exported clips, are
        opened as usual.

        Args:
            chosen: the user chose them for import; ask for the project path right away.
        """
        for path in paths:
            self._wanted[path] = chosen or self._wanted.get(path, False)
        if self._wanted:
            self._reader.start(_read(tuple(self._wanted)))

    def _process(self, every: tuple[FoundExport, ...]) -> None:
        wanted, self._wanted = self._wanted, {}
        for found in every:
            videos = list(found.videos)
            if found.export is None:
                open_videos = ("Open its videos", partial(self._open_videos, found)) if videos else None
                self._messages.show_message(found.problem, "warning", open_videos)
            elif wanted[found.path]:
                self._ask(found)
            else:
                if videos:
                    self.videos_found.emit(videos)
                open_project = "Open as project", partial(self._ask, found)
                self._messages.show_message(_offer(found), "info", open_project)

    def _read_failed(self, message: str) -> None:
        self._wanted = {}
        self._messages.show_message(message, "warning")

    def _open_videos(self, found: FoundExport, *_: object) -> None:
        self._messages.dismiss(found.problem)
        self.videos_found.emit(list(found.videos))

    def _ask(self, found: FoundExport, *_: object) -> None:
        assert found.export is not None
        if not self._confirm(found):
            return
        path = self._ask_for_path(found.folder)
        if path is not None:
            self._making = found, path
            self._writer.start(_write(found.export, path))

    def _confirm(self, found: FoundExport) -> bool:
        """Show which files the project will open: an export folder may come from somebody else."""
        assert found.export is not None
        paths = [str(source.path) for source in found.export.sources]
        more = f"\nand {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
        question = QMessageBox(self._window)
        question.setIcon(QMessageBox.Icon.Question)
        question.setWindowTitle("Open export folder")
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setText(f"Create a project with {export_summary(found)}?")
        question.setInformativeText("It opens these files:\n" + "\n".join(map(shortened, paths[:_LISTED])) + more)
        if more:
            question.setDetailedText("\n".join(paths))
        question.setStandardButtons(QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Cancel)
        question.button(QMessageBox.StandardButton.Ok).setText("Create project…")
        return question.exec() == QMessageBox.StandardButton.Ok

    def _made(self) -> None:
        assert self._making is not None
        found, path = self._making
        self._messages.dismiss(_offer(found))
        self.made.emit(path, found)

    def _write_failed(self, message: str) -> None:
        assert self._making is not None
        self._messages.show_message(message, "warning", ("Choose another", partial(self._ask, self._making[0])))


def export_summary(found: FoundExport) -> str:
    """`12 windows from 3 videos`."""
    assert found.export is not None
    sources = found.export.sources
    return f"{counted(sum(len(source.windows) for source in sources), 'window')} from {counted(len(sources), 'video')}"


def _offer(found: FoundExport) -> str:
    return f"{found.folder.name} is an export with {export_summary(found)}. Its clips were not opened as videos."


def _read(paths: tuple[Path, ...]) -> Verb:
    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> tuple[FoundExport, ...]:
        return tuple(map(_found, paths))

    return run


def _found(path: Path) -> FoundExport:
    from clipgen_engine.datasets.reimport import read_export  # deferred: not needed to show the window

    videos = tuple(expand([path])[0]) if path.is_dir() else ()
    try:
        export = read_export(path)
    except OutputError as error:
        return FoundExport(path, None, str(error), videos, 0)
    return FoundExport(path, export, "", videos, sum(not source.path.exists() for source in export.sources))


def _write(export: ImportedExport, path: Path) -> Verb:
    def run(report: ProgressCallback, offer: Callable[[Any], None], cancel: threading.Event) -> None:
        from clipgen_engine.datasets.reimport import new_project_of

        new_project_of(export, path, cancel)

    return run
