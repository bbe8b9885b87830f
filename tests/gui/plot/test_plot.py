"""The score plot: drawing and trimming windows with the mouse, zoom, overview, limits, cursor readout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.effective import effective_regions
from clipgen_engine.ranking.expression.actions import expression_values
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.ranker import COMBINED, Ranker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import MOVEMENT, VideoEntry
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.plot.curves import CURVES
from tests.support.analyses import FakeTrack, make_analysis, random_track
from tests.support.gui import open_analysed
from tests.support.videos import write_coded_video

LEFT, MIDDLE, SHIFT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.ShiftModifier
FRAMES = 200
GAP = slice(120, 132)


@pytest.fixture(scope="module")
def made_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded_video(tmp_path_factory.mktemp("plot") / "made.mp4", FRAMES)


@pytest.fixture
def plotted(window: MainWindow, qtbot: QtBot, made_video: Path) -> MainWindow:
    """A face that is missing for twelve frames, a second face from frame 60 on, and two ranked windows."""
    rng = np.random.default_rng(9)
    first, second = random_track(rng, 0, FRAMES), random_track(rng, 60, 100, track_id=1)
    seen = np.ones(FRAMES, np.bool_)
    seen[GAP] = False
    second_seen = np.ones(100, np.bool_)
    second_seen[GAP.start - 60 : GAP.stop - 60] = False
    window.session.controls.set_gate("face_confidence", 0.0)
    window.session.controls.set_setting("num_sequences", 2)
    first, second = replace(first, seen=seen), replace(second, seen=second_seen)
    open_analysed(window, qtbot, made_video, make_analysis(first, second, path=made_video))
    window.session.undo_stack.clear()
    return window


def _entry(window: MainWindow) -> VideoEntry:
    assert window.session.current is not None
    return window.session.current


def _at(window: MainWindow, frame: float, height: float = 0.5) -> QPoint:
    """Widget position of a frame's centre; subtract 0.5 for its start."""
    return window.parts.plot.plot.to_widget((frame + 0.5) / 30, height)


def _drag(qtbot: QtBot, widget: QWidget, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT) -> None:
    qtbot.mousePress(widget, button, pos=start)
    for step in range(1, 5):
        qtbot.mouseMove(widget, start + (end - start) * step / 4)
    qtbot.mouseRelease(widget, button, pos=end)


def _turn_wheel(widget: QWidget, at: QPoint, notches: int, keys: Qt.KeyboardModifier | None = None) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        keys or Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def _free(entry: VideoEntry) -> int:
    """First of 20 frames with a face and without a window."""
    for start in range(5, FRAMES - 30):
        if not any(row.overlaps(start - 2, start + 22) for row in entry.rows) and not (
            start < GAP.stop and GAP.start < start + 22
        ):
            return start
    raise AssertionError("no room")


