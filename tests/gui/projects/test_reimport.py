"""Import of export folders as projects: from the menu, by drag and drop, and from the offering message."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from clipgen_engine.datasets.manifest import MANIFEST_NAME
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from clipgen_gui.document.entry import VideoState
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.widgets.message_bar import Message
from tests.support.curator import shown_state
from tests.support.exports import analysis_of, request_for, run, small_video, source_of

DECIDED = {
    "a.mp4": {
        "windows": {
            "4 9 0": ["accepted", False, ["brows", "smile"], "Her best, ünï."],
            "12 18 0": ["accepted", True, [], ""],
            "30 35 0": ["rejected", False, [], "blurred"],
        },
        "subjects": {"0": "anna"},
    },
    "b.mp4": {"windows": {"20 24 0": ["accepted", False, [], ""]}, "subjects": {}},
}


@dataclass(frozen=True)
class Exported:
    """A folder with two videos and their export."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "faces of may"

    @property
    def videos(self) -> list[Path]:
        return [self.folder / "videos" / name for name in DECIDED]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    exported = Exported(tmp_path_factory.mktemp("made"))
    first, second = (analysis_of(small_video(path, 60 + seed), seed) for seed, path in enumerate(exported.videos))
    (plain,) = source_of(first, [(4, 9)], tags=["brows", "smile"], note="Her best, ünï.").windows
    (trimmed,) = source_of(first, [(12, 18)]).windows
    (rejected,) = source_of(first, [(30, 35)], note="blurred", decision=Decision.REJECTED).windows
    windows = plain, replace(trimmed, manual=True), rejected
    sources = (
        ExportSource(first.video.path, first.video.fingerprint, windows, {0: "anna"}),
        source_of(second, [(20, 24)]),
    )
    result = run(request_for(exported.out, sources), first, second)
    assert not result.failures
    return exported


@pytest.fixture
def exported(made: Exported, window: MainWindow) -> Exported:
    """The folder, not to be modified by tests. The analysis queue is paused."""
    window.parts.analysis.queue.set_paused(True)
    return made


class Chooser:
    """Replaces the two file dialogs: returns prepared answers and records suggested paths."""

    def __init__(self, folder: Path | None = None, *paths: Path | None) -> None:
        self.folder, self.paths = folder, list(paths)
        self.suggested: list[Path] = []
        self.asked: list[str] = []  # what was confirmed before
        self.confirms = True

    def ask_for_folder(self, *_: object) -> str:
        return "" if self.folder is None else str(self.folder)

    def confirm(self, box: QMessageBox) -> int:
        self.asked.append(box.informativeText())
        assert box.button(QMessageBox.StandardButton.Ok).text() == "Create project…"
        return QMessageBox.StandardButton.Ok if self.confirms else QMessageBox.StandardButton.Cancel

    def ask_for_path(self, dialog: QFileDialog) -> int:
        self.suggested.append(Path(dialog.selectedFiles()[0]))
        path = self.paths.pop(0)
        if path is not None:
            dialog.selectFile(str(path))
        return int(path is not None)


@pytest.fixture
def chooser(monkeypatch: pytest.MonkeyPatch) -> Chooser:
    made = Chooser()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", made.ask_for_folder)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: made.confirm(box))
    monkeypatch.setattr(QFileDialog, "exec", lambda dialog: made.ask_for_path(dialog))
    return made


def drop(window: MainWindow, *paths: Path) -> None:
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    position, action = QPointF(window.rect().center()), Qt.DropAction.CopyAction
    held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(position.toPoint(), action, dropped, *held))
    QApplication.sendEvent(window, QDropEvent(position, action, dropped, *held))


def message(window: MainWindow, qtbot: QtBot, part: str) -> Message:
    """Wait for a message that contains this text."""
    qtbot.waitUntil(lambda: any(part in text for text in window.parts.messages.texts), timeout=5000)
    return next(bar for bar in window.parts.messages.bars if part in bar.text)


def press(window: MainWindow, qtbot: QtBot, part: str, label: str) -> None:
    (button,) = (one for one in message(window, qtbot, part).findChildren(QPushButton) if one.text() == label)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def decisions(window: MainWindow) -> dict[str, object]:
    """The decisions in memory, loaded for all videos."""
    for entry in window.session.videos:
        window.session.storage.load_review(entry)
    return shown_state(window.session)


def test_export_folder_is_imported_from_the_menu(
    window: MainWindow, qtbot: QtBot, exported: Exported, chooser: Chooser, tmp_path: Path
) -> None:
    path = tmp_path / "again.clipgen"
    chooser.folder, chooser.paths = exported.out, [path]
    action = window.actions_by_name["open_export"]
    assert action in window.menus["File"].actions()
    action.trigger()
    message(window, qtbot, "Imported 4 windows from 2 videos into again.clipgen, with all decisions.")
    assert chooser.suggested == [exported.folder / "faces of may.clipgen"]
    assert window.session.storage.path == path
    assert [entry.path for entry in window.session.videos] == exported.videos
    assert decisions(window) == DECIDED
    qtbot.waitUntil(lambda: window.parts.player.view.shown_frame == 0, timeout=5000)
    with Project(path) as second:
        assert second.read_only
        (first, _) = second.videos()
        at = {one.decided_at for one in second.windows(first.video_id).values()}
        assert at == {"2026-11-22T10:00:00.000+00:00"}
    assert window.parts.projects.flow.recent == [path]


