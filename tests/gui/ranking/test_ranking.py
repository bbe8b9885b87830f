"""Gates, regions, presets and weights: changes by mouse and keys, statistics, and undo."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.effective import effective_thresholds
from clipgen_engine.ranking.presets import PRESETS
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.ranking.summary import preset_of
from tests.support.gui import drag

LEFT = Qt.MouseButton.LeftButton


def _entry(window: MainWindow) -> VideoEntry:
    assert window.session.current is not None
    return window.session.current


def _open_page(window: MainWindow, qtbot: QtBot, index: int) -> None:
    qtbot.mouseClick(window.parts.ranking.panel.tabs[index], LEFT)
    assert window.parts.ranking.panel.tabs[index].isChecked()


def _choose(qtbot: QtBot, box: QComboBox, text: str) -> None:
    """Choose an item of a combo box by keys."""
    box.setFocus()
    wanted = box.findText(text)
    while box.currentIndex() != wanted:
        before = box.currentIndex()
        qtbot.keyClick(box, Qt.Key.Key_PageDown if before < wanted else Qt.Key.Key_PageUp)
        assert box.currentIndex() != before


def test_presets_change_gates_statistics_and_list(reviewed: MainWindow, qtbot: QtBot) -> None:
    _open_page(reviewed, qtbot, 1)
    gates, entry = reviewed.parts.ranking.panel.gates, _entry(reviewed)
    passed = entry.ranking.valid_count
    assert gates.preset.currentText() == "Default"
    _choose(qtbot, gates.preset, PRESETS["strict_frontal"].label)
    qtbot.waitUntil(lambda: "max_yaw" in entry.ranking.gate_counts)
    assert effective_thresholds(reviewed.session.settings)["max_yaw"] == 15.0
    assert gates.rows["max_yaw"].box.text() == "15°"
    assert gates.rows["max_yaw"].statistic.isVisible()
    assert entry.ranking.valid_count <= passed
    assert gates.passing.text() == f"{entry.ranking.valid_count} of {entry.ranking.window_count} pass"
    reviewed.session.controls.set_gate("max_yaw", 16.0)
    assert gates.preset.currentText() == "Custom"
    _choose(qtbot, gates.preset, PRESETS["talking_head"].label)
    assert gates.rows["max_yaw"].box.text() == "off"
    assert gates.rows["min_face_share"].box.text() == "0.0167"
    _choose(qtbot, gates.preset, PRESETS["without_eyes"].label)
    assert reviewed.session.settings.regions == {"eyelids": 0.0, "gaze": 0.0}
    while reviewed.session.undo_stack.canUndo():
        reviewed.session.undo_stack.undo()
    assert preset_of(reviewed.session.settings) == "default"
    assert gates.preset.currentText() == "Default"


def test_dragging_a_gate_changes_statistic_and_list(reviewed: MainWindow, qtbot: QtBot) -> None:
    _open_page(reviewed, qtbot, 1)
    gates, entry = reviewed.parts.ranking.panel.gates, _entry(reviewed)
    qtbot.mouseClick(gates.more, LEFT)
    row = gates.rows["min_expression_variation"]
    gates.part.ensureWidgetVisible(row)
    assert not row.statistic.isVisible()
    assert row.label.property("off")
    keys = [one.key for one in entry.rows]
    drag(qtbot, row.slider, 20)
    threshold = reviewed.session.settings.gates["min_expression_variation"]
    assert 0 < threshold < 0.2
    qtbot.waitUntil(lambda: [one.key for one in entry.rows] != keys)
    assert all(one.sequence.terms["expression_variation"] >= threshold for one in entry.rows)
    counts = entry.ranking.gate_counts["min_expression_variation"]
    alone = entry.ranking.gate_counts_alone["min_expression_variation"]
    assert counts > 0
    qtbot.waitUntil(lambda: row.statistic.text() == f"stops {counts} · alone {alone}")
    assert not row.label.property("off")
    assert reviewed.session.undo_stack.count() == 1
    qtbot.mouseClick(row.reset, LEFT)
    assert "min_expression_variation" not in reviewed.session.settings.gates
    qtbot.waitUntil(lambda: [one.key for one in entry.rows] == keys)
    assert not row.reset.isVisible()


def test_threshold_can_be_typed_and_switched_off(reviewed: MainWindow, qtbot: QtBot) -> None:
    _open_page(reviewed, qtbot, 1)
    box = reviewed.parts.ranking.panel.gates.rows["max_roll"].box
    box.setFocus()
    for typed, threshold, shown in (("12", 12.0, "12°"), ("999", 12.0, "12°"), ("off", None, "off")):
        box.selectAll()
        qtbot.keyClicks(box.lineEdit(), typed)
        qtbot.keyClick(box, Qt.Key.Key_Return)
        assert reviewed.session.settings.gates.get("max_roll") == threshold
        assert box.text() == shown
        box.setFocus()


def test_threshold_line_in_the_plot_can_be_dragged(reviewed: MainWindow, qtbot: QtBot) -> None:
    plot, session = reviewed.parts.plot.plot, reviewed.session
    session.controls.set_gate("max_expression_variation", 0.8)
    qtbot.waitUntil(lambda: "max_expression_variation" in plot.limits)
    position = session.current.position
    qtbot.mousePress(plot.viewport(), LEFT, pos=plot.to_widget(1.0, 0.8) + QPoint(0, 2))
    for value in (0.75, 0.7, 0.6):
        qtbot.mouseMove(plot.viewport(), plot.to_widget(1.1, value))
    qtbot.mouseRelease(plot.viewport(), LEFT, pos=plot.to_widget(1.1, 0.6))
    assert session.settings.gates["max_expression_variation"] == pytest.approx(0.6, abs=0.02)
    assert session.current.position == position, "dragging the line must not move the playhead"
    assert session.undo_stack.count() == 2
    session.controls.set_gate("max_expression_variation", 1.0)
    qtbot.waitUntil(lambda: not plot.limits)


def test_without_eyes_changes_the_expression_variation(reviewed: MainWindow, qtbot: QtBot) -> None:
    _open_page(reviewed, qtbot, 2)
    regions, entry, session = reviewed.parts.ranking.panel.regions, _entry(reviewed), reviewed.session
    with_eyes = entry.ranking.scores.term("expression_variation").sum()
    qtbot.mouseClick(regions.without_eyes, LEFT)
    assert session.settings.regions == {"eyelids": 0.0}
    assert regions.sliders["gaze"].number == regions.sliders["eyelids"].number == 0.0
    qtbot.waitUntil(lambda: entry.ranking.settings is session.settings)
    assert entry.ranking.scores.term("expression_variation").sum() < with_eyes
    qtbot.mouseClick(regions.without_eyes, LEFT)
    assert session.settings.regions == {}
    drag(qtbot, regions.sliders["mouth"], 40)
    assert session.settings.regions["mouth"] == pytest.approx(2.0)
    qtbot.mouseClick(regions.reset, LEFT)
    assert session.settings.regions == {}
    assert not regions.reset.isEnabled()


def test_blinks_can_be_counted(reviewed: MainWindow, qtbot: QtBot) -> None:
    _open_page(reviewed, qtbot, 2)
    regions, entry, session = reviewed.parts.ranking.panel.regions, _entry(reviewed), reviewed.session
    bridged = entry.ranking.scores.term("expression_variation").sum()
    assert not regions.blinks.isChecked()
    qtbot.mouseClick(regions.blinks, LEFT, pos=QPoint(8, regions.blinks.height() // 2))
    assert session.settings.blinks == "counted"
    qtbot.waitUntil(lambda: entry.ranking.settings is session.settings)
    assert entry.ranking.scores.term("expression_variation").sum() > bridged
    session.undo_stack.undo()
    assert not regions.blinks.isChecked()


def test_length_in_seconds_takes_over(reviewed: MainWindow, qtbot: QtBot) -> None:
    weights, entry = reviewed.parts.ranking.panel.weights, _entry(reviewed)
    box = weights.boxes["sequence_seconds"]
    assert weights.boxes["sequence_length"].isEnabled()
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "0.5")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: {row.sequence.frame_count for row in entry.rows} == {15})
    assert not weights.boxes["sequence_length"].isEnabled()
    reviewed.session.controls.set_setting("sequence_seconds", 0.0)
    qtbot.waitUntil(lambda: {row.sequence.frame_count for row in entry.rows} == {30})
    assert weights.boxes["sequence_length"].isEnabled()


def test_drag_is_one_undo_step_among_decisions(reviewed: MainWindow, qtbot: QtBot) -> None:
    session, entry = reviewed.session, _entry(reviewed)
    slider = reviewed.parts.ranking.panel.weights.sliders["expression_variation"]
    session.selection.select(entry.rows[0].key)
    accepted = entry.rows[0].key
    qtbot.keyClick(reviewed, Qt.Key.Key_A)
    drag(qtbot, slider, 20)
    drag(qtbot, slider, 40)
    stack = session.undo_stack
    assert [stack.text(step) for step in range(stack.count())] == [
        "Accept window 1", "Change weight of Expression variation", "Change weight of Expression variation",
    ]  # fmt: skip
    assert "Change weight of Expression variation" in reviewed.actions_by_name["undo"].toolTip()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(reviewed, Qt.Key.Key_Z, control)
    assert session.settings.weights["expression_variation"] == pytest.approx(0.2, abs=0.05)
    assert slider.value() == pytest.approx(20, abs=5)
    qtbot.keyClick(reviewed, Qt.Key.Key_Z, control)
    assert session.settings.weights == {}
    assert accepted in entry.reviews
    qtbot.keyClick(reviewed, Qt.Key.Key_Z, control)
    assert entry.reviews == {}
    for _ in range(3):
        qtbot.keyClick(reviewed, Qt.Key.Key_Z, control | shift)
    assert accepted in entry.reviews
    assert session.settings.weights["expression_variation"] == pytest.approx(0.4, abs=0.05)


def test_undo_works_from_a_focused_number_box(reviewed: MainWindow, qtbot: QtBot) -> None:
    box = reviewed.parts.ranking.panel.weights.boxes["num_sequences"]
    box.setFocus()
    for _ in range(3):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert reviewed.session.settings.num_sequences == 7
    qtbot.keyClick(box, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert reviewed.session.settings.num_sequences == 10
    assert box.value() == 10


def test_drag_back_to_its_start_leaves_no_undo_step(reviewed: MainWindow) -> None:
    session = reviewed.session
    session.controls.hold(True)
    for value in (0.6, 0.5, 0.7):
        session.controls.set_weight("expression_variation", value)
    session.controls.hold(False)
    assert session.undo_stack.count() == 0
    session.controls.set_weight("expression_variation", 0.1)
    assert session.undo_stack.count() == 1
