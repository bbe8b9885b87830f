"""Small parts: curve decimation, formatting, file expansion, and the session without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from clipgen_engine.declared_settings import declarations
from clipgen_engine.ranking.effective import effective_thresholds
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.session import Session
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.plot.decimation import decimate
from clipgen_gui.projects.files import expand
from clipgen_gui.support.formatting import axis_label, clock, remaining
from tests.support.analyses import make_analysis, random_track
from tests.support.gui import end_now


@settings(suppress_health_check=[HealthCheck.too_slow])  # garbage collection may slow it down
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(0, 1)), min_size=1, max_size=400), st.integers(1, 40))
def test_thinning_keeps_the_extremes_and_bounds_the_points(values: list[float], columns: int) -> None:
    array = np.array(values)
    times = np.arange(len(array), dtype=float)
    thin_times, thinned = decimate(times, array, 0.0, float(len(array)), columns)
    assert len(thinned) == len(thin_times) <= max(2 * columns, 2)
    assert np.all(np.diff(thin_times) >= 0)
    assert np.isnan(array).all() == np.isnan(thinned).all()
    if not np.isnan(array).all():
        assert np.nanmax(thinned) == np.nanmax(array)
        assert np.nanmin(thinned) == np.nanmin(array)


def test_thinning_keeps_gaps_and_extends_beyond_both_ends() -> None:
    times = np.arange(1000, dtype=float)
    values = np.ones(1000)
    values[400:600] = np.nan
    thin_times, thinned = decimate(times, values, 0, 999, 50)
    missing = thin_times[np.isnan(thinned)]
    assert 395 <= missing.min() <= 420
    assert 570 <= missing.max() <= 600
    shown, _ = decimate(times, values, 100.5, 110.5, 500)
    assert shown[0] == 100
    assert shown[-1] == 111


def test_curve_over_some_of_the_columns_gets_its_share_of_points() -> None:
    """Fifty consecutive tracks need about as many points as one of the same total length."""
    times = np.arange(50_000, dtype=float)
    pieces = [decimate(part, part % 7, 0.0, 50_000.0, 500) for part in np.split(times, 50)]
    assert sum(len(piece_times) for piece_times, _ in pieces) <= 2 * (500 + 2 * len(pieces))
    assert all(values.max() == 6 and values.min() == 0 for _, values in pieces)


def test_times_are_formatted() -> None:
    assert [clock(value) for value in (0, 4.879, 59.999, 3661.5)] == ["00:00.00", "00:04.88", "01:00.00", "1:01:01.50"]
    assert [axis_label(2, 0.5), axis_label(65, 5), axis_label(3600, 60), axis_label(1.25, 0.05)] == [
        "0:02.0", "1:05", "1:00:00", "0:01.25",
    ]  # fmt: skip
    assert [remaining(3.2), remaining(600), remaining(7200)] == ["3 s left", "10 min left", "2.0 h left"]


def test_folders_expand_to_their_videos(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.MP4", "a.mov", "inner/c.mkv", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "none").mkdir()
    files, empty = expand([tmp_path, tmp_path / "none", tmp_path / "notes.txt"])
    assert [file.name for file in files] == ["a.mov", "b.MP4", "c.mkv", "notes.txt"]
    assert empty == [tmp_path / "none"]


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    made = Session()
    (entry,) = made.open_paths([Path("made.mp4")])
    analysis = make_analysis(random_track(np.random.default_rng(5), 0, 900))
    made.controls.set_gate("face_confidence", 0.0)
    made.set_analysis(entry, analysis, Ranker(analysis), complete=True)
    yield made
    end_now(made)


def _entry(session: Session) -> VideoEntry:
    assert session.current is not None
    return session.current


def test_changes_in_one_event_loop_turn_are_coalesced_into_one_ranking(session: Session, qtbot: QtBot) -> None:
    rankings: list[object] = []
    session.ranking_changed.connect(lambda: rankings.append(_entry(session).ranking))
    for step in range(50):
        session.controls.set_weight("expression_variation", step / 50)
    assert rankings == []
    qtbot.waitUntil(lambda: bool(rankings))
    qtbot.wait(20)
    assert len(rankings) == 1
    assert _entry(session).ranking.settings.weights["expression_variation"] == 49 / 50


def test_undo_steps_are_named_and_revert_every_decision(session: Session) -> None:
    entry, stack = _entry(session), session.undo_stack
    session.selection.select(entry.rows[0].key)
    session.decisions.decide(Decision.ACCEPTED)
    session.decisions.decide(Decision.REJECTED)
    assert stack.undoText() == "Reject window 2"
    made = dict(entry.reviews)
    while stack.canUndo():
        stack.undo()
    assert entry.reviews == {}
    while stack.canRedo():
        stack.redo()
    assert entry.reviews == made
    session.decisions.decide(Decision.UNDECIDED)
    assert stack.undoText().startswith("Undecide")


def test_rejected_window_keeps_its_number_and_is_replaced_by_another(session: Session) -> None:
    entry = _entry(session)
    before = [(row.number, row.key) for row in entry.rows]
    session.selection.select(entry.rows[3].key)
    session.decisions.decide(Decision.REJECTED)
    assert [(row.number, row.key) for row in entry.rows[: len(before)]] == before
    assert len(entry.rows) == len(before) + 1
    rejected = entry.rows[3].sequence
    for row in entry.rows:
        if row.key != rejected.key:
            one = row.sequence
            assert one.stop_frame <= rejected.start_frame or one.start_frame >= rejected.stop_frame


def test_accepted_windows_survive_all_changes_of_settings(session: Session) -> None:
    entry = _entry(session)
    session.selection.select(entry.rows[0].key)
    session.decisions.decide(Decision.ACCEPTED)
    session.decisions.decide(Decision.ACCEPTED)
    accepted = {sequence.key for sequence in entry.accepted}
    for change in (("sequence_length", 77), ("num_sequences", 1), ("min_gap", 50)):
        session.controls.set_setting(*change)
        session.rank_now()
        assert {sequence.key for sequence in entry.accepted} == accepted
    assert [sequence.rank for sequence in entry.accepted] == [1, 2]


def test_selection_follows_a_moving_window(session: Session) -> None:
    entry = _entry(session)
    session.selection.select(entry.rows[0].key)
    start, stop, _ = entry.rows[0].key
    session.controls.set_setting("sequence_length", 34)
    session.rank_now()
    if entry.selected is not None:
        assert min(stop, entry.selected[1]) > max(start, entry.selected[0])
        assert entry.selected_row is not None


def test_no_window_reason_names_the_gate(session: Session) -> None:
    session.controls.set_gate("face_confidence", 1.0)
    session.rank_now()
    assert "face confidence rejected 871" in _entry(session).no_window_reason
    session.controls.set_setting("sequence_length", 5000)
    session.rank_now()
    assert "shorter window" in _entry(session).no_window_reason


def test_every_declared_ranking_setting_has_a_control(reviewed: MainWindow) -> None:
    ranking, session = reviewed.parts.ranking.panel, reviewed.session
    weights, gates = ranking.weights, ranking.gates
    assert set(weights.sliders) == set(TERMS)
    assert set(ranking.regions.sliders) == set(REGION_MULTIPLIERS)
    assert set(gates.rows) == set(GATES)
    assert {*weights.boxes, "diversity", "blinks"} == {setting.name for setting in declarations(RankingSettings)}
    for name, box in weights.boxes.items():
        if isinstance(box, QComboBox):
            box.setCurrentIndex(1)
            assert getattr(session.settings, name) == box.currentData()
            box.setCurrentIndex(0)
        else:
            for value in (box.minimum(), box.maximum()):
                box.setValue(value)
                assert getattr(session.settings, name) == pytest.approx(value)
    ranking.show_page(1)  # pages follow the settings only while visible
    for name, row in gates.rows.items():
        if row.slider is None:
            continue
        for control in (row.box, row.slider):
            for value in (control.minimum(), control.maximum()):
                control.setValue(value)
                declared = GATES[name].threshold
                expected = declared.minimum if value == control.minimum() else declared.maximum
                assert effective_thresholds(session.settings)[name] == pytest.approx(expected)
    session.rank_now()


def test_weighted_term_gets_a_column_and_a_curve(reviewed: MainWindow) -> None:
    session, table, plot = reviewed.session, reviewed.parts.review.panel, reviewed.parts.plot
    name, term = next((name, term) for name, term in TERMS.items() if not term.weight.default)
    columns = table.model.columnCount()
    lines = len(plot.terms.lines)
    session.controls.set_weight(name, 0.5)
    session.rank_now()
    assert table.model.columnCount() == columns + 1
    headings = [table.model.headerData(at, Qt.Orientation.Horizontal) for at in range(columns + 1)]
    assert term.short_label in headings
    assert len(plot.terms.lines) > lines
    session.controls.set_weight(name, 0.0)
    session.rank_now()
    assert table.model.columnCount() == columns


def test_plot_draws_the_ranking(reviewed: MainWindow) -> None:
    entry = reviewed.session.current
    assert entry is not None
    assert entry.ranking is not None
    (line,) = reviewed.parts.plot.combined.lines
    frames, values = entry.ranking.curve("combined_score", entry.analysis.tracks[0].track_id)
    np.testing.assert_array_equal(line.values, values.astype(float))
    np.testing.assert_array_equal(line.times_s, entry.info.times_s[frames])
    spans = reviewed.parts.plot.spans.spans
    assert [span.number for span in spans] == [row.number for row in entry.rows]
    assert [span.start_s for span in spans] == [entry.info.times_s[row.sequence.start_frame] for row in entry.rows]
