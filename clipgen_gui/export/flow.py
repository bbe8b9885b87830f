"""An export from the window that asks to the message that says what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QWidget

from clipgen_engine.errors import OutputError, SettingError
from clipgen_engine.types import Progress
from clipgen_gui.document.entry import Key, VideoEntry
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.session import Session
from clipgen_gui.export.job import ExportJob, Forecast
from clipgen_gui.support.files import open_folder
from clipgen_gui.support.formatting import counted
from clipgen_gui.widgets.message_bar import Kind, MessageArea

if TYPE_CHECKING:
    from clipgen_engine.datasets.estimate import ExportEstimate
    from clipgen_engine.datasets.request import ExportRequest, ExportSource
    from clipgen_engine.datasets.results import ExportResult
    from clipgen_engine.types import Analysis
    from clipgen_gui.export.window import ExportWindow

_LAST_PARENT = "export_window/last_parent"
_PATIENCE_MS = 150  # while somebody types or turns a number
_LAYOUTS = "export_window/layouts"


class ExportFlow(QObject):
    """Opens the export window, starts the job, and tells how it ended."""

    changed = Signal()  # an export began or ended

    def __init__(
        self,
        session: Session,
        job: ExportJob,
        messages: MessageArea,
        preferences: Preferences,
        settings: QSettings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._job, self._messages = session, job, messages
        self._preferences, self._settings, self._main = preferences, settings, window
        self.window: ExportWindow | None = None
        self._scope = "video"
        self._proposed: Path | None = None  # a folder that nobody typed follows the scope
        self._entry: VideoEntry | None = None  # whose windows are exported
        self._preview: Key | None = None
        self._running: tuple[ExportSource, ...] = ()
        self._result: ExportResult | None = None
        self._ended = False  # the note tells how the last export ended
        self._forecast = Forecast(job.cache, self)
        self._forecast.answered.connect(self._show_forecast)
        self._forecast.failed.connect(lambda sentence: self._show_problem(sentence))
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._ask_forecast)
        job.progressed.connect(self._show_progress)
        job.clip_ended.connect(lambda step: self.window.results.results.add(step) if self.window else None)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        self._soon = QTimer(self)  # a weight that is being dragged changes the list sixty times a second
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PATIENCE_MS)
        self._soon.timeout.connect(self._refresh)
        for signal in (session.ranking_changed, session.current_changed):
            signal.connect(lambda: self._soon.start() if self.window is not None and self.window.isVisible() else None)

    def ask(self) -> None:
        """Show the export window for the accepted windows of the video on screen, or of all."""
        if self.window is None:
            self.window = self._made()
        self._scope = "video" if self._accepted_here() or not self._sources("project") else "project"
        self._result = None
        if not self._job.busy:
            self.window.results.results.clear()
            self.window.show_done(folder=False, index=False)
        self._refresh()
        self.window.show()
        self.window.activateWindow()

    def request_end(self) -> None:
        """Ask for nothing more; the threads are the job's, the forecast's and the preview's."""
        self._patience.stop()
        self._soon.stop()

    def _made(self) -> ExportWindow:
        from clipgen_gui.export.window import ExportWindow  # the main window does not wait for it

        window = ExportWindow(self._main)
        window.options.show_values(self._remembered_layouts(), self._preferences.export, self._preferences.dataset)
        window.scope_chosen.connect(self._choose_scope)
        window.changed.connect(self._refresh)
        window.step_preview.connect(self._step_preview)
        window.start_wanted.connect(self._start)
        window.cancel_wanted.connect(self._job.cancel)
        window.folder_wanted.connect(lambda: self._open("folder"))
        window.index_wanted.connect(lambda: self._open("index"))
        window.finished.connect(lambda _: self._main.activateWindow())
        return window

    # What would be exported

    def _accepted_here(self) -> int:
        entry = self._session.current
        return len(entry.accepted) if entry is not None and entry.info is not None else 0

    def _sources(self, scope: str) -> tuple[ExportSource, ...]:
        from clipgen_gui.export.sources import all_sources, source_of  # what encodes is not there at the start

        if scope == "project":
            return all_sources(self._session.videos, self._session.storage)
        return (source_of(self._session.current),) if self._session.current and self._accepted_here() else ()

    def _choose_scope(self, scope: str) -> None:
        self._scope = scope
        self._refresh()

    def _refresh(self) -> None:
        window = self.window
        if window is None or self._job.busy:
            return
        self._ended = False
        every = self._sources("project")
        counts = {"video": self._accepted_here(), "project": sum(len(source.accepted()) for source in every)}
        if not counts[self._scope]:
            self._scope = "project" if counts["project"] else "video"
        window.show_scopes(
            {
                "video": f"This video · {counted(counts['video'], 'clip')}",
                "project": f"All videos · {counted(counts['project'], 'clip')} of {counted(len(every), 'video')}",
            },
            self._scope,
            {"video": counts["video"] > 0, "project": len(every) > 1 or not counts["video"]},
        )
        self._propose_folder(window)
        problem = self._problem(window, counts[self._scope])
        window.start_button.setText(f"Export {counted(counts[self._scope], 'clip')}")
        self._show_problem(problem)
        if not problem:
            self._patience.start()
        self._show_preview()

    def _propose_folder(self, window: ExportWindow) -> None:
        if self._proposed is not None and window.folder not in (None, self._proposed):
            return  # somebody typed it
        entry = self._session.current
        remembered = self._settings.value(_LAST_PARENT)
        parent = Path(str(remembered)) if remembered and Path(str(remembered)).is_dir() else None
        if parent is None:
            parent = entry.path.parent if entry is not None else Path.home()
        name = f"{entry.path.stem}_clips" if self._scope == "video" and entry is not None else "clipgen_dataset"
        if parent / name != self._proposed:
            self._proposed = parent / name
            window.path.setText(str(self._proposed))

    def _problem(self, window: ExportWindow, count: int) -> str:
        """Why it cannot start, or nothing."""
        if not count:
            return "Accept a window first: press A on it."
        if not window.options.chosen_layouts:
            return "Choose a layout."
        if window.folder is None:
            return "Name a folder."
        try:
            _ = window.options.dataset
        except SettingError as error:
            return str(error)
        return ""

    def _show_problem(self, sentence: str) -> None:
        if self.window is not None:
            self.window.note.setText(sentence)
            self.window.start_button.setEnabled(not sentence)

    def _ask_forecast(self) -> None:
        window = self.window
        if window is not None and window.isVisible() and not self._job.busy:
            self._forecast.ask(self._request(window), self._open_analyses())

    def _show_forecast(self, estimate: ExportEstimate) -> None:
        window = self.window
        if window is None or self._job.busy or self._ended or not window.start_button.isEnabled():
            return
        try:
            estimate.check(window.folder or Path())
        except OutputError as error:
            self._show_problem(str(error))
            return
        window.note.setText(_told(estimate))

    def _open_analyses(self) -> list[Analysis]:
        return [entry.analysis for entry in self._session.videos if entry.analysis is not None]

    def _request(self, window: ExportWindow) -> ExportRequest:
        from clipgen_engine.datasets.request import ExportRequest

        assert window.folder is not None
        return ExportRequest(
            sources=self._sources(self._scope),
            output_dir=window.folder,
            layouts=window.options.chosen_layouts,
            export=window.options.export,
            dataset=window.options.dataset,
            ranking=self._session.settings,
        )

    # The preview

    def _show_preview(self) -> None:
        window, entry = self.window, self._session.current
        if window is None:
            return
        accepted = entry.accepted if entry is not None else ()
        keys = [sequence.key for sequence in accepted]
        if entry is None or entry.analysis is None or not keys:
            window.preview_title.setText("")
            window.preview.clear("Accept a window of the video on screen to see it here.")
            return
        if self._preview not in keys:
            self._preview = entry.selected if entry.selected in keys else keys[0]
        key = self._preview
        assert key is not None
        window.preview_title.setText(f"{keys.index(key) + 1} of {len(keys)}")
        window.preview.show_window(entry.analysis, key, window.options.export)

    def _step_preview(self, direction: int) -> None:
        entry = self._session.current
        keys = [sequence.key for sequence in entry.accepted] if entry is not None else []
        if keys:
            place = keys.index(self._preview) if self._preview in keys else 0
            self._preview = keys[(place + direction) % len(keys)]
            self._show_preview()

    # Running

    def _start(self) -> None:
        window = self.window
        assert window is not None
        if self._job.busy:
            return
        request = self._request(window)
        self._settings.setValue(_LAST_PARENT, str(request.output_dir.parent))
        self._remember(request)
        self._running, self._result = request.sources, None
        window.results.results.clear()
        window.show_running(True)
        window.note.setText("")
        self._job.start(request, self._open_analyses())
        self.changed.emit()

    def _show_progress(self, progress: Progress | None) -> None:
        if self.window is not None and progress is not None:
            what = "Analysing" if progress.stage == "analysis" else "Writing clips"
            self.window.note.setText(f"{what}: {progress.done:,} of {progress.total:,} frames")
            self.window.show_progress(progress.done, progress.total)

    def _finished(self, result: ExportResult) -> None:
        self._result, self._ended = result, True
        self._keep(result)
        written = [clip for clip in result.clips if clip.files]
        if self.window is not None:
            for clip in result.clips:
                self.window.results.results.put(clip.name, clip.state, clip.sentence)
            self.window.show_done(folder=result.output_dir.is_dir(), index=result.index.is_file())
            self.window.note.setText(_outcome(result))
        if result.cancelled:
            self._messages.show_message("The export was cancelled. Clips that were complete are kept.")
        elif written:
            action = ("Open folder", lambda: open_folder(result.output_dir))
            self._messages.show_message(f"{_outcome(result)} · {result.output_dir}", "success", action)
        self._complain(result.failures)
        self.changed.emit()

    def _failed(self, sentence: str) -> None:
        self._ended = True
        if self.window is not None:
            self.window.show_done(folder=False, index=False)
            self.window.note.setText(sentence)
        self._messages.show_message(sentence, "warning")
        self.changed.emit()

    def _complain(self, sentences: Sequence[str]) -> None:
        kind: Kind = "warning"
        if len(sentences) > 1:
            self._messages.show_message(f"{len(sentences)} things could not be written; the list says which.", kind)
        elif sentences:
            self._messages.show_message(sentences[0], kind)

    def _keep(self, result: ExportResult) -> None:
        """Note in the project what was written of each video."""
        entries = {entry.fingerprint: entry for entry in self._session.videos if entry.fingerprint}
        clips = iter(result.clips)
        for source in self._running:
            own = [next(clips) for _ in source.accepted()]
            names = [clip.name for clip in own if clip.files]
            if names and source.fingerprint in entries:
                self._session.storage.save_export(entries[source.fingerprint], result.output_dir, names)

    def _open(self, what: Literal["folder", "index"]) -> None:
        if self._result is not None:
            open_folder(self._result.index if what == "index" else self._result.output_dir)

    # What was chosen last

    def _remember(self, request: ExportRequest) -> None:
        self._settings.setValue(_LAYOUTS, list(request.layouts))
        for page, settings in (("export", request.export), ("dataset", request.dataset)):
            for name, value in settings.as_dict().items():
                if self._preferences.value(page, name) != value:
                    self._preferences.set_value(page, name, value)

    def _remembered_layouts(self) -> tuple[str, ...]:
        stored = self._settings.value(_LAYOUTS)
        if isinstance(stored, str):  # a list of one comes back as its only entry
            stored = [stored]
        return tuple(stored) if isinstance(stored, list) else ("plain",)


def _told(estimate: ExportEstimate) -> str:
    """`60 frames to write, about 1.9 MB and 3 s`."""
    from clipgen_engine.datasets.estimate import readable_size

    if not estimate.size_bytes:
        return "All of it is there already."
    seconds = max(1, round(estimate.seconds))
    span = (
        f"{seconds} s"
        if seconds < 90
        else f"{round(seconds / 60)} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
    return f"{counted(estimate.new_frames, 'frame')} to write, about {readable_size(estimate.size_bytes)} and {span}"


def _outcome(result: ExportResult) -> str:
    """`3 clips written, 1 unchanged, 1 failed`."""
    words = {"written": "written", "unchanged": "unchanged", "kept": "kept as before", "failed": "failed"}
    states: list[str] = [clip.state for clip in result.clips]
    counts = {word: states.count(state) for state, word in words.items() if states.count(state)}
    first, *others = counts.items() or [("", 0)]
    if not first[1]:
        return "Nothing written"
    return ", ".join([f"{counted(first[1], 'clip')} {first[0]}", *(f"{number} {word}" for word, number in others)])
