"""Similar windows of a project as one row: folding, keys, undo, storage, and rows that hold still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.ranker import RankedWindows
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.stacks import HeldStacks, folded
from clipgen_gui.document.windows import IN_STACK, WindowId
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.threads import running_threads
from tests.gui.review.test_scope import CONTROL, LENGTH, SHIFT, listed, open_desk, press, settle
from tests.support.projects import make_project

VIDEOS, KINDS, QUOTA = 6, 3, 3  # every window is there twice


@pytest.fixture
def project(tmp_path: Path, short_video: Path, short_analysis: Analysis) -> Path:
    make_project(tmp_path, short_video, short_analysis, VIDEOS, KINDS)
    with Project(tmp_path / "work.clipgen") as made:
        made.set_settings({"sequence_length": LENGTH, "num_sequences": QUOTA})
    return tmp_path


@pytest.fixture
def desk(project: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    window = open_desk(project, qtbot)
    window.actions_by_name["stack_similar"].trigger()
    stack(window, qtbot)
    yield window
    window.close()
    assert not running_threads(window)


def stack(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the list is ranked and stacked."""
    settle(window, qtbot)
    found = window.session.project_windows
    qtbot.waitUntil(lambda: found._stacks is not None and found._stacks.ranked is found.ranked)
    qtbot.wait(30)


def tops(window: MainWindow) -> list[WindowId]:
    """The first row of each stack of two."""
    shown = window.session.selection.shown_rows
    return [shown.ids[place] for place in range(len(shown)) if shown.stack_text(place)]


def decisions(windows: list[WindowId]) -> list[str]:
    return [entry.decision_of(key).value for entry, key in windows]


def reviews(project: Path) -> dict[tuple[str, tuple[int, int, int]], tuple[str, str]]:
    """Decision and reason of each window, as another process would read them."""
    with Project(project / "work.clipgen") as opened:
        return {
            (video.path.name, key): (review.decision.value, review.reason)
            for video in opened.videos()
            for key, review in opened.windows(video.video_id).items()
        }


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40), st.sets(st.integers(0, 5)))
def test_folding_shows_each_stack_once_and_open_ones_in_full(rows: list[tuple[int, bool]], opened: set[int]) -> None:
    stacks = np.array([one for one, _ in rows], np.int64)
    places = [place for place, (_, passes) in enumerate(rows) if passes]
    fold = folded(places, stacks, opened)
    members = {one: [place for place in places if stacks[place] == one] for one in {int(stacks[at]) for at in places}}
    expected: list[tuple[int, int]] = []
    for one, own in sorted(members.items(), key=lambda item: item[1][0]):
        expected.append((own[0], len(own)))
        expected += [(place, IN_STACK) for place in own[1:]] if one in opened else []
    assert list(zip(fold.places, fold.marks, strict=True)) == expected
    assert (fold.stack_count, fold.window_count) == (len(members), len(places))


def test_known_windows_stay_in_their_stacks_and_new_ones_join_them() -> None:
    ranked, again = (
        RankedWindows(
            RankingSettings(),
            np.ones(len(starts), np.int64),
            np.array([(start, start + 30, 0) for start in starts], np.int64),
            np.linspace(1, 0.1, len(starts)),
            np.ones(len(starts), np.bool_),
            0,
            0,
            {},
        )
        for starts in ((0, 100, 200, 300), (900, 0, 800, 100, 200, 300, 700))
    )
    held = HeldStacks(ranked, np.array([0, 1, 0, 1]))  # 0 with 200, 100 with 300
    later = held.carried(again, np.array([0, 0, 0, 0, 1, 5, 5]))  # 900 is better than all of the first stack
    stack = dict(zip((900, 0, 800, 100, 200, 300, 700), later.stacks.tolist(), strict=True))
    assert stack[0] == stack[200] != stack[100]
    assert stack[100] == stack[300] == stack[700], "a new window joins the stack of what it is like"
    assert stack[900] == stack[800] not in (stack[0], stack[100]), "new windows do not take known ones away"
    waiting = held.carried(again).stacks.tolist()
    assert len(set(waiting)) == 5, "new windows are alone until they are compared"


