"""Labels for text of any length, and the status bar's progress and remaining time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Analysis, Progress
from clipgen_gui.document.entry import VideoState
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.main_window import status_bar as status_line
from clipgen_gui.main_window.status_bar import QueueEstimate, StatusBar
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.widgets.labels import ElidedLabel, WrappedLabel, shortened
from tests.support.gui import open_analysed


@given(st.text(max_size=80), st.integers(2, 60))
def test_a_shortened_text_keeps_both_ends(text: str, letters: int) -> None:
    short = shortened(text, letters)
    assert len(short) == min(len(text), letters)
    head, _, tail = short.partition("…") if short != text else (text, "", "")
    assert text.startswith(head)
    assert text.endswith(tail)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ab <b>/.", max_size=300))
def test_long_words_wrap_and_keep_their_text(qtbot: QtBot, text: str) -> None:
    label = WrappedLabel()
    label.setText(text)
    qtbot.addWidget(label)
    assert label.text() == text
    assert QLabel.text(label).replace("\u200b", "") == text
    assert label.minimumSizeHint().width() <= label.fontMetrics().horizontalAdvance("b" * 30) + 8


def test_a_line_is_elided_in_the_middle(qtbot: QtBot) -> None:
    label = ElidedLabel("from the first to the last word")
    qtbot.addWidget(label)
    label.resize(label.sizeHint())
    label.show()
    assert QLabel.text(label) == label.text()
    assert label.toolTip() == ""
    label.resize(90, 20)
    shown = QLabel.text(label)
    assert "…" in shown
    assert shown.startswith("f")
    assert shown.endswith("d")
    assert label.toolTip() == label.text() == "from the first to the last word"


def test_long_names_notes_and_tags_do_not_widen_the_window(
    window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    window.parts.analysis.queue.set_paused(True)
    video = tmp_path / f"{'v' * 200}.mp4"
    video.write_bytes(short_video.read_bytes())
    entry = open_analysed(window, qtbot, video, short_analysis)
    session = window.session
    session.selection.select(entry.rows[0].key)
    session.decisions.set_tags(["t" * 90, "u" * 90])
    session.decisions.set_note("n" * 300)
    session.decisions.set_subject(entry.rows[0].sequence.track_id, "s" * 90)
    session.selection.set_filter(WindowFilter(tag="t" * 90))
    window.parts.status.show_progress(f"Analysing {video.name}", "frames", None)
    session.fail(entry, f"{video.name} cannot be used.")
    window.parts.messages.show_message(f"{video} cannot be used.", "error")
    session.set_state(entry, VideoState.STOPPED)
    qtbot.wait(50)
    assert window.minimumSizeHint().width() <= window.width() == 1280


def test_the_remaining_time_includes_waiting_videos(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(status_line.time, "monotonic", lambda: clock[0])
    line = StatusBar(QAction("Cancel"))
    qtbot.addWidget(line)
    show = lambda done, after: line.show_progress("Analysing a.mp4", "frames", Progress("analysis", done, 200), after)  # noqa: E731
    after = QueueEstimate(9, "more video", share=3.0)
    show(0, after)
    assert line.text == "Analysing a.mp4 — 0 / 200 frames"
    clock[0] += 10
    show(100, after)
    assert line.text == "Analysing a.mp4 — 100 / 200 frames · 10 s left, then 9 more videos: 70 s left"
    show(100, None)
    assert line.text == "Analysing a.mp4 — 100 / 200 frames · 10 s left"


def test_the_status_text_is_not_elided_if_it_fits(window: MainWindow, qtbot: QtBot) -> None:
    line, shown = window.parts.status, window.parts.status.findChild(ElidedLabel)
    for number in range(30):
        line.show_progress("Analysing " + number * "i" + "W.mp4", "frames", Progress("analysis", number, 200))
        qtbot.wait(1)
        assert QLabel.text(shown) == line.text
    line.show_idle()
    qtbot.wait(1)
    assert QLabel.text(shown) == "Ready"


def test_waiting_videos_are_estimated_by_duration(
    window: MainWindow, short_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.parts.analysis.queue.set_paused(True)
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.mp4")
        paths[-1].write_bytes(short_video.read_bytes() + bytes([number]))
    running, known, unknown = window.session.open_paths(paths)
    window.session.set_state(running, VideoState.ANALYSING)
    running.duration_s, known.duration_s, unknown.duration_s = 10.0, 30.0, None
    state = window.state
    assert state.estimate_queue(running) is None, "the queue is paused"
    monkeypatch.setattr(window.parts.analysis.queue, "_paused", False)
    assert state.estimate_queue(running) == QueueEstimate(2, "more video", 6.0)
    known.duration_s = None
    assert state.estimate_queue(running) is None
