"""The windows of all videos as one list: keys, table, film strip, contact sheet, undo and live weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.conflicts import Opinion
from clipgen_engine.projects.goals import Goal
from clipgen_engine.projects.ranking import decided_videos, rank_project
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.types import Analysis, Decision
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.selection import Scope
from clipgen_gui.document.windows import WindowId
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.support.threads import running_threads
from tests.support.gui import bring_up
from tests.support.projects import make_project

VIDEOS = 6
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LENGTH, QUOTA = 12, 4


@pytest.fixture
def project(tmp_path: Path, short_video: Path, short_analysis: Analysis) -> Path:
    make_project(tmp_path, short_video, short_analysis, VIDEOS)
    with Project(tmp_path / "work.clipgen") as made:
        made.set_settings({"sequence_length": LENGTH, "num_sequences": QUOTA})
    return tmp_path


@pytest.fixture
def desk(project: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    window = open_desk(project, qtbot)
    yield window
    window.close()
    assert not running_threads(window)


def open_desk(project: Path, qtbot: QtBot) -> MainWindow:
    """The app on the project, listing the windows of all videos."""
    settings = QSettings(str(project / "settings.ini"), QSettings.Format.IniFormat)
    window = MainWindow(settings, Project(project / "work.clipgen"), lambda: AnalysisCache(project / "cache"))
    bring_up(window, qtbot)
    window.parts.analysis.queue.set_paused(True)
    window.resume()
    qtbot.waitUntil(lambda: bool(window.session.current.rows))
    press(qtbot, Qt.Key.Key_G)
    settle(window, qtbot)
    return window


def settle(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until all analyses are ranked with the current settings and decisions."""
    qtbot.wait(30)
    ranking = window.parts.analysis.project_ranking
    qtbot.waitUntil(
        lambda: (
            ranking.complete
            and not ranking._asked_s
            and window.session.project_windows.ranked is not None
            and window.session.project_windows.ranked.settings == window.session.settings
        )
    )


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def press(qtbot: QtBot, *keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        qtbot.keyClick(focused(), key, modifier)


def listed(window: MainWindow) -> list[WindowId]:
    return list(window.session.selection.shown_rows.ids)


def texts(window: MainWindow, heading: str) -> list[str]:
    model = window.parts.review.panel.model
    headings = [model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())]
    column = headings.index(heading)
    return [model.data(model.index(row, column)) for row in range(model.rowCount())]


def stored(project: Path) -> dict[tuple[str, tuple[int, int, int]], str]:
    """Decisions as another process would read them."""
    with Project(project / "work.clipgen") as opened:
        return {
            (video.path.name, key): review.decision.value
            for video in opened.videos()
            for key, review in opened.windows(video.video_id).items()
        }


def test_the_list_holds_the_best_windows_of_all_videos(desk: MainWindow, project: Path) -> None:
    with Project(project / "work.clipgen") as opened:
        ranking = rank_project(
            decided_videos(opened), AnalysisCache(project / "cache"), desk.session.settings, 1000, QUOTA
        )
    expected = [(one.video.path.name, one.sequence.key) for one in ranking.best]
    assert len(expected) > 2 * QUOTA
    scores = [row.score for row in desk.session.selection.rows]
    assert scores == sorted(scores, reverse=True) == [one.sequence.combined_score for one in ranking.best]
    assert {(entry.path.name, key) for entry, key in listed(desk)} == set(expected)
    names = [entry.path.stem for entry, _ in listed(desk)]
    assert max(names.count(name) for name in names) == QUOTA
    assert texts(desk, "Video") == names
    assert texts(desk, "#") == [str(number + 1) for number in range(len(names))]
    assert texts(desk, "Score")[0] == f"{scores[0]:.2f}"
    assert desk.parts.review.panel.count.text() == str(len(names))


