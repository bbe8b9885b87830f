"""`clipgen-engine import EXPORT --project PROJECT`: restore a project from an export folder."""

from __future__ import annotations

import argparse
import logging
import threading
from pathlib import Path

from clipgen_engine.cli.flags import DONE, HelpfulParser, add_flag
from clipgen_engine.datasets.reimport import import_export, read_export
from clipgen_engine.projects.store import Project

_log = logging.getLogger("clipgen")


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine import",
        description="Add the videos of an export folder to a project, with their decisions, tags, notes and subjects. "
        "Existing entries of the project are kept.",
    )
    made.add_argument("export", type=Path, metavar="EXPORT", help="an export folder, or its clipgen_export.json")
    add_flag(made, "project", type=Path, required=True, help="a .clipgen file; created if missing")
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    export = read_export(options.export)  # before a project is created
    for source in export.sources:
        _log.info("%s: %d windows", source.path, len(source.windows))
    with Project(options.project) as project:
        added = import_export(export, project, cancel)
    _log.info("%d windows added to %s", added, options.project)
    return DONE
