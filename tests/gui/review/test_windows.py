"""The list of windows: film strip, filter, context menu."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QMenu, QSplitter
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Decision
from clipgen_engine.video.decoding import FrameReader
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.review.film_strip import FilmStrip
from tests.support.analyses import make_analysis, random_track
from tests.support.gui import bring_up

_CONTROL = Qt.KeyboardModifier.ControlModifier


def entry_of(window: MainWindow) -> VideoEntry:
    entry = window.session.current
    assert entry is not None
    return entry


def listed(window: MainWindow) -> list[int]:
    return [row.number for row in window.parts.review.panel.model.rows]


def filter_actions(window: MainWindow) -> dict[str, QAction]:
    """Open the filter menu and return its actions by text without the count."""
    menu = window.parts.review.panel.filter.menu()
    menu.aboutToShow.emit()
    return {action.text().split("\t")[0]: action for action in menu.actions() if not action.isSeparator()}


def painted(strip: FilmStrip, place: int, picture: int) -> np.ndarray:
    """Mean BGR colour of a picture in the strip."""
    rect = strip.picture_rects(strip.visualRect(strip.model().index(place, 0)))[picture]
    image = strip.viewport().grab(rect).toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[:, :, :3].mean(axis=(0, 1))


def test_the_film_strip_shows_first_most_distinct_and_last_frame(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, strip = entry_of(reviewed), reviewed.parts.review.panel.strip
    qtbot.keyClick(reviewed, Qt.Key.Key_V)
    assert strip.isVisible()
    row = entry.rows[0]
    request = strip.request(row)
    assert request is not None
    qtbot.waitUntil(lambda: strip.server.get(request) is not None)
    start, stop, track = row.key
    first, farthest, last = request.frames
    assert (first, last) == (start, stop - 1)
    assert entry.analysis is not None
    tokens = entry.analysis.tokens[track].values[start:stop]  # the short video has a face in every frame
    assert farthest - start == np.linalg.norm(tokens - tokens.mean(axis=0), axis=1).argmax()
    with FrameReader(request.video, None, "bgra") as reader:
        for place, frame in enumerate(request.frames):
            picture = reader.read(frame)
            assert picture is not None
            x, y, width, height = request.crop
            expected = picture.pixels[y : y + height, x : x + width, :3].mean(axis=(0, 1))
            assert abs(painted(strip, 0, place) - expected).max() < 12
    assert reviewed._settings.value("windows/film_strip") == "true"
    qtbot.keyClick(strip, Qt.Key.Key_V)
    assert reviewed.parts.review.panel.view.isVisible()


def test_the_strip_shares_selection_shortcuts_and_clicks_with_the_table(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, panel = entry_of(reviewed), reviewed.parts.review.panel
    qtbot.keyClick(reviewed, Qt.Key.Key_V)
    strip = panel.strip
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Down)
    qtbot.keyClick(strip, Qt.Key.Key_A)
    assert entry.decision_of(entry.rows[0].key) is Decision.ACCEPTED
    assert strip.currentIndex().row() == 1
    assert panel.view.currentIndex().row() == 1
    second = strip.visualRect(panel.model.index(1, 0))
    reviewed.parts.player.playback.pause()
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=second.center())
    assert entry.selected == entry.rows[1].key
    assert reviewed.parts.player.playback.playing, "a selected window loops immediately"
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(8, second.center().y()))
    assert entry.decision_of(entry.rows[1].key) is Decision.ACCEPTED, "clicking the decision icon accepts"
    strip.customContextMenuRequested.emit(strip.visualRect(panel.model.index(2, 0)).center())
    (menu,) = (menu for menu in panel.findChildren(QMenu) if menu.isVisible())
    assert entry.selected == entry.rows[2].key
    next(action for action in menu.actions() if action.text() == "Reject").trigger()
    menu.close()
    assert entry.decision_of(entry.rows[2].key) is Decision.REJECTED


def test_filters_restrict_the_list_navigation_and_advancing(reviewed: MainWindow, qtbot: QtBot) -> None:
    session, entry = reviewed.session, entry_of(reviewed)
    session.controls.set_setting("sequence_length", 15)
    session.rank_now()
    total = len(entry.rows)
    assert total >= 6
    keys = [row.key for row in entry.rows]
    session.selection.select(keys[0])
    session.decisions.set_tags(["smile"])
    session.selection.select(keys[2])
    session.decisions.set_tags(["smile", "A & B"])
    qtbot.keyClick(reviewed, Qt.Key.Key_A)  # accepts 3
    numbers = {row.key: row.number for row in entry.rows}
    first, third = numbers[keys[0]], numbers[keys[2]]

    choices = filter_actions(reviewed)
    assert choices["Accepted"].text() == "Accepted\t1"
    assert choices["smile"].text() == "smile\t2"
    assert "A && B" in choices
    assert not any(text.startswith("Face") for text in choices), "no face filter with a single face"
    choices["smile"].trigger()
    assert listed(reviewed) == [first, third]
    assert reviewed.parts.review.panel.count.text() == f"2 of {total}"
    session.selection.select(keys[1])  # not listed
    qtbot.keyClick(reviewed, Qt.Key.Key_Down)
    assert entry.selected == keys[2]
    qtbot.keyClick(reviewed, Qt.Key.Key_Down)
    assert entry.selected == keys[2]
    qtbot.keyClick(reviewed, Qt.Key.Key_Up)
    assert entry.selected == keys[0]

    filter_actions(reviewed)["Undecided"].trigger()
    assert reviewed.parts.review.panel.filter.text() == "Undecided · smile"
    assert listed(reviewed) == [first]
    qtbot.keyClick(reviewed, Qt.Key.Key_R)
    assert listed(reviewed) == []
    assert reviewed.parts.review.panel._hint.text() == f"{total} windows are hidden by the filter."
    qtbot.mouseClick(reviewed.parts.review.panel.show_all, Qt.MouseButton.LeftButton)
    assert len(listed(reviewed)) == len(entry.rows)
    assert reviewed.parts.review.panel.filter.text() == ""

    filter_actions(reviewed)["Undecided"].trigger()
    undecided = listed(reviewed)
    session.selection.select(entry.rows[undecided[0] - 1].key)
    qtbot.keyClick(reviewed, Qt.Key.Key_A)
    assert listed(reviewed) == undecided[1:], "a decided window leaves the filtered list"
    assert entry.selected == entry.rows[undecided[1] - 1].key
    qtbot.keyClick(reviewed, Qt.Key.Key_Z, _CONTROL)
    assert listed(reviewed) == undecided
    qtbot.keyClick(reviewed, Qt.Key.Key_C)
    assert [cell.row.number for cell in reviewed.parts.review.sheet.grid.cells if cell.row] == undecided[:9]
    filter_actions(reviewed)["Rejected"].trigger()
    assert [cell.decision for cell in reviewed.parts.review.sheet.grid.cells] == [Decision.REJECTED]


def test_the_face_filter_is_cleared_with_its_video(reviewed: MainWindow, no_face_video: Path) -> None:
    session = reviewed.session
    session.selection.set_filter(WindowFilter(Decision.UNDECIDED, track_id=0))
    session.open_paths([no_face_video])
    assert session.selection.filter == WindowFilter(Decision.UNDECIDED)


def test_the_film_strip_is_remembered(window: MainWindow, qtbot: QtBot) -> None:
    window.parts.review.panel.show_strip(True)
    settings = QSettings(window._settings.fileName(), QSettings.Format.IniFormat)
    window._settings.sync()
    again = type(window.parts.review.panel)(window.session, settings)
    qtbot.addWidget(again)
    assert again.shows_strip


def test_splitter_sizes_are_remembered(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    def splitter(of: MainWindow) -> QSplitter:
        """The splitter between player and plot."""
        beside_each_other = of.parts.plot.parent()
        assert beside_each_other is not None
        found = beside_each_other.parent()
        assert isinstance(found, QSplitter)
        return found

    before = splitter(window).sizes()
    handle = splitter(window).handle(1)
    grip = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=grip)
    qtbot.mouseMove(handle, grip - QPoint(0, 60))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=grip - QPoint(0, 60))
    lower = splitter(window).sizes()
    assert lower[0] < before[0]
    again = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    bring_up(again, qtbot)
    assert splitter(again).sizes() == lower


def test_windows_are_filtered_by_face(window: MainWindow) -> None:
    rng = np.random.default_rng(3)
    tracks_of = [replace(random_track(rng, start, 120, track), confidence=None) for track, start in ((0, 0), (1, 120))]
    analysis = make_analysis(*tracks_of, path=Path("two.mp4"))
    entry = VideoEntry(Path("two.mp4"))
    session = window.session
    session.videos.append(entry)
    session.set_current(entry)
    session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    session.decisions.set_subject(1, "anna")
    tracks = [row.sequence.track_id for row in entry.rows]
    assert set(tracks) == {0, 1}
    choices = filter_actions(window)
    assert choices["Face 1"].text() == f"Face 1\t{tracks.count(0)}"
    choices["Face 2 (anna)"].trigger()
    assert window.parts.review.panel.filter.text() == "Face 2 (anna)"
    assert listed(window) == [row.number for row in entry.rows if row.sequence.track_id == 1]
    filter_actions(window)["Face 2 (anna)"].trigger()
    assert len(listed(window)) == len(entry.rows), "choosing the current filter again clears it"