def test_arrows_go_from_video_to_video_without_a_flash(desk: MainWindow, qtbot: QtBot) -> None:
    session, view = desk.session, desk.parts.player.view
    press(qtbot, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: view.shown_frame >= 0)
    view.zoom_at(3, view.rect().center().toPointF())
    zoom = view.zoom
    assert zoom > 1
    visited = set()
    for window in listed(desk)[1:9]:
        press(qtbot, Qt.Key.Key_Down)
        assert session.selection.selected == window
        assert session.current is window.entry
        assert view._item._picture is not None, "the last picture stays until the first of the next video is there"
        assert window.entry.analysis is not None, "curves and boxes switch with it"
        start, stop, _ = window.key
        qtbot.waitUntil(lambda start=start, stop=stop: start < view.shown_frame < stop)
        assert desk.parts.player.playback.playing, "it loops"
        assert view.faces
        assert view.zoom == zoom
        visited.add(window.entry)
    assert len(visited) > 2
    press(qtbot, Qt.Key.Key_Up)
    assert session.selection.selected == listed(desk)[7]


def test_the_next_windows_are_decoded_ahead(desk: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, Qt.Key.Key_Down)
    upcoming = desk.parts.player.upcoming
    following = next(one for one in listed(desk)[1:] if one.entry is not desk.session.current)
    analysis = desk.session.project_windows.analysis_of(following.entry)
    assert analysis is not None
    qtbot.waitUntil(lambda: bool(upcoming.pictures(analysis.video, following.key[0])))
    pictures = upcoming.pictures(analysis.video, following.key[0])
    assert [picture.index for picture in pictures] == list(range(following.key[0], following.key[0] + len(pictures)))
    desk.session.selection.go_to(following)
    assert desk.parts.player.view.shown_frame == following.key[0], "shown without waiting for the decoder"


def test_decisions_follow_the_list_and_undo_follows_them_back(desk: MainWindow, qtbot: QtBot, project: Path) -> None:
    windows = listed(desk)
    press(qtbot, Qt.Key.Key_Down)
    decided = {}
    for place, key in enumerate((Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_A, Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_A)):
        assert desk.session.selection.selected == windows[place]
        press(qtbot, key)
        decided[windows[place]] = "accepted" if key == Qt.Key.Key_A else "rejected"
    in_file = {(entry.path.name, key): value for (entry, key), value in decided.items()}
    assert len({entry for entry, _ in decided}) > 2
    assert desk.parts.toolbar.export_button.text() == "Export 4 clips"
    settle(desk, qtbot)
    assert listed(desk)[: len(windows)] == windows, "what is listed holds still; more is appended"
    for window in reversed(list(decided)):
        press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
        assert desk.session.selection.selected == window, "undo shows what it undid"
        assert desk.session.current is window.entry
        assert window.entry.decision_of(window.key) is Decision.UNDECIDED
    for _ in decided:
        press(qtbot, Qt.Key.Key_Z, modifier=CONTROL | SHIFT)
    desk.close()
    assert stored(project) == in_file


def test_tags_notes_and_trimming_act_on_the_selected_window(desk: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down)
    window = desk.session.selection.selected
    assert window == listed(desk)[2]
    press(qtbot, Qt.Key.Key_T)
    qtbot.keyClicks(focused(), "smile")
    press(qtbot, Qt.Key.Key_Return)
    assert window.entry.reviews[window.key].tags == ("smile",)
    desk.session.selection.set_filter(WindowFilter(tag="smile"))
    assert listed(desk) == [window]
    assert desk.parts.review.panel.filter.text() == "smile"
    desk.session.selection.set_filter(WindowFilter())
    desk.parts.player.playback.pause()
    desk.session.selection.seek(window.key[0] + 3)
    press(qtbot, Qt.Key.Key_BracketLeft)
    trimmed = WindowId(window.entry, (window.key[0] + 3, *window.key[1:]))
    assert desk.session.selection.selected == trimmed
    settle(desk, qtbot)
    assert trimmed in listed(desk)
    row = desk.session.selection.rows.row_of(trimmed)
    assert row is not None
    assert (row.manual, row.tags) == (True, ("smile",))
    assert row.score == pytest.approx(row.sequence.combined_score)