def test_a_drag_over_a_free_area_creates_a_window_as_one_undo_step(plotted: MainWindow, qtbot: QtBot) -> None:
    entry, viewport = _entry(plotted), plotted.parts.plot.plot.viewport()
    start = _free(entry)
    qtbot.mousePress(viewport, LEFT, pos=_at(plotted, start))
    qtbot.mouseMove(viewport, _at(plotted, start + 5))
    qtbot.mouseMove(viewport, _at(plotted, start + 11))
    assert plotted.parts.plot.draft.span_s == pytest.approx((start / 30, (start + 12) / 30))
    assert entry.position == start + 11, "the player shows the frame at the dragged edge"
    assert entry.reviews == {}
    qtbot.mouseRelease(viewport, LEFT, pos=_at(plotted, start + 11))
    (key,) = entry.reviews
    assert key[:2] == (start, start + 12)
    assert entry.reviews[key].manual
    assert entry.decision_of(key) is Decision.ACCEPTED
    assert entry.selected == key
    assert plotted.parts.plot.draft.span_s is None
    assert plotted.session.undo_stack.undoText() == f"Accept frames {start} to {start + 11}"
    qtbot.keyClick(plotted, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert entry.reviews == {}
    # Dragging right to left creates the same window.
    _drag(qtbot, viewport, _at(plotted, start + 11), _at(plotted, start))
    assert list(entry.reviews) == [key]


def test_drawing_a_window_can_be_cancelled_and_requires_the_face(plotted: MainWindow, qtbot: QtBot) -> None:
    entry, viewport = _entry(plotted), plotted.parts.plot.plot.viewport()
    start = _free(entry)
    qtbot.mousePress(viewport, LEFT, pos=_at(plotted, start))
    qtbot.mouseMove(viewport, _at(plotted, start + 9))
    qtbot.keyClick(plotted, Qt.Key.Key_Escape)
    qtbot.mouseRelease(viewport, LEFT, pos=_at(plotted, start + 9))
    assert plotted.parts.plot.draft.span_s is None
    assert entry.reviews == {}
    plotted.session.controls.set_setting("num_sequences", 1)
    plotted.session.rank_now()
    row = entry.rows[0].sequence
    begin = GAP.start - 8
    assert not row.start_frame <= begin < row.stop_frame
    _drag(qtbot, viewport, _at(plotted, begin), _at(plotted, GAP.start + 3))
    assert entry.reviews == {}
    assert "The face is not visible in every frame" in plotted.parts.status.temporary_text


def test_dragging_inside_a_window_or_on_the_axis_scrubs(plotted: MainWindow, qtbot: QtBot) -> None:
    entry, viewport = _entry(plotted), plotted.parts.plot.plot.viewport()
    row = entry.rows[0].sequence
    middle = (row.start_frame + row.stop_frame) // 2
    _drag(qtbot, viewport, _at(plotted, middle), _at(plotted, middle + 6))
    assert entry.position == middle + 6
    assert entry.selected == row.key
    axis = QPoint(0, 14)
    free = _free(entry)
    _drag(qtbot, viewport, _at(plotted, free, 0) + axis, _at(plotted, free + 15, 0) + axis)
    assert entry.position == free + 15
    assert entry.reviews == {}
    # A Shift-drag inspects the positions it passes.
    qtbot.mousePress(viewport, LEFT, SHIFT, _at(plotted, middle))
    qtbot.mouseMove(viewport, _at(plotted, middle + 4))
    qtbot.mouseRelease(viewport, LEFT, SHIFT, _at(plotted, middle + 4))
    assert entry.inspected == middle + 4
    assert entry.reviews == {}


@pytest.mark.parametrize("edge", ["start", "end"])
def test_dragging_an_edge_trims_the_selected_window(plotted: MainWindow, qtbot: QtBot, edge: str) -> None:
    entry, viewport = _entry(plotted), plotted.parts.plot.plot.viewport()
    row = entry.rows[0]
    start, stop, track = row.key
    plotted.session.selection.select(row.key)
    plotted.parts.player.playback.pause()
    grabbed, target = (start, start + 6) if edge == "start" else (stop, stop - 6)
    qtbot.mouseMove(viewport, _at(plotted, grabbed - 0.5))
    assert viewport.cursor().shape() is Qt.CursorShape.SizeHorCursor
    _drag(qtbot, viewport, _at(plotted, grabbed - 0.5), _at(plotted, target - 0.5))
    key = (target, stop, track) if edge == "start" else (start, target, track)
    assert list(entry.reviews) == [key]
    assert entry.reviews[key].manual
    assert entry.selected == key
    assert plotted.session.undo_stack.undoText() == f"Trim {edge} of window {row.number}"
    plotted.session.undo_stack.undo()
    assert entry.selected == row.key
    # Dragging past the other edge leaves two frames.
    plotted.parts.player.playback.pause()
    far = stop + 40 if edge == "start" else max(0, start - 40)
    _drag(qtbot, viewport, _at(plotted, grabbed - 0.5), _at(plotted, far))
    (short,) = entry.reviews
    assert short[1] - short[0] == 2


def test_wheel_zooms_at_the_cursor_and_double_click_shows_all(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, overview = plotted.parts.plot.plot, plotted.parts.plot.overview
    whole = plot.visible_s
    at = _at(plotted, 50)
    _turn_wheel(plot.viewport(), at, 5)
    first, last = plot.visible_s
    assert last - first == pytest.approx((whole[1] - whole[0]) / 1.25**5)
    assert plot.to_widget(50.5 / 30, 0.5).x() == pytest.approx(at.x(), abs=2)
    assert overview.visible_s == plot.visible_s
    _turn_wheel(plot.viewport(), at, -1, SHIFT)
    assert plot.visible_s[0] > first
    assert plot.visible_s[1] - plot.visible_s[0] == pytest.approx(last - first)
    before = plot.visible_s
    _drag(qtbot, plot.viewport(), at, at - QPoint(60, 0), MIDDLE)
    assert plot.visible_s[0] > before[0]
    assert _entry(plotted).reviews == {}
    qtbot.mouseDClick(plot.viewport(), LEFT, pos=at)
    assert plot.visible_s == whole


def test_the_overview_pans_and_zooms(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, overview = plotted.parts.plot.plot, plotted.parts.plot.overview
    plot.show_span(1.0, 2.0)
    _drag(qtbot, overview, overview.to_widget(1.5), overview.to_widget(3.5))
    assert plot.visible_s == pytest.approx((3.0, 4.0), abs=0.05)
    _drag(qtbot, overview, overview.to_widget(plot.visible_s[1]), overview.to_widget(5.0))
    assert plot.visible_s == pytest.approx((3.0, 5.0), abs=0.05)
    qtbot.mouseClick(overview, LEFT, pos=overview.to_widget(1.5))
    assert plot.visible_s == pytest.approx((0.5, 2.5), abs=0.05)
    _turn_wheel(overview, overview.to_widget(1.5), 2)
    assert plot.visible_s[1] - plot.visible_s[0] == pytest.approx(2 / 1.25**2, abs=0.05)
    qtbot.mouseDClick(overview, LEFT, pos=overview.to_widget(1.5))
    assert plot.visible_s == pytest.approx((0.0, FRAMES / 30))


def test_the_plot_turns_the_page_while_following(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, session = plotted.parts.plot.plot, plotted.session
    plot.show_span(0.0, 2.0)
    session.selection.seek(50)
    assert plot.visible_s == pytest.approx((0.0, 2.0)), "the playhead is still visible"
    session.selection.seek(75)
    first, last = plot.visible_s
    assert first < 2.5 < last
    assert last - first == pytest.approx(2.0)
    qtbot.keyClick(plotted, Qt.Key.Key_F)
    session.selection.seek(0)
    assert plot.visible_s == (first, last)
    qtbot.keyClick(plotted, Qt.Key.Key_F)
    assert plot.visible_s[0] == pytest.approx(0.0)


def test_the_legend_toggles_curves_and_is_remembered(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, entry = plotted.parts.plot, _entry(plotted)
    legend = plot.legend
    assert legend.shown == ("expression_variation", "position_stability", COMBINED)
    assert len(plot.terms.lines) == 4, "two scores for two faces"
    qtbot.mouseClick(legend.buttons["position_stability"], LEFT)
    assert len(plot.terms.lines) == 2
    qtbot.mouseClick(legend.buttons[COMBINED], LEFT)
    assert plot.combined.lines == ()
    qtbot.mouseClick(legend.buttons[COMBINED], LEFT)
    legend.menu.aboutToShow.emit()
    movement = next(action for action in legend.menu.actions() if action.text() == CURVES[MOVEMENT].label)
    movement.trigger()
    assert MOVEMENT in legend.buttons
    line = plot.terms.lines[-2]
    track = entry.analysis.tracks[0]
    actions = expression_values(entry.ranker.series.actions_of(track))
    assert line.values[10] == pytest.approx(np.linalg.norm(actions[10] - actions[9]))
    assert np.isnan(line.values[0])
    assert np.isnan(line.values[GAP.start : GAP.stop + 1]).all(), "the first frame after the gap has no predecessor"
    assert np.isfinite(line.values[GAP.stop + 1 :]).all()
    assert len(line.values) == FRAMES
    assert track.row_of(GAP.start) is None
    other = type(legend)(plotted._settings)
    other.set_default(("expression_variation", "position_stability", COMBINED))
    assert other.shown == legend.shown
    other.deleteLater()


def test_a_condition_has_a_curve_and_a_draggable_limit(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, session, entry = plotted.parts.plot, plotted.session, _entry(plotted)
    assert plot.plot.limits == {}
    plot.legend.toggle("face_confidence")
    line = next(line for line in plot.terms.lines if line.kind.name == "face_confidence")
    confidence, length = entry.analysis.tracks[0].confidence, session.settings.sequence_length
    assert line.values[20] == pytest.approx(confidence[20 : 20 + length].min())
    limit = plot.plot.limits["face_confidence"]
    assert limit.value() == 0.0
    viewport = plot.plot.viewport()
    start = plot.plot.to_widget(1.0, 0.0)
    qtbot.mousePress(viewport, LEFT, pos=start)
    for height in (0.2, 0.5, 0.66):
        qtbot.mouseMove(viewport, plot.plot.to_widget(1.0, height))
    qtbot.mouseRelease(viewport, LEFT, pos=plot.plot.to_widget(1.0, 0.66))
    assert session.settings.gates["face_confidence"] == pytest.approx(0.66, abs=0.02)
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.settings.gates["face_confidence"] == 0.0
    # Angles: full scale is 90 degrees; dragging a limit past the top turns it off.
    plot.legend.toggle("max_yaw")
    line = plot.plot.limits["max_yaw"]
    assert line.value() == 1.0
    _drag(qtbot, viewport, plot.plot.to_widget(1.0, 1.0), plot.plot.to_widget(1.0, 0.5))
    assert session.settings.gates["max_yaw"] == pytest.approx(45, abs=2)
    _drag(qtbot, viewport, plot.plot.to_widget(1.0, line.value()), plot.plot.to_widget(1.0, 1.1))
    assert "max_yaw" not in session.settings.gates
    # The context menu sets a limit at the cursor.
    menu = plotted.parts.plot.menu_at(2.0, 0.4)
    texts = [action.text() for action in menu.actions()]
    next(action for action in menu.actions() if action.text() == "Minimum expression variation: 0.40").trigger()
    assert session.settings.gates["min_expression_variation"] == pytest.approx(0.4)
    assert "Minimum expression variation: off" not in texts
    menu = plotted.parts.plot.menu_at(2.0, 0.4)
    next(action for action in menu.actions() if action.text() == "Minimum expression variation: off").trigger()
    assert "min_expression_variation" not in session.settings.gates


def test_the_readout_shows_values_and_movements(plotted: MainWindow, qtbot: QtBot) -> None:
    plot, entry = plotted.parts.plot, _entry(plotted)
    np.testing.assert_allclose(plot.spans.gaps_s, [[GAP.start / 30, GAP.stop / 30]])
    viewport = plot.plot.viewport()
    qtbot.mouseMove(viewport, _at(plotted, 40))
    assert plot.readout.isVisible()
    assert plot.pointer.value() == pytest.approx(40 / 30)
    text = plot.readout.text()
    frames, values = entry.ranking.curve(COMBINED, 0)
    assert f"Score <b>{values[list(frames).index(40)]:.2f}</b>" in text
    settings = entry.ranking.settings
    movement = entry.ranker.movements((26, 56, 0), settings).actions(effective_regions(settings))[0]
    assert f"{movement_words(*movement)} {abs(movement[1]):.2f}" in text
    qtbot.mouseMove(viewport, _at(plotted, GAP.start + 4))
    assert "no face" in plot.readout.text()
    qtbot.mouseMove(viewport, _at(plotted, 2))
    assert "no complete window here" in plot.readout.text()
    qtbot.mouseMove(viewport, _at(plotted, 40, 0) + QPoint(0, 12))
    assert not plot.readout.isVisible(), "no readout over the axis"


def test_switching_to_another_face(plotted: MainWindow, qtbot: QtBot) -> None:
    session, entry, plot = plotted.session, _entry(plotted), plotted.parts.plot
    assert not any(line.faint for line in plot.combined.lines)
    session.selection.choose_track(1)
    assert [line.faint for line in plot.combined.lines] == [True, False]
    session.selection.seek(80)
    qtbot.keyClick(plotted, Qt.Key.Key_B)
    assert entry.selected is not None
    assert entry.selected[2] == 1
    session.undo_stack.undo()
    session.selection.choose_track(0)
    qtbot.keyClick(plotted, Qt.Key.Key_B)
    assert entry.selected[2] == 0


def test_movement_of_an_unknown_face_is_empty() -> None:
    ranker = Ranker(make_analysis(FakeTrack(0, np.zeros((40, 51), np.float32), np.zeros((40, 2), np.float32))))
    assert [len(part) for part in ranker.series.movement(5)] == [0, 0]
    frames, distance = ranker.series.movement(0)
    assert list(frames[:2]) == [0, 1]
    assert distance[1] == 0
    curve = ranker.rank(RankingSettings()).curve("face_confidence", 0)
    np.testing.assert_allclose(curve[1], 0.9)
