"""Load libraries without their unused parts, for which every worker process would pay, and without their messages."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_log = logging.getLogger(__name__)
_stderr_lock = threading.Lock()


class _StandIn(ModuleType):
    """A placeholder module that provides any attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Replace modules that are not imported yet by placeholders; on exit they can be imported normally."""
    stand_ins = {name: _StandIn(name) for name in modules if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


@contextmanager
def native_stderr_logged() -> Iterator[None]:
    """Redirect native stderr output to the debug log.

    The startup messages of MediaPipe and LiteRT cannot be disabled, and the command line reserves stderr for its own.
    """
    with _stderr_lock, tempfile.TemporaryFile() as caught:
        sys.stderr.flush()
        original = os.dup(2)
        try:
            os.dup2(caught.fileno(), 2)
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                _log.debug("native: %s", line)
