"""The displayed picture is the frame that it claims to be, and its overlays belong to that frame."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from clipgen_gui.look.theme import ON_PICTURE
from clipgen_gui.main_window.window import MainWindow
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.gui import open_analysed
from tests.support.videos import read_code, write_coded_video

FRAMES = 90


@pytest.fixture
def coded(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A video whose frames encode their index, with a face that moves in every frame."""
    path = write_coded_video(tmp_path / "coded.mp4", FRAMES)
    steps = np.arange(FRAMES, dtype=np.float32)
    center = np.stack([30 + steps, np.full(FRAMES, 60, np.float32)], axis=1)
    tokens = np.random.default_rng(3).random((FRAMES, 51)).astype(np.float32)
    analysis = replace(make_analysis(FakeTrack(0, tokens, center, size=20.0)), video=probe(path))
    open_analysed(window, qtbot, path, analysis)
    return window


def _check_shown_frame(window: MainWindow, analysis: Analysis) -> int:
    """Check the picture and its box against its frame index; return the index."""
    picture = window.parts.player.view._picture
    assert picture is not None
    assert read_code(picture.pixels) == picture.index
    track = analysis.tracks[0]
    row = track.row_of(picture.index)
    faces = window.parts.player.view.faces
    assert (len(faces) == 1) == (row is not None)
    if row is not None:
        assert faces[0].box_xywh == tuple(float(value) for value in track.box_xywh[row])
    return picture.index


def test_every_step_shows_its_frame(coded: MainWindow, qtbot: QtBot) -> None:
    entry = coded.session.current
    assert entry is not None
    assert entry.analysis is not None
    keys = Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Home
    right, left, end, home = keys
    shift = Qt.KeyboardModifier.ShiftModifier
    expected = 0
    for key, modifier, frame in (
        (right, Qt.KeyboardModifier.NoModifier, 1),
        (right, Qt.KeyboardModifier.NoModifier, 2),
        (left, Qt.KeyboardModifier.NoModifier, 1),
        (right, shift, 11),
        (end, Qt.KeyboardModifier.NoModifier, FRAMES - 1),
        (left, shift, FRAMES - 11),
        (left, Qt.KeyboardModifier.NoModifier, FRAMES - 12),
        (home, Qt.KeyboardModifier.NoModifier, 0),
    ):
        qtbot.keyClick(coded, key, modifier)
        expected = frame
        qtbot.waitUntil(lambda wanted=expected: coded.parts.player.view.shown_frame == wanted)
        assert _check_shown_frame(coded, entry.analysis) == expected
        assert entry.position == expected


def test_rapid_steps_add_up(coded: MainWindow, qtbot: QtBot) -> None:
    for _ in range(25):
        qtbot.keyClick(coded, Qt.Key.Key_Right)
    for _ in range(5):
        qtbot.keyClick(coded, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: coded.parts.player.view.shown_frame == 20)


def test_a_cached_frame_shows_immediately_and_late_frames_do_not_replace_it(coded: MainWindow, qtbot: QtBot) -> None:
    player = coded.parts.player.view
    qtbot.keyClick(coded, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: player.shown_frame == 1)
    late = player._picture
    coded.session.selection.seek(0)
    assert player.shown_frame == 0, "a cached frame does not wait for the decoder"
    coded.parts.player.frames.picture_ready.emit(player._generation, late)
    assert player.shown_frame == 0
    coded.session.selection.seek(FRAMES - 1)
    coded.parts.player.frames.picture_ready.emit(player._generation, late)
    assert player.shown_frame == 1, "intermediate frames are shown until the requested one arrives"
    qtbot.waitUntil(lambda: player.shown_frame == FRAMES - 1)


def test_playback_shows_matching_pictures_and_boxes(coded: MainWindow, qtbot: QtBot) -> None:
    entry = coded.session.current
    assert entry is not None
    analysis = entry.analysis
    assert analysis is not None
    seen: list[int] = []
    coded.parts.player.view.frame_shown.connect(lambda _: seen.append(_check_shown_frame(coded, analysis)))
    coded.session.selection.select(None)
    coded.parts.player.playback.set_speed(2.0)
    qtbot.keyClick(coded, Qt.Key.Key_Space)
    assert coded.parts.player.playback.playing
    qtbot.waitUntil(lambda: not coded.parts.player.playback.playing, timeout=10_000)
    qtbot.waitUntil(lambda: coded.parts.player.view.shown_frame == FRAMES - 1)
    assert seen == sorted(seen)
    assert len(seen) > 5


def test_a_selected_window_loops(coded: MainWindow, qtbot: QtBot) -> None:
    entry = coded.session.current
    assert entry is not None
    coded.parts.player.playback.set_speed(2.0)
    qtbot.keyClick(coded, Qt.Key.Key_Down)
    assert coded.parts.player.playback.playing
    start, stop, _ = entry.rows[0].key
    seen: list[int] = []
    coded.session.selection.position_changed.connect(seen.append)
    qtbot.waitUntil(lambda: any(later < earlier for earlier, later in pairwise(seen)), timeout=10_000)
    assert all(start <= frame < stop for frame in seen)
    qtbot.keyClick(coded, Qt.Key.Key_Space)
    assert not coded.parts.player.playback.playing


def test_the_box_is_painted_where_the_face_is(coded: MainWindow, qtbot: QtBot) -> None:
    player = coded.parts.player.view
    coded.session.selection.seek(40)
    qtbot.waitUntil(lambda: player.shown_frame == 40)

    def corner_is_accent() -> bool:
        x, y, _, _ = player._faces[0].box_xywh
        at = player.mapFromScene(QPointF(x, y))
        image = player.viewport().grab().toImage()
        found = [QColor(image.pixel(at.x() + 4, at.y() + shift)).name() for shift in (-1, 0, 1)]
        return ON_PICTURE.accent in found

    assert corner_is_accent()
    qtbot.keyClick(coded, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not corner_is_accent()


def test_switching_videos_keeps_the_state_of_each(
    coded: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis
) -> None:
    session = coded.session
    first = session.current
    assert first is not None
    session.selection.select(first.rows[1].key)
    coded.parts.player.playback.pause()
    session.selection.seek(33)
    second = open_analysed(coded, qtbot, short_video, short_analysis)
    session.selection.select(second.rows[0].key)
    coded.parts.player.playback.pause()
    qtbot.keyClick(coded, Qt.Key.Key_A)
    coded.parts.player.playback.pause()
    chosen, position = second.selected, second.position
    qtbot.keyClick(coded, Qt.Key.Key_P)
    assert session.current is first
    assert (first.position, first.selected) == (33, first.rows[1].key)
    qtbot.waitUntil(lambda: coded.parts.player.view.shown_frame == 33)
    assert _check_shown_frame(coded, first.analysis) == 33
    assert coded.parts.toolbar.export_button.text() == "Export clips"
    assert not coded.parts.toolbar.export_button.isEnabled()
    qtbot.keyClick(coded, Qt.Key.Key_N)
    assert (second.position, second.selected) == (position, chosen)
    assert coded.parts.toolbar.export_button.text() == "Export 1 clip"
    # Undo switches to the video it applies to.
    qtbot.keyClick(coded, Qt.Key.Key_P)
    qtbot.keyClick(coded, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.current is second
    assert second.accepted == ()
