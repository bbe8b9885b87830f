"""Video -> Analysis: each frame is decoded once and passes by shots, faces and tokens."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clipgen_engine.errors import Cancelled
from clipgen_engine.expression_tokens import TokenBackend, load_backend
from clipgen_engine.faces import FaceFinder, TrackBuilder
from clipgen_engine.model_files import load_face_model
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.shots import tag_shots
from clipgen_engine.types import Analysis, Int64Array, Progress, ProgressCallback, VideoInfo, read_only
from clipgen_engine.video import Picture, analysis_size, decode, probe

_QUEUED_PICTURES = 8
_REPORT_INTERVAL_S = 0.1


class VideoExpressionAnalyzer:
    """Analyses one video. Use `analyze_video` unless the parts are of interest."""

    def __init__(self, video: VideoInfo, settings: AnalysisSettings, face_model: Path | None = None) -> None:
        self._video = video
        self._settings = settings
        self._model = load_face_model(face_model)
        self._backend = load_backend("blendshapes")
        width, _ = analysis_size(video.width_px, video.height_px, settings.analysis_max_side)
        self._tracks = TrackBuilder(scale=video.width_px / width)
        self._shot_starts: list[int] = []
        self._decoded = 0
        self._stop = 0  # frames below this index have been looked at

    def run(self, progress: ProgressCallback | None, cancel: threading.Event) -> Analysis:
        """Analyse all frames.

        Raises:
            Cancelled: `cancel` was set.
            ClipgenError: the video or the model cannot be used.
        """
        video = self._video
        reported = 0.0
        with (
            FaceFinder(self._model, self._settings.confidence_stride) as faces,
            _read_ahead(self._pictures(), cancel) as pictures,
        ):
            for picture, starts_shot in pictures:
                time_s = float(video.times_s[picture.index])
                face = faces.find(picture.pixels, picture.index, time_s, starts_shot=starts_shot)
                self._tracks.add(picture.index, face, starts_shot=starts_shot)
                if starts_shot:
                    self._shot_starts.append(picture.index)
                self._decoded += 1
                self._stop = picture.index + 1
                now = time.monotonic()
                if progress and now - reported >= _REPORT_INTERVAL_S:
                    reported = now
                    progress(Progress("analysis", self._stop, video.frame_count, self.result))
        if cancel.is_set():
            raise Cancelled
        self._stop = video.frame_count
        analysis = self.result()
        if progress:
            progress(Progress("analysis", self._stop, video.frame_count, lambda: analysis))
        return analysis

    def result(self) -> Analysis:
        """The analysis of the frames looked at so far."""
        tracks = self._tracks.build()
        return Analysis(
            video=self._video,
            settings=self._settings.as_dict(),
            model_sha256={"face_landmarker": self._model.sha256},
            shots=_spans(self._shot_starts, self._stop),
            tracks=tracks,
            tokens=self._backend.tokens(self._video, tracks),
            analyzed_frames=self._stop,
            undecodable_frames=self._stop - self._decoded,
        )

    def _pictures(self) -> Iterator[tuple[Picture, bool]]:
        return tag_shots(decode(self._video, max_side=self._settings.analysis_max_side))


def analyze_video(
    video: VideoInfo | str | Path,
    settings: AnalysisSettings | None = None,
    *,
    face_model: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """Find faces, shots and expression tokens in every frame of a video.

    Args:
        video: a path, or what `probe` made of it.
        settings: what the models are run with.
        face_model: path of the face bundle, where the user names one.
        progress: called from this thread, at most ten times a second.
        cancel: looked at for every frame.

    Raises:
        VideoError, ModelFileError: see `probe` and `load_face_model`.
        Cancelled: `cancel` was set.
    """
    info = video if isinstance(video, VideoInfo) else probe(video)
    analyzer = VideoExpressionAnalyzer(info, settings or AnalysisSettings(), face_model)
    return analyzer.run(progress, cancel or threading.Event())


@contextmanager
def _read_ahead(
    items: Iterator[tuple[Picture, bool]], cancel: threading.Event
) -> Iterator[Iterator[tuple[Picture, bool]]]:
    """Run a generator in a thread of its own, a few items ahead; the thread is joined on every way out."""
    waiting: queue.Queue[tuple[Literal["item", "error", "end"], Any]] = queue.Queue(_QUEUED_PICTURES)
    left = threading.Event()

    def put(kind: Literal["item", "error", "end"], value: Any = None) -> bool:
        while not (left.is_set() or cancel.is_set()):
            try:
                waiting.put((kind, value), timeout=0.05)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end")
        except BaseException as error:  # handed to the consumer, which raises it
            put("error", error)
        finally:
            items.close()  # type: ignore[attr-defined]

    def consume() -> Iterator[tuple[Picture, bool]]:
        while not cancel.is_set():
            try:
                kind, value = waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    thread = threading.Thread(target=produce, name="clipgen-decode")
    thread.start()
    try:
        yield consume()
    finally:
        left.set()
        thread.join()


def with_tokens(
    analysis: Analysis,
    backend: TokenBackend,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """The analysis with the tokens of another backend; faces and blendshapes stay.

    Raises:
        VideoError, ModelFileError, Cancelled: see the backend's `tokens`.
    """
    tokens = backend.tokens(analysis.video, analysis.tracks, progress=progress, cancel=cancel)
    hashes = {one.backend: one.checkpoint_sha256 for one in tokens if one.checkpoint_sha256}
    return replace(
        analysis,
        tokens=tokens,
        settings={**analysis.settings, "token_backend": dict(backend.provenance)},
        model_sha256={**analysis.model_sha256, **hashes},
    )


def _spans(starts: list[int], stop: int) -> Int64Array:
    """(S, 2) int64 half-open spans that tile the frames below `stop`."""
    edges = np.array([*starts, stop], np.int64)
    return read_only(np.stack([edges[:-1], edges[1:]], axis=1))
