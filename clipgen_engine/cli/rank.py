"""`clipgen-engine rank PROJECT`: write the best windows across all videos of a project as JSON."""

from __future__ import annotations

import argparse
import logging
import threading
from pathlib import Path

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.flags import DONE, NOTHING_PASSED, HelpfulParser, add_flag
from clipgen_engine.cli.progress import progress_shown
from clipgen_engine.errors import ProjectError, SettingError
from clipgen_engine.files import write_json
from clipgen_engine.projects.ranking import decided_videos, rank_project
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import RankingSettings

_log = logging.getLogger("clipgen")


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine rank",
        description="Rank the windows of all analysed videos of a project, with its settings and decisions: accepted "
        "windows compete, rejected ones are excluded.",
        epilog="Exit codes: 0 success; 1 internal error; 2 invalid input; 3 no window passed; 130 interrupted.",
    )
    made.add_argument("project", type=Path, metavar="PROJECT", help="a .clipgen file")
    add_flag(made, "num_sequences", type=int, default=100, help="maximum number of windows (default 100)")
    add_flag(made, "quota", type=int, default=5, help="maximum number of windows per video (default 5)")
    add_flag(made, "output", type=Path, default=Path("project_sequences.json"), help="JSON file to write")
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    for name in ("num_sequences", "quota"):
        if getattr(options, name) < 1:
            raise SettingError(f"--{name} cannot be {getattr(options, name)}", "Must be at least 1")
    if not options.project.is_file():
        raise ProjectError(f"{options.project} does not exist", "Check the path")
    with Project(options.project) as project:
        videos, settings = decided_videos(project), RankingSettings(**project.settings())
    with progress_shown("Ranking", "video") as progress:
        found = rank_project(
            videos, AnalysisCache(), settings, options.num_sequences, options.quota, progress=progress, cancel=cancel
        )
    write_json(
        options.output,
        [
            {
                "rank": one.sequence.rank,
                "source": str(one.video.path),
                "source_fingerprint": one.video.fingerprint,
                "decision": one.decision.value,
                **one.record,
            }
            for one in found.best
        ],
    )
    if found.without_analysis:
        names = ", ".join(video.path.name for video in found.without_analysis[:3])
        _log.warning("%d videos have no stored analysis: %s …", len(found.without_analysis), names)
    _log.info("%d windows of %d videos in %s", len(found.best), len(videos), options.output)
    return DONE if found.best else NOTHING_PASSED
