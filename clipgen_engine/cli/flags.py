"""Conversion between declared settings and command line flags."""

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
    """A parser that reports invalid arguments in one line."""

    def error(self, message: str) -> Any:
        self.exit(WRONG_INPUT, f"{self.prog}: {message}. See {self.prog} --help.\n")


def given(options: argparse.Namespace, settings: Sequence[Setting]) -> dict[str, Any]:
    """Return the settings given on the command line."""
    return {setting.name: getattr(options, setting.name) for setting in settings if hasattr(options, setting.name)}


def add_flag(parser: Any, name: str, **options: Any) -> None:
    options["help"] = options["help"].replace("%", "%%")  # argparse formats help texts with %
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
        help="dataset layout, repeatable: " + "; ".join(f"{name}: {one.help}" for name, one in LAYOUTS.items()),
    )


def report_outcome(count: int, what: str, folder: Path, failures: Sequence[str]) -> int:
    """Print the failures and a summary line. Returns the exit code."""
    for sentence in failures:
        print(f"clipgen-engine: {sentence}", file=sys.stderr)
    logging.getLogger("clipgen").info("%d %s in %s", count, what, folder)
    return WRONG_INPUT if failures else DONE
