"""Error reports for the user to copy into a bug report. Nothing is sent."""

from __future__ import annotations

import logging
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from PySide6.QtCore import qVersion

from clipgen_engine import __version__
from clipgen_engine.files import private_file

_PACKAGES = ("PySide6", "ai-edge-litert", "av", "opencv-contrib-python", "numpy", "torch")
_CODE = re.compile(r'File "([^"]*)"')
_PACKAGE_ROOT = re.compile(r".*[\\/](?=(?:clipgen_gui|clipgen_engine)[\\/])|.*[\\/](?:site|dist)-packages[\\/]")
_QUOTED_PATH = re.compile(r"""(['"])(?:[A-Za-z]:[\\/]|[\\/])[^'"\n]*[\\/]([^'"\n\\/]*)\1""")
_BARE_PATH = re.compile(r"(?<![\w.…\\/])(?:[A-Za-z]:[\\/]|/)(?:[^'\"\\/:\n]+[\\/])+([^\s'\"\\/:]*)")


class PrivateLog(RotatingFileHandler):
    """A rotating log that only its owner may read: it holds the names of files."""

    def _open(self) -> TextIOWrapper:
        private_file(Path(self.baseFilename))
        return super()._open()


class RecentErrors(logging.Handler):
    """Keeps the last logged error with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._last = ""
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._last = self.format(record)

    def take(self) -> str:
        """Return the last error and clear it, so that it is attached to one message only."""
        taken, self._last = self._last, ""
        return taken


recent_errors = RecentErrors()


def report_text(message: str, error: str = "") -> str:
    """Versions, system, the message as shown, and the error behind it.

    Directories are removed from the error, since they may identify people and projects. The message stays unchanged.
    """
    lines = [
        f"clipgen {__version__}, Python {platform.python_version()}, Qt {qVersion()}",
        f"{platform.system()} {platform.release()}, {platform.machine()}",
        ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
        "",
        message,
    ]
    if error:
        lines += ["", redact_paths(error)]
    return "\n".join(lines)


def redact_paths(text: str) -> str:
    """Reduce every path to its file name, and paths of source files to the part from the package on."""

    def code(found: re.Match[str]) -> str:
        path = _PACKAGE_ROOT.sub("", found[1])
        if path == found[1]:  # neither an installed package nor clipgen
            path = re.split(r"[\\/]", path)[-1]
        return f'File "{path}"'

    cut = _CODE.sub(code, text)
    cut = _QUOTED_PATH.sub(r"\1…/\2\1", cut)
    return _BARE_PATH.sub(r"…/\1", cut)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
