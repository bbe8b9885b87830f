"""Opening and saving of videos and projects, recent projects, and relinking of missing files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from clipgen_engine.datasets.manifest import is_export
from clipgen_engine.errors import ClipgenError
from clipgen_engine.projects.recovery import open_or_recover
from clipgen_engine.projects.store import Project
from clipgen_engine.user_folders import unnamed_project
from clipgen_engine.video.container import fingerprint
from clipgen_gui.commands.keymap import with_key
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.projects.files import SUFFIXES, expand
from clipgen_gui.projects.import_flow import FoundExport, ImportFlow, export_summary
from clipgen_gui.projects.scout import FileCheck, VideoScout
from clipgen_gui.support.formatting import counted
from clipgen_gui.widgets.message_bar import MessageArea

SUFFIX = ".clipgen"
READ_ONLY = "{} is open in another window. Decisions made here are not saved."
_RECENT = "projects/recent"
_AT_MOST = 8
_PROJECTS = f"clipgen projects (*{SUFFIX})"


class ProjectFlow(QObject):
    """Shows the file dialogs, opens files and projects, and reports failures."""

    videos_found = Signal(list)  # paths of videos next to an export

    def __init__(
        self,
        session: Session,
        scout: VideoScout,
        messages: MessageArea,
        settings: QSettings,
        busy: Callable[[], bool],
        begin: Callable[[Project], None],
        window: QWidget,
    ) -> None:
        """
        Args:
            busy: whether a running job writes to the open project.
            begin: prepares a project before it is opened.
        """
        super().__init__(window)
        self._session, self._scout, self._messages = session, scout, messages
        self._settings, self._busy, self._window = settings, busy, window
        self._begin = begin
        self._opened_folders: list[Path] = []
        scout.checked.connect(self._apply_check)
        self._imports = ImportFlow(messages, self._ask_for_path_of_export, window)
        self._imports.videos_found.connect(self.videos_found)
        self._imports.made.connect(self._open_imported)

    # Videos

    def resume(self) -> None:
        """Restore the state in which the project was closed."""
        self._session.resume()
        self._check_files()

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open projects, files and folders. Offer to import export folders as projects."""
        paths = list(paths)
        exports = [path for path in paths if is_export(path)]
        self._imports.read_exports(path.absolute() for path in exports)
        for project in [path for path in paths if path.suffix == SUFFIX and not path.is_dir()][:1]:
            self.open_project(project)
        videos = [path for path in paths if (path.suffix != SUFFIX or path.is_dir()) and path not in exports]
        files, empty = expand(videos)
        for folder in empty:
            self._messages.show_message(f"No videos found in {folder}.", "warning")
        self._opened_folders += [path.absolute() for path in videos if path.is_dir()]
        if self._session.open_paths(files):
            self._check_files()

    def choose_files(self) -> None:
        pattern = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open videos", self._folder_on_screen(), f"Videos ({pattern});;All files (*)"
        )
        self.open_paths(Path(name) for name in names)

    def choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open folder", self._folder_on_screen())
        if name:
            self.open_paths([Path(name)])

    def _folder_on_screen(self) -> str:
        return str(self._session.current.path.parent) if self._session.current else ""

    # Projects

    @property
    def name(self) -> str:
        """The project name for the window title; empty for the unnamed project."""
        path = self._session.storage.path
        if path is None:
            return ""
        name = "" if path == unnamed_project() else path.stem
        return name if self._session.storage.writes else f"{name or 'unnamed project'} (read-only)"

    def new_project(self) -> None:
        """Ask for a path and create an empty project there."""
        path = self._ask_for_path("New project", "Create")
        if path is not None:
            if path.exists():
                self._messages.show_message(f"{path.name} already exists and was opened.")
            self.open_project(path, new=True)

    def choose_project(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open project", self._projects_folder(), _PROJECTS)
        if name:
            self.open_project(Path(name))

    def choose_export(self) -> None:
        """Ask for an export folder and a path, and import the folder as a project."""
        name = QFileDialog.getExistingDirectory(self._window, "Open export folder", self._folder_on_screen())
        if name:
            self._imports.read_exports([Path(name)], chosen=True)

    def _open_imported(self, path: Path, found: FoundExport) -> None:
        self._opened_folders.append(found.folder.parent)  # videos shared with an export are usually next to it
        if self._busy():
            wait = f"{path.name} was created from {found.folder.name}. Open it when the export has finished."
            self._messages.show_message(wait, "info", ("Open project", partial(self._open_recent, path)))
            return
        self.open_project(path)
        if self._session.storage.path != path:
            return  # `open_project` reported why
        text = f"Imported {export_summary(found)} into {path.name}, with all decisions."
        if found.absent:
            text += f" {counted(found.absent, 'video')} could not be found."
            text += " Right-click a missing video and choose “Locate…”."
        self._messages.show_message(text, "success")

    def save_as(self) -> None:
        """Ask for a path, save the project there and continue there."""
        path = self._ask_for_path("Save project as", "Save")
        if path is not None and path != self._session.storage.path:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Save the project to this path, replacing an existing file, and continue there."""
        try:
            self._session.save_as(path)
        except ClipgenError as error:
            self._messages.show_message(str(error), "warning")
            return
        self._add_recent(path)
        self._messages.show_message(f"Project saved as {path}.", "success")

    def open_project(self, path: Path, *, new: bool = False) -> None:
        """Close the open project and open this one. On failure the open project stays open.

        Args:
            new: create the file if it does not exist.
        """
        path = path.expanduser().absolute()
        if path == self._session.storage.path:
            return
        if self._busy():
            wait = f"Wait for it to finish or {with_key('cancel it', 'cancel')} first."
            self._messages.show_message(f"An export is running. {wait}")
            return
        if not new and not path.is_file():
            self._messages.show_message(f"{path} does not exist. Check the path.", "warning")
            return
        try:
            project, recovered = open_or_recover(path)
        except ClipgenError as error:
            self._messages.show_message(str(error), "warning")
            return
        self._begin(project)
        self._add_recent(path)
        self._session.open_project(project)
        self._check_files()
        if recovered:
            self._messages.show_message(recovered, "warning")
        if project.read_only:
            self._messages.show_message(READ_ONLY.format(path.name), "warning")

    def fill_recent(self, menu: QMenu) -> None:
        """Fill the menu with the recent projects that still exist."""
        menu.clear()
        for path in self.recent:
            menu.addAction(f"{path.stem}   {path.parent}").triggered.connect(partial(self._open_recent, path))
        if menu.isEmpty():
            menu.addAction("No recent projects").setEnabled(False)

    def _open_recent(self, path: Path, *_: object) -> None:
        self.open_project(path)

    @property
    def recent(self) -> list[Path]:
        """Recent projects that still exist, newest first."""
        stored = self._settings.value(_RECENT) or []
        paths = [Path(name) for name in ([stored] if isinstance(stored, str) else stored)]
        return [path for path in paths if path.is_file()]

    def _add_recent(self, path: Path) -> None:
        paths = [path, *(one for one in self.recent if one != path)][:_AT_MOST]
        self._settings.setValue(_RECENT, [str(one) for one in paths])

    def _projects_folder(self) -> str:
        recent = self.recent
        return str(recent[0].parent) if recent else self._folder_on_screen()

    def _ask_for_path_of_export(self, folder: Path) -> Path | None:
        """Ask for a path, suggesting an unused name next to the recent projects, else next to the folder."""
        parent = self.recent[0].parent if self.recent else folder.parent
        names = (parent / f"{folder.name}{f' {number}' if number > 1 else ''}{SUFFIX}" for number in count(1))
        free = next(name for name in names if not name.exists())
        return self._ask_for_path(f"Import {folder.name} as project", "Create", free)

    def _ask_for_path(self, title: str, label: str, suggested: Path | None = None) -> Path | None:
        """
        Args:
            suggested: an unused path, for callers that do not overwrite files.
        """
        dialog = QFileDialog(self._window, title, self._projects_folder(), _PROJECTS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX.removeprefix("."))
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, label)
        if suggested is not None:
            dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
            dialog.setDirectory(str(suggested.parent))
            dialog.selectFile(suggested.name)
        if not dialog.exec():
            return None
        return Path(dialog.selectedFiles()[0])

    # Missing files

    def locate(self, entry: VideoEntry) -> None:
        """Ask for the file of a missing video. Its folder is then searched for other missing videos."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, f"Locate {entry.path.name}", str(entry.path.parent), "All files (*)"
        )
        if name:
            self.locate_at(entry, Path(name))

    def locate_at(self, entry: VideoEntry, path: Path) -> None:
        """Relink a missing video to this file if the fingerprints match."""
        try:
            same = entry.fingerprint is None or fingerprint(path) == entry.fingerprint
        except ClipgenError as error:
            self._messages.show_message(f"{error.message}. Choose another file.", "warning")
            return
        if not same:
            self._messages.show_message(
                f"{path.name} is not the same video as {entry.path.name}."
                " Choose another file, or open it as a new video.",
                "warning",
            )
            return
        self._session.relink(entry, path)
        self._opened_folders.append(path.parent)
        self._check_files()

    def _check_files(self) -> None:
        """Let the scout check all files of the project."""
        videos = self._session.videos
        folders = dict.fromkeys([*reversed(self._opened_folders), *(entry.path.parent for entry in videos)])
        missing = VideoState.MISSING
        self._scout.check([(entry.path, entry.fingerprint, entry.state is missing) for entry in videos], folders)

    def _apply_check(self, check: FileCheck) -> None:
        if check.picture is not None and check.fingerprint is None and check.duration_s is None:
            return  # only a thumbnail, which the list shows; a linear search for each would be slow with many videos
        entry = next((one for one in self._session.videos if one.path == check.path), None)
        if entry is None:
            return
        if check.duration_s is not None and entry.duration_s is None:
            entry.duration_s = check.duration_s
            self._session.storage.save_outcome(entry)
            self._session.video_changed.emit(entry)
        if check.found is not None:
            self._session.relink(entry, check.found)
            self._session.notified.emit(f"Missing video {entry.path.name} was found in {entry.path.parent}.")
        elif not check.present and entry.fingerprint is not None:
            if entry.state is not VideoState.ANALYSING:
                self._session.set_state(entry, VideoState.MISSING)
        elif check.present and entry.state is VideoState.MISSING:
            self._session.relink(entry, entry.path)
        elif check.fingerprint is not None and entry.fingerprint is None:
            self._session.identify(entry, check.fingerprint)
