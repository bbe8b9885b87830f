"""A project of several videos: list, queue, memory use, relinking and saving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision
from clipgen_engine.video.index import probe
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.window import MainWindow
from tests.support.projects import copies

Opened = Callable[[], MainWindow]
FIVE = 5


@pytest.fixture
def five(short_video: Path, short_analysis: Analysis, tmp_path: Path) -> list[Path]:
    """Five different files with the same frames, each with a stored analysis."""
    cache = AnalysisCache(tmp_path / "cache")
    paths = list(copies(tmp_path / "videos", short_video, FIVE))
    for path in paths:
        cache.store(replace(short_analysis, video=probe(path)))
    return paths


@pytest.fixture
def opened(qtbot: QtBot, tmp_path: Path) -> Iterator[Opened]:
    """Factory of windows on the same project and cache."""
    windows = []

    def make() -> MainWindow:
        settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(settings, Project(tmp_path / "work.clipgen"), lambda: AnalysisCache(tmp_path / "cache"))
        qtbot.addWidget(window)
        windows.append(window)
        window.show()
        return window

    yield make
    for window in windows:
        window.close()


def opened_with(opened: Opened, videos: list[Path], qtbot: QtBot) -> MainWindow:
    """A window on the project with these videos, all analysed."""
    window = opened()
    window.open_paths(videos)
    wait_for_all(window, qtbot)
    return window


def wait_for_all(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: all(one.state is VideoState.DONE for one in window.session.videos), timeout=20_000)


def test_project_fills_the_list_and_loads_only_the_current_video(
    opened: Opened, qtbot: QtBot, five: list[Path]
) -> None:
    window = opened_with(opened, five, qtbot)
    session = window.session
    for entry in session.videos[:2]:
        session.set_current(entry)
        qtbot.waitUntil(lambda entry=entry: bool(entry.rows))
        session.selection.select(entry.rows[0].key, seek=False)
        session.decisions.decide(Decision.ACCEPTED)
    session.selection.seek(33)
    selected = session.current.selected if session.current else None
    window.close()
    five[4].unlink()

    again = opened()
    session = again.session
    assert [entry.path for entry in session.videos] == five
    assert [entry.ranker for entry in session.videos] == [None] * FIVE
    tallies = [entry.tally for entry in session.videos]
    assert [tally.accepted if tally else None for tally in tallies] == [1, 1, 0, 0, 0]
    assert all(tally is not None and tally.windows >= 3 for tally in tallies)
    again.resume()
    current = session.current
    assert current is session.videos[1]
    qtbot.waitUntil(lambda: bool(current.rows) and again.parts.player.view.shown_frame == 33)
    assert current.selected == selected
    assert again.parts.analysis.queue.running is None, "stored analyses must not be computed again"
    session.set_current(session.videos[4])
    qtbot.waitUntil(lambda: session.videos[4].state is VideoState.MISSING)


def test_only_recent_videos_stay_in_memory(opened: Opened, qtbot: QtBot, five: list[Path]) -> None:
    window = opened_with(opened, five, qtbot)
    session = window.session
    for entry in session.videos:
        session.set_current(entry)
        qtbot.waitUntil(lambda entry=entry: bool(entry.rows))
    assert [entry.analysis is not None for entry in session.videos] == [False, False, True, True, True]
    first = session.videos[0]
    session.set_current(first)
    qtbot.waitUntil(lambda: bool(first.rows))
    session.selection.select(first.rows[1].key, seek=False)
    session.decisions.decide(Decision.REJECTED, advance=False)
    for entry in session.videos[1:4]:
        session.set_current(entry)
        qtbot.waitUntil(lambda entry=entry: bool(entry.rows))
    assert first.analysis is None
    session.undo_stack.undo()
    assert session.current is first, "undo must show the affected video"
    qtbot.waitUntil(lambda: bool(first.rows))
    assert first.rows[1].decision is Decision.UNDECIDED
    assert first.selected == first.rows[1].key


def test_missing_stored_analysis_is_queued_again(
    opened: Opened, qtbot: QtBot, five: list[Path], tmp_path: Path
) -> None:
    window = opened_with(opened, five[:2], qtbot)
    window.close()
    AnalysisCache(tmp_path / "cache").clear()
    again = opened()
    first, second = again.session.videos
    again.parts.analysis.queue.set_paused(True)
    again.resume()
    qtbot.waitUntil(lambda: first.state is VideoState.WAITING)
    assert second.state is VideoState.DONE


def test_removed_videos_return_by_undo_or_opening(opened: Opened, qtbot: QtBot, five: list[Path]) -> None:
    window = opened_with(opened, five, qtbot)
    session = window.session
    first, second = session.videos[:2]
    qtbot.waitUntil(lambda: bool(first.rows))
    session.selection.select(first.rows[0].key, seek=False)
    session.decisions.decide(Decision.ACCEPTED)
    session.remove([first, second])
    assert session.undo_stack.undoText() == "Remove 2 videos"
    assert [entry.path for entry in session.videos] == five[2:]
    assert session.current is session.videos[0]
    session.undo_stack.undo()
    assert [entry.path for entry in session.videos] == five
    session.move([session.videos[4]], 0)
    session.undo_stack.redo()
    session.set_current(session.videos[0])
    window.close()

    again = opened()
    assert [entry.path for entry in again.session.videos] == [five[4], five[2], five[3]]
    again.open_paths([five[0]])
    entry = again.session.videos[-1] if again.session.videos[-1].path == five[0] else again.session.videos[1]
    assert entry.path == five[0]
    assert entry.tally is not None
    assert entry.tally.accepted == 1


def test_current_video_is_analysed_first_and_the_queue_pauses(
    opened: Opened, qtbot: QtBot, five: list[Path], tmp_path: Path
) -> None:
    AnalysisCache(tmp_path / "cache").clear()
    window = opened()
    session, queue = window.session, window.parts.analysis.queue
    window.open_paths(five[:3])
    first, second, third = session.videos
    assert queue.running is first
    session.set_current(third)
    qtbot.waitUntil(lambda: queue.running is third, timeout=5000)
    assert first.state is VideoState.WAITING, "it must be queued again"
    queue.set_paused(True)
    qtbot.waitUntil(lambda: queue.running is None, timeout=5000)
    assert {entry.state for entry in session.videos} == {VideoState.WAITING}
    session.set_state(second, VideoState.FAILED, "a failure")
    queue.again([second])
    assert queue.running is second, "explicit requests must run while the queue is paused"
    qtbot.waitUntil(lambda: 0 < second.progress < 1, timeout=20_000)
    session.remove([second])
    qtbot.waitUntil(lambda: queue.running is None, timeout=5000)
    assert [first.state, third.state] == [VideoState.WAITING] * 2


def test_copies_of_a_file_are_one_video(opened: Opened, qtbot: QtBot, five: list[Path], tmp_path: Path) -> None:
    window = opened()
    session = window.session
    window.open_paths(five[:1])
    (first,) = session.videos
    qtbot.waitUntil(lambda: bool(first.rows), timeout=20_000)
    session.selection.select(first.rows[0].key, seek=False)
    session.decisions.decide(Decision.ACCEPTED)
    copy = tmp_path / "a copy.mp4"
    copy.write_bytes(five[0].read_bytes())
    window.open_paths([copy])
    qtbot.waitUntil(lambda: session.current is first, timeout=20_000)
    assert session.videos == [first]
    said = "1 file was left out, being the same as a listed video: a copy.mp4 (as video 0.mp4)."
    assert window.parts.messages.texts == [said]
    more = [tmp_path / f"copy {number}.mp4" for number in range(9)]
    for path in more:
        path.write_bytes(five[0].read_bytes())
    window.open_paths(more)
    qtbot.waitUntil(lambda: session.videos == [first], timeout=20_000)
    (text,) = window.parts.messages.texts
    assert text.startswith("10 files were left out, being the same as a listed video: a copy.mp4 (as video 0.mp4), ")
    assert text.endswith(" and 2 more.")

    # The file was moved: its decisions follow.
    five[0].unlink()
    window.open_paths([copy])
    qtbot.waitUntil(lambda: first.path == copy and bool(first.rows), timeout=20_000)
    assert session.videos == [first]
    assert first.rows[0].decision is Decision.ACCEPTED

    # Another file at the same path is another video; the decisions stay with the old one.
    window.close()
    copy.write_bytes(five[1].read_bytes())
    again = opened()
    again.resume()
    (entry,) = again.session.videos
    qtbot.waitUntil(lambda: bool(entry.rows), timeout=20_000)
    assert entry.reviews == {}
    assert again.session.storage.current_id() == entry.video_id, "the video on screen must be stored as current"


def test_moved_video_is_relinked_from_the_folders_of_the_project(
    opened: Opened, qtbot: QtBot, five: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened_with(opened, five[:3], qtbot)
    assert all(entry.fingerprint for entry in window.session.videos)
    window.close()
    renamed, away = five[0].with_name("renamed.mp4"), tmp_path / "away" / "video 1.mp4"
    away.parent.mkdir()
    five[0].rename(renamed)
    five[1].rename(away)

    again = opened()
    again.parts.analysis.queue.set_paused(True)
    first, second, third = again.session.videos
    notifications: list[str] = []
    again.session.notified.connect(notifications.append)
    again.resume()
    qtbot.waitUntil(lambda: first.path == renamed and second.state is VideoState.MISSING)
    assert third.state is VideoState.DONE
    assert notifications == [f"Missing video renamed.mp4 was found in {renamed.parent}."]
    assert "Locate…" in [action.text() for action in again.parts.projects.videos.menu_for([second]).actions()]
    chosen: list[Path] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(chosen.pop(0)), ""))
    again.session.set_current(second)
    missing = f"video 1.mp4 is no longer in {five[1].parent}. Locate the file to continue."
    assert again.parts.messages.texts == [missing]
    again.session.set_current(third)
    assert again.parts.messages.texts == []
    again.session.set_current(second)
    locate = again.parts.messages.bars[0].findChild(QPushButton)
    chosen.append(five[2])
    qtbot.mouseClick(locate, Qt.MouseButton.LeftButton)
    assert second.state is VideoState.MISSING
    assert again.parts.messages.texts[0].startswith("video 2.mp4 is not the same video as video 1.mp4.")
    chosen.append(away)
    qtbot.mouseClick(locate, Qt.MouseButton.LeftButton)
    assert (second.path, second.state) == (away, VideoState.DONE)
    assert missing not in again.parts.messages.texts
    away.rename(five[1])
    again.parts.projects.flow.open_paths([five[2]])
    qtbot.waitUntil(lambda: second.path == five[1])


def test_file_removed_while_its_analysis_loads_is_missing(
    opened: Opened, qtbot: QtBot, five: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_with(opened, five[:2], qtbot).close()
    load = AnalysisCache.open

    def load_and_lose(cache: AnalysisCache, name: str, path: Path) -> Analysis | None:
        analysis = load(cache, name, path)
        path.unlink()
        return analysis

    monkeypatch.setattr(AnalysisCache, "open", load_and_lose)
    again = opened()
    again.parts.analysis.queue.set_paused(True)
    again.resume()
    entry = again.session.current
    assert entry is not None
    qtbot.waitUntil(lambda: entry.state is VideoState.MISSING)
    qtbot.waitUntil(lambda: again.parts.messages.texts[0].endswith(". Locate the file to continue."))


def test_projects_are_saved_to_another_file_and_opened(
    opened: Opened, qtbot: QtBot, five: list[Path], tmp_path: Path
) -> None:
    window = opened_with(opened, five[:2], qtbot)
    session = window.session
    first = session.videos[0]
    qtbot.waitUntil(lambda: bool(first.rows))
    session.selection.select(first.rows[0].key, seek=False)
    session.decisions.decide(Decision.ACCEPTED, advance=False)
    named = tmp_path / "ünï" / "interviews.clipgen"
    window.parts.projects.flow.save_to(named)
    assert window.windowTitle() == "video 0.mp4 — interviews — clipgen"
    session.selection.select(first.rows[1].key, seek=False)
    session.decisions.decide(Decision.REJECTED, advance=False)
    with Project(tmp_path / "work.clipgen") as old, Project(named) as new:
        assert new.read_only
        assert len(old.windows(first.video_id)) == 1, "decisions after Save as must go to the new file only"
        assert len(new.windows(first.video_id)) == 2

    window.parts.projects.flow.open_project(tmp_path / "empty.clipgen", new=True)
    assert session.videos == []
    assert not session.undo_stack.canUndo()
    assert window.parts.projects.flow.recent[:2] == [tmp_path / "empty.clipgen", named]
    window.open_paths([named])
    assert [entry.path for entry in session.videos] == five[:2]
    entry = session.videos[0]
    qtbot.waitUntil(lambda: bool(entry.rows))
    assert entry.rows[0].decision is Decision.ACCEPTED
    second = opened()
    second.parts.projects.flow.open_project(named)
    assert second.parts.messages.texts == [
        "interviews.clipgen is open in another window. Decisions made here are not saved."
    ]
    (tmp_path / "bad.clipgen").write_text("no database, but long enough to be read\n" * 30)
    window.open_paths([tmp_path / "bad.clipgen"])
    assert window.parts.messages.texts[0].startswith("bad.clipgen is not a clipgen project")
    assert [entry.path for entry in session.videos] == five[:2], "the open project must stay open"


def test_decisions_made_without_a_project_are_saved_by_save_as(reviewed: MainWindow, tmp_path: Path) -> None:
    session = reviewed.session
    entry = session.current
    assert entry is not None
    session.controls.set_weight("expression_variation", 0.5)
    session.rank_now()
    for decision in (Decision.ACCEPTED, Decision.REJECTED):
        session.selection.step(1)
        session.decisions.decide(decision, advance=False)
    session.decisions.set_subject(0, "anna")
    session.selection.seek(33)
    decided, selected = dict(entry.reviews), entry.selected
    assert len(decided) == 2
    reviewed.parts.projects.flow.save_to(tmp_path / "late.clipgen")
    with Project(tmp_path / "late.clipgen") as project:  # before other actions trigger a save
        (video,) = project.videos()
        assert (video.position, video.selected, video.state) == (33, selected, "done")
        stored = {key: window.decision for key, window in project.windows(video.video_id).items()}
        assert stored == {key: mark.decision for key, mark in decided.items()}
        assert project.subjects(video.video_id) == {0: "anna"}
        assert project.settings()["weights"] == {"expression_variation": 0.5}
        assert project.app_state() == {"current_video": video.video_id}
    assert entry.reviews == decided
    session.undo_stack.undo()
    session.decisions.decide(Decision.UNDECIDED)
    with Project(tmp_path / "late.clipgen") as project:
        assert len(project.windows(video.video_id)) == 1


def test_list_filters_and_sorts(opened: Opened, qtbot: QtBot, five: list[Path]) -> None:
    window = opened_with(opened, five, qtbot)
    session, videos = window.session, window.parts.projects.videos
    shown = lambda: [entry.path.name[6] for entry in videos.model.entries]  # noqa: E731
    session.set_state(session.videos[3], VideoState.FAILED, "It is no video.")
    qtbot.keyClicks(videos.words, "eo 4.")
    assert videos.words.text() == "eo 4."
    assert shown() == ["0", "4"], "the current video must always be listed"
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    videos.words.clear()
    videos.states.setCurrentIndex(videos.states.findData("failed"))
    videos.step(1)
    assert session.current is session.videos[3]
    assert shown() == ["3"]
    assert videos.count.text() == "1 of 5"
    videos.states.setCurrentIndex(0)
    session.move([session.videos[4], session.videos[2]], 0)
    assert shown() == ["2", "4", "0", "1", "3"]
    by_name = next(action for action in videos.order_button.menu().actions() if action.text() == "Name")
    by_name.trigger()
    assert shown() == ["0", "1", "2", "3", "4"]
    assert opened().parts.projects.videos.model.sorted_by == "name", "the sort order must be remembered"
    labels = [action.text() for action in videos.menu_for([session.videos[4]]).actions()]
    assert "Retry" in labels
