"""Title, toolbar, status bar and hints, kept in sync with the current video and running jobs."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from clipgen_engine.types import Progress
from clipgen_gui.commands.keymap import key_hint
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.selection import Scope
from clipgen_gui.main_window.layout import Layout
from clipgen_gui.main_window.parts import Parts
from clipgen_gui.main_window.status_bar import QueueEstimate
from clipgen_gui.support.formatting import counted
from clipgen_gui.widgets.labels import shortened

_TEMPORARY_MS = 8000
_NAMED = 8  # files in a message
_STAGES = {"draft": "1 of 2: drafting", "refinement": "2 of 2: exact frames of"}  # of an analysis


class WindowState(QObject):
    """Follows session, analysis queue and exports of one window."""

    def __init__(self, window: QWidget, parts: Parts, layout: Layout) -> None:
        super().__init__(window)
        self._window, self._parts, self._layout = window, parts, layout
        self._shown: object = None  # the last shown state
        self._missing = ""  # the message that the current video is missing
        self._failures: dict[VideoEntry, str] = {}  # shown failure messages
        self._duplicates: list[tuple[str, str]] = []  # names of files that were left out, and of their videos
        self._duplicates_text = ""
        session = parts.session
        session.failed.connect(self._report)
        for signal in (session.video_changed, session.videos_changed, session.current_changed, session.ranking_changed):
            signal.connect(self.show)
        for signal in (session.refused, session.notified):
            signal.connect(lambda text: parts.status.show_temporary(text, _TEMPORARY_MS))
        session.selection.scope_changed.connect(self.show)
        session.duplicate_found.connect(self._note_duplicate)
        session.all_decided.connect(self._say_how_to_go_on)
        session.project_changed.connect(self._project_changed)
        parts.analysis.queue.progressed.connect(self._show_analysis)
        parts.analysis.queue.idle.connect(self._show_idle)
        parts.analysis.queue.analysed.connect(self._report_no_window)
        parts.export.job.progressed.connect(self._show_export)
        parts.export.flow.changed.connect(self._export_changed)
        self.show()

    def _note_duplicate(self, entry: VideoEntry, listed: VideoEntry) -> None:
        """Count and name the files that were left out, in one message for all of them."""
        self._duplicates = self._duplicates if self._duplicates_text in self._parts.messages.texts else []
        self._duplicates.append((entry.path.name, listed.path.name))
        self._parts.messages.dismiss(self._duplicates_text)
        named = ", ".join(f"{name} (as {video})" for name, video in self._duplicates[:_NAMED])
        more = len(self._duplicates) - _NAMED
        many = len(self._duplicates) > 1
        self._duplicates_text = (
            f"{counted(len(self._duplicates), 'file')} {'were' if many else 'was'} left out, being the same as a listed"
            f" video: {named}{f' and {more} more' if more > 0 else ''}."
        )
        self._parts.messages.show_message(self._duplicates_text)

    def _say_how_to_go_on(self) -> None:
        selection = self._parts.session.selection
        listed = "that passes the filter " if selection.filter.active else ""
        if selection.scope is Scope.PROJECT:
            text = f"Every listed window {listed}is decided. {key_hint('export')} exports what you accepted."
        else:
            on = f"{key_hint('next_video')} goes to the next video, {key_hint('scope')} lists those of all videos"
            text = f"Every window of this video {listed}is decided. {on}."
        self._parts.status.show_temporary(text, _TEMPORARY_MS)

    def _show_analysis(self, entry: VideoEntry, progress: Progress | None) -> None:
        if not self._parts.export.job.busy:
            verb = "Analysing" if progress is None else _STAGES.get(progress.stage, "Analysing")
            title, after = f"{verb} {shortened(entry.path.name)}", self.estimate_queue(entry)
            self._parts.status.show_progress(title, "frames", progress, after)

    def estimate_queue(self, running: VideoEntry) -> QueueEstimate | None:
        """Estimate of the waiting queue, by video length; None if too few lengths are known."""
        waiting = [one.duration_s for one in self._parts.session.videos if one.state is VideoState.WAITING]
        known = [one for one in waiting if one is not None]
        if self._parts.analysis.queue.paused or not running.duration_s or not known:
            return None
        whole_s = sum(known) / len(known) * len(waiting)  # videos of unknown length count as average
        return QueueEstimate(len(waiting), "more video", whole_s / running.duration_s)

    def _show_idle(self) -> None:
        if not self._parts.export.job.busy:
            self._parts.status.show_idle()

    def _show_export(self, progress: Progress | None) -> None:
        self._parts.status.show_progress("Exporting", "frames", progress)

    def _report(self, entry: VideoEntry, text: str) -> None:
        """Show a message for the current video. For others, a temporary status suffices: the list shows it, too."""
        if entry is self._parts.session.current:
            if entry.state is VideoState.MISSING:
                return  # `_offer_to_locate` shows its own message
            if entry.state is VideoState.FAILED:
                self._failures[entry] = text
            self._parts.messages.show_message(text, "error" if entry.state is VideoState.FAILED else "warning")
        else:
            self._parts.status.show_temporary(text, _TEMPORARY_MS)

    def _report_no_window(self, entry: VideoEntry) -> None:
        if entry.no_window_reason:
            self._report(entry, entry.no_window_reason)

    def _export_changed(self) -> None:
        if self._parts.analysis.queue.running is None and not self._parts.export.job.busy:
            self._parts.status.show_idle()
        self.show()

    def _project_changed(self) -> None:
        self._shown = None
        self._failures.clear()
        self.show()

    def _dismiss_resolved(self) -> None:
        """Dismiss the messages of videos that are no longer failed, for example after relinking."""
        for entry in [entry for entry in self._failures if entry.state is not VideoState.FAILED]:
            self._parts.messages.dismiss(self._failures.pop(entry))

    def show(self) -> None:
        self._dismiss_resolved()
        entry = self._parts.session.current
        whole = self._parts.session.selection.scope is Scope.PROJECT
        tallies = [one.tally for one in self._parts.session.videos if one.tally is not None] if whole else []
        accepted = sum(tally.accepted for tally in tallies) if whole else len(entry.accepted) if entry else 0
        shown = (
            self._parts.export.job.busy,
            entry,
            accepted,
            whole,
            entry
            and (
                entry.state,
                entry.message,
                entry.info,
                bool(entry.rows),
                entry.no_window_reason,
                entry is self._parts.analysis.queue.running,
            ),
        )
        if shown == self._shown:
            return  # dragging a weight calls this once per displayed frame
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
            accepted=accepted,
            whole=whole,
            exporting=self._parts.export.job.busy,
        )
        self._show_hints(entry)
        self._offer_to_locate(entry)

    def _offer_to_locate(self, entry: VideoEntry | None) -> None:
        self._parts.messages.dismiss(self._missing)
        self._missing = ""
        if entry is not None and entry.state is VideoState.MISSING:
            self._missing = f"{entry.path.name} is no longer in {entry.path.parent}. Locate the file to continue."
            locate = partial(self._parts.projects.flow.locate, entry)
            self._parts.messages.show_message(self._missing, "warning", ("Locate…", locate))

    def _show_hints(self, entry: VideoEntry | None) -> None:
        table = plot = ""
        if entry is None:
            table = "Open a video to find its best windows."
        elif not entry.rows:
            table = {
                VideoState.WAITING: "Waiting for analysis.",
                VideoState.ANALYSING: "Analysing. Windows appear here as they are found.",
                VideoState.STOPPED: "Analysis cancelled. Press Analyse to restart it.",
                VideoState.FAILED: entry.message,
                VideoState.MISSING: "The file is missing.",
                VideoState.DONE: entry.no_window_reason,
            }[entry.state]
            plot = "No scores" if entry.state in (VideoState.DONE, VideoState.FAILED) else ""
        if entry is not None and entry.analysis is not None and entry.analysis.tracks:
            plot = ""
        self._parts.review.panel.set_hint(table)
        self._parts.plot.set_hint(plot)
