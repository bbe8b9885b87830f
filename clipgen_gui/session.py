"""The one mutable document of the app: open videos, settings, decisions. Views read it and tell it what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from clipgen_engine.gates import GATES
from clipgen_engine.ranking import COMBINED, Ranker, Ranking
from clipgen_engine.score_terms import TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision, Sequence, VideoInfo

Key = tuple[int, int, int]  # start frame, stop frame, track id
Curve = tuple[NDArray[np.int64], NDArray[np.float32]]  # frames, value of the window centred at each


class VideoState(StrEnum):
    WAITING = "waiting"
    ANALYSING = "analysing"
    DONE = "done"
    STOPPED = "stopped"  # cancelled; what was found so far is kept
    FAILED = "failed"


@dataclass(frozen=True)
class WindowRow:
    """A window as the table and the plot show it. The number counts rows, rejected ones included,
    so that rejecting a window does not renumber the others."""

    number: int
    sequence: Sequence
    decision: Decision

    @property
    def key(self) -> Key:
        return self.sequence.key


@dataclass(eq=False)
class VideoEntry:
    """One open video with everything the curator did to it."""

    path: Path
    state: VideoState = VideoState.WAITING
    message: str = ""  # why it failed, or why there is no window
    info: VideoInfo | None = None
    analysis: Analysis | None = None
    ranker: Ranker | None = None
    ranking: Ranking | None = None
    rows: tuple[WindowRow, ...] = ()
    decided: dict[Key, tuple[Decision, Sequence]] = field(default_factory=dict)
    selected: Key | None = None
    position: int = 0  # playhead, frame index
    _curves: dict[tuple[str, int], Curve] = field(default_factory=dict)  # of the terms, which no weight changes
    _curves_of: object = None

    @property
    def frame_count(self) -> int:
        return self.info.frame_count if self.info else 0

    @property
    def selected_row(self) -> WindowRow | None:
        return next((row for row in self.rows if row.key == self.selected), None)

    @property
    def accepted(self) -> tuple[Sequence, ...]:
        """Accepted windows, best first, ranked among themselves: the numbers that their clips get."""
        accepted = (row.sequence for row in self.rows if row.decision is Decision.ACCEPTED)
        return tuple(replace(sequence, rank=rank) for rank, sequence in enumerate(accepted, start=1))

    @property
    def why_no_window(self) -> str:
        """A sentence where an analysis is complete and no window passes; else nothing."""
        if self.state is not VideoState.DONE or self.analysis is None or self.ranking is None or self.rows:
            return ""
        if not self.analysis.tracks:
            return f"No face was found in {self.path.name}. Choose a video in which a face is larger or better lit."
        length = self.ranking.settings.sequence_length
        if not self.ranking.window_count:
            return f"No face stays for {length} frames in {self.path.name}. Try a shorter window."
        name = max(self.ranking.gate_counts, key=lambda gate: self.ranking.gate_counts[gate])  # type: ignore[union-attr]
        return (
            f"No window of {length} frames passes in {self.path.name}: “{GATES[name].label}” stops"
            f" {self.ranking.gate_counts[name]} of {self.ranking.window_count}. Lower its threshold or the window."
        )

    def curve(self, name: str, track_id: int) -> Curve | None:
        """A score over the frames of a track under the last ranking, or None where there is none."""
        if self.ranking is None:
            return None
        if name == COMBINED:
            return self.ranking.curve(name, track_id)
        if self._curves_of is not self.ranking.scores:
            self._curves_of, self._curves = self.ranking.scores, {}
        if (name, track_id) not in self._curves:
            self._curves[name, track_id] = self.ranking.curve(name, track_id)
        return self._curves[name, track_id]

    def decision_of(self, key: Key) -> Decision:
        return self.decided[key][0] if key in self.decided else Decision.UNDECIDED

    def keys_with(self, decision: Decision) -> list[Key]:
        return [key for key, (made, _) in self.decided.items() if made is decision]


class Session(QObject):
    """What is open and decided. Every change goes through a method here and comes back as a signal."""

    videos_changed = Signal()  # the list of videos, or the state of one of them
    current_changed = Signal()  # another video is on screen, or its index became known
    analysis_changed = Signal()  # the current video's analysis grew
    settings_changed = Signal()
    ranking_changed = Signal()  # the current video's windows, curves or decisions, and with them maybe the selection
    selection_changed = Signal()
    window_chosen = Signal()  # the curator went to a window to look at it
    position_changed = Signal(int)
    failed = Signal(object, str)  # entry, sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.videos: list[VideoEntry] = []
        self.current: VideoEntry | None = None
        self.settings = RankingSettings()
        self.undo_stack = QUndoStack(self)
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
            self._rank(entry)
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
        self._rank(entry)
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
        self._set_settings(weights={**self.settings.weights, term: value})

    def set_gate(self, gate: str, threshold: float) -> None:
        self._set_settings(gates={**self.settings.gates, gate: threshold})

    def set_setting(self, name: str, value: Any) -> None:
        """Change a declared ranking setting by its name."""
        self._set_settings(**{name: value})

    def _set_settings(self, **changes: Any) -> None:
        changed = replace(self.settings, **changes)
        if changed != self.settings:
            self.settings = changed
            self.settings_changed.emit()
            self._rank_timer.start()

    # Ranking

    def rank_now(self) -> None:
        """Rank the current video under the settings as they are, without waiting for the timer."""
        self._rank_timer.stop()
        if self.current is not None:
            self._rank(self.current)
            self.ranking_changed.emit()

    def _rank(self, entry: VideoEntry) -> None:
        if entry.ranker is None:
            return
        entry.ranking = entry.ranker.rank(
            self.settings, pinned=entry.keys_with(Decision.ACCEPTED), blocked=entry.keys_with(Decision.REJECTED)
        )
        shown = {sequence.key: sequence for sequence in entry.ranking.sequences}
        for key, (_, sequence) in entry.decided.items():
            if key not in shown:
                shown[key] = entry.ranker.describe(key, self.settings) or sequence
        best_first = sorted(shown.values(), key=lambda one: (-one.combined_score, one.start_frame))
        entry.rows = tuple(
            WindowRow(number, sequence, entry.decision_of(sequence.key))
            for number, sequence in enumerate(best_first, start=1)
        )
        self._follow_selection(entry)

    def _follow_selection(self, entry: VideoEntry) -> None:
        """A window that moved by some frames stays selected; one that left the list does not."""
        if entry.selected is None or entry.selected_row is not None:
            return
        start, stop, track = entry.selected
        overlaps = [
            (min(stop, row.sequence.stop_frame) - max(start, row.sequence.start_frame), row.key)
            for row in entry.rows
            if row.sequence.track_id == track
        ]
        best = max(overlaps, default=(0, None))
        entry.selected = best[1] if best[0] > 0 else None

    # Selection and position

    def select(self, key: Key | None, *, seek: bool = True) -> None:
        """Select a window of the current video, and go to its first frame."""
        entry = self.current
        if entry is None:
            return
        if key != entry.selected:
            entry.selected = key
            self.selection_changed.emit()
        if seek and key is not None:
            self.seek(key[0])
            self.window_chosen.emit()

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
        """Decide on the selected window and go on to the next undecided one."""
        entry = self.current
        row = entry.selected_row if entry else None
        if entry is None or row is None:
            return
        if row.decision is not decision:
            before, number = row.decision, row.number
            text = {
                Decision.ACCEPTED: f"Accept window {number}",
                Decision.REJECTED: f"Reject window {number}",
                Decision.UNDECIDED: f"Undecide window {number}",
            }[decision]
            self.undo_stack.push(_Decide(self._apply, entry, row.sequence, before, decision, text))
        if advance and decision is not Decision.UNDECIDED:
            self._select_next_undecided(entry, row.key)

    def _select_next_undecided(self, entry: VideoEntry, after: Key) -> None:
        keys = [row.key for row in entry.rows]
        index = keys.index(after) if after in keys else -1
        for row in entry.rows[index + 1 :] + entry.rows[: index + 1]:
            if row.decision is Decision.UNDECIDED:
                self.select(row.key)
                return

    def _apply(self, entry: VideoEntry, sequence: Sequence, decision: Decision, *, show: bool) -> None:
        if decision is Decision.UNDECIDED:
            entry.decided.pop(sequence.key, None)
        else:
            entry.decided[sequence.key] = decision, sequence
        self._rank(entry)
        if show:
            self.set_current(entry)
        if entry is self.current:
            self.ranking_changed.emit()
            if show and any(row.key == sequence.key for row in entry.rows):
                self.select(sequence.key)
        self.videos_changed.emit()


class _Decide(QUndoCommand):
    """A decision that can be taken back; undo and redo show the window that they are about."""

    def __init__(
        self,
        apply: Callable[..., None],
        entry: VideoEntry,
        sequence: Sequence,
        before: Decision,
        after: Decision,
        text: str,
    ) -> None:
        super().__init__(text)
        self._apply, self._entry, self._sequence = apply, entry, sequence
        self._before, self._after = before, after
        self._done_before = False

    def redo(self) -> None:
        self._apply(self._entry, self._sequence, self._after, show=self._done_before)
        self._done_before = True

    def undo(self) -> None:
        self._apply(self._entry, self._sequence, self._before, show=True)
