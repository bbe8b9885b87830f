"""Export reviewed windows as datasets, in any number of layouts at once.

Each clip is encoded once and shared by all layouts. Files made from the same inputs and unmodified since are reused.
Failures are reported and the export continues; a failed clip keeps its previously exported version, if any.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from clipgen_engine.clips.crop_path import face_crop_path
from clipgen_engine.clips.writer import ClipJob, ClipOutcome, clip_suffix, write_clips
from clipgen_engine.datasets.analyses import Analyses, CachedAnalyses, with_exact_scores
from clipgen_engine.datasets.assembly import Assembly, ClipState, ClipTask
from clipgen_engine.datasets.folder import ExportFolder
from clipgen_engine.datasets.layouts.base import ClipFile, Footage
from clipgen_engine.datasets.layouts.registry import load_layout
from clipgen_engine.datasets.names import check_pattern, pattern_fields, safe_name, split_of, unique_names
from clipgen_engine.datasets.request import (
    ExportRequest,
    ExportSource,
    has_source_facts,
    media_facts,
    source_facts,
    track_of,
)
from clipgen_engine.datasets.results import ExportCallback, ExportedClip, ExportResult, ExportStep
from clipgen_engine.errors import Cancelled, ClipgenError, OutputError, VideoError
from clipgen_engine.types import Analysis, Progress, VideoInfo
from clipgen_engine.video.container import fingerprint
from clipgen_engine.video.index import probe


def export_clips(
    request: ExportRequest,
    analyses: Analyses | None = None,
    *,
    report: ExportCallback | None = None,
    cancel: threading.Event | None = None,
) -> ExportResult:
    """Write the accepted windows of all sources in all layouts. Reuses everything that is up to date.

    Args:
        analyses: source of analyses. Defaults to the user's cache; missing analyses are run when a layout or crop
            needs them.
        report: called from this thread.
        cancel: checked for every frame; clips finished by then are committed.

    Raises:
        SettingError: a layout, pattern or setting is invalid; nothing was changed.
        OutputError: the folder cannot be written, or the disk is full; finished clips are kept for the next export.
    """
    report, cancel = report or (lambda _: None), cancel or threading.Event()

    def progress(step: Progress) -> None:
        report(ExportStep("analysis", step.done, step.total))

    request, analyses = with_exact_scores(request, analyses or CachedAnalyses(), progress, cancel)
    export = _Export(request, analyses, report, cancel)
    with closing(export), ExportFolder(request.output_dir) as folder:
        return export.run(folder)


class _Export:
    def __init__(
        self, request: ExportRequest, analyses: Analyses, report: ExportCallback, cancel: threading.Event
    ) -> None:
        self._request, self._analyses, self._report, self._cancel = request, analyses, report, cancel
        check_pattern(request.dataset.name_pattern)
        self._layouts = {
            name: load_layout(name, request.export, request.dataset) for name in dict.fromkeys(request.layouts)
        }
        self._needs_clips = any(layout.needs_clips for layout in self._layouts.values())
        self._suffix = clip_suffix(request.export)
        self._failures: list[str] = []
        self._stopped: OutputError | None = None  # set once nothing more can be written
        self._frames_done = 0

    def run(self, folder: ExportFolder) -> ExportResult:
        self._folder = folder
        self._assembly = Assembly(
            self._request,
            self._layouts,
            self._analyses,
            folder,
            self._fail,
            lambda path: self._report(ExportStep("files", 0, 0, clip=path)),
        )
        for layout in self._layouts.values():
            folder.adopt(layout.files_of_earlier_run(folder.root))
        self._tasks = self._planned()
        self._frames_total = sum(task.item.sequence.frame_count for task in self._tasks if not self._has_clip(task))
        for source in self._request.sources:
            tasks = [task for task in self._tasks if task.item.source is source]
            if tasks and not self._over:
                self._do_source(source, tasks)
        for task in self._tasks:
            self._fall_back(task)
        changed, removed = self._finish()
        return ExportResult(
            output_dir=folder.root,
            clips=tuple(
                ExportedClip(
                    task.name,
                    task.item.source.fingerprint,
                    task.state,
                    tuple(folder.root / path for paths in task.files.values() for path in paths),
                    task.sentence,
                )
                for task in self._tasks
            ),
            failures=tuple(self._failures),
            changed_files=changed,
            removed_files=removed,
            cancelled=self._cancel.is_set(),
        )

    def close(self) -> None:
        for layout in self._layouts.values():
            layout.close()

    @property
    def _over(self) -> bool:
        return self._cancel.is_set() or self._stopped is not None

    def _planned(self) -> list[ClipTask]:
        request = self._request
        items = list(request.items())
        pattern = request.dataset.name_pattern
        names = unique_names(
            {
                item.identity: safe_name(pattern.format(**pattern_fields(item.decided, item.source.path.stem)))
                for item in items
            }
        )
        tasks = []
        for item in items:
            record = {**item.decided, "source_fingerprint": item.source.fingerprint}
            split = split_of(record, item.subject_named, request.dataset)
            analysis_key = self._analyses.key(item.source.fingerprint) if item.follows_face else ""
            tasks.append(ClipTask(item, names[item.identity], split, item.media_key(analysis_key), self._suffix))
        return tasks

    # State of previous exports

    def _stored(self, task: ClipTask) -> dict[str, Any]:
        """Return the manifest entry of this window, or an empty dict."""
        entry: dict[str, Any] = dict(self._folder.manifest.clips.get(task.item.identity, {}))
        return entry if has_source_facts(entry.get("facts")) else {}

    def _has_clip(self, task: ClipTask) -> bool:
        return not self._needs_clips or self._folder.has_clip(task.media_key)

    # Per source

    def _do_source(self, source: ExportSource, tasks: Sequence[ClipTask]) -> None:
        for task in tasks:
            task.facts = self._stored(task).get("facts")
        if all(task.facts and task.facts["model_sha256"] is not None and self._complete(task) for task in tasks):
            return
        try:
            check_source(source.path, source.fingerprint)
            video = probe(source.path)
            analysis = self._analysis(video, tasks)
        except Cancelled:
            return
        except ClipgenError as error:
            self._fail_source(source, tasks, error)
            return
        for task in tasks:
            if task.item.sequence.stop_frame <= video.frame_count:
                task.facts = source_facts(video, task.item.sequence, analysis)
        self._encode(video, analysis, tasks)
        for task in tasks:
            if task.state != "failed" and task.facts is not None:
                self._make_files(task, video, analysis)

    def _complete(self, task: ClipTask) -> bool:
        """Mark a clip as unchanged if it needs nothing more from the source; return whether it does not."""
        if not self._has_clip(task):
            return False
        clip = self._assembly.clip(task, with_media=False)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            if not all(one.write is None or self._folder.find(one.key) for one in files):
                return False
            task.files[name] = tuple(one.path for one in files)
        task.state = "unchanged"
        return True

    def _fail_source(self, source: ExportSource, tasks: Sequence[ClipTask], error: ClipgenError) -> None:
        """Handle an unreadable source: complete clips do not need it, the others fail with a single message."""
        failed = [task for task in tasks if not (task.facts and self._complete(task))]
        if not failed:
            return
        sentence = str(error)
        self._failures.append(sentence)
        for task in failed:
            self._end(task, "failed", sentence)

    def _analysis(self, video: VideoInfo, tasks: Sequence[ClipTask]) -> Analysis | None:
        """Return the analysis. Runs it only if a missing file needs it."""
        crops = self._needs_clips and self._request.export.crop != "whole"
        needed = any(layout.needs_analysis for layout in self._layouts.values()) or (
            crops and not all(self._has_clip(task) for task in tasks)
        )
        if not needed:
            return self._analyses.stored(video)

        def progress(step: Progress) -> None:
            self._report(ExportStep("analysis", step.done, step.total, video.path.name))

        return self._analyses.made(video, progress, self._cancel)

    def _encode(self, video: VideoInfo, analysis: Analysis | None, tasks: Sequence[ClipTask]) -> None:
        jobs: dict[Path, ClipTask] = {}
        waiting = []
        for task in tasks:
            if task.state == "failed" or self._has_clip(task):
                continue
            sequence, crop = task.item.sequence, None
            if task.item.follows_face:
                track = track_of(analysis, sequence)
                if track is None:
                    self._fail(task, _other_analysis(video))
                    continue
                crop = face_crop_path(video, track, *sequence.key[:2], self._request.export)
            path = self._folder.staging_path(task.media_key, self._suffix)
            if path in jobs:
                continue  # duplicate window
            jobs[path] = task
            waiting.append(ClipJob(*sequence.key[:2], path, crop))

        def on_clip(job: ClipJob, outcome: ClipOutcome) -> None:
            task = jobs[job.path]
            if isinstance(outcome, ClipgenError):
                if _disk_is_full(outcome):
                    raise outcome
                self._fail(task, outcome)
            else:
                self._folder.record_clip(task.media_key, job.path, media_facts(task.item, outcome, job.crop))
                self._end(task, "written")
            self._frames_done += job.stop_frame - job.start_frame

        begun = self._frames_done

        def progress(step: Progress) -> None:
            self._report(ExportStep("clips", begun + step.done, self._frames_total, video.path.name))

        with suppress(Cancelled):
            try:
                write_clips(
                    video, waiting, self._request.export, on_clip=on_clip, progress=progress, cancel=self._cancel
                )
            except OutputError as error:
                self._stopped = error
            except VideoError as error:
                for task in jobs.values():
                    if not self._has_clip(task) and task.state != "failed":
                        self._fail(task, error)

    def _make_files(self, task: ClipTask, video: VideoInfo, analysis: Analysis | None) -> None:
        """Make the files derived from a clip. After cancellation or a write error, only count existing ones."""
        if not self._has_clip(task):
            return
        clip = self._assembly.clip(task, with_media=False)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            missing = [one for one in files if one.write is not None and self._folder.find(one.key) is None]
            try:
                for one in missing:
                    if self._over:
                        break
                    self._make_file(one, task, video, analysis)
                    self._end(task, "written")
                else:
                    task.files[name] = tuple(one.path for one in files)
            except OutputError as error:
                self._stopped = error
            except ClipgenError as error:
                self._fail(task, error)
                return
        if len(task.files) == len(self._layouts) and task.state == "waiting":
            self._end(task, "unchanged" if self._stored(task) else "written")

    def _make_file(self, one: ClipFile, task: ClipTask, video: VideoInfo, analysis: Analysis | None) -> None:
        track = track_of(analysis, task.item.sequence)
        if analysis is None or track is None:
            raise _other_analysis(video)
        footage = Footage(video, analysis, track, analysis.tokens[analysis.tracks.index(track)])
        write = one.write
        assert write is not None
        self._folder.make(one.key, Path(one.path).suffix, lambda path: write(path, footage))

    def _fail(self, task: ClipTask | None, error: ClipgenError) -> None:
        sentence = str(error) if task is None else f"{task.name}: {error}"
        if sentence not in self._failures:
            self._failures.append(sentence)
        if task is not None:
            self._end(task, "failed", sentence)

    def _end(self, task: ClipTask, state: ClipState, sentence: str = "") -> None:
        task.state, task.sentence = state, sentence
        self._report(
            ExportStep(
                "clips",
                self._frames_done,
                self._frames_total,
                task.item.source.path.name,
                task.name,
                state,
                sentence,
            )
        )

    def _fall_back(self, task: ClipTask) -> None:
        """Fall back to the previously exported version of an unfinished clip, with its original settings."""
        if task.state not in ("failed", "waiting"):
            return
        task.files.clear()
        stored = self._stored(task)
        if not stored or (self._needs_clips and not self._folder.has_clip(stored["media_key"])):
            task.facts = None
            return
        task.facts, task.media_key, task.suffix = stored["facts"], stored["media_key"], stored["suffix"]
        clip = self._assembly.clip(task)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            if all(one.write is None for one in files):
                task.files[name] = tuple(one.path for one in files)
            elif all(map(self._folder.is_unchanged, stored["files"].get(name, ()))):
                task.files[name] = tuple(stored["files"].get(name, ()))
        if task.state == "failed":
            task.sentence += " The previously exported version was kept."
        task.state = "kept"

    # Commit

    def _finish(self) -> tuple[int, int]:
        """Stage and commit everything. Returns the numbers of changed and removed files."""
        try:
            counts = self._folder.commit(self._assembly.stage([task for task in self._tasks if task.facts is not None]))
        except OutputError as error:
            raise self._stopped or error from error
        if self._stopped is not None:
            raise self._stopped
        self._failures += self._folder.complaints()
        self._folder.finish()
        return counts


def check_source(path: Path, expected_fingerprint: str) -> None:
    """Raise VideoError if the file is missing, or is not the one that was analysed."""
    try:
        same = fingerprint(path) == expected_fingerprint
    except VideoError as error:
        raise VideoError(f"{path} can no longer be opened", "Restore the video, or open it again") from error
    if not same:
        raise VideoError(f"{path.name} has changed since its analysis", "Analyse it again")


def _other_analysis(video: VideoInfo) -> VideoError:
    return VideoError(
        f"The analysis of {video.path.name} does not contain the face of this clip",
        "The window was reviewed with another analysis: review it again in the app",
    )


def _disk_is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
