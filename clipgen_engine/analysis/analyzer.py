"""Video -> Analysis: a draft of the whole video, then the frames between its looks, those that are wanted first."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

from clipgen_engine.analysis.aim import NO_AIM, Aim
from clipgen_engine.analysis.best_windows import BestWindows
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.findings import Findings
from clipgen_engine.analysis.gap_queue import Span
from clipgen_engine.analysis.pool import Event, TaskPool, Workers
from clipgen_engine.analysis.stored_parts import StoredParts
from clipgen_engine.analysis.tasks import GapRows, Task
from clipgen_engine.errors import Cancelled
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.smoothing import REACH_S
from clipgen_engine.processors import core_count
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Progress, ProgressCallback, VideoInfo
from clipgen_engine.video.index import probe

_REPORT_INTERVAL_S = 0.1
_MAX_ROUNDS = 20  # of refinement; drafts that keep proving too low would otherwise make every frame exact


class VideoExpressionAnalyzer:
    """Analyses one video once; `analyze_video` is the usual entry point."""

    def __init__(
        self,
        video: VideoInfo,
        settings: AnalysisSettings,
        face_model: Path | None = None,
        cache: AnalysisCache | None = None,
        *,
        aim: Aim = NO_AIM,
        workers: Workers | None = None,
        low_priority: bool = False,
    ) -> None:
        self._video = video
        self._settings = settings
        self._model = load_face_model(face_model)
        self._model_sha256 = {"face_landmarker": self._model.sha256}
        self._cache = cache
        self._aim = aim
        self._workers = workers
        self._low_priority = low_priority
        self._findings = Findings(video, settings, self._model_sha256)
        self._parts: StoredParts | None = None
        self._progress: ProgressCallback = lambda _: None
        self._reported_s = 0.0
        self._cancel = threading.Event()

    def run(self, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        """Analyse the video as far as it is aimed.

        Raises:
            Cancelled: `cancel` was set.
            ClipgenError: the video or the model cannot be used.
        """
        self._progress, self._cancel = progress or self._progress, cancel
        cache = self._cache
        analysis = cache.load(self._video, self._settings, self._model_sha256) if cache is not None else None
        if analysis is None:
            if cache is not None:
                self._parts = cache.parts(self._video, self._settings, self._model_sha256)
                self._parts.restore(self._findings)
            with Workers() as own:
                analysis = self._analyze(self._workers or own)
            if cache is not None:
                cache.store(analysis)
        total, result = self._video.frame_count, analysis
        self._progress(Progress("analysis", total, total, lambda: result))
        return analysis

    def _analyze(self, workers: Workers) -> Analysis:
        effort, findings = self._settings.effort, self._findings
        at_once = effort == "full" and not self._aim.draft_first
        missing = deque(findings.missing(exact=at_once))
        frames = self._video.frame_count

        def drafted() -> None:
            stage: Literal["analysis", "draft"] = "analysis" if at_once else "draft"
            self._progress(Progress(stage, findings.frames_drafted(), frames, findings.result))

        if missing:
            self._run(workers, len(missing), lambda: missing.popleft() if missing else None, drafted)
        rounds = self._refine_best(workers) if not at_once and effort != "draft" else 0
        if effort == "full":
            self._refine(workers, (), rest_too=True)
        elif effort == "draft":
            self._refine(workers, ())
        return findings.result(rounds)

    def _refine_best(self, workers: Workers) -> int:
        """Make the best windows exact; return the number of rounds that took."""
        best = BestWindows()
        for rounds in range(_MAX_ROUNDS):
            spans = self._contenders(best)
            if not self._findings.gaps.frames_open(spans):
                return rounds
            self._refine(workers, spans)
        return _MAX_ROUNDS

    def _contenders(self, best: BestWindows) -> list[Span]:
        """Spans of frames that must become exact next for the selection to be final."""
        analysis = self._findings.result()
        self._report_refined(lambda: analysis)
        return best.contenders(analysis, self._aim.ranking())

    def _refine(self, workers: Workers, spans: Collection[Span], *, rest_too: bool = False) -> None:
        """Make frames exact: those that are looked at, then these spans, then, if wanted, all others."""
        gaps = self._findings.gaps

        def want() -> list[Span]:
            wanted = [*self._looked_at(), *spans]
            gaps.want(wanted, rest_too=rest_too)
            return wanted

        def advance() -> None:
            want()
            self._report_refined(self._findings.result)

        wanted = want()
        if gaps.frames_open(None if rest_too else wanted):
            self._run(workers, core_count(), gaps.next_task, advance)

    def _looked_at(self) -> list[Span]:
        """Spans of frames that are looked at, with the neighbours over which they are smoothed."""
        around = math.ceil(REACH_S * self._video.average_rate) + 1
        return [(start - around, stop + around) for start, stop in self._aim.looked_at()]

    def _report_refined(self, partial: Callable[[], Analysis]) -> None:
        frames = self._video.frame_count
        self._progress(Progress("refinement", frames - self._findings.gaps.frames_open(), frames, partial))

    def _run(
        self, workers: Workers, most_workers: int, tasks: Callable[[], Task | None], report: Callable[[], None]
    ) -> None:
        """Run tasks until there are none left; report at most ten times a second."""
        count = min(self._settings.workers or core_count(), most_workers)
        with TaskPool(workers, self._model, count, tasks, low_priority=self._low_priority) as pool:
            for event in pool.events(self._cancel):
                self._take(event)
                now = time.monotonic()
                if now - self._reported_s >= _REPORT_INTERVAL_S:
                    self._reported_s = now
                    report()
        if self._cancel.is_set():
            raise Cancelled

    def _take(self, event: Event) -> None:
        finished = self._findings.add(event)
        if self._parts is None:
            return
        if isinstance(event, GapRows):
            self._parts.store_gaps(event)
        elif finished is not None and (len(self._findings.segments) > 1 or not finished[1].exact):
            self._parts.store_segment(*finished)


def analyze_video(
    video: VideoInfo | str | Path,
    settings: AnalysisSettings | None = None,
    *,
    face_model: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
    cache: AnalysisCache | None = None,
    aim: Aim = NO_AIM,
    workers: Workers | None = None,
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
        aim: which frames become exact, and in which order.
        workers: processes that are kept for the next video; None: they end with this one.
        low_priority: run the worker processes at low CPU priority.

    Raises:
        VideoError, ModelFileError: see `probe` and `load_face_model`.
        Cancelled: `cancel` was set.
    """
    info = video if isinstance(video, VideoInfo) else probe(video)
    analyzer = VideoExpressionAnalyzer(
        info, settings or AnalysisSettings(), face_model, cache, aim=aim, workers=workers, low_priority=low_priority
    )
    return analyzer.run(progress, cancel or threading.Event())
