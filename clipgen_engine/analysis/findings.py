"""What is known of a video so far, and the analysis that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from clipgen_engine.analysis.gap_queue import GapQueue
from clipgen_engine.analysis.gaps import Gap, gaps_of
from clipgen_engine.analysis.pool import Event, TaskBegun
from clipgen_engine.analysis.segments import SegmentPart, SegmentResult, draft_stride, joined, merged, plan_segments
from clipgen_engine.analysis.tasks import GapRows, SegmentTask
from clipgen_engine.expression_tokens.backends import load_backend
from clipgen_engine.faces.smoothing import exact_frames
from clipgen_engine.faces.tracklets import Rows
from clipgen_engine.faces.tracks import Looks, build_tracks
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Int64Array, VideoInfo, read_only


class Findings:
    """Results of finished and running tasks. Not thread-safe but for `gaps`."""

    def __init__(self, video: VideoInfo, settings: AnalysisSettings, model_sha256: dict[str, str]) -> None:
        self._video, self._settings, self._model_sha256 = video, settings, model_sha256
        self._backend = load_backend("blendshapes")
        self._stride = draft_stride(video, settings)
        self.segments = plan_segments(video, self._stride)
        self.gaps = GapQueue(video, settings, self.segments)
        self._results: list[SegmentResult | None] = [None for _ in self.segments]
        self._parts: list[list[SegmentPart]] = [[] for _ in self.segments]  # of running tasks
        self._exact = False  # whether running tasks look at every frame
        self._between: list[list[Rows]] = [[] for _ in self.segments]  # of filled gaps

    def missing(self, *, exact: bool) -> list[SegmentTask]:
        """Tasks for the segments without a result."""
        self._exact = exact
        return [
            SegmentTask(self._video, self._settings, segment, exact)
            for segment, result in zip(self.segments, self._results, strict=True)
            if result is None
        ]

    def add(self, event: Event) -> tuple[int, SegmentResult] | None:
        """Take over an event; return the number and result of the segment that it completes."""
        if isinstance(event, SegmentPart):
            self._parts[event.segment].append(event)
        elif isinstance(event, GapRows):
            self.add_gaps(event.segment, event.starts, event.rows)
        elif isinstance(event.task, SegmentTask):
            number = event.task.segment.number
            if not isinstance(event, TaskBegun):
                result = merged(self._parts[number], exact=event.task.exact)
                self.add_segment(number, result)
                self._parts[number].clear()
                return number, result
            self._parts[number].clear()  # discard the parts of a crashed attempt
        return None

    def add_segment(self, number: int, result: SegmentResult) -> None:
        self._results[number] = result
        if not result.exact:
            self.gaps.add(gaps_of(self.segments[number], result))

    def add_gaps(self, segment: int, starts: Iterable[int], rows: Rows) -> None:
        """Take over the rows of gaps, given by their first frames."""
        self._between[segment].append(rows)
        self.gaps.close(starts)

    def frames_drafted(self) -> int:
        """Number of frames in finished segments and parts."""
        return sum(
            segment.stop - segment.start if result else parts[-1].stop - segment.start if parts else 0
            for segment, parts, result in zip(self.segments, self._parts, self._results, strict=True)
        )

    def result(self, rounds: int = 0) -> Analysis:
        """Return the analysis of the contiguous frames analysed so far, from frame 0."""
        known: list[SegmentResult] = []
        stop, running = 0, list[Gap]()
        for segment, parts, finished in zip(self.segments, self._parts, self._results, strict=True):
            result = finished or merged(parts, exact=self._exact)
            known.append(result)
            stop = segment.stop if finished else parts[-1].stop if parts else segment.start
            if finished is None:
                if not self._exact:
                    running += gaps_of(segment, result)
                break
        shots = _spans(sorted({0, *(start for result in known for start in result.shot_starts)}), stop)
        done = np.arange(self._video.frame_count) < stop
        for gap in (*self.gaps.open(), *running):
            done[gap.start : gap.stop] = False
        looks = Looks(
            times_s=self._video.times_s,
            frames=np.array([look for result in known for look in result.looks], np.int64),
            done=done,
            stride=self._stride,
        )
        whole = [
            replace(result, rows=joined([result.rows, *between]))
            for result, between in zip(known, self._between, strict=False)
        ]
        tracks = build_tracks(whole, [segment.start for segment in self.segments], shots, looks)
        exact = exact_frames(done, self._video.times_s, shots)
        all_exact = bool(exact[:stop].all())
        return Analysis(
            video=self._video,
            settings=self._settings.as_dict(),
            model_sha256=self._model_sha256,
            shots=shots,
            tracks=tracks,
            tokens=self._backend.tokens(tracks),
            analyzed_frames=stop,
            undecodable_frames=stop - sum(result.decoded for result in known),
            exact=None if all_exact else read_only(exact),
            rounds=0 if all_exact else rounds,
        )


def _spans(starts: list[int], stop: int) -> Int64Array:
    """(S, 2) int64 half-open spans that tile the frames below `stop`."""
    edges = np.array([*starts, stop], np.int64)
    return read_only(np.stack([edges[:-1], edges[1:]], axis=1))
