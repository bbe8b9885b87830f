"""Command line, lazy imports, exception handling and the engine worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from clipgen_engine.errors import Cancelled, VideoError
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Progress, ProgressCallback
from clipgen_gui import app
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.error_report import PrivateLog
from clipgen_gui.support.jobs import EngineWorker
from clipgen_gui.support.threads import end_threads
from tests.support.paths import ROOT


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can lack a display")
def test_missing_display_prints_one_helpful_line() -> None:
    done = _run("-m", "clipgen_gui", "x.mp4")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no display" in done.stderr
    assert "clipgen-engine" in done.stderr


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_need_no_display_and_no_qt(flag: str) -> None:
    done = _run(
        "-c",
        "import sys\nfrom clipgen_gui.app import main\n"
        f"try:\n    main(['{flag}'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "assert not [name for name in sys.modules if name.startswith('PySide6')]",
    )
    assert done.returncode == 0, done.stderr
    assert "clipgen" in done.stdout


def test_window_shows_without_heavy_imports() -> None:
    done = _run(
        "-c",
        "import sys, clipgen_gui.app\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from clipgen_gui.main_window.window import MainWindow\n"
        "app = QApplication([])\n"
        "window = MainWindow()\nwindow.show()\napp.processEvents()\nassert window.isVisible()\n"
        "heavy = {'torch', 'transformers', 'mediapipe', 'cv2', 'scenedetect', 'matplotlib'} & set(sys.modules)\n"
        "window.close()\nassert not heavy, heavy",
        QT_QPA_PLATFORM="offscreen",
        XDG_CONFIG_HOME=os.devnull,
    )
    assert done.returncode == 0, done.stderr


def test_calls_returning_none_keep_its_reference_count(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 loses a reference to None per call and eventually aborts."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for number in range(300):
        label.setText(str(number))
    assert abs(sys.getrefcount(None) - before) < 100


def test_uncaught_exception_is_logged_and_shown_once(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    app._install_excepthook(window, tmp_path / "clipgen.log")
    error = RuntimeError("a bug")
    with caplog.at_level(logging.ERROR):
        sys.excepthook(RuntimeError, error, None)
    assert "a bug" in caplog.text
    assert len(window.parts.messages.texts) == 1
    assert window.isVisible()
    caplog.clear()


APP = """
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtWidgets import QApplication
from clipgen_engine.projects.store import Project
from clipgen_gui import app
from clipgen_gui.support.error_report import PrivateLog
from clipgen_gui.main_window import window

def warn(window):
    qWarning("a warning of Qt")
    QTimer.singleShot(0, QApplication.quit)

window.MainWindow.resume = warn
raise SystemExit(app.main([]))
"""


def test_qt_messages_go_to_the_log(tmp_path: Path) -> None:
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    done = _run("-c", APP, QT_QPA_PLATFORM="offscreen", **folders)
    assert (done.returncode, done.stderr) == (0, "")
    (log,) = tmp_path.rglob("clipgen.log")
    assert "WARNING qt: default: a warning of Qt" in log.read_text()


# The worker


def _verb(body: Callable[[ProgressCallback, threading.Event], Any]) -> Any:
    return lambda report, offer, cancel: body(report, cancel)


def test_worker_reports_the_outcome_of_a_verb(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    worker = EngineWorker("test")

    def outcome(body: Callable[[ProgressCallback, threading.Event], Any], signal: Any) -> list[Any]:
        with qtbot.waitSignal(signal, timeout=5000) as waiting:
            job = worker.start(_verb(body))
        assert waiting.args[0] == job
        assert not worker.busy
        return list(waiting.args[1:])

    def bad_video(*_: object) -> None:
        raise VideoError("x.mp4 is no video", "Choose another")

    def cancelled(_: ProgressCallback, cancel: threading.Event) -> None:
        assert cancel.wait(5)
        raise Cancelled

    try:
        assert outcome(lambda *_: 42, worker.finished) == [42]
        assert outcome(bad_video, worker.failed) == ["x.mp4 is no video. Choose another."]
        (message,) = outcome(lambda *_: 1 / 0, worker.failed)
        assert "ZeroDivisionError" in message
        assert "Traceback" in caplog.text
        caplog.clear()
        with qtbot.waitSignal(worker.cancelled, timeout=5000):
            worker.start(_verb(cancelled))
            worker.cancel()
    finally:
        assert end_threads(worker, 1000)


def test_superseded_job_emits_nothing(qtbot: QtBot) -> None:
    worker = EngineWorker("test")
    received: list[tuple[int, object]] = []
    worker.finished.connect(lambda job, value: received.append((job, value)))
    worker.cancelled.connect(lambda job: received.append((job, "cancelled")))

    def slow(_: ProgressCallback, cancel: threading.Event) -> str:
        cancel.wait(5)
        return "old"

    try:
        worker.start(_verb(slow))
        with qtbot.waitSignal(worker.finished, timeout=5000):
            new = worker.start(_verb(lambda *_: "new"))
        assert received == [(new, "new")]
    finally:
        assert end_threads(worker, 1000)


def test_progress_is_emitted_at_most_ten_times_a_second(qtbot: QtBot) -> None:
    worker = EngineWorker("test")
    seen: list[int] = []
    worker.progressed.connect(lambda _, progress: seen.append(progress.done))

    def chatty(report: ProgressCallback, _: threading.Event) -> None:
        for done in range(1000):
            report(Progress("analysis", done, 1000))
        report(Progress("analysis", 1000, 1000))

    try:
        with qtbot.waitSignal(worker.finished, timeout=5000):
            worker.start(_verb(chatty))
        assert seen[-1] == 1000
        assert len(seen) < 10
    finally:
        assert end_threads(worker, 1000)


# A damaged project


STARTED = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from clipgen_engine.projects.store import Project
from clipgen_gui import app
from clipgen_gui.support.error_report import PrivateLog
from clipgen_gui.main_window import window

def look(self):
    QTimer.singleShot(0, lambda: (print([one.path.name for one in self.session.videos], self.parts.messages.texts),
                                  QApplication.quit()))

window.MainWindow.resume = look
raise SystemExit(app.main({arguments}))
"""


@pytest.mark.parametrize("content", ["a damaged page", "no database"])
def test_a_damaged_unnamed_project_does_not_keep_the_app_from_starting(tmp_path: Path, content: str) -> None:
    path = tmp_path / "DATA" / "clipgen" / "unnamed.clipgen"
    with Project(path) as project:
        project.add_videos(Path(f"/videos/{number}.mp4") for number in range(300))
    if content == "no database":
        path.write_text("not a database\n" * 100)
    else:
        with path.open("r+b") as file:
            file.seek(3 * 4096)
            file.write(b"\xa5" * 4096)
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    done = _run("-c", STARTED.format(arguments=[]), QT_QPA_PLATFORM="offscreen", **folders)
    assert (done.returncode, done.stderr) == (0, "")
    assert "unnamed.clipgen was damaged" in done.stdout
    assert len(list(path.parent.glob("unnamed.damaged-*.clipgen"))) == 1
    with Project(path) as project:
        assert len(project.videos()) == done.stdout.count(".mp4'")


def test_the_log_is_the_owner_s_alone(tmp_path: Path) -> None:
    log = PrivateLog(tmp_path / "clipgen.log", maxBytes=200, backupCount=2, encoding="utf-8", delay=True)
    for number in range(20):
        log.emit(logging.LogRecord("clipgen", logging.WARNING, "x", 1, "a line about a video %d", (number,), None))
    log.close()
    files = list(tmp_path.glob("clipgen.log*"))
    assert len(files) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
