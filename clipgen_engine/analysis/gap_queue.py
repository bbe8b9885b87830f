"""The gaps between looks that are still to be filled, the most wanted first."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from clipgen_engine.analysis.gaps import Gap
from clipgen_engine.analysis.segments import Segment
from clipgen_engine.analysis.tasks import GapTask
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_WANTED_FRAMES, _TASK_FRAMES = 48, 240  # per task: soon, or with little decoding before the first gap
_NEAR_FRAMES = 24  # up to this distance, decoding on is cheaper than a seek

Span = tuple[int, int]  # half-open, frames


class GapQueue:
    """Gaps by their first frame. Thread-safe."""

    def __init__(self, video: VideoInfo, settings: AnalysisSettings, segments: Sequence[Segment]) -> None:
        self._video, self._settings = video, settings
        self._segment_starts = [segment.start for segment in segments]
        self._lock = threading.Lock()
        self._open: dict[int, Gap] = {}
        self._taken: set[int] = set()
        self._wanted: Sequence[Span] = ()
        self._rest_too = False

    def add(self, gaps: Iterable[Gap]) -> None:
        with self._lock:
            self._open |= {gap.start: gap for gap in gaps}

    def close(self, starts: Iterable[int]) -> None:
        """Remove gaps that have been filled, given by their first frames."""
        with self._lock:
            for start in starts:
                self._open.pop(start, None)
                self._taken.discard(start)

    def want(self, spans: Iterable[Span], *, rest_too: bool = False) -> None:
        """Say which frames are wanted, the most urgent first.

        Args:
            rest_too: afterwards, hand out the other gaps, too.
        """
        with self._lock:
            self._wanted, self._rest_too = tuple(spans), rest_too

    def frames_open(self, spans: Iterable[Span] | None = None) -> int:
        """Number of frames in open gaps, of the whole video or within spans."""
        with self._lock:
            starts = sorted(self._open)
            chosen = starts if spans is None else {start for span in spans for start in self._within(starts, span)}
            return sum(self._open[start].stop - start for start in chosen)

    def next_task(self) -> GapTask | None:
        """The next task, or None if nothing wanted is left."""
        with self._lock:
            starts = [start for start in sorted(self._open) if start not in self._taken]
            for span in self._wanted:
                if within := self._within(starts, span):
                    return self._task(within, _WANTED_FRAMES)
            return self._task(starts, _TASK_FRAMES) if self._rest_too and starts else None

    def open(self) -> tuple[Gap, ...]:
        """The gaps that have not been filled."""
        with self._lock:
            return tuple(self._open.values())

    def _within(self, starts: Sequence[int], span: Span) -> Sequence[int]:
        """Those of the sorted starts whose gaps overlap a span."""
        first, last = bisect_left(starts, span[0]), bisect_left(starts, span[1])
        if first and self._open[starts[first - 1]].stop > span[0]:
            first -= 1
        return starts[first:last]

    def _task(self, starts: Sequence[int], most_frames: int) -> GapTask:
        segment = bisect_right(self._segment_starts, starts[0]) - 1
        gaps: list[Gap] = []
        for start in starts:
            gap = self._open[start]
            if gaps and (
                gap.stop - gaps[0].start > most_frames
                or start - gaps[-1].stop > _NEAR_FRAMES
                or bisect_right(self._segment_starts, start) - 1 != segment
            ):
                break
            gaps.append(gap)
        self._taken |= {gap.start for gap in gaps}
        return GapTask(self._video, self._settings, segment, tuple(gaps))
