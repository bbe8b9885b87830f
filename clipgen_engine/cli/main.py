"""`clipgen-engine`: dispatch arguments to a subcommand; map errors to exit codes."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Sequence
from io import TextIOWrapper

from clipgen_engine.cli.flags import BUG, INTERRUPTED, WRONG_INPUT
from clipgen_engine.cli.progress import cancel_on_interrupt
from clipgen_engine.errors import Cancelled, ClipgenError

_COMMANDS = {
    "export": "clipgen_engine.cli.export",
    "info": "clipgen_engine.cli.info",
    "forget": "clipgen_engine.cli.forget",
    "import": "clipgen_engine.cli.import_",
    "rank": "clipgen_engine.cli.rank",
    "assign": "clipgen_engine.cli.assign",
    "merge": "clipgen_engine.cli.merge",
}
_RUN = "clipgen_engine.cli.run"

_log = logging.getLogger("clipgen")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    named = given[:1] and given[0] in _COMMANDS
    command = importlib.import_module(_COMMANDS[given[0]] if named else _RUN)  # some load heavy libraries
    options = command.parser().parse_args(given[1:] if named else given)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    cancel = threading.Event()
    try:
        with cancel_on_interrupt(cancel):
            code: int = command.run(options, cancel)
            return code
    except Cancelled:
        print("Interrupted; finished work is kept.", file=sys.stderr)
        return INTERRUPTED
    except ClipgenError as error:
        print(f"clipgen-engine: {error}", file=sys.stderr)
        return WRONG_INPUT
    except Exception:
        _log.exception("Internal error in clipgen; please report it with this traceback")
        return BUG
