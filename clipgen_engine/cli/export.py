"""`clipgen-engine export PROJECT --layout ...`: export the accepted windows of a project as datasets."""

from __future__ import annotations

import argparse
import logging
import threading
from dataclasses import replace
from pathlib import Path

from clipgen_engine.cli.flags import DONE, HelpfulParser, add_flag, given, layout_flag, report_outcome, setting_flag
from clipgen_engine.cli.progress import progress_shown
from clipgen_engine.datasets.analyses import CachedAnalyses
from clipgen_engine.datasets.estimate import estimate_export, readable_size
from clipgen_engine.datasets.export import export_clips
from clipgen_engine.datasets.manifest import is_export
from clipgen_engine.datasets.names import PROJECT_NAME_PATTERN
from clipgen_engine.datasets.reimport import read_export
from clipgen_engine.datasets.request import ExportRequest, ExportSource, project_sources
from clipgen_engine.datasets.results import ExportResult, ExportStep
from clipgen_engine.declared_settings import declarations
from clipgen_engine.errors import Cancelled, ProjectError, SettingError
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import DatasetSettings, ExportSettings, RankingSettings
from clipgen_engine.types import Decision, Progress

_log = logging.getLogger("clipgen")


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine export",
        description="Export the accepted windows of all videos of a project as a dataset, in one or more layouts. "
        "Repeated runs write only what changed; interrupted runs can be resumed.",
        epilog="Exit codes: 0 success; 1 internal error; 2 invalid input, or some items failed (one line each, the "
        "rest is exported); 130 interrupted. Flags accept hyphens or underscores.",
    )
    made.add_argument("project", type=Path, metavar="PROJECT", help="a .clipgen file, or an existing export folder")
    add_flag(made, "output_dir", type=Path, default=Path("clip_generation_output"), help="dataset folder")
    layout_flag(made)
    add_flag(made, "video", action="append", default=[], metavar="NAME", help="export only this video; repeatable")
    add_flag(made, "face_model", type=Path, help="path of face_landmarker.task; located automatically by default")
    add_flag(made, "estimate", action="store_true", help="only print the estimated size and duration")
    add_flag(made, "ignore_free_space", action="store_true", help="export even if free space seems insufficient")
    for title, settings in (("clips", ExportSettings), ("dataset", DatasetSettings)):
        group = made.add_argument_group(title)
        for setting in declarations(settings):
            if setting.name == "name_pattern":
                setting = replace(setting, default=PROJECT_NAME_PATTERN)
            setting_flag(group, setting)
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    sources, ranking = _sources(options.project)
    sources = _chosen(sources, options.video)
    if not any(window.decision is Decision.ACCEPTED for source in sources for window in source.windows):
        raise ProjectError(f"No window of {options.project} is accepted", "Accept windows in the app first")
    dataset = {"name_pattern": PROJECT_NAME_PATTERN, **given(options, declarations(DatasetSettings))}
    request = ExportRequest(
        sources=sources,
        output_dir=options.output_dir,
        layouts=tuple(options.layout or ["plain"]),
        export=ExportSettings(**given(options, declarations(ExportSettings))),
        dataset=DatasetSettings(**dataset),
        ranking=ranking,
    )
    analyses = CachedAnalyses(face_model=options.face_model)
    estimate = estimate_export(request, analyses)
    _log.info(
        "%d clips, %d to encode; about %s and %.0f s",
        estimate.clips,
        estimate.new_clips,
        readable_size(estimate.size_bytes),
        estimate.seconds,
    )
    if options.estimate:
        return DONE
    if not options.ignore_free_space:
        estimate.check(request.output_dir)
    result = _exported(request, analyses, cancel)
    _remember(options.project, result, request)
    if result.cancelled:
        raise Cancelled
    written = sum(clip.listed for clip in result.clips)
    return report_outcome(written, "clips", result.output_dir, result.failures)


def _sources(path: Path) -> tuple[tuple[ExportSource, ...], RankingSettings]:
    """Return the reviewed windows and their ranking settings."""
    if is_export(path):
        export = read_export(path)
        return export.sources, export.ranking
    if not path.is_file():
        raise ProjectError(f"The project {path} does not exist", "Specify a .clipgen file or an export folder")
    with Project(path) as project:
        try:
            return project_sources(project), RankingSettings(**project.settings())
        except TypeError as error:
            raise ProjectError(
                f"The settings of {path} have an unsupported version ({error})", "Open it in the app"
            ) from None


def _chosen(sources: tuple[ExportSource, ...], names: list[str]) -> tuple[ExportSource, ...]:
    known = {source.path.name for source in sources} | {str(source.path) for source in sources}
    for name in names:
        if name not in known:
            raise SettingError(f"The project has no reviewed windows of a video {name}", "Check the name")
    return tuple(source for source in sources if not names or {source.path.name, str(source.path)} & set(names))


def _exported(request: ExportRequest, analyses: CachedAnalyses, cancel: threading.Event) -> ExportResult:
    with progress_shown("Analysing", "frame") as analysing, progress_shown("Writing clips", "frame") as writing:

        def report(step: ExportStep) -> None:
            if step.stage == "files":
                return
            show = analysing if step.stage == "analysis" else writing
            show(Progress("analysis" if step.stage == "analysis" else "clips", step.done, step.total))

        return export_clips(request, analyses, report=report, cancel=cancel)


def _remember(path: Path, result: ExportResult, request: ExportRequest) -> None:
    """Record the export in the project, unless it is open elsewhere."""
    if is_export(path):
        return
    with Project(path) as project:
        if project.read_only:
            return
        for source in request.sources:
            video = project.video_of(source.fingerprint)
            names = [clip.name for clip in result.clips if clip.fingerprint == source.fingerprint and clip.listed]
            if video is not None and names:
                project.add_export(video.video_id, result.output_dir.absolute(), names, request.details)
