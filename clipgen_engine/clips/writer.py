"""Write windows of a video as frame-exact clips with sound, verified and moved into place atomically."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from clipgen_engine.clips.crop_path import CropPath
from clipgen_engine.clips.encoder import encoder, planned_sound
from clipgen_engine.clips.formats import FORMATS
from clipgen_engine.clips.pictures import SourcePictures, upright_numbers
from clipgen_engine.clips.timing import clip_plan
from clipgen_engine.clips.verification import FaultyClip, check_clip
from clipgen_engine.errors import Cancelled, ClipgenError, OutputError, VideoError
from clipgen_engine.files import replacing
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Progress, ProgressCallback, UInt8Array, VideoInfo
from clipgen_engine.video.decoding import PictureConverter, decode_raw

_MOST_OPEN = 4  # overlapping clips encoded at once; each buffers about fifty frames
_DECODE_ON_FRAMES = 48  # up to this gap, decoding through is cheaper than seeking
_MOST_FINISHING = 2  # clips finalised and verified while later ones are decoded
_ATTEMPTS = 2


@dataclass(frozen=True)
class ClipJob:
    """One clip to write."""

    start_frame: int
    stop_frame: int  # half-open
    path: Path  # file, or folder for an image sequence
    crop: CropPath | None = None  # covers the span; None: full frames


@dataclass(frozen=True)
class WrittenClip:
    """Measurements of a written and verified clip."""

    sha256: str  # hex, of the file; for a folder, of its images' hashes and names
    size_bytes: int
    frame_count: int
    width_px: int
    height_px: int
    frames_per_s: float
    psnr_db: tuple[float, ...] | None  # first, middle, last frame vs source, RGB, capped at 100; None: lossless
    sound_s: float | None  # duration of the sound; None: no sound
    attempts: int  # 2 if the first attempt failed verification


ClipOutcome = WrittenClip | ClipgenError
ClipCallback = Callable[[ClipJob, ClipOutcome], None]


def write_clips(
    video: VideoInfo,
    jobs: Sequence[ClipJob],
    settings: ExportSettings,
    *,
    on_clip: ClipCallback,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Write clips of one video, decoding neighbouring clips in a single pass; clips may overlap.

    Frames are upright. In mp4, mov, mkv, avi and webm they are yuv420p, cropped to even width and height. Each clip
    is decoded and verified before it is moved into place; a faulty clip is rewritten once.

    `on_clip` is called once per job, when its clip is in place or has failed. A failed clip leaves no file behind and
    does not touch an existing one. Exceptions from `on_clip` abort the run and propagate.

    Args:
        progress: receives the frames written and the total.

    Raises:
        Cancelled: `cancel` was set; unfinished clips leave nothing behind.
    """
    writer = _Writer(video, settings, on_clip, progress, cancel or threading.Event())
    writer.write(jobs)


def write_clip(
    video: VideoInfo,
    start_frame: int,
    stop_frame: int,
    path: Path,
    settings: ExportSettings,
    crop: CropPath | None = None,
) -> WrittenClip:
    """Write one clip; see `write_clips`.

    Raises:
        VideoError: a frame of the window cannot be decoded.
        OutputError: the clip cannot be written, or failed verification twice.
    """
    outcomes: list[ClipOutcome] = []
    job = ClipJob(start_frame, stop_frame, path, crop)
    write_clips(video, [job], settings, on_clip=lambda _, outcome: outcomes.append(outcome))
    outcome = outcomes[0]
    if isinstance(outcome, ClipgenError):
        raise outcome
    return outcome


def clip_suffix(settings: ExportSettings) -> str:
    """File suffix of a clip, including the dot; empty for an image sequence."""
    kind = FORMATS[settings.clip_format]
    return "" if kind.is_folder else kind.suffix


_Shown = tuple[int, SourcePictures]  # source frame index, frame converter


@dataclass(eq=False)
class _OpenClip:
    job: ClipJob
    steps: Generator[None, _Shown | None, WrittenClip]


