"""End to end: from opening a video to exported clips, by keys and mouse, with the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Analysis, Decision
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.threads import running_threads
from tests.support.gui import drag, open_analysed, python_threads

ANALYSIS_MS = 60_000


def test_from_a_video_to_clips(window: MainWindow, qtbot: QtBot, short_video: Path, tmp_path: Path) -> None:
    session = window.session
    partial: list[int] = []
    session.analysis_changed.connect(
        lambda: partial.append(session.current.analysis.analyzed_frames) if session.current.analysis else None
    )
    window.open_paths([short_video])
    entry = session.current
    assert entry is not None
    qtbot.waitUntil(lambda: entry.state is VideoState.DONE, timeout=ANALYSIS_MS)
    frames = entry.frame_count
    assert partial[-1] == frames
    assert any(seen < frames for seen in partial), "no partial analysis was shown"
    assert window.parts.review.panel.view.model().rowCount() == len(entry.rows) >= 3
    assert window.parts.status.text == "Ready"

    # Changing a weight by mouse, then by key, updates the ranking.
    before = [row.sequence.combined_score for row in entry.rows]
    slider = window.parts.ranking.panel.weights.sliders["expression_variation"]
    drag(qtbot, slider, 20)
    qtbot.waitUntil(lambda: [row.sequence.combined_score for row in entry.rows] != before)
    assert session.settings.weights["expression_variation"] == pytest.approx(0.2, abs=0.05)
    moved = slider.value()
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Plus)
    assert slider.value() == moved + 1
    qtbot.waitUntil(lambda: session.settings.weights["expression_variation"] == slider.number)
    qtbot.waitUntil(
        lambda: window.parts.review.panel.model.index(0, 2).data() == f"{entry.rows[0].sequence.combined_score:.2f}"
    )

    # Decide by keys: Down selects, A accepts and selects the next, R rejects.
    first, second, third = (row.key for row in entry.rows[:3])
    qtbot.keyClick(window, Qt.Key.Key_Down)
    assert entry.selected == first
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert entry.selected == second
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert entry.selected == third
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert [entry.decision_of(key) for key in (first, second, third)] == [
        Decision.ACCEPTED, Decision.REJECTED, Decision.ACCEPTED,
    ]  # fmt: skip
    assert second in {row.key for row in entry.rows}, "a rejected window must stay listed"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert entry.decision_of(third) is Decision.UNDECIDED
    assert entry.selected == third
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert entry.decision_of(third) is Decision.ACCEPTED

    # Accepted windows stay listed whatever the weights.
    session.controls.set_weight("expression_variation", 0.0)
    session.rank_now()
    assert {first, third} <= {row.key for row in entry.rows}

    # Export.
    assert window.parts.toolbar.export_button.text() == "Export 2 clips"
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    export = window.parts.export.flow.window
    assert export is not None
    assert export.folder == short_video.parent / "short_clips"
    export.path.setText(str(tmp_path / "out"))
    qtbot.mouseClick(export.start_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(window.parts.messages.texts), timeout=30_000)
    folder = tmp_path / "out" / "clips"
    assert window.parts.messages.texts == [f"2 clips written · {tmp_path / 'out'}"]
    qtbot.mouseClick(export.close_button, Qt.MouseButton.LeftButton)
    clips = sorted(folder.glob("*.mp4"))
    assert [probe(clip).frame_count for clip in clips] == [30, 30]
    recorded = json.loads((folder / "clip_metadata.json").read_text())["clips"]
    assert {(one["start_frame"], one["end_frame"] + 1) for one in recorded} == {first[:2], third[:2]}
    assert window.parts.toolbar.export_button.isEnabled()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.parts.messages.texts == []


def test_cancelling_an_analysis_keeps_partial_results(window: MainWindow, qtbot: QtBot, short_video: Path) -> None:
    window.open_paths([short_video])
    entry = window.session.current
    assert entry is not None
    qtbot.waitUntil(lambda: entry.analysis is not None and entry.analysis.analyzed_frames > 0, timeout=ANALYSIS_MS)
    assert window.parts.toolbar.analyse_button.text() == "Cancel"
    qtbot.mouseClick(window.parts.toolbar.analyse_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: entry.state is VideoState.STOPPED, timeout=2000)
    assert 0 < entry.analysis.analyzed_frames < entry.frame_count
    assert window.parts.toolbar.analyse_button.text() == "Analyse"
    assert window.parts.status.text == "Ready"


def test_closing_during_an_analysis_ends_all_threads(window: MainWindow, qtbot: QtBot, short_video: Path) -> None:
    before = python_threads()
    window.open_paths([short_video, short_video.parent / "absent.mp4"])
    entry = window.session.current
    assert entry is not None
    qtbot.waitUntil(lambda: entry.analysis is not None, timeout=ANALYSIS_MS)
    window.parts.player.playback.play()
    window.close()
    assert not running_threads(window)
    qtbot.waitUntil(lambda: python_threads() <= before, timeout=1000)
    QApplication.processEvents()  # late events must not fail


def test_bad_files_show_messages_and_do_not_stop_the_app(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, short_video: Path, no_face_video: Path
) -> None:
    no_video, cut = tmp_path / "text.mp4", tmp_path / "cut.mp4"
    no_video.write_text("this is not a video\n" * 50)
    cut.write_bytes(short_video.read_bytes()[:3000])
    absent, empty = tmp_path / "absent.mp4", tmp_path / "folder"
    empty.mkdir()
    texts: list[str] = []
    for paths in ([no_video], [cut], [absent], [no_face_video], [empty]):
        window.parts.messages.dismiss_all()
        window.open_paths(paths)
        qtbot.waitUntil(lambda: bool(window.parts.messages.texts), timeout=ANALYSIS_MS)
        qtbot.waitUntil(lambda: window.parts.analysis.queue.running is None, timeout=ANALYSIS_MS)
        assert len(window.parts.messages.texts) == 1
        texts += window.parts.messages.texts
    for name, text in zip(("text.mp4", "cut.mp4", "absent.mp4", "sky.mp4", "folder"), texts, strict=True):
        assert name in text
        assert text.endswith(".")
    states = [entry.state for entry in window.session.videos]
    assert states == [VideoState.FAILED] * 3 + [VideoState.DONE]
    assert window.parts.projects.videos.model.index(0).data(Qt.ItemDataRole.ToolTipRole).startswith(texts[0])

    window.open_paths([short_video])
    qtbot.waitUntil(lambda: window.parts.player.view.shown_frame == 0, timeout=5000)
    qtbot.waitUntil(lambda: window.session.current.analysis is not None, timeout=ANALYSIS_MS)


def test_dropped_files_and_folders_are_opened(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, short_video: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(window.parts.analysis.queue, "start", lambda: None)  # no analysis needed here
    (tmp_path / "one.mp4").write_bytes(short_video.read_bytes())
    (tmp_path / "two.mp4").write_bytes(short_video.read_bytes())
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(short_video)), QUrl.fromLocalFile(str(tmp_path))])
    position = QPointF(window.rect().center())
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(position.toPoint(), Qt.DropAction.CopyAction, dropped, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(position, Qt.DropAction.CopyAction, dropped, buttons, keys))
    assert [entry.path.name for entry in window.session.videos] == ["short.mp4", "one.mp4", "two.mp4"]
    assert window.parts.projects.videos.model.rowCount() == 3
    qtbot.waitUntil(lambda: window.parts.player.view.shown_frame == 0)


def test_failure_of_a_background_video_shows_no_message_bar(
    window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    open_analysed(window, qtbot, short_video, short_analysis)
    absent = VideoEntry(tmp_path / "absent.mp4")
    window.session.videos.append(absent)
    window.session.videos_changed.emit()
    window.parts.analysis.queue.start()
    qtbot.waitUntil(lambda: absent.state is VideoState.FAILED, timeout=ANALYSIS_MS)
    assert window.parts.messages.texts == []
    assert window.parts.status.temporary_text == absent.message
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert window.session.current is absent
    assert absent.message in window.parts.projects.videos.model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert window.parts.review.panel._hint.text() == absent.message