def test_files_that_an_import_opens_are_shown_before(
    window: MainWindow, qtbot: QtBot, exported: Exported, chooser: Chooser, tmp_path: Path
) -> None:
    chooser.folder, chooser.paths, chooser.confirms = exported.out, [tmp_path / "again.clipgen"], False
    window.actions_by_name["open_export"].trigger()
    qtbot.waitUntil(lambda: len(chooser.asked) == 1, timeout=5000)
    for path in exported.videos:
        assert path.name in chooser.asked[0]
    assert chooser.suggested == []
    assert window.session.videos == []
    assert not (tmp_path / "again.clipgen").exists()


def test_dropped_export_folder_is_offered_for_import(
    window: MainWindow, qtbot: QtBot, exported: Exported, chooser: Chooser, tmp_path: Path
) -> None:
    path = tmp_path / "again.clipgen"
    chooser.paths = [None, path]
    offer = "faces of may is an export with 4 windows from 2 videos. Its clips were not opened as videos."
    drop(window, exported.out)
    press(window, qtbot, offer, "Open as project")
    assert window.session.videos == [], "exported clips must not be opened as videos"
    assert window.parts.messages.texts == [offer], "the offer must stay after the dialog was cancelled"
    press(window, qtbot, offer, "Open as project")
    message(window, qtbot, "into again.clipgen")
    assert offer not in window.parts.messages.texts
    assert decisions(window) == DECIDED

    drop(window, exported.out / MANIFEST_NAME)
    message(window, qtbot, offer)
    assert len(window.session.videos) == 2
    drop(window, exported.out / "clips")
    assert len(window.session.videos) == 5, "a folder of clips alone must be opened"


def test_videos_next_to_an_export_are_opened(
    window: MainWindow, qtbot: QtBot, exported: Exported, tmp_path: Path
) -> None:
    shutil.copytree(exported.out, tmp_path / "both")
    other = shutil.copy(exported.videos[1], tmp_path / "both" / "other.mp4")
    drop(window, tmp_path / "both", exported.videos[0])
    message(window, qtbot, "both is an export")
    assert [entry.path for entry in window.session.videos] == [exported.videos[0], other]
    window.parts.messages.dismiss_all()
    drop(window, exported.folder)
    assert [entry.path for entry in window.session.videos] == [exported.videos[0], other, exported.videos[1]]
    assert window.parts.messages.texts == [], "an export in a subfolder must not be offered"


def test_missing_videos_of_an_export_can_be_located(
    window: MainWindow, qtbot: QtBot, exported: Exported, chooser: Chooser, tmp_path: Path
) -> None:
    moved = Exported(tmp_path / "moved")
    shutil.copytree(exported.out, moved.out)
    text = (moved.out / MANIFEST_NAME).read_text()
    (moved.out / MANIFEST_NAME).write_text(text.replace(str(exported.folder), str(tmp_path / "nowhere")))
    beside = shutil.copy(exported.videos[0], moved.folder / "renamed.mp4")
    chooser.folder, chooser.paths = moved.out, [tmp_path / "again.clipgen"]
    window.actions_by_name["open_export"].trigger()
    message(window, qtbot, "2 videos could not be found. Right-click a missing video and choose “Locate…”.")
    first, second = window.session.videos
    qtbot.waitUntil(lambda: first.path == beside and second.state is VideoState.MISSING, timeout=5000)
    assert "Locate…" in [action.text() for action in window.parts.projects.videos.menu_for([second]).actions()]
    window.parts.projects.flow.locate_at(second, exported.videos[1])
    assert second.state is VideoState.WAITING
    assert {path: one["windows"] for path, one in decisions(window).items()} == {
        "renamed.mp4": DECIDED["a.mp4"]["windows"],
        "b.mp4": DECIDED["b.mp4"]["windows"],
    }


def test_failed_imports_show_one_message(
    window: MainWindow, qtbot: QtBot, exported: Exported, chooser: Chooser, tmp_path: Path
) -> None:
    open_export = window.actions_by_name["open_export"]
    chooser.folder = exported.out / "clips"
    open_export.trigger()
    message(window, qtbot, f"{MANIFEST_NAME} cannot be read. Choose a folder written by a clipgen export.")

    newer = tmp_path / "newer" / MANIFEST_NAME
    newer.parent.mkdir()
    newer.write_text('{"kind": "clipgen export", "schema_version": 99}')
    chooser.folder = newer.parent
    open_export.trigger()
    message(window, qtbot, "was written by a newer clipgen. Install the newest clipgen.")

    (newer.parent / MANIFEST_NAME).write_text("{")
    video = shutil.copy(exported.videos[0], newer.parent / "a video.mp4")
    drop(window, newer.parent)
    press(window, qtbot, "is damaged or not an export manifest", "Open its videos")
    assert [entry.path for entry in window.session.videos] == [video]

    existing = tmp_path / "there.clipgen"
    existing.write_bytes(b"other data")
    (tmp_path / "file").write_text("in the way")
    chooser.folder, chooser.paths = exported.out, [existing, tmp_path / "file" / "a.clipgen", None]
    open_export.trigger()
    press(window, qtbot, "there.clipgen already exists. Choose another name.", "Choose another")
    press(window, qtbot, "could not be written to", "Choose another")
    assert existing.read_bytes() == b"other data"
    assert chooser.paths == []
    assert [entry.path for entry in window.session.videos] == [video], "the open videos must stay open"


def test_imported_project_is_not_opened_during_an_export(
    window: MainWindow,
    qtbot: QtBot,
    exported: Exported,
    chooser: Chooser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chooser.folder, chooser.paths = exported.out, [tmp_path / "again.clipgen"]
    with monkeypatch.context() as patch:
        patch.setattr(type(window.parts.export.job), "busy", True)
        window.actions_by_name["open_export"].trigger()
        wait = message(window, qtbot, "Open it when the export has finished.").text
        assert window.session.videos == []
    press(window, qtbot, wait, "Open project")
    assert decisions(window) == DECIDED
