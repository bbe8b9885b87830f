"""Moves the playhead in real time: a monotonic clock mapped to the frame timestamps."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from clipgen_engine.types import VideoInfo
from clipgen_gui.document.session import Session


@dataclass(frozen=True)
class Run:
    """A stretch of continuous playback: an anchor in time, the speed and the loop. Valid until the next run."""

    clock_s: float  # monotonic clock at the anchor
    video_s: float  # video time at the anchor
    speed: float
    loop_s: tuple[float, float] | None  # start and end of the loop; None: play to the end of the video


SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_TICK_MS = 8


class Playback(QObject):
    """Play, pause, speed and loop. The playhead itself belongs to the session."""

    playing_changed = Signal(bool)
    speed_changed = Signal(float)
    run_changed = Signal(object)  # Run, or None when paused

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.speed = 1.0
        self.loop = True
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._starts = False  # when the index of the video is known
        self._clock_s = 0.0  # monotonic clock at the anchor
        self._video_s = 0.0  # video time at the anchor
        self._expected_frame = -1  # where this object last put the playhead
        self._run_span: tuple[int, int] | None = None  # loop of the last emitted run, frames
        session.current_changed.connect(self._on_current_changed)
        self._entry = session.current

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def toggle(self) -> None:
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Start at the playhead, as soon as the video is known; at its end, start over."""
        entry = self._session.current
        if entry is None or self.playing:
            return
        self._starts = not entry.frame_count
        if self._starts:
            return
        if self._loop_span() is None and entry.position >= entry.frame_count - 1:
            self._session.selection.seek(0)
        self._timer.start()
        self._anchor()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        self._starts = False
        if self.playing:
            self._timer.stop()
            self.playing_changed.emit(False)
            self.run_changed.emit(None)

    def set_loop(self, on: bool) -> None:
        self.loop = on

    def set_speed(self, speed: float) -> None:
        if speed != self.speed:
            self.speed = speed
            self._anchor()
            self.speed_changed.emit(speed)

    def step_speed(self, step: int) -> None:
        """Go to the next faster or slower speed."""
        index = int(np.argmin(np.abs(np.array(SPEEDS) - self.speed))) + step
        self.set_speed(SPEEDS[min(max(index, 0), len(SPEEDS) - 1)])

    def _on_current_changed(self) -> None:
        if self._session.current is not self._entry:
            self._entry = self._session.current
            self.pause()
        elif self._starts:
            self.play()

    def _loop_span(self) -> tuple[int, int] | None:
        """Return the selected or inspected window while the playhead is inside it."""
        entry = self._session.current
        if not self.loop or entry is None:
            return None
        span = entry.selected[:2] if entry.selected else entry.candidate
        if span is None:
            return None
        start, stop = max(0, span[0]), min(span[1], entry.frame_count)
        return (start, stop) if start <= entry.position < stop else None

    def _anchor(self) -> None:
        entry = self._session.current
        if entry is not None and entry.info is not None:
            self._clock_s = time.monotonic()
            self._video_s = float(entry.info.times_s[entry.position])
            self._expected_frame = entry.position
            self._emit_run(self._loop_span())

    def _emit_run(self, span: tuple[int, int] | None) -> None:
        """Announce a new run with the current anchor."""
        entry = self._session.current
        if self.playing and entry is not None and entry.info is not None:
            self._run_span = span
            loop_s = self._span_s(entry.info, span) if span else None
            self.run_changed.emit(Run(self._clock_s, self._video_s, self.speed, loop_s))

    @staticmethod
    def _span_s(info: VideoInfo, span: tuple[int, int]) -> tuple[float, float]:
        end_s = float(info.times_s[span[1]]) if span[1] < info.frame_count else info.duration_s
        return float(info.times_s[span[0]]), end_s

    def _tick(self) -> None:
        entry = self._session.current
        if entry is None or entry.info is None:
            self.pause()
            return
        if entry.position != self._expected_frame:  # the playhead was moved externally: continue from there
            self._anchor()
            return
        times = entry.info.times_s
        now_s = self._video_s + (time.monotonic() - self._clock_s) * self.speed
        span = self._loop_span()
        if span != self._run_span:  # the selection or the loop setting changed
            self._clock_s, self._video_s = time.monotonic(), now_s
            self._emit_run(span)
        if span is not None:
            start_s, end_s = self._span_s(entry.info, span)
            if now_s >= end_s:
                now_s = start_s + (now_s - end_s) % (end_s - start_s)
                self._clock_s, self._video_s = time.monotonic(), now_s
        elif now_s >= entry.info.duration_s:
            self._session.selection.seek(len(times) - 1)
            self.pause()
            return
        self._expected_frame = max(0, int(np.searchsorted(times, now_s, side="right")) - 1)
        self._session.selection.seek(self._expected_frame)
