"""Shortcuts work wherever the focus is; in a number box, digits are typed and letters still act."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Decision
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import FOCUSES


@pytest.mark.parametrize("focus", FOCUSES)
def test_letter_keys_work_from_every_focus(reviewed: MainWindow, qtbot: QtBot, focus: str) -> None:
    entry = reviewed.session.current
    assert entry is not None
    widget = FOCUSES[focus](reviewed)
    widget.setFocus()
    assert widget.hasFocus()
    first, second = (row.key for row in entry.rows[:2])
    reviewed.session.selection.select(first)
    for key, decision in ((Qt.Key.Key_A, Decision.ACCEPTED), (Qt.Key.Key_R, Decision.REJECTED)):
        reviewed.session.selection.select(first)
        qtbot.keyClick(widget, key)
        assert entry.decision_of(first) is decision
        assert entry.selected == second
    reviewed.session.selection.select(first)
    qtbot.keyClick(widget, Qt.Key.Key_U)
    assert entry.decision_of(first) is Decision.UNDECIDED
    reviewed.parts.player.playback.pause()
    qtbot.keyClick(widget, Qt.Key.Key_Space)
    assert reviewed.parts.player.playback.playing
    qtbot.keyClick(widget, Qt.Key.Key_K)
    assert not reviewed.parts.player.playback.playing
    qtbot.keyClick(widget, Qt.Key.Key_L)
    assert reviewed.parts.player.playback.speed == 1.25
    qtbot.keyClick(widget, Qt.Key.Key_J)
    qtbot.keyClick(widget, Qt.Key.Key_J)
    assert reviewed.parts.player.playback.speed == 0.75
    assert widget.hasFocus()


@pytest.mark.parametrize("focus", [name for name in FOCUSES if name != "number box"])
def test_arrow_keys_work_from_every_focus_except_a_number_box(reviewed: MainWindow, qtbot: QtBot, focus: str) -> None:
    entry = reviewed.session.current
    assert entry is not None
    widget = FOCUSES[focus](reviewed)
    widget.setFocus()
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    assert entry.position == 1
    qtbot.keyClick(widget, Qt.Key.Key_Down)
    assert entry.selected == entry.rows[0].key
    qtbot.keyClick(widget, Qt.Key.Key_Down)
    assert entry.selected == entry.rows[1].key
    qtbot.keyClick(widget, Qt.Key.Key_Up)
    assert entry.selected == entry.rows[0].key
    qtbot.keyClick(widget, Qt.Key.Key_End)
    assert entry.position == entry.frame_count - 1


def test_number_box_accepts_digits_and_returns_the_focus(reviewed: MainWindow, qtbot: QtBot) -> None:
    box = reviewed.parts.ranking.panel.weights.boxes["sequence_length"]
    box.setFocus()
    box.selectAll()
    position = reviewed.session.current.position
    qtbot.keyClicks(box, "45")
    assert reviewed.session.settings.sequence_length == 30, "an unfinished number must not apply yet"
    qtbot.keyClick(box, Qt.Key.Key_Left)
    assert reviewed.session.current.position == position
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert reviewed.session.settings.sequence_length == 45
    assert not box.hasFocus()
    qtbot.waitUntil(lambda: {row.sequence.frame_count for row in reviewed.session.current.rows} == {45})
    qtbot.keyClick(reviewed, Qt.Key.Key_Right)
    assert reviewed.session.current.position == position + 1


def test_enter_toggles_the_loop(reviewed: MainWindow, qtbot: QtBot) -> None:
    reviewed.parts.review.panel.view.setFocus()
    qtbot.keyClick(reviewed.parts.review.panel.view, Qt.Key.Key_Return)
    assert not reviewed.parts.player.playback.loop
    qtbot.keyClick(reviewed.parts.review.panel.view, Qt.Key.Key_Return)
    assert reviewed.parts.player.playback.loop


def test_shortcuts_overlay_opens_and_closes(reviewed: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(reviewed, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    assert reviewed.parts.shortcuts.isVisible()
    qtbot.keyClick(reviewed.parts.shortcuts, Qt.Key.Key_Escape)
    assert not reviewed.parts.shortcuts.isVisible()


def test_clicks_on_the_plot_seek_and_select(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry = reviewed.session.current
    assert entry is not None
    plot = reviewed.parts.plot.plot
    row = entry.rows[1]
    middle = (row.sequence.start_frame + row.sequence.stop_frame) // 2
    at = plot.to_widget(float(entry.info.times_s[middle]) + entry.info.frame_duration_s / 2, 0.5)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert entry.position == middle
    assert entry.selected == row.key
    assert [span.selected for span in reviewed.parts.plot.spans.spans].index(True) == 1
    assert reviewed.parts.plot.playhead.value() == pytest.approx(float(entry.info.times_s[middle]))


def test_click_on_the_decision_column_decides(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, view = reviewed.session.current, reviewed.parts.review.panel.view
    assert entry is not None
    cell = view.visualRect(
        reviewed.parts.review.panel.model.index(2, reviewed.parts.review.panel.model.decision_column)
    )
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=cell.center())
    assert entry.selected == entry.rows[2].key
    assert entry.rows[2].decision is Decision.ACCEPTED
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=cell.center())
    assert entry.rows[2].decision is Decision.UNDECIDED


def test_every_control_has_a_name(reviewed: MainWindow) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar

    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox)
    nameless = [
        widget
        for kind in kinds
        for widget in reviewed.findChildren(kind)
        if not isinstance(widget, QScrollBar)
        and not widget.objectName().startswith("qt_")
        and not (widget.accessibleName() and widget.toolTip())
        and type(widget).__name__ != "QTableCornerButton"
    ]
    assert not [(type(one).__name__, one.objectName(), one.parent()) for one in nameless]
