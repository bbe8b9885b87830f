"""The dashboard: opened by key, followed while windows are decided, clicked to filter, goals set and removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from clipgen_engine.projects.goals import Goal, goals_of, set_goals
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision, Sequence
from clipgen_gui.dashboard.chart import Chart, Mark
from clipgen_gui.dashboard.page import DashboardPage
from clipgen_gui.document.filter import WindowFilter
from clipgen_gui.document.selection import Scope
from clipgen_gui.look.theme import apply_theme, theme
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import FOCUSES, bring_up, open_analysed

CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUBJECTS = ("Anna", "Ben")


def fill(project: Project) -> None:
    """Four analysed videos with 15 decisions each, of two subjects and two curators; one failed, one waiting."""
    for number in range(6):
        video_id = project.add_video(Path(f"/videos/take {number}.mp4"), f"{number:064x}").video_id
        if number > 3:
            project.describe_video(video_id, state="failed" if number == 4 else "waiting")
            continue
        project.describe_video(video_id, state="done", duration_s=60.0, frame_count=1500, window_count=20)
        project.set_subject(video_id, 1, SUBJECTS[number % 2])
        reviews = {}
        for place in range(15):
            accepted = place < 5 + number
            sequence = Sequence(0, 100 * place, 100 * place + 50, 1, {"expression_variation": 0.5}, 0.9 - place / 20)
            at = NOON + timedelta(days=number, seconds=6 * place)
            reviews[sequence.key] = WindowReview(
                sequence,
                Decision.ACCEPTED if accepted else Decision.REJECTED,
                tags=("smile",) if accepted and place % 2 else (),
                decided_at=at.isoformat(),
                decided_by=("mara", "jonas")[number % 2],
                reason="" if accepted else "blurred",
            )
        project.save_reviews(video_id, reviews)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "work.clipgen")
    fill(made)
    return made


@pytest.fixture
def opened(project: Project, qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """A window on the filled project, with the dashboard opened by its key."""
    apply_theme(QApplication.instance())
    window = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat), project)
    bring_up(window, qtbot)
    qtbot.keyClick(window, Qt.Key.Key_D, CONTROL)
    assert page_of(window).isVisible()
    yield window
    window.close()
    apply_theme(QApplication.instance())


def page_of(window: MainWindow) -> DashboardPage:
    return window.parts.dashboard.page


def mark(chart: Chart, label: str) -> Mark:
    return next(one for one in chart.marks if one.label == label)


def click(chart: Chart, label: str) -> None:
    place = chart.rect_of(chart.marks.index(mark(chart, label))).center()
    QTest.mouseClick(chart, LEFT, pos=place)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def figures(window: MainWindow) -> dict[str, tuple[str, str]]:
    return {name: (tile.figure.text(), tile.note.text()) for name, tile in page_of(window).tiles.items()}


def test_the_tiles_say_how_far_the_project_is(opened: MainWindow) -> None:
    assert figures(opened) == {
        "videos": ("4 of 6", "1 failed · 1 waiting"),
        "decided": ("60", "of 80 windows"),
        "accepted": ("26", "43 % of decided"),
        "time": ("0:52", "2.0 s a clip"),
        "pace": ("10.0", "in 6 min of work"),
        "left": ("2 min", "20 undecided"),
    }


def test_each_card_counts_what_its_title_says(opened: MainWindow) -> None:
    page = page_of(opened)
    shown = {
        card.chart.accessibleName(): {one.label: one.number for one in card.chart.marks}
        for card in page.cards
        if card.isVisible() and card not in (page.scores, page.days)
    }
    assert shown == {
        "Accepted by subject": {"Ben": "14", "Anna": "12"},
        "Windows": {"Accepted": "26 · 32 %", "Rejected": "34 · 42 %", "Undecided": "20 · 25 %"},
        "Accepted by tag": {"smile": "12"},
        "Reasons of rejection": {"blurred": "34"},
        "Decided by curator": {"mara": "30", "jonas": "30"},
        "Accepted by video": {"take 3.mp4": "8", "take 2.mp4": "7", "take 1.mp4": "6", "take 0.mp4": "5"},
    }, "one split is not worth a card"
    assert [(one.value, one.amount, one.rejected) for one in page.days.chart.marks][-5:] == [
        ("2026-03-01", 0, 0),
        ("2026-03-02", 5, 10),
        ("2026-03-03", 6, 9),
        ("2026-03-04", 7, 8),
        ("2026-03-05", 8, 7),
    ]
    scores = page.scores.chart.marks
    assert len(scores) == 20
    assert sum(one.amount for one in scores) == 26
    assert mark(page.curators.chart, "mara").spoken == "mara: 12 accepted, 18 rejected"


def test_clips_or_time(opened: MainWindow) -> None:
    page = page_of(opened)
    page.units["seconds"].click()
    assert {one.label: one.number for one in page.by_subject.chart.marks} == {"Ben": "0:28", "Anna": "0:24"}
    page.units["clips"].click()
    assert mark(page.by_subject.chart, "Ben").number == "14"


def test_shares_of_splits_show_their_card(opened: MainWindow) -> None:
    opened.preferences.set_value("dataset", "split_by", "video")
    opened.preferences.set_value("dataset", "test_share", 0.5)
    page_of(opened).refresh()
    marks = page_of(opened).by_split.chart.marks
    assert {one.value for one in marks} == {"test", "train"}
    assert sum(one.amount for one in marks) == 26


def test_the_key_and_escape_close_it(opened: MainWindow, qtbot: QtBot) -> None:
    action = opened.actions_by_name["dashboard"]
    assert action.isChecked()
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not page_of(opened).isVisible()
    assert not action.isChecked()
    assert focused() is opened.parts.review.panel.view
    action.trigger()
    assert page_of(opened).isVisible()
    page_of(opened).close_button.click()
    assert not page_of(opened).isVisible()
    assert not action.isChecked()


@pytest.mark.parametrize("focus", FOCUSES)
def test_it_opens_and_closes_wherever_the_focus_is(
    window: MainWindow, qtbot: QtBot, focus: str, short_video: Path, short_analysis: Analysis
) -> None:
    open_analysed(window, qtbot, short_video, short_analysis)
    FOCUSES[focus](window).setFocus()
    qtbot.keyClick(focused(), Qt.Key.Key_D, CONTROL)
    assert page_of(window).isVisible()
    qtbot.keyClick(focused(), Qt.Key.Key_D, CONTROL)
    assert not page_of(window).isVisible()


def test_nothing_plays_behind_it(reviewed: MainWindow, qtbot: QtBot) -> None:
    playback = reviewed.parts.player.playback
    playback.play()
    reviewed.actions_by_name["dashboard"].trigger()
    assert not playback.playing
    qtbot.keyClick(reviewed, Qt.Key.Key_Down)
    assert not playback.playing, "a window chosen meanwhile waits"
    qtbot.keyClick(reviewed, Qt.Key.Key_Space)
    assert playback.playing
    assert not page_of(reviewed).isVisible()
    playback.pause()


def test_dashboard_and_contact_sheet_take_turns(reviewed: MainWindow) -> None:
    sheet, page, actions = reviewed.parts.review.sheet, page_of(reviewed), reviewed.actions_by_name
    actions["contact_sheet"].trigger()
    actions["dashboard"].trigger()
    assert (sheet.isVisible(), page.isVisible()) == (False, True)
    assert (actions["contact_sheet"].isChecked(), actions["dashboard"].isChecked()) == (False, True)
    actions["contact_sheet"].trigger()
    assert (sheet.isVisible(), page.isVisible()) == (True, False)
    assert (actions["contact_sheet"].isChecked(), actions["dashboard"].isChecked()) == (True, False)
    actions["contact_sheet"].trigger()
    assert not sheet.isVisible()


def test_a_click_on_a_bar_filters_the_list(opened: MainWindow, qtbot: QtBot) -> None:
    page, selection = page_of(opened), opened.session.selection
    with qtbot.waitSignal(page.filter_requested) as asked:
        click(page.decisions.chart, "Rejected")
    assert asked.args == ["decision", "rejected"]
    assert (selection.scope, selection.filter) == (Scope.PROJECT, WindowFilter(decision=Decision.REJECTED))
    assert page.decisions.chart.is_active(mark(page.decisions.chart, "Rejected"))
    click(page.by_tag.chart, "smile")
    click(page.by_subject.chart, "Ben")
    assert selection.filter == WindowFilter(decision=Decision.REJECTED, tag="smile", subject="Ben")
    click(page.by_tag.chart, "smile")
    click(page.by_subject.chart, "Ben")
    click(page.decisions.chart, "Rejected")
    assert selection.filter == WindowFilter(), "a second click lists all again"
    assert not page.decisions.chart.is_active(mark(page.decisions.chart, "Rejected"))


def test_videos_that_cannot_be_ranked_together_keep_their_windows(opened: MainWindow, qtbot: QtBot) -> None:
    click(page_of(opened).decisions.chart, "Undecided")
    qtbot.waitUntil(lambda: opened.session.project_windows.ranked is not None)
    page_of(opened).refresh()
    assert figures(opened)["left"] == ("2 min", "20 undecided")


@pytest.mark.parametrize(
    ("card", "label", "asked"),
    [
        ("reasons", "blurred", ["reason", "blurred"]),
        ("curators", "mara", ["curator", "mara"]),
        ("by_video", "take 2.mp4", ["video", "3"]),
        ("days", "5 Mar", ["day", "2026-03-05"]),
        ("scores", "0.9", ["score", "0.90-0.95"]),
    ],
)
def test_other_bars_ask_for_their_filter(
    opened: MainWindow, qtbot: QtBot, card: str, label: str, asked: list[str]
) -> None:
    page = page_of(opened)
    with qtbot.waitSignal(page.filter_requested) as emitted:
        click(getattr(page, card).chart, label)
    assert emitted.args == asked


def test_arrows_and_enter(opened: MainWindow, qtbot: QtBot) -> None:
    page, chart = page_of(opened), page_of(opened).decisions.chart
    chart.setFocus(Qt.FocusReason.TabFocusReason)
    assert chart.accessibleDescription().startswith("26 windows accepted")
    for key, description in (
        (Qt.Key.Key_Down, "34 windows rejected"),
        (Qt.Key.Key_End, "20 windows undecided"),
        (Qt.Key.Key_Right, "20 windows undecided"),
        (Qt.Key.Key_Home, "26 windows accepted"),
        (Qt.Key.Key_Up, "26 windows accepted"),
        (Qt.Key.Key_Right, "34 windows rejected"),
    ):
        qtbot.keyClick(focused(), key)
        assert chart.accessibleDescription().startswith(description)
        assert focused() is chart, "the keys must not reach the list of windows"
    qtbot.keyClick(focused(), Qt.Key.Key_Return)
    assert opened.session.selection.filter.decision is Decision.REJECTED
    assert page.isVisible()
    qtbot.keyClick(focused(), Qt.Key.Key_Escape)
    assert not page.isVisible()


def test_arrow_keys_scroll_to_the_bar(opened: MainWindow, qtbot: QtBot) -> None:
    page = page_of(opened)
    chart, viewport = page.by_video.chart, page.area.viewport()

    def seen(index: int) -> bool:
        return viewport.rect().contains(chart.mapTo(viewport, chart.rect_of(index).center()))

    qtbot.waitUntil(lambda: page.area.verticalScrollBar().maximum() > 0)
    assert not seen(3)
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_End)
    assert seen(3)


def test_a_bar_says_what_it_is_when_pointed_at(opened: MainWindow, qtbot: QtBot) -> None:
    chart = page_of(opened).by_subject.chart
    QTest.mouseMove(chart, chart.rect_of(1).center())
    qtbot.waitUntil(lambda: chart.hovered == 1)
    qtbot.waitUntil(lambda: QToolTip.text() == "Anna: 12 clips, 0:24", timeout=5000)
    QTest.mouseMove(chart, QPoint(-5, -5))
    QToolTip.hideText()


def test_a_goal_is_set_in_place_and_stored(opened: MainWindow, project: Project, qtbot: QtBot) -> None:
    goals = page_of(opened).goals
    assert goals.hint.isVisible()
    goals.add_button.click()
    editor = goals.editor
    assert focused() is editor.amount
    qtbot.keyClicks(editor.amount, "13")
    editor.add_button.click()
    assert not editor.isVisible()
    assert goals_of(project) == (Goal("subject", None, "clips", 13),)
    assert [chart.marks[0].label for chart in goals.charts] == ["13 clips of each subject"]
    assert goals.charts[0].marks[0].number == "1 of 2 reached"
    assert not goals.hint.isVisible()
    by_subject = page_of(opened).by_subject.chart
    assert (mark(by_subject, "Ben").number, mark(by_subject, "Anna").number) == ("full · 14 of 13", "12 of 13")
    assert mark(by_subject, "Ben").spoken.endswith("This subject is full")
    assert (mark(by_subject, "Ben").full, mark(by_subject, "Anna").full) == (True, False)


def test_a_goal_in_minutes_for_one_tag(opened: MainWindow, project: Project) -> None:
    goals = page_of(opened).goals
    goals.add_button.click()
    goals.editor.unit.setCurrentIndex(1)
    goals.editor.amount.setValue(0.5)
    goals.editor.choose("tag", "smile")
    goals.editor.add_button.click()
    assert goals_of(project) == (Goal("tag", "smile", "seconds", 30),)
    assert goals.charts[0].marks[0].label == "0.5 min tagged smile"
    assert goals.charts[0].marks[0].number == "0:24 of 0:30"
    assert goals.charts[0].marks[0].amount == pytest.approx(0.8)
    page_of(opened).units["seconds"].click()
    assert mark(page_of(opened).by_tag.chart, "smile").goal == 30


def test_a_goal_about_the_same_is_replaced_and_one_can_be_removed(opened: MainWindow, project: Project) -> None:
    set_goals(project, [Goal("subject", None, "clips", 13), Goal("total", None, "clips", 300)])
    page = page_of(opened)
    page.refresh()
    goals = page.goals
    goals.add_button.click()
    goals.editor.amount.setValue(20)
    goals.editor.add_button.click()
    assert goals_of(project) == (Goal("subject", None, "clips", 20), Goal("total", None, "clips", 300))
    goals.remove_buttons[0].click()
    assert goals_of(project) == (Goal("total", None, "clips", 300),)
    assert goals.charts[0].marks[0].number == "26 of 300"
    goals.remove_buttons[0].click()
    assert goals_of(project) == ()
    assert goals.hint.isVisible()


def test_no_goal_is_set_on_cancel(opened: MainWindow, project: Project) -> None:
    goals = page_of(opened).goals
    goals.add_button.click()
    goals.editor.cancel_button.click()
    assert not goals.editor.isVisible()
    assert goals_of(project) == ()


def test_goals_of_a_read_only_project_are_only_shown(opened: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    set_goals(opened.session.storage.project, [Goal("total", None, "clips", 300)])  # type: ignore[arg-type]
    settings = QSettings(str(tmp_path / "other.ini"), QSettings.Format.IniFormat)
    other = MainWindow(settings, Project(tmp_path / "work.clipgen"))
    bring_up(other, qtbot)
    other.actions_by_name["dashboard"].trigger()
    goals = page_of(other).goals
    assert (len(goals.charts), goals.remove_buttons, goals.add_button.isVisible()) == (1, [], False)
    other.close()


def test_numbers_follow_a_decision(
    project: Project, qtbot: QtBot, tmp_path: Path, short_video: Path, short_analysis: Analysis
) -> None:
    window = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat), project)
    bring_up(window, qtbot)
    entry = open_analysed(window, qtbot, short_video, short_analysis)
    window.session.selection.select(entry.rows[0].key)
    window.actions_by_name["dashboard"].trigger()
    before = figures(window)
    undecided = 20 + len(entry.rows)
    assert before["left"][1] == f"{undecided} undecided"
    qtbot.keyClick(window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: figures(window)["accepted"][0] == "27", timeout=3000)
    assert figures(window)["left"][1] == f"{undecided - 1} undecided"
    key = entry.rows[0].key
    assert entry.info is not None
    seconds = (key[1] - key[0]) * entry.info.duration_s / entry.info.frame_count
    assert page_of(window).statistics.total.seconds == pytest.approx(52 + seconds), "the frame count was stored"
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    qtbot.waitUntil(lambda: figures(window)["accepted"][0] == "26", timeout=3000)
    window.close()


def test_changes_are_coalesced_and_nothing_is_counted_while_hidden(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, counted = page_of(opened), []
    monkeypatch.setattr(page, "_show", lambda: counted.append(1))
    for _ in range(50):
        opened.session.ranking_changed.emit()
    assert counted == []
    qtbot.waitUntil(lambda: counted == [1], timeout=3000)
    opened.actions_by_name["dashboard"].trigger()
    opened.session.ranking_changed.emit()
    qtbot.wait(700)
    assert counted == [1]


def test_without_a_project_it_says_so(window: MainWindow) -> None:
    window.actions_by_name["dashboard"].trigger()
    assert page_of(window).hint.text().startswith("Decisions are counted once they are stored in a project.")
    assert not page_of(window).goals.add_button.isVisible()


def test_a_damaged_project_is_reported_in_a_sentence(opened: MainWindow, project: Project) -> None:
    project.write(lambda database: database.execute("UPDATE marked_window SET tags = '['"))
    page_of(opened).refresh()
    assert "work.clipgen" in page_of(opened).hint.text()
    assert page_of(opened).hint.isVisible()
    assert figures(opened)["accepted"][0] == "0"


def test_many_bars_are_shown_when_asked_for(opened: MainWindow) -> None:
    card = page_of(opened).by_video
    card.show_marks([Mark("video", str(one), f"{one}.mp4", "1", "", 1) for one in range(9)])
    assert (len(card.chart.marks), card.more.text()) == (6, "Show all 9")
    card.more.click()
    assert (len(card.chart.marks), card.more.text()) == (9, "Show fewer")
    card.more.click()
    assert len(card.chart.marks) == 6


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.5])
@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cards_fill_the_width_and_cut_nothing_off(
    opened: MainWindow, qtbot: QtBot, scale: float, width: int, scheme: str
) -> None:
    page = page_of(opened)
    theme.apply(scheme, scale)  # type: ignore[arg-type]
    opened.resize(width, 900)
    qtbot.wait(50)
    content = page.area.widget()
    assert content.width() <= page.area.viewport().width(), "no horizontal scrolling"
    shown = [card for card in page.cards if card.isVisible()]
    for number, card in enumerate(shown):
        assert card.height() >= card.minimumSizeHint().height()
        assert card.geometry().right() < card.parentWidget().width()
        assert not any(card.geometry().intersects(other.geometry()) for other in shown[number + 1 :])
    bottoms = {max(one.geometry().bottom() for one in shown if one.x() == left) for left in {one.x() for one in shown}}
    assert len(bottoms) == 1, "all columns end at the same height"
    assert not page.grab().isNull()