def test_deciding_the_last_window_says_how_to_go_on(desk: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, Qt.Key.Key_Down, Qt.Key.Key_A)
    windows = listed(desk)
    desk.session.decisions.decide_all(windows[1:], Decision.REJECTED)
    desk.session.selection.set_filter(WindowFilter(Decision.ACCEPTED))
    desk.session.selection.go_to(windows[0])
    press(qtbot, Qt.Key.Key_A)
    assert desk.parts.status.temporary_text == (
        "Every listed window that passes the filter is decided. Ctrl + E exports what you accepted."
    )
    press(qtbot, Qt.Key.Key_G)
    desk.session.selection.set_filter(WindowFilter())
    desk.session.decisions.decide_all([row.id for row in desk.session.current.rows], Decision.ACCEPTED)
    press(qtbot, Qt.Key.Key_Down, Qt.Key.Key_A)
    assert desk.parts.status.temporary_text.startswith("Every window of this video is decided. N goes to the next")


def test_the_contact_sheet_plays_and_decides_across_videos(desk: MainWindow, qtbot: QtBot, project: Path) -> None:
    press(qtbot, Qt.Key.Key_Down, Qt.Key.Key_C)
    sheet = desk.parts.review.sheet
    grid = sheet.grid
    windows = listed(desk)
    assert [cell.id for cell in grid.cells] == windows[:9]
    assert len({cell.id.entry for cell in grid.cells}) > 2
    qtbot.waitUntil(lambda: all(grid.shown_frame(place) >= 0 for place in range(9)), timeout=15_000)
    first = [grid.shown_frame(place) for place in range(9)]
    qtbot.waitUntil(lambda: all(grid.shown_frame(place) != first[place] for place in range(9)))
    press(qtbot, Qt.Key.Key_2)
    press(qtbot, Qt.Key.Key_5, modifier=SHIFT)
    assert [cell.decision.value for cell in grid.cells][1::3] == ["accepted", "rejected", "undecided"]
    press(qtbot, Qt.Key.Key_X, modifier=SHIFT)
    decided = [entry.decision_of(key).value for entry, key in windows[:9]]
    assert decided == ["accepted"] * 4 + ["rejected"] + ["accepted"] * 4
    assert [cell.id for cell in grid.cells] == windows[9:18], "the next page"
    press(qtbot, Qt.Key.Key_X)
    assert all(entry.decision_of(key) is Decision.REJECTED for entry, key in windows[9:18])
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert all(entry.decision_of(key) is Decision.UNDECIDED for entry, key in windows[9:18])
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert [entry.decision_of(key).value for entry, key in windows[:9]].count("accepted") == 1
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL | SHIFT)
    desk.close()
    in_file = stored(project)
    assert [in_file[entry.path.name, key] for entry, key in windows[:9]] == decided


def test_weights_rank_the_whole_project_again(desk: MainWindow, qtbot: QtBot) -> None:
    before = listed(desk)
    desk.session.controls.set_weight("expression_variation", 0.05)
    desk.session.controls.set_weight("position_stability", 1.0)
    settle(desk, qtbot)
    scores = [row.score for row in desk.session.selection.rows]
    assert scores == sorted(scores, reverse=True)
    assert listed(desk) != before
    desk.session.controls.set_setting("num_sequences", 1)
    settle(desk, qtbot)
    assert len(listed(desk)) == VIDEOS
    desk.session.undo_stack.undo()
    settle(desk, qtbot)
    assert len(listed(desk)) > VIDEOS


def test_the_film_strip_shows_windows_of_several_videos(desk: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, Qt.Key.Key_V)
    strip = desk.parts.review.panel.strip
    rows = desk.session.selection.rows[:3]
    assert len({row.entry for row in rows}) > 1
    qtbot.waitUntil(lambda: all((one := strip.request(row)) and strip.server.get(one) for row in rows))
    for row in rows:
        clip = strip.server.get(strip.request(row))
        assert clip is not None
        assert len(clip.pictures) == 3
    strip.grab()


def test_removed_videos_leave_the_list_and_come_back(desk: MainWindow, qtbot: QtBot) -> None:
    accepted = listed(desk)[0]
    gone = accepted.entry
    press(qtbot, Qt.Key.Key_Down, Qt.Key.Key_A)
    desk.session.remove([gone])
    settle(desk, qtbot)
    assert gone not in {entry for entry, _ in listed(desk)}
    desk.session.undo_stack.undo()
    settle(desk, qtbot)
    assert gone in {entry for entry, _ in listed(desk)}
    row = desk.session.selection.rows.row_of(accepted)
    assert row is not None
    assert row.decision is Decision.ACCEPTED