class _Writer:
    def __init__(
        self,
        video: VideoInfo,
        settings: ExportSettings,
        on_clip: ClipCallback,
        progress: ProgressCallback | None,
        cancel: threading.Event,
    ) -> None:
        self._video = video
        self._settings = settings
        self._kind = FORMATS[settings.clip_format]
        self._on_clip = on_clip
        self._progress = progress
        self._cancel = cancel
        self._attempt = 1
        self._frames_done = self._frames_total = 0
        self._open: list[_OpenClip] = []
        self._finishing: list[tuple[ClipJob, Future[ClipOutcome | FaultyClip | Cancelled | None]]] = []
        self._ended = threading.Event()  # cancelled, or a callback raised
        self._again: list[ClipJob] = []  # failed verification once
        self._lost: VideoError | None = None  # why the video could not be opened

    def write(self, jobs: Sequence[ClipJob]) -> None:
        self._frames_total = sum(job.stop_frame - job.start_frame for job in jobs)
        with ThreadPoolExecutor(_MOST_FINISHING, "clipgen-clip") as self._threads:
            try:
                for self._attempt in range(1, _ATTEMPTS + 1):
                    for run in _runs(self._video, jobs):
                        self._write_run(run)
                    self._report_finished(but=0)
                    jobs, self._again = self._again, []
            except BaseException:
                self._ended.set()
                raise
            finally:
                self._report_finished(but=0)

    def _write_run(self, run: list[ClipJob]) -> None:
        """Write jobs, sorted by start, in a single decoding pass."""
        waiting = run[::-1]
        source = SourcePictures(self._video)
        try:
            with closing(self._decoded(run)) as frames:
                for index, frame in frames:
                    if self._cancel.is_set():
                        raise Cancelled
                    while waiting and waiting[-1].start_frame <= index:
                        self._begin(waiting.pop())
                    source.show(frame)
                    for clip in [*self._open]:
                        self._go_on(clip, (index, source))
                    for clip in [clip for clip in self._open if clip.job.stop_frame - 1 <= index]:
                        self._finish(clip)
                    self._report_finished(but=_MOST_FINISHING)
            while waiting:
                self._begin(waiting.pop())
            for clip in [*self._open]:  # their remaining frames are undecodable
                self._finish(clip)
        finally:
            for clip in self._open:
                clip.steps.close()
            self._open.clear()

    def _decoded(self, run: list[ClipJob]) -> Generator[tuple[int, VideoFrame], None, None]:
        try:
            yield from decode_raw(self._video, run[0].start_frame, max(job.stop_frame for job in run))
        except VideoError as error:
            self._lost = error

    def _begin(self, job: ClipJob) -> None:
        clip = _OpenClip(job, self._steps(job))
        self._open.append(clip)
        self._go_on(clip, None)

    def _go_on(self, clip: _OpenClip, shown: _Shown | None) -> None:
        """Send a clip its next frame (None to start it); report a failure."""
        outcome = _after(clip, shown)
        if outcome is not None:
            self._open.remove(clip)
            self._report(clip.job, outcome)

    def _finish(self, clip: _OpenClip) -> None:
        """Finalise and verify a clip in the background while later frames are decoded."""
        self._open.remove(clip)
        self._finishing.append((clip.job, self._threads.submit(_after, clip, None)))

    def _report_finished(self, *, but: int) -> None:
        """Report clips in completion order, waiting until at most `but` are pending."""
        while self._finishing and (len(self._finishing) > but or self._finishing[0][1].done()):
            job, future = self._finishing.pop(0)
            outcome = future.result()
            assert outcome is not None, "finished clip without an outcome"
            self._report(job, outcome)

    def _report(self, job: ClipJob, outcome: ClipOutcome | FaultyClip | Cancelled) -> None:
        if isinstance(outcome, Cancelled):
            return
        if isinstance(outcome, FaultyClip):
            if self._attempt < _ATTEMPTS:
                self._again.append(job)
                return
            outcome = OutputError(
                f"{job.path.name} failed verification twice: {outcome}", "Check the disk or use a different one"
            )
        self._on_clip(job, outcome)

    def _steps(self, job: ClipJob) -> Generator[None, _Shown | None, WrittenClip]:
        """Write one clip: receives the source frames of its span in order, then None."""
        plan = clip_plan(
            self._video, job.start_frame, job.stop_frame, self._settings, keeps_times=self._kind.keeps_times
        )
        count = len(plan.pts)
        sampled = {0, (count - 1) // 2, count - 1}
        samples: dict[int, tuple[int, VideoFrame]] = {}
        with replacing(job.path) as temporary:
            with closing(planned_sound(self._video, plan, self._kind, self._settings)) as sound:
                first_sound = next(sound, None)
                heard = None if first_sound is None else chain([first_sound], sound)
                with closing(encoder(temporary, plan, self._kind, self._settings, heard)) as pictures:
                    done = 0
                    while (shown := (yield)) is not None:
                        index, source = shown
                        self._count_frame()
                        positions = plan.positions(index)
                        if positions.start != done:
                            raise self._gone(job)
                        if positions:
                            picture = self._picture(job, source, index)
                        for done in positions:
                            pictures.send(picture)
                            if done in sampled:
                                samples[done] = index, source.source
                        done = positions.stop
                    if done != count:
                        raise self._gone(job)
                    pictures.send(None)
            measured = check_clip(
                temporary,
                self._kind,
                plan,
                self._settings.crf,
                {position: self._sample(job, *sample) for position, sample in samples.items()},
                with_sound=first_sound is not None,
            )
            if self._ended.is_set():
                raise Cancelled  # the result would not be reported
        return WrittenClip(**vars(measured), frame_count=count, frames_per_s=float(plan.rate), attempts=self._attempt)

    def _picture(self, job: ClipJob, source: SourcePictures, index: int) -> VideoFrame | UInt8Array:
        """The frame in the format that the encoder expects."""
        if job.crop is not None:
            pixels = job.crop.cut(source.rgb(), index, self._crop_size)
            return pixels if self._kind.is_folder else source.crop(pixels, lossless=self._kind.lossless)
        return source.rgb() if self._kind.is_folder else source.whole(lossless=self._kind.lossless)

    def _sample(self, job: ClipJob, index: int, frame: VideoFrame) -> list[NDArray[Any]]:
        """The reference frame for `check_clip`, converted independently of the encoded one."""
        if self._kind.lossless and not self._kind.is_folder and job.crop is None:
            return upright_numbers(self._video, frame)
        pixels = PictureConverter(self._video, None, "rgb24")(frame)
        if job.crop is not None:
            return [job.crop.cut(pixels, index, self._crop_size)]
        height, width = pixels.shape[:2]
        return [pixels[: height - height % 2, : width - width % 2] if self._kind.wants_even_size else pixels]

    @property
    def _crop_size(self) -> int:
        return self._settings.size + (self._settings.size % 2 if self._kind.wants_even_size else 0)

    def _count_frame(self) -> None:
        if self._attempt == 1:
            self._frames_done += 1
            if self._progress:
                self._progress(Progress("clips", self._frames_done, self._frames_total))

    def _gone(self, job: ClipJob) -> VideoError:
        name, last = self._video.path.name, job.stop_frame - 1
        return self._lost or VideoError(
            f"Frames {job.start_frame} to {last} of {name} can no longer all be decoded",
            "The file has changed since its analysis: analyse it again",
        )


def _after(clip: _OpenClip, shown: _Shown | None) -> ClipOutcome | FaultyClip | Cancelled | None:
    """Advance a clip; return its outcome, or None while unfinished."""
    try:
        clip.steps.send(shown)
    except StopIteration as end:
        written: WrittenClip = end.value
        return written
    except (FaultyClip, ClipgenError, Cancelled) as error:
        return error
    return None


def _runs(video: VideoInfo, jobs: Sequence[ClipJob]) -> Iterator[list[ClipJob]]:
    """Group jobs into decoding passes with no gap worth a seek and at most `_MOST_OPEN` overlapping clips."""
    rest = sorted(jobs, key=lambda job: (job.start_frame, job.stop_frame))
    while rest:
        run: list[ClipJob] = []
        later: list[ClipJob] = []
        ends: list[int] = []
        for job in rest:
            ends = [end for end in ends if end > job.start_frame]
            if len(ends) >= _MOST_OPEN:
                later.append(job)
                continue
            if run and not _lies_close(video, max(job.stop_frame for job in run), job.start_frame):
                yield run
                run = []
            run.append(job)
            ends.append(job.stop_frame)
        yield run
        rest = later


def _lies_close(video: VideoInfo, reached: int, start: int) -> bool:
    if start - reached <= _DECODE_ON_FRAMES:
        return True
    keyframe = int(np.searchsorted(video.keyframe_pts, video.pts[start], side="right")) - 1
    return keyframe < 0 or bool(video.keyframe_pts[keyframe] <= video.pts[reached - 1])
