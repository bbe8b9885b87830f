"""`clipgen-engine assign PROJECT --curators anna,ben`: split a project among curators."""

from __future__ import annotations

import argparse
import logging
import threading
from pathlib import Path

from clipgen_engine.cli.flags import DONE, HelpfulParser, add_flag
from clipgen_engine.errors import ProjectError
from clipgen_engine.files import make_writable_folder
from clipgen_engine.projects.curators.assignment import assign
from clipgen_engine.projects.store import Project

_log = logging.getLogger("clipgen")


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine assign",
        description="Split the videos of a project among curators, evenly by what there is to decide: a project file "
        "for each, NAME.CURATOR.clipgen, with settings, subjects and decisions so far. The project itself stays as it "
        "is; clipgen-engine merge brings the decisions back.",
        epilog="Exit codes: 0 success; 1 internal error; 2 invalid input; 130 interrupted.",
    )
    made.add_argument("project", type=Path, metavar="PROJECT", help="a .clipgen file")
    add_flag(made, "curators", required=True, metavar="NAMES", help="at least two names, separated by commas")
    add_flag(
        made,
        "overlap",
        type=float,
        default=0.1,
        help="share of the videos that every curator gets, 0 to 1, from which their agreement is computed; at least "
        "one video unless it is 0 (default 0.1)",
    )
    add_flag(made, "output_dir", type=Path, metavar="DIR", help="folder of the new files (default: beside PROJECT)")
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    if not options.project.is_file():
        raise ProjectError(f"{options.project} does not exist", "Check the path")
    folder = options.output_dir or options.project.parent
    make_writable_folder(folder)
    with Project(options.project) as project:
        parts = assign(project, options.curators.split(","), options.overlap, folder, cancel)
    for part in parts:
        shared = f", {part.shared} of them shared with all" if part.shared else ""
        _log.info("%s: %d videos%s, %d windows to decide", part.path, part.videos, shared, part.open_windows)
    return DONE
