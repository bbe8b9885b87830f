"""First run: start page, first-run hints, and errors with a report to copy."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Decision
from clipgen_gui.commands.keymap import keymap
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.start_page import StartPage, sample_video
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.error_report import RecentErrors, recent_errors, redact_paths, report_text
from tests.support.paths import SAMPLE

LEFT = Qt.MouseButton.LeftButton


def test_start_page_opens_files_folders_and_the_sample(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, short_video: Path
) -> None:
    monkeypatch.setattr(window.parts.analysis.queue, "start", lambda: None)
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: asked.append("files") or ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: asked.append("folder") or "")
    page = window.parts.start_page
    assert page.isVisible()
    qtbot.mouseClick(page.buttons["open"], LEFT)
    qtbot.mouseClick(page.buttons["open_folder"], LEFT)
    qtbot.mouseClick(page, LEFT)
    assert asked == ["files", "folder", "files"]
    qtbot.mouseClick(page.sample_button, LEFT)
    assert [entry.path for entry in window.session.videos] == [SAMPLE]
    assert not page.isVisible()


def test_sample_is_offered_only_if_available(window: MainWindow, qtbot: QtBot) -> None:
    assert sample_video() == SAMPLE
    page = StartPage(window.actions_by_name, None)
    qtbot.addWidget(page)
    page.show()
    assert not page.sample_button.isVisible()


def test_recent_projects_are_listed(window: MainWindow, qtbot: QtBot) -> None:
    page = window.parts.start_page
    projects = [Path(f"/work/of/{name}.clipgen") for name in ("spring", "summer")]
    page.show_recent(projects)
    assert [link.text() for link in page.recent] == ["spring", "summer"]
    with qtbot.waitSignal(page.recent_chosen) as chosen:
        qtbot.mouseClick(page.recent[1], LEFT)
    assert chosen.args == [projects[1]]
    page.show_recent([])
    assert page.recent == []


def test_first_steps_are_shown_until_dismissed(reviewed: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    steps = reviewed.parts.steps
    assert steps.isVisible()
    assert steps.step == 1
    reviewed.session.selection.select(reviewed.session.current.rows[0].key)
    reviewed.session.decisions.decide(Decision.ACCEPTED)
    assert steps.step == 1, "others are still undecided"
    rest = [row.id for row in reviewed.session.current.rows[1:]]
    reviewed.session.decisions.decide_all(rest, Decision.REJECTED)
    assert steps.step == 2
    keymap.assign("accept", ["Y"])
    assert "Y accepts" in steps.labels[1].text()
    qtbot.mouseClick(steps.close_button, LEFT)
    assert not steps.isVisible()
    again = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(again)
    again.show()
    assert not again.parts.steps.isVisible()
    again.close()


def test_export_hides_the_first_steps(window: MainWindow) -> None:
    assert window.parts.steps.isVisible()
    assert window.parts.steps.step == 0
    window.actions_by_name["export"].setEnabled(True)
    window.actions_by_name["export"].trigger()
    assert not window.parts.steps.isVisible()


def test_error_message_has_details_and_a_report_to_copy(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    window.parts.analysis.queue.start = lambda: None  # type: ignore[method-assign]
    window.open_paths([path]) if path.exists() else window.session.open_paths([path])
    entry = window.session.current
    assert entry is not None
    qtbot.waitUntil(lambda: entry.state is VideoState.FAILED)
    (bar,) = window.parts.messages.bars
    assert bar.details is not None
    assert not bar.report.isVisible()
    height = window.parts.messages.height()
    qtbot.mouseClick(bar.details, LEFT)
    assert bar.report.isVisible()
    qtbot.waitUntil(lambda: window.parts.messages.height() > height)
    qtbot.mouseClick(bar.copy_button, LEFT)
    copied = QApplication.clipboard().text()
    assert bar.text in copied
    assert "clipgen 0." in copied
    assert "Python 3" in copied
    assert "PySide6 6" in copied


def test_warning_has_no_report(window: MainWindow) -> None:
    window.parts.messages.show_message("No videos found here.", "warning")
    assert window.parts.messages.bars[0].details is None


def test_report_contains_no_directories(tmp_path: Path) -> None:
    handler = RecentErrors()
    secret = tmp_path / "Anna Berg" / "clip one.mp4"
    try:
        secret.read_bytes()
    except OSError:
        record = logging.LogRecord("clipgen", logging.ERROR, __file__, 1, "could not read %s", (secret,), None)
        record.exc_info = sys.exc_info()
        handler.emit(record)
    error = handler.take()
    assert str(tmp_path) in error
    assert handler.take() == "", "an error must be reported with one message only"
    report = report_text("Something unexpected happened.", error)
    assert "FileNotFoundError" in report
    assert "clip one.mp4'" in report
    assert "Anna" not in report
    for folder in (str(tmp_path), str(Path(__file__).parent), str(Path.home())):
        assert folder not in report
    assert 'File "test_first_run.py"' in report


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            'File "/home/a/.venv/lib/python3.11/site-packages/av/container.py", line 3',
            'File "av/container.py", line 3',
        ),
        ('File "C:\\Users\\a\\clipgen_gui\\app.py", line 3', 'File "clipgen_gui\\app.py", line 3'),
        ("cannot open '/media/My Films/x.mp4'", "cannot open '…/x.mp4'"),
        ("cannot open C:\\Films\\x.mp4 now", "cannot open …/x.mp4 now"),
        ("cannot open /media/films/x.mp4: it is gone", "cannot open …/x.mp4: it is gone"),
        ("640/360 at 1/2 speed, yes/no", "640/360 at 1/2 speed, yes/no"),
    ],
)
def test_paths_are_redacted(text: str, redacted: str) -> None:
    assert redact_paths(text) == redacted


def test_logged_error_is_in_the_report(window: MainWindow) -> None:
    recent_errors.emit(logging.LogRecord("clipgen_gui.support.jobs", logging.ERROR, "x.py", 1, "it broke", (), None))
    window.parts.messages.show_message("Something unexpected happened.", "error")
    assert "clipgen_gui.support.jobs: it broke" in window.parts.messages.bars[0].report.toPlainText()
