"""Drafts in the app: marked as such, exact in two stages, a list that holds still while it is reviewed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Decision, Progress
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.main_window.window import MainWindow

_ANALYSIS_MS = 60_000


def as_draft(analysis: Analysis, exact: slice = slice(0, 0)) -> Analysis:
    """The same analysis with only these frames exact."""
    mask = np.zeros(analysis.analyzed_frames, np.bool_)
    mask[exact] = True
    return replace(analysis, exact=mask)


def show(window: MainWindow, analysis: Analysis, *, complete: bool = False) -> VideoEntry:
    entry = window.session.current
    assert entry is not None
    window.session.set_analysis(entry, analysis, Ranker(analysis), complete=complete)
    return entry


def swapped(analysis: Analysis) -> Analysis:
    """The analysis played backwards, so that other windows are the best."""
    tracks = tuple(replace(track, blendshapes=track.blendshapes[::-1].copy()) for track in analysis.tracks)
    tokens = tuple(replace(one, values=one.values[::-1].copy()) for one in analysis.tokens)
    return replace(analysis, tracks=tracks, tokens=tokens)


def scores(window: MainWindow) -> list[str]:
    model = window.parts.review.panel.model
    return [model.data(model.index(row, model.score_column)) for row in range(model.rowCount())]


def test_drafts_are_marked_in_table_plot_and_tooltip(reviewed: MainWindow, short_analysis: Analysis) -> None:
    show(reviewed, as_draft(short_analysis))
    assert scores(reviewed)
    assert all(text.startswith("≈") for text in scores(reviewed))
    model = reviewed.parts.review.panel.model
    assert "draft" in model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert any(line.draft for line in reviewed.parts.plot.terms.lines)
    reviewed.grab()  # paints them
    show(reviewed, short_analysis, complete=True)
    assert not any(text.startswith("≈") for text in scores(reviewed))
    assert not any(line.draft for line in reviewed.parts.plot.terms.lines)


def test_curves_are_split_where_they_become_exact(reviewed: MainWindow, short_analysis: Analysis) -> None:
    half = short_analysis.analyzed_frames // 2
    show(reviewed, as_draft(short_analysis, slice(0, half)))
    lines = [line for line in reviewed.parts.plot.terms.lines if line.kind.name == "expression_variation"]
    assert [line.draft for line in lines] == [False, True]
    known = [np.isfinite(line.values) for line in lines]
    assert (known[0] | known[1]).all()
    assert (known[0] & known[1]).sum() <= 2
    assert known[0][0]
    assert known[1][-1]


def test_decisions_and_selection_stay_while_values_become_exact(reviewed: MainWindow, short_analysis: Analysis) -> None:
    entry = show(reviewed, as_draft(short_analysis))
    best = entry.rows[0].key
    reviewed.session.selection.select(best)
    reviewed.session.decisions.decide(Decision.ACCEPTED)
    reviewed.session.selection.select(best)
    show(reviewed, short_analysis, complete=True)
    assert entry.selected == best
    assert entry.decision_of(best) is Decision.ACCEPTED
    assert next(row for row in entry.rows if row.key == best).sequence.exact


def test_windows_hold_still_under_the_pointer_and_are_sorted_afterwards(
    reviewed: MainWindow, short_analysis: Analysis, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipgen_gui.review.room._IN_USE_S", 0.6)
    reviewed.session.controls.set_setting("sequence_length", 10)
    reviewed.session.flush_ranking()
    entry = show(reviewed, as_draft(short_analysis))
    before = [row.key for row in entry.rows]
    assert len(before) > 2
    qtbot.waitUntil(lambda: not reviewed.session.hold_order(), timeout=5000)
    table = reviewed.parts.review.panel.view.viewport()
    QTest.mouseMove(table, QPoint(20, 10))
    QTest.mouseMove(table, QPoint(24, 12))
    assert reviewed.session.hold_order()
    show(reviewed, as_draft(swapped(short_analysis), slice(0, 5)))
    held = [row.key for row in entry.rows]
    kept = [key for key in held if key in before]
    assert kept == [key for key in before if key in held]
    qtbot.waitUntil(lambda: entry.in_order, timeout=5000)


def test_a_dropped_video_is_drafted_listed_and_made_exact(window: MainWindow, qtbot: QtBot, short_video: Path) -> None:
    stages: list[str] = []
    drafts: list[bool] = []

    def take(entry: VideoEntry, progress: Progress | None) -> None:
        if progress is not None and stages[-1:] != [progress.stage]:
            stages.append(progress.stage)
            assert 0 <= entry.progress <= 1

    window.parts.analysis.queue.progressed.connect(take)
    window.session.ranking_changed.connect(
        lambda: drafts.append(window.session.current is not None and window.session.current.is_draft)
    )
    window.open_paths([short_video])
    (entry,) = window.session.videos
    qtbot.waitUntil(lambda: entry.state is VideoState.DONE, timeout=_ANALYSIS_MS)
    assert stages == ["draft", "refinement", "analysis"]
    assert any(drafts)
    assert not drafts[-1]
    assert all(row.sequence.exact for row in entry.rows)
    assert "exact" not in window.parts.status.text


def test_effort_top_leaves_the_rest_a_draft(window: MainWindow, qtbot: QtBot, short_video: Path) -> None:
    window.parts.analysis.queue.settings = lambda: AnalysisSettings(effort="top")
    window.session.controls.set_setting("num_sequences", 1)
    window.open_paths([short_video])
    (entry,) = window.session.videos
    qtbot.waitUntil(lambda: entry.state is VideoState.DONE, timeout=_ANALYSIS_MS)
    assert entry.rows[0].sequence.exact


def test_frames_that_are_looked_at_come_first(reviewed: MainWindow) -> None:
    from clipgen_gui.analysis.queue import _looked_at

    entry = reviewed.session.current
    assert entry is not None
    reviewed.session.selection.select(entry.rows[0].key)
    first = _looked_at(reviewed.session, entry)[0]
    start, stop, _ = entry.rows[0].key
    assert first[0] < start
    assert first[1] > stop
    other = VideoEntry(Path("other.mp4"))
    assert _looked_at(reviewed.session, other) == []
