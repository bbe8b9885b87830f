"""The export workflow, from the export window to the final message."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QWidget

from clipgen_engine.errors import OutputError, SettingError
from clipgen_engine.types import Progress
from clipgen_gui.commands.keymap import with_key
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import Key
from clipgen_gui.export.job import EstimateJob, ExportJob
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
_DEBOUNCE_MS = 150  # while the user types or changes a value
_LAYOUTS = "export_window/layouts"


class ExportFlow(QObject):
    """Opens the export window, starts the job and reports the result."""

    changed = Signal()  # an export started or ended

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
        self._proposed: Path | None = None  # suggested folder; follows the scope until the user edits it
        self._entry: VideoEntry | None = None  # video of the export
        self._preview: Key | None = None
        self._running_sources: tuple[ExportSource, ...] = ()
        self._running_details: dict[str, Any] = {}  # what the project records about it
        self._result: ExportResult | None = None
        self._ended = False  # whether the note shows the result of the last export
        self._estimator = EstimateJob(job.cache, self)
        self._estimator.estimated.connect(self._show_estimate)
        self._estimator.failed.connect(lambda sentence: self._show_problem(sentence))
        self._estimate_timer = QTimer(self)
        self._estimate_timer.setSingleShot(True)
        self._estimate_timer.setInterval(_DEBOUNCE_MS)
        self._estimate_timer.timeout.connect(self._request_estimate)
        job.progressed.connect(self._show_progress)
        job.clip_ended.connect(lambda step: self.window.results.results.add(step) if self.window else None)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        self._refresh_timer = QTimer(self)  # dragging a weight changes the list 60 times a second
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(_DEBOUNCE_MS)
        self._refresh_timer.timeout.connect(self._refresh)
        for signal in (session.ranking_changed, session.current_changed):
            signal.connect(
                lambda: self._refresh_timer.start() if self.window is not None and self.window.isVisible() else None
            )

    def ask(self) -> None:
        """Open the export window for the accepted windows of the current video, or of all videos."""
        if self.window is None:
            self.window = self._make_window()
        whole = self._session.selection.scope is Scope.PROJECT or not self._accepted_here()
        self._scope = "project" if whole and self._sources("project") else "video"
        self._result = None
        if not self._job.busy:
            self.window.results.results.clear()
            self.window.show_done(folder=False, index=False)
        self._refresh()
        self.window.show()
        self.window.activateWindow()

    def request_end(self) -> None:
        """Stop the timers; job, estimator and preview end their own threads."""
        self._estimate_timer.stop()
        self._refresh_timer.stop()

    def _make_window(self) -> ExportWindow:
        from clipgen_gui.export.window import ExportWindow  # lazy: must not delay the main window

        window = ExportWindow(self._main)
        window.options.show_values(self._remembered_layouts(), self._preferences.export, self._preferences.dataset)
        window.scope_chosen.connect(self._choose_scope)
        window.changed.connect(self._refresh)
        window.step_preview.connect(self._step_preview)
        window.start_requested.connect(self._start)
        window.cancel_requested.connect(self._job.cancel)
        window.folder_requested.connect(lambda: self._open("folder"))
        window.index_requested.connect(lambda: self._open("index"))
        window.finished.connect(lambda _: self._main.activateWindow())
        return window

    # Scope and problems

    def _accepted_here(self) -> int:
        entry = self._session.current
        return len(entry.accepted) if entry is not None and entry.info is not None else 0

    def _sources(self, scope: str) -> tuple[ExportSource, ...]:
        from clipgen_gui.export.sources import all_sources, source_of  # lazy: loads the encoder

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
            self._estimate_timer.start()
        self._show_preview()

    def _propose_folder(self, window: ExportWindow) -> None:
        if self._proposed is not None and window.folder not in (None, self._proposed):
            return  # edited by the user
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
        """Return why the export cannot start; empty if it can."""
        if not count:
            return f"{with_key('Select a window and accept it', 'accept')} first."
        if not window.options.chosen_layouts:
            return "Select a layout."
        if window.folder is None:
            return "Choose an output folder."
        try:
            _ = window.options.dataset
        except SettingError as error:
            return str(error)
        return ""

    def _show_problem(self, sentence: str) -> None:
        if self.window is not None:
            self.window.note.setText(sentence)
            self.window.start_button.setEnabled(not sentence)

    def _request_estimate(self) -> None:
        window = self.window
        if window is not None and window.isVisible() and not self._job.busy:
            self._estimator.start(self._request(window), self._open_analyses())

    def _show_estimate(self, estimate: ExportEstimate) -> None:
        window = self.window
        if window is None or self._job.busy or self._ended or not window.start_button.isEnabled():
            return
        try:
            estimate.check(window.folder or Path())
        except OutputError as error:
            self._show_problem(str(error))
            return
        window.note.setText(_estimate_text(estimate))

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

    # Preview

    def _show_preview(self) -> None:
        window, entry = self.window, self._session.current
        if window is None:
            return
        accepted = entry.accepted if entry is not None else ()
        keys = [sequence.key for sequence in accepted]
        if entry is None or entry.analysis is None or not keys:
            window.preview_title.setText("")
            window.preview.clear("Accept a window of this video to preview it here.")
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
            index = keys.index(self._preview) if self._preview in keys else 0
            self._preview = keys[(index + direction) % len(keys)]
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
        self._running_sources, self._result = request.sources, None
        self._running_details = request.details
        window.results.results.clear()
        window.show_running(True)
        window.note.setText("")
        self._job.start(request, self._open_analyses())
        self.changed.emit()

    def _show_progress(self, progress: Progress | None) -> None:
        if self.window is not None and progress is not None:
            stage = "Analysing" if progress.stage == "analysis" else "Writing clips"
            self.window.note.setText(f"{stage}: {progress.done:,} of {progress.total:,} frames")
            self.window.show_progress(progress.done, progress.total)

    def _finished(self, result: ExportResult) -> None:
        self._result, self._ended = result, True
        self._record_export(result)
        written = [clip for clip in result.clips if clip.files]
        if self.window is not None:
            for clip in result.clips:
                self.window.results.results.put(clip.name, clip.state, clip.sentence)
            self.window.show_done(folder=result.output_dir.is_dir(), index=result.index.is_file())
            self.window.note.setText(_summary(result))
        if result.cancelled:
            self._messages.show_message("Export cancelled. Finished clips are kept.")
        elif written:
            action = ("Open folder", lambda: open_folder(result.output_dir))
            self._messages.show_message(f"{_summary(result)} · {result.output_dir}", "success", action)
        self._show_failures(result.failures)
        self.changed.emit()

    def _failed(self, sentence: str) -> None:
        self._ended = True
        if self.window is not None:
            self.window.show_done(folder=False, index=False)
            self.window.note.setText(sentence)
        self._messages.show_message(sentence, "warning")
        self.changed.emit()

    def _show_failures(self, sentences: Sequence[str]) -> None:
        kind: Kind = "warning"
        if len(sentences) > 1:
            self._messages.show_message(
                f"{len(sentences)} items could not be written. See the list in the export window.", kind
            )
        elif sentences:
            self._messages.show_message(sentences[0], kind)

    def _record_export(self, result: ExportResult) -> None:
        """Record in the project which clips of each video were written."""
        entries = {entry.fingerprint: entry for entry in self._session.videos if entry.fingerprint}
        clips = iter(result.clips)
        for source in self._running_sources:
            own = [next(clips) for _ in source.accepted()]
            names = [clip.name for clip in own if clip.files]
            if names and source.fingerprint in entries:
                entry = entries[source.fingerprint]
                self._session.storage.save_export(entry, result.output_dir, names, self._running_details)

    def _open(self, what: Literal["folder", "index"]) -> None:
        if self._result is not None:
            open_folder(self._result.index if what == "index" else self._result.output_dir)

    # Remembered choices

    def _remember(self, request: ExportRequest) -> None:
        self._settings.setValue(_LAYOUTS, list(request.layouts))
        for page, settings in (("export", request.export), ("dataset", request.dataset)):
            for name, value in settings.as_dict().items():
                if self._preferences.value(page, name) != value:
                    self._preferences.set_value(page, name, value)

    def _remembered_layouts(self) -> tuple[str, ...]:
        stored = self._settings.value(_LAYOUTS)
        if isinstance(stored, str):  # QSettings returns a one-element list as a string
            stored = [stored]
        return tuple(stored) if isinstance(stored, list) else ("plain",)


def _estimate_text(estimate: ExportEstimate) -> str:
    """`60 frames to write, about 1.9 MB and 3 s`."""
    from clipgen_engine.datasets.estimate import readable_size

    if not estimate.size_bytes:
        return "Everything is up to date; nothing to write."
    seconds = max(1, round(estimate.seconds))
    duration = (
        f"{seconds} s"
        if seconds < 90
        else f"{round(seconds / 60)} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )
    return (
        f"{counted(estimate.new_frames, 'frame')} to write, about {readable_size(estimate.size_bytes)} and {duration}"
    )


def _summary(result: ExportResult) -> str:
    """`3 clips written, 1 unchanged, 1 failed`."""
    labels = {"written": "written", "unchanged": "unchanged", "kept": "not updated", "failed": "failed"}
    states: list[str] = [clip.state for clip in result.clips]
    counts = {label: states.count(state) for state, label in labels.items() if states.count(state)}
    first, *others = counts.items() or [("", 0)]
    if not first[1]:
        return "Nothing written"
    return ", ".join([f"{counted(first[1], 'clip')} {first[0]}", *(f"{number} {label}" for label, number in others)])