def test_drafts_and_finished_analyses_enter_the_list(desk: MainWindow, qtbot: QtBot) -> None:
    session = desk.session
    entry = listed(desk)[0].entry
    session.set_current(entry)
    qtbot.waitUntil(lambda: entry.analysis is not None)
    analysis = entry.analysis
    exact = np.zeros(analysis.video.frame_count, np.bool_)
    still = tuple(
        replace(track, blendshapes=np.repeat(track.blendshapes[:1], len(track.frame_index), axis=0))
        for track in analysis.tracks
    )
    draft = replace(analysis, tracks=still, exact=exact)
    session.hold_order = session.project_windows.hold_order = lambda: False
    session.set_analysis(entry, draft, Ranker(draft), complete=False)
    settle(desk, qtbot)
    assert session.selection.rows.traits.draft
    places = [place for place, window in enumerate(listed(desk)) if window.entry is entry]
    assert min(places) > 0, "a still face is not the best"
    row = session.selection.rows[places[0]]
    assert not row.sequence.exact
    assert texts(desk, "Score")[places[0]].startswith("≈")
    session.set_analysis(entry, analysis, Ranker(analysis), complete=True, name=entry.analysis_name)
    settle(desk, qtbot)
    assert not session.selection.rows.traits.draft
    assert listed(desk)[0].entry is entry


def test_a_damaged_analysis_costs_only_its_own_video(project: Path, qtbot: QtBot) -> None:
    with Project(project / "work.clipgen") as opened:
        names = {video.path.stem: video.analysis for video in opened.videos()}
    (project / "cache" / names["video 3"] / "analysis.npz").write_bytes(b"PK\x03\x04 broken")
    window = open_desk(project, qtbot)
    assert {entry.path.stem for entry, _ in listed(window)} == names.keys() - {"video 3"}
    window.close()


def test_a_replaced_file_is_found_out_and_analysed_again(desk: MainWindow, qtbot: QtBot, no_face_video: Path) -> None:
    window = next(one for one in listed(desk) if one.entry is not desk.session.current)
    window.entry.path.write_bytes(no_face_video.read_bytes())
    desk.session.selection.go_to(window)
    qtbot.waitUntil(lambda: not window.entry.analysis_name)
    assert window.entry.analysis is None


def test_without_analyses_the_list_says_what_to_wait_for(window: MainWindow, qtbot: QtBot, short_video: Path) -> None:
    window.parts.analysis.queue.set_paused(True)
    window.session.open_paths([short_video])
    window.session.selection.set_scope(Scope.PROJECT)
    panel = window.parts.review.panel
    qtbot.wait(50)
    assert panel.model.rowCount() == 0
    assert panel._hint.text() == "The windows of all videos appear here once the first is analysed."


def test_every_bar_of_the_dashboard_filters_the_list(desk: MainWindow, qtbot: QtBot) -> None:
    session, windows = desk.session, listed(desk)
    session.decisions.curator = "Anna"
    session.decisions.decide_all(windows[:3], Decision.ACCEPTED)
    session.decisions.decide_all(windows[3:5], Decision.REJECTED)
    session.decisions.set_reason(windows[3:4], "hands")
    subject = windows[0].entry
    session.set_current(subject)
    session.decisions.set_subject(windows[0].key[2], "ben")
    settle(desk, qtbot)
    today = datetime.now().astimezone().date().isoformat()
    choose = desk.parts.dashboard.page.filter_requested.emit
    everything = listed(desk)
    bens = [one for one in everything if one.entry is subject and one.key[2] == windows[0].key[2]]
    low = session.selection.rows[0].score // 0.05 * 0.05
    top = [row.id for row in session.selection.rows if low <= row.score < low + 0.05]
    expected = {
        ("decision", "rejected"): windows[3:5],
        ("reason", "hands"): windows[3:4],
        ("reason", ""): windows[4:5],
        ("curator", "Anna"): windows[:5],
        ("day", today): windows[:5],
        ("subject", "ben"): bens,
        ("tag", ""): everything,
        ("video", str(subject.video_id)): [one for one in everything if one.entry is subject],
        ("score", f"{low:.2f}-{low + 0.05:.2f}"): top,
    }
    for (kind, value), shown in expected.items():
        choose(kind, value)
        assert set(listed(desk)) == set(shown), kind
        assert desk.parts.review.panel.filter.text() != ""
        choose(kind, value)
        assert listed(desk) == everything, "a second click lists all"
    choose("split", "train")
    choose("decision", "accepted")
    assert set(listed(desk)) == set(windows[:3]), "conditions add up; there is one split by default"


