"""Explanations of listed and unlisted windows, and manual windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.expression.actions import ACTIONS
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.session import Session
from clipgen_gui.main_window.window import MainWindow
from tests.support.analyses import make_analysis, random_track
from tests.support.gui import end_now, open_analysed

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def few(reviewed: MainWindow, qtbot: QtBot) -> MainWindow:
    """Only two windows are selected, which leaves free frames between them."""
    reviewed.session.controls.set_setting("num_sequences", 2)
    reviewed.session.rank_now()
    reviewed.session.undo_stack.clear()
    return reviewed


def _entry(window: MainWindow) -> VideoEntry:
    assert window.session.current is not None
    return window.session.current


def _click(window: MainWindow, qtbot: QtBot, frame: int, keys: Qt.KeyboardModifier | None = None) -> None:
    """Click this frame on the curves and wait for the explanation."""
    info, plot = _entry(window).info, window.parts.plot.plot
    assert info is not None
    at = plot.to_widget(float(info.times_s[frame]) + info.frame_duration_s / 2, 0.5)
    with qtbot.waitSignal(window.parts.ranking.explainer.answered, timeout=2000):
        qtbot.mouseClick(plot.viewport(), LEFT, keys or Qt.KeyboardModifier.NoModifier, at)


def _free_frame(entry: VideoEntry) -> int:
    """A frame whose window overlaps no row."""
    for frame in range(15, entry.frame_count - 16):
        if not any(row.overlaps(frame - 14, frame + 16) for row in entry.rows):
            return frame
    raise AssertionError("no free frame")


def test_selected_window_is_explained(reviewed: MainWindow, qtbot: QtBot) -> None:
    entry, why = _entry(reviewed), reviewed.parts.ranking.why
    assert "Select a window" in why.verdict.text()
    row = entry.rows[1]
    with qtbot.waitSignal(reviewed.parts.ranking.explainer.answered):
        qtbot.keyClick(reviewed, Qt.Key.Key_Down)
        qtbot.keyClick(reviewed, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: why.subject.text() == "Window 2")
    assert why.verdict.text() == f"Number 2 of {len(entry.rows)} in this video, proposed."
    assert [bar.label for bar in why.standings.bars] == ["Expr.", "Pos.", "Score"]
    assert why.standings.bars[-1].value == row.sequence.combined_score
    name, change = row.sequence.movements[0]
    assert f"{movement_words(name, change)} {abs(change):.2f}" in why.movements.text()
    shown = reviewed.parts.ranking.explainer.answer.explanation.movements[:4]
    looks = sum(ACTIONS[name].region == "gaze" for name, _ in shown)
    assert why.movements.text().count("does not count") == looks
    link = why.extremes[1]
    reviewed.parts.player.playback.pause()
    qtbot.mouseClick(link, LEFT)
    assert entry.position == int(link.text().removeprefix("frame "))
    qtbot.keyClick(reviewed, Qt.Key.Key_U)
    qtbot.keyClick(reviewed, Qt.Key.Key_R)
    reviewed.session.selection.select(row.key)
    qtbot.waitUntil(lambda: "rejected" in why.verdict.text())


def test_clicked_frame_is_explained_and_accepted_by_key(few: MainWindow, qtbot: QtBot) -> None:
    entry, why = _entry(few), few.parts.ranking.why
    frame = _free_frame(entry)
    _click(few, qtbot, frame)
    assert entry.position == frame
    assert entry.selected is None
    assert why.verdict.isVisible()
    assert why.verdict.text().startswith("Not proposed: its score")
    times = entry.info.times_s
    assert few.parts.plot.spans.candidate == (times[frame - 14], times[frame + 16])
    assert why.accept.isVisible()

    qtbot.keyClick(few, Qt.Key.Key_B)
    key = (frame - 14, frame + 16, 0)
    assert entry.decision_of(key) is Decision.ACCEPTED
    assert entry.selected == key
    assert few.parts.plot.spans.candidate is None
    assert [row.key for row in entry.rows].count(key) == 1
    qtbot.waitUntil(lambda: "accepted, added manually" in why.verdict.text())
    assert not why.accept.isVisible()
    qtbot.keyClick(few, Qt.Key.Key_U)
    assert key in {row.key for row in entry.rows}, "an undecided manual window must stay listed"
    qtbot.keyClick(few, Qt.Key.Key_U)
    assert key not in {row.key for row in entry.rows}
    for _ in range(3):
        qtbot.keyClick(few, Qt.Key.Key_Z, CONTROL)
    assert entry.reviews == {}
    qtbot.keyClick(few, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert entry.decision_of(key) is Decision.ACCEPTED


def test_losing_window_links_to_the_better_one(few: MainWindow, qtbot: QtBot) -> None:
    entry, why = _entry(few), few.parts.ranking.why
    beside = [
        frame
        for row in entry.rows
        for frame in (row.sequence.start_frame - 5, row.sequence.stop_frame + 5)
        if 14 <= frame < entry.frame_count - 16 and not any(one.overlaps(frame, frame + 1) for one in entry.rows)
    ]
    _click(few, qtbot, beside[0])
    row = next(row for row in entry.rows if f"number {row.number} (frames" in why.verdict.text())
    assert row.overlaps(beside[0] - 14, beside[0] + 16)
    qtbot.mouseClick(why.lost_to, LEFT)
    assert entry.selected == row.key
    few.parts.player.playback.pause()
    assert few.parts.plot.spans.candidate is None

    # A click inside a window selects it; Shift+click inspects the frame instead.
    middle = row.sequence.start_frame + 9
    _click(few, qtbot, middle, SHIFT)
    assert entry.selected is None
    assert f"number {row.number} (frames" in why.verdict.text()
    qtbot.mouseClick(why.accept, LEFT)
    assert entry.decision_of((middle - 14, middle + 16, 0)) is Decision.ACCEPTED
    assert row.key not in {one.key for one in entry.rows}, "the accepted window must replace it"


def test_failed_gate_is_linked(few: MainWindow, qtbot: QtBot) -> None:
    few.session.controls.set_gate("min_expression_variation", 0.9)
    few.session.rank_now()
    _click(few, qtbot, 60)
    assert "expression variation is" in few.parts.ranking.why.verdict.text()
    (link,) = few.parts.ranking.why.gate_links
    assert "too low" in link.text()
    qtbot.mouseClick(link, LEFT)
    row = few.parts.ranking.panel.gates.rows["min_expression_variation"]
    assert row.slider.hasFocus()
    few.session.controls.set_gate("min_expression_variation", 0.0)
    qtbot.waitUntil(lambda: not few.parts.ranking.why.gate_links, timeout=2000)


def test_overlap_with_a_rejected_window_is_explained(few: MainWindow, qtbot: QtBot) -> None:
    entry = _entry(few)
    few.session.controls.set_setting("num_sequences", 10)
    few.session.rank_now()
    row = entry.rows[-1]
    few.session.selection.select(row.key)
    few.session.decisions.decide(Decision.REJECTED)
    for other in entry.rows:
        if other.key != row.key and other.decision is Decision.UNDECIDED:
            few.session.selection.select(other.key)
            few.session.decisions.decide(Decision.REJECTED, advance=False)
    few.session.selection.inspect((row.sequence.start_frame + row.sequence.stop_frame) // 2 + 2)
    few.parts.ranking.explainer.answer_now()
    assert "which was rejected" in few.parts.ranking.why.verdict.text()


def test_frame_without_a_window_cannot_be_accepted(
    window: MainWindow, qtbot: QtBot, short_video: Path, short_analysis: Analysis
) -> None:
    entry = open_analysed(window, qtbot, short_video, short_analysis)
    window.session.controls.set_setting("num_sequences", 1)
    window.session.rank_now()
    ((start, _, _),) = (row.key for row in entry.rows)
    _click(window, qtbot, entry.frame_count - 2 if start < 10 else 2)
    assert "does not fit" in window.parts.ranking.why.verdict.text()
    assert not window.parts.ranking.why.accept.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert entry.reviews == {}
    assert "does not fit" in window.parts.status.temporary_text
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert entry.inspected is None
    qtbot.waitUntil(lambda: "Select a window" in window.parts.ranking.why.verdict.text())


def test_trim_keys_with_undo_and_redo(few: MainWindow, qtbot: QtBot) -> None:
    entry = _entry(few)
    few.session.selection.select(entry.rows[0].key)
    few.parts.player.playback.pause()
    start, stop, track = entry.rows[0].key
    few.session.selection.seek(start + 4)
    qtbot.keyClick(few, Qt.Key.Key_BracketLeft)
    assert entry.selected == (start + 4, stop, track)
    assert entry.selected_row.decision is Decision.UNDECIDED
    few.session.selection.seek(stop - 4)
    qtbot.keyClick(few, Qt.Key.Key_BracketRight)
    trimmed = (start + 4, stop - 3, track)
    assert entry.selected == trimmed
    assert (start, stop, track) not in {row.key for row in entry.rows}
    few.session.controls.set_weight("expression_variation", 0.05)
    few.session.rank_now()
    assert trimmed in {row.key for row in entry.rows}, "a trimmed window must stay listed whatever the weights"
    few.session.undo_stack.undo()
    qtbot.keyClick(few, Qt.Key.Key_A)
    assert entry.decision_of(trimmed) is Decision.ACCEPTED
    for _ in range(3):
        qtbot.keyClick(few, Qt.Key.Key_Z, CONTROL)
    assert entry.reviews == {}
    assert (start, stop, track) in {row.key for row in entry.rows}
    for _ in range(3):
        qtbot.keyClick(few, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert [mark.decision for mark in entry.reviews.values()] == [Decision.ACCEPTED]
    assert list(entry.reviews) == [trimmed]


def test_refused_trims_are_explained(few: MainWindow, qtbot: QtBot) -> None:
    entry, session = _entry(few), few.session
    qtbot.keyClick(few, Qt.Key.Key_BracketLeft)
    assert "Select a window first" in few.parts.status.temporary_text
    first, second = sorted((row.key for row in entry.rows), key=lambda key: key[0])
    session.selection.select(first)
    session.decisions.decide(Decision.ACCEPTED, advance=False)
    few.parts.player.playback.pause()
    session.selection.select(second)
    few.parts.player.playback.pause()
    session.selection.seek(second[0])
    qtbot.keyClick(few, Qt.Key.Key_BracketRight)
    assert "after the first frame" in few.parts.status.temporary_text
    session.selection.seek(first[1] - 3)
    qtbot.keyClick(few, Qt.Key.Key_BracketLeft)
    assert "would overlap" in few.parts.status.temporary_text
    assert list(entry.reviews) == [first]


def test_explanations_are_debounced_during_a_drag(reviewed: MainWindow, qtbot: QtBot) -> None:
    session = reviewed.session
    session.selection.select(_entry(reviewed).rows[0].key)
    reviewed.parts.ranking.explainer.answer_now()
    qtbot.wait(120)
    answers: list[object] = []
    reviewed.parts.ranking.explainer.answered.connect(lambda: answers.append(reviewed.parts.ranking.explainer.answer))
    for step in range(20):
        session.controls.set_weight("expression_variation", 0.3 + step / 100)
        while session.ranking_pending:
            QApplication.processEvents()
    assert len(answers) <= 1
    qtbot.waitUntil(lambda: bool(answers))
    assert answers[-1].explanation.standings["combined_score"].value == pytest.approx(
        _entry(reviewed).selected_row.sequence.combined_score
    )


def test_similar_windows_are_explained(qtbot: QtBot) -> None:
    session = Session()
    (entry,) = session.open_paths([Path("made.mp4")])
    analysis = make_analysis(random_track(np.random.default_rng(5), 0, 900))
    session.controls.set_gate("face_confidence", 0.0)
    session.controls.set_setting("num_sequences", 3)
    session.controls.set_setting("diversity", 0.9)
    session.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    from clipgen_gui.ranking.explainer import Explainer

    explainer = Explainer(session)
    verdicts = []
    for frame in range(20, 860, 20):
        session.selection.inspect(frame)
        explainer.answer_now()
        assert explainer.answer is not None
        verdicts.append(explainer.answer.verdict)
    assert any("looks too similar to" in verdict for verdict in verdicts)
    assert not any("rejected span" in verdict for verdict in verdicts)
    end_now(explainer)
    end_now(session)
