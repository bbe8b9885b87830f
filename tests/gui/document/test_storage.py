"""Decisions persist across windows of the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import bring_up, open_analysed

Opened = Callable[[], MainWindow]


@pytest.fixture
def opened(qtbot: QtBot, tmp_path: Path) -> Opened:
    """Factory of windows on the same project."""

    def make() -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(settings, Project(tmp_path / "work.clipgen"), lambda: AnalysisCache(tmp_path / "cache"))
        bring_up(window, qtbot)
        return window

    return make


def test_decisions_are_restored(opened: Opened, qtbot: QtBot, short_video: Path, short_analysis: Analysis) -> None:
    window = opened()
    entry = open_analysed(window, qtbot, short_video, short_analysis)
    window.session.controls.set_weight("frontality", 0.25)
    window.session.rank_now()
    keys = [row.key for row in entry.rows[:3]]
    window.session.selection.select(keys[0])
    qtbot.keyClick(window.parts.review.panel.view, Qt.Key.Key_A)
    qtbot.keyClick(window.parts.review.panel.view, Qt.Key.Key_R)
    window.session.selection.select(keys[2])
    window.session.selection.seek(keys[2][0] + 5)
    qtbot.keyClick(window.parts.review.panel.view, Qt.Key.Key_BracketLeft)
    trimmed = entry.selected
    assert trimmed is not None
    assert trimmed[0] == keys[2][0] + 5
    window.session.undo_stack.undo()
    window.session.undo_stack.redo()
    decided = {key: (mark.decision, mark.manual) for key, mark in entry.reviews.items()}
    assert len(decided) == 3
    window.parts.player.playback.pause()
    position = entry.position
    window.close()

    again = opened()
    assert again.session.settings.weights == {"frontality": 0.25}
    back = open_analysed(again, qtbot, short_video, short_analysis)
    assert {key: (mark.decision, mark.manual) for key, mark in back.reviews.items()} == decided
    assert {row.key: row.decision for row in back.rows}[keys[0]] is Decision.ACCEPTED
    assert back.position == position
    assert back.selected == trimmed
    again.close()


def test_tags_notes_and_subjects_are_kept_and_undone(
    opened: Opened, qtbot: QtBot, short_video: Path, short_analysis: Analysis
) -> None:
    window = opened()
    session = window.session
    entry = open_analysed(window, qtbot, short_video, short_analysis)
    refused: list[str] = []
    session.refused.connect(refused.append)
    session.decisions.set_tags(["smile"])
    assert refused == ["Select a window first (↓), then tag it."]
    first, second = (row.key for row in entry.rows[:2])
    session.selection.select(first, seek=False)
    session.decisions.decide(Decision.ACCEPTED, advance=False)
    decided_at = entry.reviews[first].decided_at
    session.decisions.set_tags(["smile", " brows ", ""])
    session.decisions.set_tag("smile", False)
    for text in ("a", "a n", "a note"):
        session.decisions.set_note(text)
    mark = entry.reviews[first]
    assert (mark.tags, mark.note, mark.decided_at) == (("brows",), "a note", decided_at)
    session.undo_stack.undo()
    assert entry.reviews[first].note == "", "continuous typing must be one undo step"
    assert session.undo_stack.redoText() == "Note on window 1"
    session.undo_stack.redo()
    session.selection.select(second, seek=False)
    session.decisions.set_tag("blurred", True)
    assert entry.selected_row is not None
    assert entry.selected_row.tags == ("blurred",)
    assert not entry.selected_row.manual
    session.decisions.set_tag("blurred", False)
    assert second not in entry.reviews, "an undecided window without tags or note must not be stored"
    session.decisions.set_tag("blurred", True)

    # A trimmed window keeps its tags, note and time of decision.
    session.selection.select(first, seek=False)
    session.selection.seek(first[0] + 3)
    session.decisions.trim("start")
    trimmed = (first[0] + 3, *first[1:])
    assert first not in entry.reviews
    assert (entry.reviews[trimmed].tags, entry.reviews[trimmed].note) == (("brows",), "a note")
    assert entry.reviews[trimmed].decided_at == decided_at
    assert entry.reviews[trimmed].manual

    track = entry.analysis.tracks[0].track_id if entry.analysis else -1
    session.decisions.set_subject(track, " anna ")
    session.decisions.set_subject(track, "bert")
    session.undo_stack.undo()
    assert entry.subjects == {track: "anna"}
    assert session.storage.tags() == ["blurred", "brows"]
    assert session.storage.subject_ids() == ["anna"]
    decided = dict(entry.reviews)
    window.close()

    again = opened()
    back = open_analysed(again, qtbot, short_video, short_analysis)
    assert {
        key: (one.decision, one.manual, one.tags, one.note, one.decided_at) for key, one in back.reviews.items()
    } == {key: (one.decision, one.manual, one.tags, one.note, one.decided_at) for key, one in decided.items()}
    assert back.subjects == {track: "anna"}
    assert {row.key: row.note for row in back.rows}[trimmed] == "a note"
    again.close()


def test_second_window_is_read_only(opened: Opened, qtbot: QtBot, short_video: Path, short_analysis: Analysis) -> None:
    first = opened()
    entry = open_analysed(first, qtbot, short_video, short_analysis)
    second = opened()
    other = open_analysed(second, qtbot, short_video, short_analysis)
    second.session.selection.select(other.rows[0].key)
    second.session.decisions.decide(Decision.ACCEPTED)
    assert other.decision_of(other.rows[0].key) is Decision.ACCEPTED
    first.session.selection.select(entry.rows[1].key)
    first.session.decisions.decide(Decision.REJECTED)
    second.close()
    first.close()
    third = opened()
    back = open_analysed(third, qtbot, short_video, short_analysis)
    assert [mark.decision for mark in back.reviews.values()] == [Decision.REJECTED]
    third.close()


def test_video_is_analysed_only_once(opened: Opened, qtbot: QtBot, short_video: Path, tmp_path: Path) -> None:
    took = []
    for _ in range(2):
        window = opened()
        window.open_paths([short_video])
        entry = window.session.current
        assert entry is not None
        progressed: list[object] = []
        window.parts.analysis.queue.progressed.connect(lambda _, progress, seen=progressed: seen.append(progress))
        qtbot.waitUntil(lambda entry=entry: entry.state is VideoState.DONE and bool(entry.rows), timeout=60_000)
        took.append(len(progressed))
        window.close()
    assert took[1] < took[0]  # loaded, not analysed again
    assert len(list((tmp_path / "cache").rglob("analysis.npz"))) == 1


def test_selection_is_kept_until_the_analysis_reaches_it(reviewed: MainWindow) -> None:
    session = reviewed.session
    entry = session.current
    assert entry is not None
    whole, ranker = entry.analysis, entry.ranker
    assert whole is not None
    assert ranker is not None
    key = max(row.key for row in entry.rows)
    session.selection.select(key, seek=False)

    def restart(analyzed_frames: int) -> None:
        nothing = replace(whole, tracks=(), tokens=(), analyzed_frames=analyzed_frames)
        session.set_analysis(entry, nothing, Ranker(nothing), complete=False)

    restart(key[0])
    assert entry.rows == ()
    assert entry.selected == key
    session.set_analysis(entry, whole, ranker, complete=True)
    assert entry.selected_row is not None
    assert entry.selected_row.key == key
    restart(key[1])
    assert entry.selected is None, "the analysis passed it without finding the window"
