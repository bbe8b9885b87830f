"""Decided windows -> datasets on disk, in any number of layouts at once.

A clip is encoded once, whatever wants it. What is there already, made from the same inputs and untouched since, is not
made again; what cannot be made is reported and the rest goes on; where an older version of it stands, that stays.
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
from clipgen_engine.datasets.analyses import Analyses, CachedAnalyses
from clipgen_engine.datasets.assembly import Assembly, ClipState, Work
from clipgen_engine.datasets.folder import ExportFolder
from clipgen_engine.datasets.layouts.layout import ClipFile, Footage
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
    """Write the accepted windows of all sources in all layouts; do again only what is not there yet.

    Args:
        analyses: where analyses come from; else the user's cache, and what is not there is analysed when a layout or
            a crop needs it.
        report: called from this thread.
        cancel: looked at for every frame; what is finished by then comes into place.

    Raises:
        SettingError: a layout, a pattern or a setting that cannot be; nothing was touched.
        OutputError: the folder cannot be written, or the disk is full; what was finished is kept for the next time.
    """
    export = _Export(request, analyses or CachedAnalyses(), report or (lambda _: None), cancel or threading.Event())
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
        self._stopped: OutputError | None = None  # nothing more can be written
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
        self._works = self._planned()
        self._frames_total = sum(work.item.sequence.frame_count for work in self._works if not self._has_clip(work))
        for source in self._request.sources:
            works = [work for work in self._works if work.item.source is source]
            if works and not self._over:
                self._do_source(source, works)
        for work in self._works:
            self._fall_back(work)
        changed, removed = self._finish()
        return ExportResult(
            output_dir=folder.root,
            clips=tuple(
                ExportedClip(
                    work.name,
                    work.item.source.fingerprint,
                    work.state,
                    tuple(folder.root / path for paths in work.files.values() for path in paths),
                    work.sentence,
                )
                for work in self._works
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

    def _planned(self) -> list[Work]:
        request = self._request
        items = list(request.items())
        pattern = request.dataset.name_pattern
        names = unique_names(
            {
                item.identity: safe_name(pattern.format(**pattern_fields(item.decided, item.source.path.stem)))
                for item in items
            }
        )
        works = []
        for item in items:
            record = {**item.decided, "source_fingerprint": item.source.fingerprint}
            split = split_of(record, item.subject_named, request.dataset)
            analysis_key = self._analyses.key(item.source.fingerprint) if item.follows_face else ""
            works.append(Work(item, names[item.identity], split, item.media_key(analysis_key), self._suffix))
        return works

    # What is known and what is there

    def _stored(self, work: Work) -> dict[str, Any]:
        """What the manifest says about this window."""
        entry: dict[str, Any] = dict(self._folder.manifest.clips.get(work.item.identity, {}))
        return entry if has_source_facts(entry.get("facts")) else {}

    def _has_clip(self, work: Work) -> bool:
        return not self._needs_clips or self._folder.has_clip(work.media_key)

    # One source

    def _do_source(self, source: ExportSource, works: Sequence[Work]) -> None:
        for work in works:
            work.facts = self._stored(work).get("facts")
        if all(work.facts and work.facts["model_sha256"] is not None and self._complete(work) for work in works):
            return
        try:
            check_source(source.path, source.fingerprint)
            video = probe(source.path)
            analysis = self._analysis(video, works)
        except Cancelled:
            return
        except ClipgenError as error:
            self._fail_source(source, works, error)
            return
        for work in works:
            if work.item.sequence.stop_frame <= video.frame_count:
                work.facts = source_facts(video, work.item.sequence, analysis)
        self._encode(video, analysis, works)
        for work in works:
            if work.state != "failed" and work.facts is not None:
                self._make_files(work, video, analysis)

    def _complete(self, work: Work) -> bool:
        """Whether nothing is left to be made of the source for this clip."""
        if not self._has_clip(work):
            return False
        clip = self._assembly.clip(work, with_media=False)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            if not all(one.write is None or self._folder.find(one.key) for one in files):
                return False
            work.files[name] = tuple(one.path for one in files)
        work.state = "unchanged"
        return True

    def _fail_source(self, source: ExportSource, works: Sequence[Work], error: ClipgenError) -> None:
        """The source cannot be read: what is there already needs it no more, the rest fails with one sentence."""
        failed = [work for work in works if not (work.facts and self._complete(work))]
        if not failed:
            return
        sentence = str(error)
        self._failures.append(sentence)
        for work in failed:
            self._end(work, "failed", sentence)

    def _analysis(self, video: VideoInfo, works: Sequence[Work]) -> Analysis | None:
        """The analysis; made only if something is missing that needs it."""
        crops = self._needs_clips and self._request.export.crop != "whole"
        needed = any(layout.needs_analysis for layout in self._layouts.values()) or (
            crops and not all(self._has_clip(work) for work in works)
        )
        if not needed:
            return self._analyses.stored(video)

        def progress(step: Progress) -> None:
            self._report(ExportStep("analysis", step.done, step.total, video.path.name))

        return self._analyses.made(video, progress, self._cancel)

    def _encode(self, video: VideoInfo, analysis: Analysis | None, works: Sequence[Work]) -> None:
        jobs: dict[Path, Work] = {}
        waiting = []
        for work in works:
            if work.state == "failed" or self._has_clip(work):
                continue
            sequence, crop = work.item.sequence, None
            if work.item.follows_face:
                track = track_of(analysis, sequence)
                if track is None:
                    self._fail(work, _other_analysis(video))
                    continue
                crop = face_crop_path(video, track, *sequence.key[:2], self._request.export)
            place = self._folder.place_of(work.media_key, self._suffix)
            if place in jobs:
                continue  # the same window twice
            jobs[place] = work
            waiting.append(ClipJob(*sequence.key[:2], place, crop))

        def on_clip(job: ClipJob, outcome: ClipOutcome) -> None:
            work = jobs[job.path]
            if isinstance(outcome, ClipgenError):
                if _disk_is_full(outcome):
                    raise outcome
                self._fail(work, outcome)
            else:
                self._folder.note_clip(work.media_key, job.path, media_facts(work.item, outcome, job.crop))
                self._end(work, "written")
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
                for work in jobs.values():
                    if not self._has_clip(work) and work.state != "failed":
                        self._fail(work, error)

    def _make_files(self, work: Work, video: VideoInfo, analysis: Analysis | None) -> None:
        """Make what is not the encoded clip itself; when all is over, only what is there already counts."""
        if not self._has_clip(work):
            return
        clip = self._assembly.clip(work, with_media=False)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            missing = [one for one in files if one.write is not None and self._folder.find(one.key) is None]
            try:
                for one in missing:
                    if self._over:
                        break
                    self._make_file(one, work, video, analysis)
                    self._end(work, "written")
                else:
                    work.files[name] = tuple(one.path for one in files)
            except OutputError as error:
                self._stopped = error
            except ClipgenError as error:
                self._fail(work, error)
                return
        if len(work.files) == len(self._layouts) and work.state == "waiting":
            self._end(work, "unchanged" if self._stored(work) else "written")

    def _make_file(self, one: ClipFile, work: Work, video: VideoInfo, analysis: Analysis | None) -> None:
        track = track_of(analysis, work.item.sequence)
        if analysis is None or track is None:
            raise _other_analysis(video)
        footage = Footage(video, analysis, track, analysis.tokens[analysis.tracks.index(track)])
        write = one.write
        assert write is not None
        self._folder.make(one.key, Path(one.path).suffix, lambda place: write(place, footage))

    def _fail(self, work: Work | None, error: ClipgenError) -> None:
        sentence = str(error) if work is None else f"{work.name}: {error}"
        if sentence not in self._failures:
            self._failures.append(sentence)
        if work is not None:
            self._end(work, "failed", sentence)

    def _end(self, work: Work, state: ClipState, sentence: str = "") -> None:
        work.state, work.sentence = state, sentence
        self._report(
            ExportStep(
                "clips",
                self._frames_done,
                self._frames_total,
                work.item.source.path.name,
                work.name,
                state,
                sentence,
            )
        )

    def _fall_back(self, work: Work) -> None:
        """A clip that was not finished: an older version that stands stays, under the settings of its time."""
        if work.state not in ("failed", "waiting"):
            return
        work.files.clear()
        stored = self._stored(work)
        if not stored or (self._needs_clips and not self._folder.has_clip(stored["media_key"])):
            work.facts = None
            return
        work.facts, work.media_key, work.suffix = stored["facts"], stored["media_key"], stored["suffix"]
        clip = self._assembly.clip(work)
        for name, layout in self._layouts.items():
            files = layout.clip_files(clip)
            if all(one.write is None for one in files):
                work.files[name] = tuple(one.path for one in files)
            elif all(map(self._folder.stands, stored["files"].get(name, ()))):
                work.files[name] = tuple(stored["files"].get(name, ()))
        if work.state == "failed":
            work.sentence += " The version that was exported before stays."
        work.state = "kept"

    # The whole

    def _finish(self) -> tuple[int, int]:
        """Everything into place; then the documents, made of what is there."""
        try:
            counts = self._folder.commit(self._assembly.put([work for work in self._works if work.facts is not None]))
        except OutputError as error:
            raise self._stopped or error from error
        if self._stopped is not None:
            raise self._stopped
        self._failures += self._folder.complaints()
        self._folder.finish()
        return counts


def check_source(path: Path, expected_fingerprint: str) -> None:
    """Raises VideoError where the file is gone, or is not the one that was analysed."""
    try:
        same = fingerprint(path) == expected_fingerprint
    except VideoError as error:
        raise VideoError(f"{path} cannot be opened any more", "Put the video back, or open it again") from error
    if not same:
        raise VideoError(f"{path.name} changed since its analysis", "Analyse it again")


def _other_analysis(video: VideoInfo) -> VideoError:
    return VideoError(
        f"The analysis of {video.path.name} does not have the face of this clip",
        "It was decided on another analysis: look at the window again in the app",
    )


def _disk_is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
