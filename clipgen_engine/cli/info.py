"""`clipgen-engine info VIDEO|PROJECT ...`: print the indexed properties of videos, and the numbers of projects."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.flags import DONE, WRONG_INPUT, HelpfulParser
from clipgen_engine.errors import Cancelled, ClipgenError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.projects.goals import applied, goals_of
from clipgen_engine.projects.statistics import Amount, project_statistics
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo
from clipgen_engine.untrusted import printable
from clipgen_engine.video.index import probe


def parser() -> HelpfulParser:
    parser = HelpfulParser(
        prog="clipgen-engine info", description="Print the indexed properties of videos, and the numbers of projects."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a video, or a project (*.clipgen)")
    return parser


def run(options: Namespace, cancel: threading.Event) -> int:
    """Print the properties of each video and project. Unreadable ones are reported and skipped."""
    code = DONE
    for path in options.paths:
        if cancel.is_set():
            raise Cancelled
        try:
            properties = _of_project(path) if path.suffix == ".clipgen" and path.is_file() else _of_video(path)
        except ClipgenError as error:
            print(f"clipgen-engine: {error}", file=sys.stderr)
            code = WRONG_INPUT
            continue
        print(path)
        for label, value in properties.items():
            print(f"  {label:<12}{value}")
    return code


def _of_video(path: Path) -> dict[str, str]:
    video = probe(path)
    turned = f", rotated by {video.rotation_deg}°" if video.rotation_deg else ""
    steps = np.diff(video.pts)
    pace = "constant" if len(steps) < 2 or steps.max() - steps.min() <= 1 else "variable"
    return {
        "frames": f"{video.frame_count}, {len(video.keyframe_pts)} keyframes",
        "picture": f"{video.width_px}x{video.height_px}{turned}, {video.codec}",
        "rate": f"{float(video.average_rate):.3f} frames/s, {pace}",
        "time": f"{video.duration_s:.3f} s, time base {video.time_base}, starts at PTS {video.start_pts}",
        "sound": "yes" if video.has_audio else "no",
        "damage": f"{video.lost_packets} unreadable video packets" if video.lost_packets else "none found",
        "fingerprint": video.fingerprint,
        "analysis": _stored_summary(video),
    }


def _of_project(path: Path) -> dict[str, str]:
    with Project(path) as project:
        found, goals = project_statistics(project), goals_of(project)
        conflicts = sum(map(len, project.conflicts().values()))
    decided, total, pace = found.decided, found.total, found.pace.per_minute
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items()))
    unknown = f", {total.unmeasured} of unknown length" if total.unmeasured else ""
    progress = list(applied(found, goals))
    return {
        "videos": states or "none",
        "windows": f"{decided.accepted} accepted, {decided.rejected} rejected, {found.undecided} undecided",
        "clips": f"{total.clips}, {total.seconds:.1f} s{unknown}",
        "subjects": _counts(found.by_subject),
        "tags": _counts(found.by_tag),
        "curators": _listed({name: one.total for name, one in found.by_curator.items()}),
        "reasons": _listed({reason: count for reason, count in found.reasons.items() if reason}),
        "conflicts": str(conflicts or "none"),
        "pace": "not known yet" if pace is None else f"{pace:.1f} decisions a minute",
        "goals": f"{sum(one.reached for one in progress)} of {len(progress)} reached" if progress else "none set",
    }


def _counts(amounts: Mapping[str, Amount]) -> str:
    return _listed({name: one.clips for name, one in amounts.items()})


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{printable(name) or 'not named'} {count}" for name, count in counts.items()) or "none"


def _stored_summary(video: VideoInfo) -> str:
    """Summarize the cached analysis of this video under default settings."""
    analysis = AnalysisCache().load(video, AnalysisSettings(), {"face_landmarker": FACE_MODEL_SHA256}, drafts=True)
    if analysis is None:
        return "none stored"
    exact = "" if analysis.exact is None else f"a draft, {analysis.exact.mean():.0%} of the frames exact; "
    return (
        f"{exact}{len(analysis.tracks)} face tracks in {len(analysis.shots)} shots, "
        f"{analysis.undecodable_frames} undecodable frames, "
        f"inactive channels: {', '.join(analysis.dead_channels) or 'none'}"
    )