def test_the_list_shows_one_row_for_each_stack(desk: MainWindow, qtbot: QtBot) -> None:
    session, panel = desk.session, desk.parts.review.panel
    rows = session.selection.rows
    assert len(rows) == VIDEOS * QUOTA
    shown = session.selection.shown_rows
    assert len(tops(desk)) >= 5
    assert [shown[place].score for place in range(len(shown))] == sorted((row.score for row in shown), reverse=True)
    assert panel.count.text() == f"{len(shown)} stacks of {len(rows)}"
    assert panel.model.rowCount() == len(shown)
    for top in tops(desk):
        members = session.selection.stack_of(top)
        assert members[0] == top
        scores = [row.score for window in members if (row := rows.row_of(window)) is not None]
        assert scores == sorted(scores, reverse=True)
        assert len({entry for entry, _ in members}) > 1, "across videos"
    place = shown.place_of(tops(desk)[0])
    assert place is not None
    assert "stack of" in panel.model.data(panel.model.index(place, 1), Qt.ItemDataRole.ToolTipRole)
    press(qtbot, Qt.Key.Key_G)
    assert session.selection.stack_counts is None, "the windows of a video are not stacked"
    press(qtbot, Qt.Key.Key_G)
    desk.actions_by_name["stack_similar"].trigger()
    assert len(listed(desk)) == len(rows)
    assert panel.count.text() == str(len(rows))


def test_the_toggle_is_remembered_and_in_the_filter_menu(desk: MainWindow, project: Path, qtbot: QtBot) -> None:
    menu = desk.parts.review.panel.filter.menu()
    menu.aboutToShow.emit()
    action = next(one for one in menu.actions() if one.text() == "Stack similar windows")
    assert action.isChecked()
    desk.close()
    again = open_desk(project, qtbot)
    assert again.session.selection.stacking
    assert again.actions_by_name["stack_similar"].isChecked()
    stack(again, qtbot)
    assert tops(again)
    menu = again.parts.review.panel.filter.menu()
    menu.aboutToShow.emit()
    next(one for one in menu.actions() if one.text() == "Stack similar windows").trigger()
    assert not tops(again)
    assert not again.actions_by_name["stack_similar"].isChecked()
    again.close()


def test_a_key_opens_and_closes_the_stack(desk: MainWindow, qtbot: QtBot) -> None:
    session = desk.session
    top = tops(desk)[1]
    before = listed(desk)
    members = session.selection.stack_of(top)
    session.selection.go_to(top)
    press(qtbot, Qt.Key.Key_Period)
    at = before.index(top)
    assert listed(desk) == [*before[: at + 1], *members[1:], *before[at + 1 :]]
    assert session.selection.selected == top
    press(qtbot, Qt.Key.Key_Down)
    assert session.selection.selected == members[1], "it is the next row"
    press(qtbot, Qt.Key.Key_R)
    assert decisions(members[:2]) == ["undecided", "rejected"], "in an open stack each window is decided alone"
    press(qtbot, Qt.Key.Key_Up)
    session.selection.go_to(members[1])
    press(qtbot, Qt.Key.Key_Period)
    assert listed(desk) == before
    assert session.selection.selected == top, "the selected window is never hidden"
    session.selection.go_to(members[1])
    assert members[1] in listed(desk), "a window that is gone to is shown"
    lonely = next((one for one in before if len(session.selection.stack_of(one)) == 1), None)
    if lonely is not None:
        session.selection.go_to(lonely)
        shown = listed(desk)
        press(qtbot, Qt.Key.Key_Period)
        assert listed(desk) == shown


def test_plain_keys_decide_the_top_only(desk: MainWindow, qtbot: QtBot) -> None:
    first, second = tops(desk)[:2]
    members = desk.session.selection.stack_of(first)
    rows = listed(desk)
    desk.session.selection.go_to(first)
    press(qtbot, Qt.Key.Key_A)
    assert decisions(members) == ["accepted"] + ["undecided"] * (len(members) - 1)
    assert desk.session.selection.selected == rows[rows.index(first) + 1], "the next row, not the rest of the stack"
    desk.session.selection.go_to(second)
    members = desk.session.selection.stack_of(second)
    press(qtbot, Qt.Key.Key_R)
    assert decisions(members) == ["rejected"] + ["undecided"] * (len(members) - 1)


