"""What the window says about the video on screen, and about what runs: title, toolbar, status line and hints."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from clipgen_engine.types import Progress
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.main_window.layout import Layout
from clipgen_gui.main_window.parts import Parts
from clipgen_gui.main_window.status_bar import After
from clipgen_gui.widgets.labels import shortened

_PASSING_MS = 8000


class WindowState(QObject):
    """Follows session, queue and exports of one window."""

    def __init__(self, window: QWidget, parts: Parts, layout: Layout) -> None:
        super().__init__(window)
        self._window, self._parts, self._layout = window, parts, layout
        self._shown: object = None  # what is shown now
        self._missing = ""  # the sentence about the video on screen, whose file is not there
        self._failures: dict[VideoEntry, str] = {}  # what was said of videos that failed
        session = parts.session
        session.failed.connect(self._say_about)
        for signal in (session.video_changed, session.videos_changed, session.current_changed, session.ranking_changed):
            signal.connect(self.show)
        for told in (session.refused, session.noticed):
            told.connect(lambda sentence: parts.status.show_passing(sentence, _PASSING_MS))
        session.project_changed.connect(self._project_changed)
        parts.analysis.queue.progressed.connect(self._show_analysis)
        parts.analysis.queue.idle.connect(self._show_idle)
        parts.analysis.queue.analysed.connect(self._say_what_is_missing)
        parts.export.job.progressed.connect(self._show_export)
        parts.export.flow.changed.connect(self._export_changed)
        self.show()

    def _show_analysis(self, entry: VideoEntry, progress: Progress | None) -> None:
        if not self._parts.export.job.busy:
            title, after = f"Analysing {shortened(entry.path.name)}", self.waiting_after(entry)
            self._parts.status.show_progress(title, "frames", progress, after)

    def waiting_after(self, running: VideoEntry) -> After | None:
        """What waits in the queue, by its length; None where too little is known of it."""
        waiting = [one.duration_s for one in self._parts.session.videos if one.state is VideoState.WAITING]
        known = [one for one in waiting if one is not None]
        if self._parts.analysis.queue.paused or not running.duration_s or not known:
            return None
        whole_s = sum(known) / len(known) * len(waiting)  # of whom nothing is known yet is as long as the others
        return After(len(waiting), "more video", whole_s / running.duration_s)

    def _show_idle(self) -> None:
        if not self._parts.export.job.busy:
            self._parts.status.show_idle()

    def _show_export(self, progress: Progress | None) -> None:
        self._parts.status.show_progress("Exporting", "frames", progress)

    def _say_about(self, entry: VideoEntry, sentence: str) -> None:
        """A message where the video is on screen; else a passing line, since the list and the table keep saying it."""
        if entry is self._parts.session.current:
            if entry.state is VideoState.MISSING:
                return  # it is asked where it is
            if entry.state is VideoState.FAILED:
                self._failures[entry] = sentence
            self._parts.messages.show_message(sentence, "error" if entry.state is VideoState.FAILED else "warning")
        else:
            self._parts.status.show_passing(sentence, _PASSING_MS)

    def _say_what_is_missing(self, entry: VideoEntry) -> None:
        if entry.why_no_window:
            self._say_about(entry, entry.why_no_window)

    def _export_changed(self) -> None:
        if self._parts.analysis.queue.running is None and not self._parts.export.job.busy:
            self._parts.status.show_idle()
        self.show()

    def _project_changed(self) -> None:
        self._shown = None
        self._failures.clear()
        self.show()

    def _take_back(self) -> None:
        """What failed and has not any more, perhaps because the file was found elsewhere, needs no message."""
        for entry in [entry for entry in self._failures if entry.state is not VideoState.FAILED]:
            self._parts.messages.dismiss(self._failures.pop(entry))

    def show(self) -> None:
        self._take_back()
        entry = self._parts.session.current
        shown = (
            self._parts.export.job.busy,
            entry,
            entry
            and (
                entry.state,
                entry.message,
                entry.info,
                len(entry.accepted),
                bool(entry.rows),
                entry.why_no_window,
                entry is self._parts.analysis.queue.running,
            ),
        )
        if shown == self._shown:
            return  # a weight that is being dragged comes by here for every picture of the screen
        self._shown = shown
        self._layout.show_player(entry is not None)
        parts = (entry.path.name if entry else "", self._parts.projects.flow.name, "clipgen")
        self._window.setWindowTitle(" — ".join(part for part in parts if part))
        self._parts.status.show_video(entry.info if entry else None)
        self._parts.actions["contact_sheet"].setEnabled(entry is not None)
        for name in ("play", "back", "forward", "first", "last"):
            self._parts.actions[name].setEnabled(entry is not None and entry.info is not None)

        self._parts.toolbar.show_state(
            analysable=entry is not None,
            running=entry is not None and entry is self._parts.analysis.queue.running,
            accepted=len(entry.accepted) if entry else 0,
            exporting=self._parts.export.job.busy,
        )
        self._show_hints(entry)
        self._offer_to_locate(entry)

    def _offer_to_locate(self, entry: VideoEntry | None) -> None:
        self._parts.messages.dismiss(self._missing)
        self._missing = ""
        if entry is not None and entry.state is VideoState.MISSING:
            self._missing = f"{entry.path.name} is not in {entry.path.parent} any more. Where is it?"
            locate = partial(self._parts.projects.flow.locate, entry)
            self._parts.messages.show_message(self._missing, "warning", ("Locate…", locate))

    def _show_hints(self, entry: VideoEntry | None) -> None:
        table = plot = ""
        if entry is None:
            table = "Open a video to find its best windows."
        elif not entry.rows:
            table = {
                VideoState.WAITING: "Waits for its turn.",
                VideoState.ANALYSING: "Analysing. Windows appear here as they are found.",
                VideoState.STOPPED: "The analysis was cancelled. Press Analyse to start it again.",
                VideoState.FAILED: entry.message,
                VideoState.MISSING: "The file is not where it was.",
                VideoState.DONE: entry.why_no_window,
            }[entry.state]
            plot = "No scores" if entry.state in (VideoState.DONE, VideoState.FAILED) else ""
        if entry is not None and entry.analysis is not None and entry.analysis.tracks:
            plot = ""
        self._parts.review.panel.set_hint(table)
        self._parts.plot.set_hint(plot)
