"""A full review session: two videos, list, contact sheet, tags, filters, undo, reopening the app."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import Key, VideoEntry
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import bring_up, open_analysed

_CONTROL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(qtbot: QtBot, *keys: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        qtbot.keyClick(focused(), key, modifiers)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def opened(qtbot: QtBot, folder: Path) -> MainWindow:
    window = MainWindow(
        QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat), Project(folder / "day.clipgen")
    )
    bring_up(window, qtbot)
    return window


def marks(entry: VideoEntry) -> dict[Key, tuple[str, tuple[str, ...], str]]:
    return {key: (mark.decision.value, mark.tags, mark.note) for key, mark in entry.reviews.items()}


def test_reviewing_two_videos_and_reopening(
    qtbot: QtBot, tmp_path: Path, short_video: Path, short_analysis: Analysis
) -> None:
    other_video = Path(shutil.copy(short_video, tmp_path / "other.mp4"))
    with other_video.open("ab") as file:
        file.write(b"\0\0\0\x08free")  # trailing empty box: same video, different fingerprint
    info = probe(other_video)
    other_analysis = Analysis(**{**vars(short_analysis), "video": info})
    window = opened(qtbot, tmp_path)
    session = window.session
    session.controls.set_setting("sequence_length", 10)
    session.controls.set_setting("num_sequences", 12)

    # First video: film strip, keyboard only.
    first = open_analysed(window, qtbot, short_video, short_analysis)
    press(qtbot, Qt.Key.Key_V, Qt.Key.Key_Down)
    assert window.parts.player.playback.playing, "a selected window loops immediately"
    press(qtbot, Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_T)
    qtbot.keyClicks(focused(), "smile")
    press(qtbot, Qt.Key.Key_Return, Qt.Key.Key_W)
    qtbot.keyClicks(focused(), "really")
    press(qtbot, Qt.Key.Key_Return)
    assert [row.decision.value for row in first.rows[:3]] == ["accepted", "rejected", "undecided"]
    assert (first.rows[2].tags, first.rows[2].note) == (("smile",), "really")

    # Second video: contact sheet, digits and mouse.
    second = open_analysed(window, qtbot, other_video, other_analysis)
    press(qtbot, Qt.Key.Key_C, Qt.Key.Key_1, Qt.Key.Key_4)
    press(qtbot, Qt.Key.Key_2, modifiers=_SHIFT)
    grid = window.parts.review.sheet.grid
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell_rect(5).center())
    page = [cell.key for cell in grid.cells]
    press(qtbot, Qt.Key.Key_X)
    assert [second.decision_of(key).value for key in page] == [
        "accepted", "rejected", "rejected", "accepted", "rejected", "accepted", *["rejected"] * 3,
    ]  # fmt: skip

    # Undo spans both videos and switches to the affected one.
    press(qtbot, Qt.Key.Key_Z, modifiers=_CONTROL)
    assert [second.decision_of(key).value for key in page].count("undecided") == 5
    press(qtbot, *[Qt.Key.Key_Z] * 4, modifiers=_CONTROL)
    assert not second.reviews
    press(qtbot, Qt.Key.Key_Z, modifiers=_CONTROL)
    assert session.current is first
    assert first.rows[2].note == ""
    press(qtbot, *[Qt.Key.Key_Z] * 5, modifiers=_CONTROL | _SHIFT)
    assert session.current is second
    assert [second.decision_of(key) for key in (page[0], page[3], page[1])] == [
        Decision.ACCEPTED, Decision.ACCEPTED, Decision.REJECTED,
    ]  # fmt: skip

    # Filter for accepted windows; shortcuts stay within the filtered list.
    menu = window.parts.review.panel.filter.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text().startswith("Accepted")).trigger()
    assert {cell.key for cell in grid.cells} == {row.key for row in second.rows if row.decision == "accepted"}
    press(qtbot, Qt.Key.Key_Escape, Qt.Key.Key_P)
    assert session.current is first
    assert [row.number for row in window.parts.review.panel.model.rows] == [1]
    before = [marks(entry) for entry in (first, second)]
    window.close()

    again = opened(qtbot, tmp_path)
    assert again.parts.review.panel.shows_strip
    after = [
        marks(open_analysed(again, qtbot, path, analysis))
        for path, analysis in ((short_video, short_analysis), (other_video, other_analysis))
    ]
    assert after == before
    again.close()
