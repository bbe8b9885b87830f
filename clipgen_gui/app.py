"""Command line, logging and global exception handling of the desktop app."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from clipgen_engine import __version__
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.errors import ProjectError
from clipgen_engine.files import private_folder
from clipgen_engine.projects.recovery import open_or_recover
from clipgen_engine.projects.store import Project
from clipgen_engine.user_folders import log_folder, thumbnails_folder, unnamed_project

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QtMsgType

    from clipgen_gui.main_window.window import MainWindow

_log = logging.getLogger(__name__)
_QT_LEVELS = {"QtDebugMsg": logging.DEBUG, "QtInfoMsg": logging.INFO, "QtWarningMsg": logging.WARNING}

NO_DISPLAY = (
    "clipgen: no display found (neither DISPLAY nor WAYLAND_DISPLAY is set);"
    " use clipgen-engine --video_path VIDEO, or run under a virtual display: xvfb-run clipgen VIDEO"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app until its window is closed and return the exit code."""
    options = _parser().parse_args(argv)
    if _display_missing():
        print(NO_DISPLAY, file=sys.stderr)
        return 2

    # Imported late, so that --help and --version work without a display and without the Qt libraries.
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    from clipgen_gui.look.theme import apply_theme
    from clipgen_gui.main_window.window import MainWindow

    shorten_switch_interval()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("clipgen")
    app.setDesktopFileName("clipgen")
    apply_theme(app)
    log_file = _log_to_file()
    qInstallMessageHandler(_log_qt_message)
    projects = [path for path in options.videos if path.suffix == ".clipgen" and not path.is_dir()]
    project, warning = _open_project(projects[0] if projects else None)
    window = MainWindow(project=project, cache=AnalysisCache, thumbnails=thumbnails_folder())
    _install_excepthook(window, log_file)
    window.show()
    window.open_paths(path for path in options.videos if path not in projects)
    window.resume()
    if warning:
        window.show_warning(warning)
    code = app.exec()
    qInstallMessageHandler(None)
    return code


def shorten_switch_interval() -> None:
    """Shorten the GIL switch interval, so that the GUI thread stays responsive while worker threads run.

    With all cores busy, the 95th percentile of timer lateness was 16 ms instead of 22.
    """
    sys.setswitchinterval(0.0005)


def _open_project(named: Path | None) -> tuple[Project | None, str]:
    """Open the given project, else the unnamed one. Return it with a warning for the user, empty if all went well."""
    from clipgen_gui.projects.flow import READ_ONLY

    warning = ""
    if named is not None:
        try:
            if not named.is_file():
                raise ProjectError(f"{named} does not exist", "Check the path")
            project, recovered = open_or_recover(named.absolute())
        except ProjectError as error:
            warning = str(error)
        else:
            return project, recovered or (READ_ONLY.format(named.name) if project.read_only else "")
    try:
        project, recovered = open_or_recover(unnamed_project(), whatever=True)
    except ProjectError as error:
        return None, f"{error} Until then decisions are lost when the window closes."
    return project, warning or recovered or (READ_ONLY.format("The unnamed project") if project.read_only else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clipgen",
        description="Review moments in which a face changes expression and export them as clips.",
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO-OR-FOLDER-OR-PROJECT", help="opened on startup")
    parser.add_argument("--version", action="version", version=f"clipgen {__version__}")
    return parser


def _display_missing() -> bool:
    return sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    )


def _log_to_file() -> Path:
    """Log warnings and errors to a file and return its path."""
    from clipgen_gui.support.error_report import PrivateLog, recent_errors

    logging.getLogger().addHandler(recent_errors)
    path = log_folder() / "clipgen.log"
    try:
        private_folder(path.parent)
        handler = PrivateLog(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
    except OSError:
        return path  # the app must start even if the log directory is not writable
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    return path


def _log_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    """Route Qt messages to the log. Fatal ones also go to stderr, since Qt aborts after them."""
    if kind.name == "QtFatalMsg":
        print(f"clipgen: {text}", file=sys.stderr, flush=True)
    logging.getLogger("qt").log(_QT_LEVELS.get(kind.name, logging.CRITICAL), "%s: %s", context.category, text)


def _install_excepthook(window: MainWindow, log_file: Path) -> None:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        _log.error("unexpected error", exc_info=(kind, error, trace))
        window.report_unexpected_error(log_file)

    sys.excepthook = hook
