"""Overlays and time display: zoom, face clicks, region labels, crop, mesh, time formats."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipgen_engine.clips.crop_path import face_crop_path
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.player.face_overlays import Overlay, OverlayBuilder
from clipgen_gui.player.mesh_server import MeshServer
from clipgen_gui.support.formatting import TimeFormat, position, timecode
from clipgen_gui.support.threads import end_threads
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.gui import open_analysed
from tests.support.videos import read_code, write_coded_video

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
FRAMES = 60


@pytest.fixture(scope="module")
def coded_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded_video(tmp_path_factory.mktemp("overlays") / "coded.mp4", FRAMES)


@pytest.fixture
def two_faces(window: MainWindow, qtbot: QtBot, coded_video: Path) -> MainWindow:
    """Two faces: the left one moves its mouth, the right one is still."""
    rng = np.random.default_rng(3)
    mouth, still = np.zeros((FRAMES, 51), np.float32), np.zeros((FRAMES, 51), np.float32)
    mouth[:, -20:] = rng.random((FRAMES, 20))
    at = np.ones((FRAMES, 2), np.float32)
    tracks = FakeTrack(0, mouth, at * (40, 50), size=40.0), FakeTrack(0, still, at * (120, 50), size=30.0, track_id=1)
    analysis = replace(make_analysis(*tracks), video=probe(coded_video))
    open_analysed(window, qtbot, coded_video, analysis)
    return window


def _entry(window: MainWindow) -> VideoEntry:
    assert window.session.current is not None
    return window.session.current


def _widget_pos(window: MainWindow, x: float, y: float) -> QPoint:
    return window.parts.player.view.to_widget(x, y).toPoint()


def _wheel(window: MainWindow, at: QPoint, notches: int) -> None:
    viewport = window.parts.player.view.viewport()
    no_keys, no_buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
    globally = QPointF(viewport.mapToGlobal(at))
    event = QWheelEvent(
        QPointF(at),
        globally,
        QPoint(),
        QPoint(0, 120 * notches),
        no_buttons,
        no_keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def test_wheel_zooms_at_the_cursor_and_drag_pans(two_faces: MainWindow, qtbot: QtBot) -> None:
    player, viewport = two_faces.parts.player.view, two_faces.parts.player.view.viewport()
    at = _widget_pos(two_faces, 100, 30)
    _wheel(two_faces, at, 6)
    assert player.zoom == pytest.approx(1.25**6)
    fixed = player.to_picture(QPointF(at))
    assert (fixed.x(), fixed.y()) == pytest.approx((100, 30), abs=0.5)
    qtbot.mousePress(viewport, LEFT, pos=at)
    for step in (20, 40, 60):
        qtbot.mouseMove(viewport, at + QPoint(step, step // 2))
    qtbot.mouseRelease(viewport, LEFT, pos=at + QPoint(60, 30))
    moved = player.to_picture(QPointF(at + QPoint(60, 30)))
    assert (moved.x(), moved.y()) == pytest.approx((100, 30), abs=1.0)
    assert not two_faces.parts.player.playback.playing, "a drag is not a click"
    # Zoom survives a frame change and a resize.
    two_faces.session.selection.seek(7)
    qtbot.waitUntil(lambda: player.shown_frame == 7)
    two_faces.resize(two_faces.width() + 60, two_faces.height() + 40)
    assert player.zoom == pytest.approx(1.25**6)
    qtbot.keyClick(two_faces, Qt.Key.Key_0, CONTROL)
    assert player.zoom == 1.0
    _wheel(two_faces, at, 3)
    qtbot.mouseClick(viewport, LEFT, pos=_widget_pos(two_faces, 80, 90))
    assert two_faces.parts.player.playback.playing
    qtbot.mouseDClick(viewport, LEFT, pos=_widget_pos(two_faces, 80, 90))
    assert player.zoom == 1.0
    assert not two_faces.parts.player.playback.playing, "a double-click undoes its first click"
    _wheel(two_faces, at, -4)
    assert player.zoom == 1.0


def test_clicking_another_face_makes_it_active(two_faces: MainWindow, qtbot: QtBot) -> None:
    entry, viewport = _entry(two_faces), two_faces.parts.player.view.viewport()
    two_faces.session.selection.select(next(row.key for row in entry.rows if row.sequence.track_id == 0))
    two_faces.parts.player.playback.pause()
    two_faces.session.selection.seek(20)
    qtbot.waitUntil(lambda: two_faces.parts.player.view.shown_frame == 20)
    qtbot.mouseClick(viewport, LEFT, pos=_widget_pos(two_faces, 120, 50))
    assert entry.track == 1
    assert not two_faces.parts.player.playback.playing
    assert entry.selected is None or entry.selected[2] == 1
    qtbot.keyClick(two_faces, Qt.Key.Key_B)
    assert {key[2] for key in entry.reviews} == {1}
    qtbot.mouseClick(viewport, LEFT, pos=_widget_pos(two_faces, 120, 50))
    assert two_faces.parts.player.playback.playing, "clicking the active face toggles playback"
    two_faces.parts.player.playback.pause()


def test_regions_show_what_moves_in_the_window(two_faces: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(two_faces, Qt.Key.Key_G, CONTROL)
    talking, still = two_faces.parts.player.view.faces
    assert sum(one.share for one in talking.regions) == pytest.approx(1.0, abs=1e-5)
    most = max(talking.regions, key=lambda one: one.movement)
    window = next(row.sequence for row in _entry(two_faces).rows if row.sequence.track_id == 0)
    assert most.region == "mouth"
    assert most.movement <= window.terms["expression_variation"] + 1e-4
    assert max(one.share for one in still.regions) < 0.01
    # The region with the most movement is filled over the mouth.
    before = two_faces.parts.player.view.viewport().grab().toImage()
    x, y, width, height = talking.box_xywh
    mouth = _widget_pos(two_faces, x + 0.5 * width, y + 0.74 * height)
    tint = QColor(before.pixel(mouth))
    qtbot.keyClick(two_faces, Qt.Key.Key_G, CONTROL)
    plain = QColor(two_faces.parts.player.view.viewport().grab().toImage().pixel(mouth))
    assert tint.red() - plain.red() > 20
    assert two_faces.parts.player.view.faces[0].regions == ()


def test_the_crop_matches_the_export(two_faces: MainWindow, qtbot: QtBot) -> None:
    entry, player = _entry(two_faces), two_faces.parts.player.view
    row = next(row for row in entry.rows if row.sequence.track_id == 0)
    two_faces.session.selection.select(row.key)
    two_faces.parts.player.playback.pause()
    frame = row.sequence.start_frame + 4
    two_faces.session.selection.seek(frame)
    qtbot.waitUntil(lambda: player.shown_frame == frame)
    qtbot.keyClick(two_faces, Qt.Key.Key_K, CONTROL)
    settings = ExportSettings(crop="face")
    path = face_crop_path(entry.info, entry.analysis.tracks[0], *row.key[:2], settings)
    assert path is not None
    corners = np.array(player.faces[0].crop)
    np.testing.assert_allclose(corners.mean(axis=0), path.center_xy[4], atol=1e-3)
    np.testing.assert_allclose(np.ptp(corners, axis=0), path.side_px[4], atol=1e-3)
    below = corners.mean(axis=0) + np.array([0, 25])
    # The outside of the crop is dimmed, the inside is not.
    image = player.viewport().grab().toImage()
    inside = image.pixelColor(_widget_pos(two_faces, *below)).lightness()
    outside = image.pixelColor(_widget_pos(two_faces, 130, 88)).lightness()
    qtbot.keyClick(two_faces, Qt.Key.Key_K, CONTROL)
    image = player.viewport().grab().toImage()
    assert image.pixelColor(_widget_pos(two_faces, *below)).lightness() == inside
    assert image.pixelColor(_widget_pos(two_faces, 130, 88)).lightness() > outside + 20
    # The export settings apply.
    qtbot.keyClick(two_faces, Qt.Key.Key_K, CONTROL)
    two_faces.preferences.set_value("export", "margin", 0.75)
    wider = face_crop_path(entry.info, entry.analysis.tracks[0], *row.key[:2], ExportSettings(crop="face", margin=0.75))
    assert wider is not None
    np.testing.assert_allclose(np.ptp(np.array(player.faces[0].crop), axis=0), wider.side_px[4], atol=1e-3)


def test_overlays_are_remembered(two_faces: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(two_faces, Qt.Key.Key_G, CONTROL)
    qtbot.keyClick(two_faces, Qt.Key.Key_B, CONTROL)
    assert two_faces.parts.player.view.overlays == {Overlay.REGIONS}
    qtbot.mouseClick(two_faces.parts.player.transport.time, LEFT)
    other = MainWindow(two_faces._settings)
    qtbot.addWidget(other)
    assert other.parts.player.view.overlays == {Overlay.REGIONS}
    assert other.actions_by_name["regions"].isChecked()
    assert not other.actions_by_name["box"].isChecked()
    assert other.parts.player.transport.time_format is TimeFormat.FRAMES
    other.close()


def test_the_mesh_belongs_to_the_displayed_frame(
    window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis
) -> None:
    entry, player = open_analysed(window, qtbot, short_video, short_analysis), window.parts.player.view
    assert not player.meshes.isRunning(), "the model loads on demand"
    qtbot.keyClick(window, Qt.Key.Key_M, CONTROL)
    for frame in (3, 90):
        window.session.selection.seek(frame)
        qtbot.waitUntil(lambda wanted=frame: player.shown_frame == wanted and bool(player.mesh), timeout=15_000)
        track = entry.analysis.tracks[0]
        points, box = player.mesh[track.track_id], track.box_xywh[track.row_of(frame)]
        assert points.shape == (478, 3)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        np.testing.assert_allclose([*low, *(high - low)], box, atol=0.06 * box[2])
    image = player.viewport().grab().toImage()
    qtbot.keyClick(window, Qt.Key.Key_M, CONTROL)
    plain = player.viewport().grab().toImage()
    spots = [player.to_widget(float(x), float(y)).toPoint() for x, y in points[::7, :2]]
    assert sum(image.pixel(spot) != plain.pixel(spot) for spot in spots) > 0.9 * len(spots)


def test_a_missing_model_is_reported(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLIPGEN_FACE_MODEL", str(tmp_path / "none.task"))
    server = MeshServer()
    with qtbot.waitSignal(server.failed, timeout=10_000) as failure:
        server.start()
    assert "does not exist" in failure.args[0]
    assert end_threads(server, 5000)


def test_three_time_formats(two_faces: MainWindow, qtbot: QtBot) -> None:
    two_faces.session.selection.seek(41)
    qtbot.waitUntil(lambda: two_faces.parts.player.view.shown_frame == 41)
    time = two_faces.parts.player.transport.time
    assert "00:01.37" in time.text()
    qtbot.mouseClick(time, LEFT)
    assert ">41<" in time.text()
    qtbot.keyClick(two_faces, Qt.Key.Key_T, CONTROL)
    assert "00:00:01:11" in time.text()
    assert "00:00:01:29" in time.text()


def test_timecode_counts_frames_and_follows_the_timestamps() -> None:
    video = make_analysis(FakeTrack(0, np.zeros((10, 51), np.float32), np.zeros((10, 2), np.float32))).video
    # 29.97 fps counts 30 frames per second, non-drop.
    ntsc = replace(
        video,
        pts=np.arange(4000, dtype=np.int64) * 1001,
        time_base=Fraction(1, 30000),
        average_rate=Fraction(30000, 1001),
    )
    assert [timecode(ntsc, frame) for frame in (0, 29, 30, 1800)] == [
        "00:00:00:00", "00:00:00:29", "00:00:01:00", "00:01:00:00",
    ]  # fmt: skip
    # Rounded timestamps are not a variable frame rate.
    film = replace(
        video,
        pts=np.round(np.arange(100) * 1000 * 1001 / 24000).astype(np.int64),
        time_base=Fraction(1, 1000),
        average_rate=Fraction(24000, 1001),
    )
    assert timecode(film, 49) == "00:00:02:01"
    # Variable frame rate: seconds come from the PTS, frames are counted from the start of the second.
    pts = np.array([0, 500, 900, 1000, 1040, 1900, 3700, 3701], np.int64) + 77
    varied = replace(video, pts=pts, start_pts=77, time_base=Fraction(1, 1000))
    assert [timecode(varied, frame)[-5:] for frame in range(8)] == [
        "00:00", "00:01", "00:02", "01:00", "01:01", "01:02", "03:00", "03:01",
    ]  # fmt: skip
    assert position(varied, 6, TimeFormat.SECONDS)[0] == "00:03.70"
    assert position(varied, -1, TimeFormat.TIMECODE)[0] == "--:--:--:--"
    assert position(varied, -1, TimeFormat.FRAMES) == ("-", "8")


def test_a_video_without_analysis_has_no_overlays(tmp_path: Path) -> None:
    builder = OverlayBuilder(VideoEntry(tmp_path / "none.mp4"))
    assert builder.faces(0, (), frozenset(Overlay), ExportSettings()) == ()


def test_zooming_keeps_frames_exact(two_faces: MainWindow, qtbot: QtBot) -> None:
    _wheel(two_faces, _widget_pos(two_faces, 60, 30), 4)
    for frame in (1, 2, 1, 40, 39):
        two_faces.session.selection.seek(frame)
        qtbot.waitUntil(lambda wanted=frame: two_faces.parts.player.view.shown_frame == wanted)
        picture = two_faces.parts.player.view._picture
        assert picture is not None
        assert read_code(picture.pixels) == frame