def test_one_key_accepts_the_best_and_rejects_its_duplicates(desk: MainWindow, qtbot: QtBot, project: Path) -> None:
    top = tops(desk)[0]
    rows, members = listed(desk), desk.session.selection.stack_of(tops(desk)[0])
    desk.session.selection.go_to(top)
    press(qtbot, Qt.Key.Key_A, modifier=SHIFT)
    assert decisions(members) == ["accepted"] + ["rejected"] * (len(members) - 1)
    assert [entry.reviews[key].reason for entry, key in members] == ["", *["duplicate"] * (len(members) - 1)]
    assert desk.session.selection.selected == rows[rows.index(top) + 1]
    assert desk.session.undo_stack.undoText() == f"Accept stack of {len(members)} windows"
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert decisions(members) == ["undecided"] * len(members), "in one step"
    assert desk.session.selection.selected == top
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL | SHIFT)
    desk.close()
    stored = reviews(project)
    assert [stored[entry.path.name, key] for entry, key in members] == [
        ("accepted", ""),
        *[("rejected", "duplicate")] * (len(members) - 1),
    ]


def test_one_key_rejects_the_stack_and_a_digit_says_why(desk: MainWindow, qtbot: QtBot) -> None:
    top = tops(desk)[0]
    members = desk.session.selection.stack_of(top)
    desk.session.selection.go_to(top)
    press(qtbot, Qt.Key.Key_R, modifier=SHIFT)
    assert decisions(members) == ["rejected"] * len(members)
    press(qtbot, Qt.Key.Key_1)
    assert {entry.reviews[key].reason for entry, key in members} == {"blurred"}
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert decisions(members) == ["undecided"] * len(members)


def test_another_window_of_an_open_stack_can_be_the_one_that_is_kept(desk: MainWindow, qtbot: QtBot) -> None:
    members = desk.session.selection.stack_of(tops(desk)[0])
    desk.session.selection.go_to(members[1])
    press(qtbot, Qt.Key.Key_A, modifier=SHIFT)
    assert decisions(members)[:2] == ["rejected", "accepted"]


def test_without_a_stack_the_keys_decide_the_window(desk: MainWindow, qtbot: QtBot) -> None:
    desk.actions_by_name["stack_similar"].trigger()
    window = listed(desk)[0]
    desk.session.selection.go_to(window)
    press(qtbot, Qt.Key.Key_A, modifier=SHIFT)
    assert decisions(listed(desk)[:2]) == ["accepted", "undecided"]
    assert desk.session.selection.selected == listed(desk)[1]


def test_rows_hold_still_while_the_project_is_ranked_again(desk: MainWindow, qtbot: QtBot) -> None:
    session = desk.session
    session.hold_order = session.project_windows.hold_order = lambda: True
    before = listed(desk)
    for top in tops(desk)[:3]:
        session.selection.go_to(top)
        press(qtbot, Qt.Key.Key_R, modifier=SHIFT)
        stack(desk, qtbot)
        assert listed(desk)[: len(before)] == before, "new windows are appended or join a stack"
    assert len(session.selection.rows) > VIDEOS * QUOTA, "others were ranked instead of the rejected ones"
    session.hold_order = session.project_windows.hold_order = lambda: False
    qtbot.waitUntil(lambda: session.project_windows._next_stacks is None and session.project_windows._in_order)
    scores = [row.score for row in session.selection.shown_rows]
    assert scores == sorted(scores, reverse=True)


def test_the_filter_applies_before_stacking(desk: MainWindow, qtbot: QtBot) -> None:
    members = desk.session.selection.stack_of(tops(desk)[0])
    desk.session.selection.go_to(members[0])
    press(qtbot, Qt.Key.Key_A)
    desk.session.selection.set_filter(WindowFilter(Decision.UNDECIDED))
    assert members[0] not in listed(desk)
    assert members[1] in listed(desk), "the next best is on top"
    desk.session.selection.set_filter(WindowFilter(Decision.ACCEPTED))
    assert listed(desk) == members[:1]
    assert desk.parts.review.panel.count.text() == "1 stack of 1"


def test_strip_and_sheet_show_stacks(desk: MainWindow, qtbot: QtBot) -> None:
    desk.parts.review.panel.grab()
    press(qtbot, Qt.Key.Key_V)
    desk.parts.review.panel.strip.grab()
    desk.session.selection.go_to(tops(desk)[0])
    press(qtbot, Qt.Key.Key_C)
    cells = desk.parts.review.sheet.grid.cells
    assert [cell.id for cell in cells] == listed(desk)[: len(cells)]
    shown = desk.session.selection.shown_rows
    assert [cell.stack for cell in cells] == [shown.stack_text(place) for place in range(len(cells))]
    assert any(cell.stack.startswith("×") for cell in cells)
    desk.parts.review.sheet.grid.grab()
    members = desk.session.selection.stack_of(cells[0].id)
    press(qtbot, Qt.Key.Key_A, modifier=SHIFT)
    assert decisions(members)[:2] == ["accepted", "rejected"]
