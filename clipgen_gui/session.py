"""The one mutable document of the app: open videos, settings, decisions. Views read it and tell it what to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from clipgen_engine.explanation import explain_place
from clipgen_engine.gates import GATES
from clipgen_engine.presets import PRESETS, with_preset
from clipgen_engine.ranking import Ranker
from clipgen_engine.score_terms import REGION_MULTIPLIERS, TERMS
from clipgen_engine.settings import RankingSettings, declarations
from clipgen_engine.types import Analysis, Decision, Setting, VideoInfo
from clipgen_gui.edits import ChangeSettings, MarkWindows
from clipgen_gui.video_entry import Key, Mark, VideoEntry, VideoState, WindowRow

_GESTURE_S = 0.8  # typing and turning the wheel without a longer pause are one step to undo
_SHORTEST = 2  # frames; one frame has no variation


class Session(QObject):
    """What is open and decided. Every change goes through a method here and comes back as a signal."""

    videos_changed = Signal()  # the list of videos, or the state of one of them
    current_changed = Signal()  # another video is on screen, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    settings_changed = Signal()
    ranking_changed = Signal()  # the current video's windows, curves or decisions, and with them maybe the selection
    selection_changed = Signal()  # another window is selected, or another place asked about
    window_chosen = Signal()  # the curator went to a window to look at it
    position_changed = Signal(int)
    failed = Signal(object, str)  # entry, sentence
    refused = Signal(str)  # what was asked for cannot be; the sentence says why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.videos: list[VideoEntry] = []
        self.current: VideoEntry | None = None
        self.settings = RankingSettings()
        self.undo_stack = QUndoStack(self)
        self._gesture = 0
        self._held = False
        self._changed_s = 0.0
        self._rank_timer = QTimer(self)  # 0 ms: all changes of one turn of the event loop make one ranking
        self._rank_timer.setSingleShot(True)
        self._rank_timer.setInterval(0)
        self._rank_timer.timeout.connect(self.rank_now)

    # Videos

    def open_paths(self, paths: Iterable[Path]) -> list[VideoEntry]:
        """Add videos (each once) and put the first of them on screen."""
        known = {entry.path: entry for entry in self.videos}
        opened = []
        for path in paths:
            path = path.expanduser().absolute()
            if path not in known:
                known[path] = VideoEntry(path)
                self.videos.append(known[path])
            opened.append(known[path])
        if opened:
            self.videos_changed.emit()
            self.set_current(opened[0])
        return opened

    def set_current(self, entry: VideoEntry) -> None:
        if entry is self.current:
            return
        self.current = entry
        if entry.ranking is None or entry.ranking.settings != self.settings:
            entry.rank(self.settings)
        self.current_changed.emit()
        self.analysis_changed.emit()
        self.ranking_changed.emit()
        self.selection_changed.emit()

    def step_video(self, step: int) -> None:
        """Go to the next or previous video, if there is one."""
        if self.current is None:
            return
        index = self.videos.index(self.current) + step
        if 0 <= index < len(self.videos):
            self.set_current(self.videos[index])

    def set_info(self, entry: VideoEntry, info: VideoInfo) -> None:
        """The index of a video became known."""
        if entry.info is not None:
            return
        entry.info = info
        if entry is self.current:
            self.current_changed.emit()

    def set_state(self, entry: VideoEntry, state: VideoState, message: str = "") -> None:
        if (entry.state, entry.message) == (state, message):
            return
        entry.state, entry.message = state, message
        self.videos_changed.emit()

    def fail(self, entry: VideoEntry, message: str) -> None:
        """The video cannot be used; the sentence says why. Said once, however often it is found out."""
        if entry.state is VideoState.FAILED:
            return
        self.set_state(entry, VideoState.FAILED, message)
        self.failed.emit(entry, message)

    def set_analysis(self, entry: VideoEntry, analysis: Analysis, ranker: Ranker, *, complete: bool) -> None:
        """Take over an analysis, or the part of it that exists so far."""
        self.set_info(entry, analysis.video)
        entry.analysis, entry.ranker = analysis, ranker
        if complete:
            entry.state, entry.message = VideoState.DONE, ""
        entry.rank(self.settings)
        if complete:
            self.videos_changed.emit()
        if entry is self.current:
            self.analysis_changed.emit()
            self.ranking_changed.emit()

    # Settings

    @property
    def shown_terms(self) -> tuple[str, ...]:
        """Score terms that count now, or would by default; the others would only crowd the views."""
        weights = self.settings.weights
        return tuple(
            name for name, term in TERMS.items() if term.weight.default or weights.get(name, term.weight.default)
        )

    def set_weight(self, term: str, value: float) -> None:
        weights = {name: one.weight for name, one in TERMS.items()}
        self._change(
            f"Change weight of {TERMS[term].label}", term, weights=_with(self.settings.weights, weights, term, value)
        )

    def set_gate(self, gate: str, threshold: float) -> None:
        thresholds = {name: one.threshold for name, one in GATES.items()}
        self._change(
            f"Change gate {GATES[gate].label}", gate, gates=_with(self.settings.gates, thresholds, gate, threshold)
        )

    def set_regions(self, multipliers: Mapping[str, float], text: str = "") -> None:
        """Change the multipliers of these regions."""
        regions = self.settings.regions
        for region, value in multipliers.items():
            regions = _with(regions, REGION_MULTIPLIERS, region, value)
            text = text or f"Change region {REGION_MULTIPLIERS[region].label}"
        self._change(text, text, regions=regions)

    def set_setting(self, name: str, value: Any) -> None:
        """Change a declared ranking setting by its name."""
        label = next(one.label for one in declarations(RankingSettings) if one.name == name)
        self._change(f"Change {label}", name, **{name: value})

    def apply_preset(self, name: str) -> None:
        """Take over gates and regions of a preset."""
        preset = with_preset(self.settings, name)
        self._change(f"Use preset {PRESETS[name].label}", name, gates=preset.gates, regions=preset.regions)

    def hold(self, on: bool) -> None:
        """A handle was taken or let go: what changes in between is one step to undo, however long it takes."""
        self._held = on
        self._gesture += 1

    def _change(self, text: str, what: str, **changes: Any) -> None:
        changed = replace(self.settings, **changes)
        if changed == self.settings:
            return
        now = time.monotonic()
        if not self._held and now - self._changed_s > _GESTURE_S:
            self._gesture += 1
        self._changed_s = now
        step = ChangeSettings(self._take_settings, self.settings, changed, (what, self._gesture), text)
        self.undo_stack.push(step)

    def _take_settings(self, settings: RankingSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit()
            self._rank_timer.start()

    def rank_now(self) -> None:
        """Rank the current video under the settings as they are, without waiting for the timer."""
        self._rank_timer.stop()
        if self.current is not None:
            self.current.rank(self.settings)
            self.ranking_changed.emit()

    # Selection and position

    def select(self, key: Key | None, *, seek: bool = True) -> None:
        """Select a window of the current video, and go to its first frame."""
        entry = self.current
        if entry is None:
            return
        if key != entry.selected or entry.place is not None:
            entry.selected, entry.place = key, None
            self.selection_changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

    def ask_about(self, frame: int | None) -> None:
        """Ask why the window centred at this frame is not in the list; nothing else stays selected."""
        entry = self.current
        if entry is not None and frame != entry.place:
            entry.place = frame
            if frame is not None:
                entry.selected = None
            self.selection_changed.emit()

    def step_selection(self, step: int) -> None:
        """Select the window below or above; from none the first or the last."""
        entry = self.current
        if entry is None or not entry.rows:
            return
        keys = [row.key for row in entry.rows]
        if entry.selected in keys:
            index = min(max(keys.index(entry.selected) + step, 0), len(keys) - 1)
        else:
            index = 0 if step > 0 else len(keys) - 1
        self.select(keys[index])

    def seek(self, frame: int) -> None:
        """Put the playhead on this frame, or on the nearest there is."""
        entry = self.current
        if entry is None or not entry.frame_count:
            return
        frame = min(max(frame, 0), entry.frame_count - 1)
        if frame != entry.position:
            entry.position = frame
            self.position_changed.emit(frame)

    # Decisions

    def decide(self, decision: Decision, *, advance: bool = True) -> None:
        """Decide on the selected window and go on to the next undecided one.

        To accept while a place is asked about accepts the window there. To undecide a window that was made by hand
        and is undecided gives it up.
        """
        entry = self.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            if entry is not None and entry.place is not None and decision is Decision.ACCEPTED:
                self.accept_place()
            return
        undecide = decision is Decision.UNDECIDED
        given_up = undecide and row.by_hand and row.decision is decision
        if row.decision is not decision or given_up:
            verb = "Give up" if given_up else {"accepted": "Accept", "rejected": "Reject"}.get(decision, "Undecide")
            mark = None if given_up or (undecide and not row.by_hand) else Mark(decision, row.sequence, row.by_hand)
            self._mark(entry, {row.key: mark}, row.key, row.key, f"{verb} window {row.number}")
        if advance and not undecide:
            self._select_next_undecided(entry, row.key)

    def _select_next_undecided(self, entry: VideoEntry, after: Key) -> None:
        keys = [row.key for row in entry.rows]
        index = keys.index(after) if after in keys else -1
        for row in entry.rows[index + 1 :] + entry.rows[: index + 1]:
            if row.decision is Decision.UNDECIDED:
                self.select(row.key)
                return

    def accept_place(self) -> None:
        """Accept the window at the place that is asked about."""
        if self.current is not None and self.current.place is not None:
            self._accept_at(self.current, self.current.place)

    def accept_here(self) -> None:
        """Accept the window that is asked about while the playhead is in it, else the one centred at the playhead."""
        entry = self.current
        if entry is None:
            return
        candidate = entry.candidate
        asked = candidate is not None and candidate[0] <= entry.position < candidate[1]
        self._accept_at(entry, entry.place if asked and entry.place is not None else entry.position)

    def _accept_at(self, entry: VideoEntry, frame: int) -> None:
        self._settle()
        if entry.ranker is None or entry.ranking is None:
            self.refused.emit("There is nothing to choose from before the video is analysed.")
            return
        found = explain_place(entry.ranker, entry.ranking, frame)
        if isinstance(found, str):
            self.refused.emit(found)
            return
        row = next((row for row in entry.rows if row.key == found.key), None)
        if row is not None:
            self.select(row.key, seek=False)
            self.decide(Decision.ACCEPTED, advance=False)
        else:
            self._make(entry, found.key, Decision.ACCEPTED, None, f"Accept the window around frame {frame}")

    def trim(self, edge: Literal["start", "end"]) -> None:
        """Let the selected window begin or end with the frame under the playhead."""
        self._settle()
        entry = self.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            self.refused.emit("Select a window first (↓), then trim it at the playhead.")
            return
        start, stop, track = row.key
        key = (entry.position, stop, track) if edge == "start" else (start, entry.position + 1, track)
        if key[1] - key[0] < _SHORTEST:
            wanted = "before the last" if edge == "start" else "after the first"
            self.refused.emit(f"Put the playhead {wanted} frame of window {row.number} to trim its {edge}.")
        elif key != row.key:
            self._make(entry, key, row.decision, row, f"Trim the {edge} of window {row.number}")

    def _make(self, entry: VideoEntry, key: Key, decision: Decision, instead_of: WindowRow | None, text: str) -> None:
        """Add a window by hand."""
        start, stop, track = key
        sequence = entry.ranker.describe(key, self.settings) if entry.ranker else None
        if sequence is None:
            self.refused.emit(f"The face is not seen in every frame from {start} to {stop - 1}.")
            return
        apart = self.settings.scope == "track"
        for row in entry.rows:
            other = row is not instead_of and row.decision is Decision.ACCEPTED and row.overlaps(start, stop)
            if other and decision is not Decision.REJECTED and not (apart and row.sequence.track_id != track):
                self.refused.emit(f"It would overlap window {row.number}, which is accepted. Undecide that first (U).")
                return
        before = instead_of.key if instead_of else None
        changes: dict[Key, Mark | None] = {before: None} if before else {}
        changes[key] = Mark(decision, sequence, by_hand=True)
        self._mark(entry, changes, before, key, text)
        self.select(key, seek=False)

    def _settle(self) -> None:
        if self._rank_timer.isActive():
            self.rank_now()

    def _mark(
        self, entry: VideoEntry, changes: Mapping[Key, Mark | None], before: Key | None, after: Key | None, text: str
    ) -> None:
        self.undo_stack.push(MarkWindows(self._apply_marks, entry, changes, before, after, text))

    def _apply_marks(self, entry: VideoEntry, changes: Mapping[Key, Mark | None], show: Key | None) -> None:
        entry.mark(changes)
        entry.rank(self.settings)
        if show is not None:
            self.set_current(entry)
        if entry is self.current:
            self.ranking_changed.emit()
            if show is not None and any(row.key == show for row in entry.rows):
                self.select(show)
        self.videos_changed.emit()


def _with(given: Mapping[str, float], declared: Mapping[str, Setting], name: str, value: float) -> dict[str, float]:
    """The given values with another one; what is as declared need not be given."""
    changed = {**given, name: value}
    return {one: changed[one] for one in changed if changed[one] != declared[one].default}
