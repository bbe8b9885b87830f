"""From files to a project: what is opened and saved, which projects there were, and where videos went that moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from clipgen_engine.datasets.manifest import is_export
from clipgen_engine.errors import ClipgenError
from clipgen_engine.projects.store import Project
from clipgen_engine.video.container import fingerprint
from clipgen_gui.commands.keymap import with_key
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.document.storage import default_project_path
from clipgen_gui.projects.files import SUFFIXES, expand
from clipgen_gui.projects.import_flow import FoundExport, ImportFlow, told
from clipgen_gui.projects.scout import Look, VideoScout
from clipgen_gui.support.formatting import counted
from clipgen_gui.widgets.message_bar import MessageArea

SUFFIX = ".clipgen"
READ_ONLY = "{} is open in another window: what you decide here is not kept."
_RECENT = "projects/recent"
_AT_MOST = 8
_PROJECTS = f"clipgen projects (*{SUFFIX})"


class ProjectFlow(QObject):
    """Asks for files, opens them, and tells what could not be done."""

    videos_found = Signal(list)  # paths of videos beside what was exported to a folder

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
            busy: whether something runs that writes to the project that is open.
            begin: prepares a project that is about to be opened.
        """
        super().__init__(window)
        self._session, self._scout, self._messages = session, scout, messages
        self._settings, self._busy, self._window = settings, busy, window
        self._begin = begin
        self._opened_folders: list[Path] = []
        scout.looked.connect(self._take)
        self._imports = ImportFlow(messages, self._ask_for_path_of_export, window)
        self._imports.videos_found.connect(self.videos_found)
        self._imports.made.connect(self._open_made)

    # Videos

    def resume(self) -> None:
        """Go on where the project was left."""
        self._session.resume()
        self._look()

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open projects, files and folders; export folders are offered as projects."""
        paths = list(paths)
        exports = [path for path in paths if is_export(path)]
        self._imports.look_into(path.absolute() for path in exports)
        for project in [path for path in paths if path.suffix == SUFFIX and not path.is_dir()][:1]:
            self.open_project(project)
        videos = [path for path in paths if (path.suffix != SUFFIX or path.is_dir()) and path not in exports]
        files, empty = expand(videos)
        for folder in empty:
            self._messages.show_message(f"There is no video in {folder}.", "warning")
        self._opened_folders += [path.absolute() for path in videos if path.is_dir()]
        if self._session.open_paths(files):
            self._look()

    def choose_files(self) -> None:
        pattern = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open videos", self._folder_on_screen(), f"Videos ({pattern});;All files (*)"
        )
        self.open_paths(Path(name) for name in names)

    def choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open all videos of a folder", self._folder_on_screen())
        if name:
            self.open_paths([Path(name)])

    def _folder_on_screen(self) -> str:
        return str(self._session.current.path.parent) if self._session.current else ""

    # Projects

    @property
    def name(self) -> str:
        """What the window's title says of the project; nothing of the unnamed one."""
        path = self._session.storage.path
        if path is None:
            return ""
        name = "" if path == default_project_path() else path.stem
        return name if self._session.storage.writes else f"{name or 'unnamed project'} (read-only)"

    def new_project(self) -> None:
        """Ask for a place, and begin an empty project there."""
        path = self._ask_for_path("New project", "Create")
        if path is not None:
            if path.exists():
                self._messages.show_message(f"{path.name} was there already: it was opened, with all that is in it.")
            self.open_project(path, new=True)

    def choose_project(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a project", self._projects_folder(), _PROJECTS)
        if name:
            self.open_project(Path(name))

    def choose_export(self) -> None:
        """Ask for an export folder and for a place, and open the project that is made of it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open an export folder", self._folder_on_screen())
        if name:
            self._imports.look_into([Path(name)], chosen=True)

    def _open_made(self, path: Path, found: FoundExport) -> None:
        self._opened_folders.append(found.folder.parent)  # who gets an export with its videos has them there
        if self._busy():
            wait = f"{path.name} was made of {found.folder.name}. It can be opened when the clips are written."
            self._messages.show_message(wait, "info", ("Open project", partial(self._open_recent, path)))
            return
        self.open_project(path)
        if self._session.storage.path != path:
            return  # why not is said
        text = f"{path.name} has the {told(found)}, with every decision."
        if found.absent:
            text += f" {counted(found.absent, 'video')} could not be found: choose “Locate” in the list."
        self._messages.show_message(text, "success")

    def save_as(self) -> None:
        """Ask for a place, and work on the project there from now on."""
        path = self._ask_for_path("Save the project as", "Save")
        if path is not None and path != self._session.storage.path:
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Give the project this place; what was there is replaced."""
        try:
            self._session.save_as(path)
        except ClipgenError as error:
            self._messages.show_message(str(error), "warning")
            return
        self._remember(path)
        self._messages.show_message(f"The project is {path} from now on.", "success")

    def open_project(self, path: Path, *, new: bool = False) -> None:
        """Leave the project that is open and open this one; where it cannot be, everything stays as it is.

        Args:
            new: a file that is not there is made.
        """
        path = path.expanduser().absolute()
        if path == self._session.storage.path:
            return
        if self._busy():
            wait = f"Wait for them or {with_key('cancel them', 'cancel')} first."
            self._messages.show_message(f"Clips are being written. {wait}")
            return
        if not new and not path.is_file():
            self._messages.show_message(f"{path} does not exist. Check the path.", "warning")
            return
        try:
            project = Project(path)
        except ClipgenError as error:
            self._messages.show_message(str(error), "warning")
            return
        self._begin(project)
        self._remember(path)
        self._session.open_project(project)
        self._look()
        if project.read_only:
            self._messages.show_message(READ_ONLY.format(path.name), "warning")

    def fill_recent(self, menu: QMenu) -> None:
        """One entry for each project that was open lately and is still there."""
        menu.clear()
        for path in self.recent:
            menu.addAction(f"{path.stem}   {path.parent}").triggered.connect(partial(self._open_recent, path))
        if menu.isEmpty():
            menu.addAction("None yet").setEnabled(False)

    def _open_recent(self, path: Path, *_: object) -> None:
        self.open_project(path)

    @property
    def recent(self) -> list[Path]:
        """Projects that were open lately, the last one first."""
        stored = self._settings.value(_RECENT) or []
        paths = [Path(name) for name in ([stored] if isinstance(stored, str) else stored)]
        return [path for path in paths if path.is_file()]

    def _remember(self, path: Path) -> None:
        paths = [path, *(one for one in self.recent if one != path)][:_AT_MOST]
        self._settings.setValue(_RECENT, [str(one) for one in paths])

    def _projects_folder(self) -> str:
        recent = self.recent
        return str(recent[0].parent) if recent else self._folder_on_screen()

    def _ask_for_path_of_export(self, folder: Path) -> Path | None:
        """Beside the other projects, else beside the folder; a name that is free is suggested."""
        parent = self.recent[0].parent if self.recent else folder.parent
        names = (parent / f"{folder.name}{f' {number}' if number > 1 else ''}{SUFFIX}" for number in count(1))
        free = next(name for name in names if not name.exists())
        return self._ask_for_path(f"Project of {folder.name}", "Create", free)

    def _ask_for_path(self, title: str, label: str, suggested: Path | None = None) -> Path | None:
        """
        Args:
            suggested: a file that is not there, for a caller that replaces none.
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

    # Files that moved

    def locate(self, entry: VideoEntry) -> None:
        """Ask where a missing video is; others that are missing are looked for in the same folder."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, f"Where is {entry.path.name}?", str(entry.path.parent), "All files (*)"
        )
        if name:
            self.locate_at(entry, Path(name))

    def locate_at(self, entry: VideoEntry, path: Path) -> None:
        """The missing video is this file, if its fingerprint says so."""
        try:
            same = entry.fingerprint is None or fingerprint(path) == entry.fingerprint
        except ClipgenError as error:
            self._messages.show_message(f"{error.message}. Choose another.", "warning")
            return
        if not same:
            self._messages.show_message(
                f"{path.name} is another video than {entry.path.name} was. Choose another, or open it by itself.",
                "warning",
            )
            return
        self._session.found_again(entry, path)
        self._opened_folders.append(path.parent)
        self._look()

    def _look(self) -> None:
        """Let the scout find out which files are there, and what they are."""
        videos = self._session.videos
        folders = dict.fromkeys([*reversed(self._opened_folders), *(entry.path.parent for entry in videos)])
        missing = VideoState.MISSING
        self._scout.check([(entry.path, entry.fingerprint, entry.state is missing) for entry in videos], folders)

    def _take(self, look: Look) -> None:
        if look.picture is not None and look.fingerprint is None and look.duration_s is None:
            return  # only a picture, which the list shows: to search a thousand videos for each would be felt
        entry = next((one for one in self._session.videos if one.path == look.path), None)
        if entry is None:
            return
        if look.duration_s is not None and entry.duration_s is None:
            entry.duration_s = look.duration_s
            self._session.storage.save_outcome(entry)
            self._session.video_changed.emit(entry)
        if look.found is not None:
            self._session.found_again(entry, look.found)
            self._session.noticed.emit(f"{entry.path.name} had moved and was found in {entry.path.parent}.")
        elif not look.present and entry.fingerprint is not None:
            if entry.state is not VideoState.ANALYSING:
                self._session.set_state(entry, VideoState.MISSING)
        elif look.present and entry.state is VideoState.MISSING:
            self._session.found_again(entry, entry.path)
        elif look.fingerprint is not None and entry.fingerprint is None:
            self._session.identify(entry, look.fingerprint)
