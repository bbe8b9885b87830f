"""Video -> Analysis: segments are analysed in parallel worker processes and joined in temporal order."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.pool import Event, SegmentBegun, SegmentPool
from clipgen_engine.analysis.segments import SegmentPart, SegmentResult, merged, plan_segments
from clipgen_engine.errors import Cancelled
from clipgen_engine.expression_tokens.backends import load_backend
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.tracks import build_tracks
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Int64Array, Progress, ProgressCallback, VideoInfo, read_only
from clipgen_engine.video.index import probe

_REPORT_INTERVAL_S = 0.1


class VideoExpressionAnalyzer:
    """Analyses one video; `analyze_video` is the usual entry point."""

    def __init__(
        self,
        video: VideoInfo,
        settings: AnalysisSettings,
        face_model: Path | None = None,
        cache: AnalysisCache | None = None,
        *,
        low_priority: bool = False,
    ) -> None:
        self._video = video
        self._settings = settings
        self._model = load_face_model(face_model)
        self._model_sha256 = {"face_landmarker": self._model.sha256}
        self._cache = cache
        self._low_priority = low_priority
        self._blendshapes = load_backend("blendshapes")
        self._segments = plan_segments(video)
        self._parts: list[list[SegmentPart]] = [[] for _ in self._segments]
        self._results: list[SegmentResult | None] = [None for _ in self._segments]  # of finished segments

    def run(self, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        """Analyse all frames.

        Raises:
            Cancelled: `cancel` was set.
            ClipgenError: the video or the model cannot be used.
        """
        analysis = self._cached() or self._analyze(progress, cancel)
        total = self._video.frame_count
        if progress:
            progress(Progress("analysis", total, total, lambda: analysis))
        return analysis

    def _cached(self) -> Analysis | None:
        """Return the cached analysis; on a miss, restore the segments of an interrupted one."""
        if self._cache is None:
            return None
        analysis = self._cache.load(self._video, self._settings, self._model_sha256)
        if analysis is None:
            for number, result in self._cache.load_segments(self._video, self._settings, self._model_sha256).items():
                self._results[number] = result
        return analysis

    def _analyze(self, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        total = self._video.frame_count
        reported = 0.0
        missing = [segment for segment in self._segments if self._results[segment.number] is None]
        pool = SegmentPool(self._video, self._settings, self._model, missing, low_priority=self._low_priority)
        with pool as workers:
            for event in workers.events(cancel):
                self._handle(event)
                now = time.monotonic()
                if progress and now - reported >= _REPORT_INTERVAL_S:
                    reported = now
                    progress(Progress("analysis", self._frames_done(), total, self.result))
        if cancel.is_set():
            raise Cancelled
        analysis = self.result()
        self._results = [None for _ in self._segments]  # free the memory: the analysis holds a copy
        if self._cache is not None:
            self._cache.store(analysis)
        return analysis

    def result(self) -> Analysis:
        """Return the analysis of the contiguous frames analysed so far, from frame 0."""
        known: list[SegmentResult] = []
        stop = 0
        for segment, parts, result in zip(self._segments, self._parts, self._results, strict=True):
            known.append(result or merged(parts))
            stop = segment.stop if result else parts[-1].stop if parts else segment.start
            if result is None:
                break
        starts = sorted({0, *(start for result in known for start in result.shot_starts)})
        shots = _spans(starts, stop)
        tracks = build_tracks(known, [segment.start for segment in self._segments], shots)
        return Analysis(
            video=self._video,
            settings=self._settings.as_dict(),
            model_sha256=self._model_sha256,
            shots=shots,
            tracks=tracks,
            tokens=self._blendshapes.tokens(tracks),
            analyzed_frames=stop,
            undecodable_frames=stop - sum(result.decoded for result in known),
        )

    def _handle(self, event: Event) -> None:
        if isinstance(event, SegmentPart):
            self._parts[event.segment].append(event)
        elif isinstance(event, SegmentBegun):
            self._parts[event.segment].clear()  # discard the parts of a crashed attempt
        else:
            result = self._results[event.segment] = merged(self._parts[event.segment])
            self._parts[event.segment].clear()
            if self._cache is not None and len(self._segments) > 1:
                self._cache.store_segment(self._video, self._settings, self._model_sha256, event.segment, result)

    def _frames_done(self) -> int:
        """Number of frames analysed in all segments."""
        return sum(
            segment.stop - segment.start if result else parts[-1].stop - segment.start if parts else 0
            for segment, parts, result in zip(self._segments, self._parts, self._results, strict=True)
        )


def analyze_video(
    video: VideoInfo | str | Path,
    settings: AnalysisSettings | None = None,
    *,
    face_model: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
    cache: AnalysisCache | None = None,
    low_priority: bool = False,
) -> Analysis:
    """Find faces, shots and expression tokens in every frame of a video.

    Args:
        video: a path, or the result of `probe`.
        settings: defaults if None.
        face_model: path of the face landmarker bundle; None: see `load_face_model`.
        progress: called from this thread, at most ten times per second.
        cancel: polled twenty times per second.
        cache: stores finished analyses and resumes interrupted ones.
        low_priority: run the worker processes at low CPU priority.

    Raises:
        VideoError, ModelFileError: see `probe` and `load_face_model`.
        Cancelled: `cancel` was set.
    """
    info = video if isinstance(video, VideoInfo) else probe(video)
    analyzer = VideoExpressionAnalyzer(
        info, settings or AnalysisSettings(), face_model, cache, low_priority=low_priority
    )
    return analyzer.run(progress, cancel or threading.Event())


def _spans(starts: list[int], stop: int) -> Int64Array:
    """(S, 2) int64 half-open spans that tile the frames below `stop`."""
    edges = np.array([*starts, stop], np.int64)
    return read_only(np.stack([edges[:-1], edges[1:]], axis=1))