def test_a_subject_with_enough_clips_leaves_the_queue(desk: MainWindow, qtbot: QtBot) -> None:
    session, windows = desk.session, listed(desk)
    entry = windows[0].entry
    mine = [one for one in windows if one.entry is entry]
    assert len(mine) > 2
    session.set_current(entry)
    for track in entry.analysis.tracks:
        session.decisions.set_subject(track.track_id, "ben")
    session.storage.save_goals([Goal("subject", "ben", "clips", 2)])
    session.goals_changed.emit()
    session.decisions.decide_all(mine[:1], Decision.ACCEPTED)
    qtbot.wait(500)
    assert set(mine) <= set(listed(desk)), "one is missing"
    session.decisions.decide_all(mine[1:2], Decision.ACCEPTED)
    qtbot.waitUntil(lambda: not set(mine[2:]) & set(listed(desk)))
    assert set(mine[:2]) <= set(listed(desk)), "decided windows stay"
    assert desk.parts.status.temporary_text.startswith("The goal of subject ben is reached")
    assert desk.parts.review.panel.note.text().endswith("undecided of ben left out: goal reached")
    session.selection.set_filter(WindowFilter(subject="ben"))
    assert set(mine) <= set(listed(desk)), "asked for, they are listed"
    session.selection.set_filter(WindowFilter())
    session.undo_stack.undo()
    qtbot.waitUntil(lambda: set(mine) <= set(listed(desk)))
    assert not desk.parts.review.panel.note.isVisible()


def test_conflicts_between_curators_are_a_queue_of_their_own(desk: MainWindow, qtbot: QtBot, project: Path) -> None:
    windows = list({window.entry: window for window in reversed(listed(desk))}.values())[-2:]  # of two videos
    rows = {one: desk.session.selection.rows.row_of(one) for one in windows}
    ids = {one: one.entry.video_id for one in windows}
    desk.close()
    with Project(project / "work.clipgen") as opened:
        for window in windows:
            blank = WindowReview(rows[window].sequence, Decision.UNDECIDED)
            opened.save_reviews(ids[window], {window.key: blank})
            said = (("anna", Decision.ACCEPTED, ""), ("ben", Decision.REJECTED, "cut"))
            opinions = [Opinion(window.key, who, what, why, "", "2026-01-01") for who, what, why in said]
            opened.set_conflicts(ids[window], opinions)
    again = open_desk(project, qtbot)
    session = again.session
    session.selection.set_filter(WindowFilter(contested=True))
    queue = [(entry.path.name, key) for entry, key in listed(again)]
    assert sorted(queue) == sorted((window.entry.path.name, window.key) for window in windows)
    press(qtbot, Qt.Key.Key_Down)
    first = session.selection.selected
    qtbot.waitUntil(
        lambda: again.parts.ranking.why.verdict.text() == "Curators disagree: anna accepted, ben rejected (cut)."
    )
    press(qtbot, Qt.Key.Key_A)
    assert session.selection.selected == listed(again)[1]
    with Project(project / "work.clipgen") as opened:
        assert first.entry.video_id not in opened.conflicts(), "settled"
    press(qtbot, Qt.Key.Key_Z, modifier=CONTROL)
    assert session.selection.selected == first
    with Project(project / "work.clipgen") as opened:
        assert len(opened.conflicts()[first.entry.video_id][0].opinions) == 2, "undo opens the conflict again"
    again.close()
