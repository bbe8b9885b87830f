"""What a person can send along when something went wrong: put together here, sent nowhere."""

from __future__ import annotations

import logging
import platform
import re
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import qVersion

from clipgen_engine import __version__

_PACKAGES = ("PySide6", "av", "mediapipe", "opencv-contrib-python", "numpy", "torch")
_CODE = re.compile(r'File "([^"]*)"')
_OUR_PLACES = re.compile(r".*[\\/](?=(?:clipgen_gui|clipgen_engine)[\\/])|.*[\\/](?:site|dist)-packages[\\/]")
_QUOTED_PATH = re.compile(r"""(['"])(?:[A-Za-z]:[\\/]|[\\/])[^'"\n]*[\\/]([^'"\n\\/]*)\1""")
_BARE_PATH = re.compile(r"(?<![\w.…\\/])(?:[A-Za-z]:[\\/]|/)(?:[^'\"\\/:\n]+[\\/])+([^\s'\"\\/:]*)")


class RecentErrors(logging.Handler):
    """Remembers the last error that was logged, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._last = ""
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._last = self.format(record)

    def take(self) -> str:
        """What was remembered; it is forgotten, since it is behind one message only."""
        taken, self._last = self._last, ""
        return taken


recent_errors = RecentErrors()


def report_text(sentence: str, error: str = "") -> str:
    """Versions, system, the sentence as it was shown, and the error behind it.

    Folders are left out of the error: they name people and their work. The sentence stays as it was shown.
    """
    lines = [
        f"clipgen {__version__}, Python {platform.python_version()}, Qt {qVersion()}",
        f"{platform.system()} {platform.release()}, {platform.machine()}",
        ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
        "",
        sentence,
    ]
    if error:
        lines += ["", without_folders(error)]
    return "\n".join(lines)


def without_folders(text: str) -> str:
    """The text with every path cut down to its last part; of a place in the code what follows the package's folder."""

    def code(found: re.Match[str]) -> str:
        place = _OUR_PLACES.sub("", found[1])
        if place == found[1]:  # of neither a package nor ours
            place = re.split(r"[\\/]", place)[-1]
        return f'File "{place}"'

    cut = _CODE.sub(code, text)
    cut = _QUOTED_PATH.sub(r"\1…/\2\1", cut)
    return _BARE_PATH.sub(r"…/\1", cut)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
