"""`clipgen-engine merge PROJECT PART ...`: bring the decisions of several curators back into one project."""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.flags import DONE, HelpfulParser, add_flag
from clipgen_engine.errors import ClipgenError, OutputError, ProjectError, StoredAnalysisError
from clipgen_engine.files import strict_json
from clipgen_engine.projects.conflicts import Conflict, Opinion
from clipgen_engine.projects.curators.merging import MergeReport, Part, merge_parts, read_part
from clipgen_engine.projects.records import StoredVideo
from clipgen_engine.projects.store import Project
from clipgen_engine.types import VideoInfo
from clipgen_engine.untrusted import printable
from clipgen_engine.video.index import probe

_log = logging.getLogger("clipgen")


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine merge",
        description="Bring the decisions of curators back into the project that was split by clipgen-engine assign. "
        "Decisions on the same moment count as one; where one curator accepted what another one rejected, the window "
        "becomes undecided, and who said what is recorded. Merging again brings only what is new.",
        epilog="Exit codes: 0 success, with or without conflicts; 1 internal error; 2 invalid input; 130 interrupted.",
    )
    made.add_argument("project", type=Path, metavar="PROJECT", help="the .clipgen file that was split")
    made.add_argument("parts", nargs="+", type=Path, metavar="PART", help="the .clipgen file of a curator")
    add_flag(made, "output", type=Path, metavar="NEW", help="write a new project and leave PROJECT as it is")
    add_flag(made, "json", action="store_true", help="print agreement and conflicts as JSON")
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    _check_paths(options.project, options.parts)
    parts = []
    for path in options.parts:
        with Project(path) as part:
            parts.append(read_part(part))
    if options.output is None:
        with Project(options.project) as project:
            report = merge_parts(project, parts, cancel)
    else:
        report = _merged_copy(options.project, options.output, parts, cancel)
    target = options.output or options.project
    times = {video.video_id: _index_of(video) for video, _ in report.conflicts}
    if options.json:
        print(strict_json(_record(target, parts, report, times), indent=2))
    else:
        _print(target, parts, report, times)
    return DONE


def _check_paths(project: Path, parts: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in (project, *parts):
        if not path.is_file():
            raise ProjectError(f"{path} does not exist", "Check the path")
        if path.resolve() in seen:
            raise ProjectError(f"{path} is named twice", "Name the project first, then each part once")
        seen.add(path.resolve())


def _merged_copy(source: Path, target: Path, parts: Sequence[Part], cancel: threading.Event) -> MergeReport:
    if os.path.lexists(target):
        raise OutputError(f"{target} already exists", "Choose another name")
    # built in a temporary folder: SQLite creates side files next to an open project
    with tempfile.TemporaryDirectory(prefix="clipgen-") as folder:
        copy = Path(folder) / target.name
        with Project(source) as project:
            project.copy_to(copy)
        with Project(copy) as project:
            report = merge_parts(project, parts, cancel)
            project.copy_to(target)
    return report


def _index_of(video: StoredVideo) -> VideoInfo | None:
    """The frame index of a video: from its stored analysis, else from its file; None if both are missing."""
    try:
        analysis = AnalysisCache().open(video.analysis, video.path) if video.analysis else None
    except StoredAnalysisError:
        analysis = None
    if analysis is not None:
        return analysis.video
    try:
        return probe(video.path)
    except ClipgenError:
        return None


def _span_s(opinion: Opinion, info: VideoInfo | None) -> tuple[float, float] | None:
    """Start of the first and of the last frame, seconds; None if they are not known."""
    start, stop, _ = opinion.key
    if info is None or start < 0 or stop > info.frame_count:
        return None
    return round(float(info.times_s[start]), 6), round(float(info.times_s[stop - 1]), 6)


def _print(path: Path, parts: Sequence[Part], report: MergeReport, times: dict[int, VideoInfo | None]) -> None:
    for part in parts:
        new = report.brought[part.path]
        _log.info("%s: %d decisions by %s, %d windows with something new", part.path, part.decisions, part.curator, new)
    for sentence in (*report.remarks, *(one.sentence for one in report.agreements)):
        _log.info("%s", printable(sentence))
    _log.info("%d windows changed in %s, %d conflicts", report.changed, path, len(report.conflicts))
    for video, conflict in report.conflicts:
        _log.info("  %s", printable(_sentence(video, conflict, times[video.video_id])))


def _sentence(video: StoredVideo, conflict: Conflict, info: VideoInfo | None) -> str:
    start, stop, track_id = conflict.key
    span = _span_s(next(one for one in conflict.opinions if one.key == conflict.key), info)
    time = "" if span is None else f"{span[0]:.2f} to {span[1]:.2f} s, "
    said = []
    for one in conflict.opinions:
        details = [one.reason] if one.reason else []
        details += [f"frames {one.key[0]} to {one.key[1] - 1}"] if one.key != conflict.key else []
        details += [f"“{' '.join(one.note.split())}”"] if one.note else []
        why = f" ({', '.join(details)})" if details else ""
        said.append(f"{one.curator or 'somebody'} {one.decision.value}{why}")
    return f"{video.path.name}, {time}frames {start} to {stop - 1}, face {track_id}: {'; '.join(said)}"


def _record(
    path: Path, parts: Sequence[Part], report: MergeReport, times: dict[int, VideoInfo | None]
) -> dict[str, Any]:
    return {
        "project": str(path),
        "parts": [
            {
                "path": str(part.path),
                "curator": part.curator,
                "decisions": part.decisions,
                "brought": report.brought[part.path],
            }
            for part in parts
        ],
        "changed": report.changed,
        "remarks": list(report.remarks),
        "agreement": [
            {"curators": list(one.curators), "windows": one.windows, "same": one.same, "kappa": one.kappa}
            for one in report.agreements
        ],
        "conflicts": [_conflict_record(video, one, times[video.video_id]) for video, one in report.conflicts],
    }


def _conflict_record(video: StoredVideo, conflict: Conflict, info: VideoInfo | None) -> dict[str, Any]:
    decisions = []
    for one in conflict.opinions:
        span = _span_s(one, info)
        decisions.append(
            {
                "curator": one.curator,
                "decision": one.decision.value,
                "reason": one.reason,
                "note": one.note,
                "decided_at": one.decided_at,
                "start_frame": one.key[0],
                "end_frame": one.key[1] - 1,
                "start_time_s": None if span is None else span[0],
                "end_time_s": None if span is None else span[1],
            }
        )
    return {
        "source": str(video.path),
        "source_fingerprint": video.fingerprint,
        "start_frame": conflict.key[0],
        "end_frame": conflict.key[1] - 1,
        "track_id": conflict.key[2],
        "decisions": decisions,
    }
