"""The export window before, during and after an export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Analysis, Decision
from clipgen_engine.video.index import probe
from clipgen_gui.export.window import ExportWindow
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import open_analysed

_TIMEOUT_MS = 30_000


def accept(window: MainWindow, count: int) -> None:
    session = window.session
    assert session.current is not None
    for row in session.current.rows[:count]:
        session.selection.select(row.key)
        session.decisions.decide(Decision.ACCEPTED)


@pytest.fixture
def export(reviewed: MainWindow, qtbot: QtBot, tmp_path: Path) -> ExportWindow:
    """The export window for a video with two accepted windows and an empty output folder."""
    accept(reviewed, 2)
    qtbot.keyClick(reviewed, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    made = reviewed.parts.export.flow.window
    assert made is not None
    made.path.setText(str(tmp_path / "out"))
    return made


def run(window: MainWindow, export: ExportWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(export.start_button, Qt.MouseButton.LeftButton)
    assert window.parts.export.job.busy
    assert export.cancel_button.isVisible()
    assert not export.options.isEnabled()
    qtbot.waitUntil(lambda: not window.parts.export.job.busy, timeout=_TIMEOUT_MS)


def shown(export: ExportWindow) -> list[str]:
    model = export.results.results
    return [model.index(row).data() for row in range(model.rowCount())]


def test_layouts_are_written_together_and_only_once(
    reviewed: MainWindow, export: ExportWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not export.isModal()
    assert export.start_button.text() == "Export 2 clips"
    qtbot.waitUntil(lambda: export.note.text().startswith("60 frames to write, about "), timeout=_TIMEOUT_MS)
    box = export.options.layouts["videofolder"]
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert export.options.chosen_layouts == ("plain", "videofolder")
    run(reviewed, export, qtbot)
    assert [line.rpartition(" · ")[2] for line in shown(export)] == ["written", "written"]
    assert export.note.text() == "2 clips written"
    assert export.open_folder.isVisible()
    assert len(list((tmp_path / "out" / "clips").glob("*.mp4"))) == 2
    assert len(list((tmp_path / "out" / "videofolder" / "train").glob("*.mp4"))) == 2

    run(reviewed, export, qtbot)
    assert export.note.text() == "2 clips unchanged"
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    qtbot.waitUntil(lambda: export.note.text() == "Everything is up to date; nothing to write.", timeout=_TIMEOUT_MS)


def test_the_preview_plays_the_clip(reviewed: MainWindow, export: ExportWindow, qtbot: QtBot) -> None:
    preview = export.preview
    qtbot.waitUntil(lambda: preview.picture is not None, timeout=_TIMEOUT_MS)
    assert preview.picture is not None
    whole = preview.picture.width() / preview.picture.height()
    assert whole == pytest.approx(16 / 9, abs=0.02)
    first = preview.picture
    qtbot.waitUntil(lambda: preview.picture is not first, timeout=_TIMEOUT_MS)  # it plays
    crop = export.options.boxes["crop"]
    assert not export.options.boxes["margin"].isEnabled()
    qtbot.keyClick(crop, Qt.Key.Key_Down)
    assert export.options.export.crop == "face"
    assert export.options.boxes["margin"].isEnabled()
    qtbot.waitUntil(
        lambda: preview.picture is not None and preview.picture.width() == preview.picture.height(),
        timeout=_TIMEOUT_MS,
    )
    assert export.preview_title.text() == "1 of 2"


def test_exporting_all_videos(
    reviewed: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    accept(reviewed, 1)
    other = tmp_path / "other.mp4"
    other.write_bytes(short_video.read_bytes() + b"\0" * 16)  # same video, different fingerprint
    open_analysed(reviewed, qtbot, other, replace(short_analysis, video=probe(other)))
    reviewed.session.set_current(reviewed.session.videos[1])
    accept(reviewed, 2)
    qtbot.keyClick(reviewed, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    export = reviewed.parts.export.flow.window
    assert export is not None
    assert export.scope_buttons["project"].text() == "All videos · 3 clips of 2 videos"
    qtbot.mouseClick(export.scope_buttons["project"], Qt.MouseButton.LeftButton)
    assert export.start_button.text() == "Export 3 clips"
    export.path.setText(str(tmp_path / "out"))
    run(reviewed, export, qtbot)
    clips = json.loads((tmp_path / "out" / "clips" / "clip_metadata.json").read_text())["clips"]
    assert sorted(clip["source"] for clip in clips) == ["other.mp4", "other.mp4", "short.mp4"]


def test_problems_are_reported(reviewed: MainWindow, export: ExportWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for box in export.options.layouts.values():
        box.setChecked(False)
    assert export.note.text() == "Select a layout."
    assert not export.start_button.isEnabled()
    export.options.layouts["plain"].setChecked(True)
    export.path.clear()
    assert export.note.text() == "Choose an output folder."
    (tmp_path / "file").write_text("in the way")
    export.path.setText(str(tmp_path / "file" / "out"))
    run(reviewed, export, qtbot)
    assert str(tmp_path / "file") in export.note.text()
    assert reviewed.parts.messages.texts == [export.note.text()]
    assert export.start_button.isVisible()


def test_a_cancelled_export_can_be_resumed(
    reviewed: MainWindow, export: ExportWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.mouseClick(export.start_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(export.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not reviewed.parts.export.job.busy, timeout=_TIMEOUT_MS)
    qtbot.waitUntil(lambda: bool(reviewed.parts.messages.texts), timeout=_TIMEOUT_MS)
    assert reviewed.parts.messages.texts == ["Export cancelled. Finished clips are kept."]
    run(reviewed, export, qtbot)
    assert len(list((tmp_path / "out" / "clips").glob("*.mp4"))) == 2


def test_choices_are_remembered(reviewed: MainWindow, export: ExportWindow, qtbot: QtBot) -> None:
    export.options.layouts["edl"].setChecked(True)
    export.options.boxes["crf"].setValue(20)
    run(reviewed, export, qtbot)
    assert reviewed.preferences.export.crf == 20
    assert reviewed.parts.export.flow._remembered_layouts() == ("plain", "edl")
