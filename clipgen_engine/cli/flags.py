"""Flags made from declared settings, and settings made from flags."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clipgen_engine.datasets.layouts.registry import LAYOUTS
from clipgen_engine.types import Setting

DONE, BUG, WRONG_INPUT, NOTHING_PASSED, INTERRUPTED = 0, 1, 2, 3, 130  # exit codes


class HelpfulParser(argparse.ArgumentParser):
    """Answers wrong arguments in one line."""

    def error(self, message: str) -> Any:
        self.exit(WRONG_INPUT, f"{self.prog}: {message}. See {self.prog} --help.\n")


def given(options: argparse.Namespace, settings: Sequence[Setting]) -> dict[str, Any]:
    """What was given on the command line; the defaults are those of the settings."""
    return {setting.name: getattr(options, setting.name) for setting in settings if hasattr(options, setting.name)}


def add_flag(parser: Any, name: str, **options: Any) -> None:
    options["help"] = options["help"].replace("%", "%%")  # argparse fills in values by %
    spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
    parser.add_argument(*spellings, dest=name, **options)


def setting_flag(group: Any, setting: Setting) -> None:
    unit = f" {setting.unit}" if setting.unit else ""
    choices = f"; one of {', '.join(setting.choices)}" if setting.choices else ""
    default = "not set" if setting.default is None else f"default {setting.default}{unit}"
    help_text = f"{setting.help.rstrip('.')} ({default}{choices})"
    add_flag(group, setting.name, default=argparse.SUPPRESS, metavar=setting.kind.__name__.upper(), help=help_text)


def layout_flag(parser: Any) -> None:
    add_flag(
        parser,
        "layout",
        action="append",
        choices=tuple(LAYOUTS),
        metavar="NAME",
        help="layout of the dataset, repeatable: " + "; ".join(f"{name}: {one.help}" for name, one in LAYOUTS.items()),
    )


def say_how_it_ended(count: int, what: str, folder: Path, failures: Sequence[str]) -> int:
    """A line about what was written, one for each thing that was not; the exit code."""
    for sentence in failures:
        print(f"clipgen-engine: {sentence}", file=sys.stderr)
    logging.getLogger("clipgen").info("%d %s in %s", count, what, folder)
    return WRONG_INPUT if failures else DONE
