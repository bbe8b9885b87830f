"""A simulated curator in a separate process, to be killed by tests: `python -m tests.support.curator FOLDER`.

The process imports the app once. For each input line it forks a child that opens the project in the folder and works
on it. A number seeds a child that makes random decisions by keys; before and after each step it writes a line of JSON
with the state that the project must hold. Other lines name scenarios performed with keys and mouse: `work` and `play`.
The test kills the child; the next line starts the next one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_LOGGING_RULES"] = "qt.qpa.*=false"

from PySide6.QtCore import QMimeData, QPointF, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Decision
from clipgen_gui.document.session import Session
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import drag

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
WEIGHT = "expression_variation"  # whose slider is moved
REST_MS = 1000  # after this long without changes, everything is saved
WAIT_S = 20
Say = Callable[[str, dict[str, Any]], None]
KEYS = {
    "accept": Qt.Key.Key_A,
    "reject": Qt.Key.Key_R,
    "undecide": Qt.Key.Key_U,
    "trim the start": Qt.Key.Key_BracketLeft,
    "trim the end": Qt.Key.Key_BracketRight,
    "new window": Qt.Key.Key_B,
    "next video": Qt.Key.Key_N,
    "previous video": Qt.Key.Key_P,
}
OTHERS = ("undo", "tag", "note", "subject")


def state_of(project: Project) -> dict[str, Any]:
    """The stored decisions that must not be lost: windows and subjects by video."""
    return {
        video.path.name: {
            "windows": {
                " ".join(map(str, key)): [one.decision.value, one.manual, list(one.tags), one.note]
                for key, one in sorted(project.windows(video.video_id).items())
            },
            "subjects": {str(track): subject for track, subject in project.subjects(video.video_id).items()},
        }
        for video in project.videos()
    }


def shown_state(session: Session) -> dict[str, Any]:
    """The same state as held in memory by the app."""
    return {
        entry.path.name: {
            "windows": {
                " ".join(map(str, key)): [mark.decision.value, mark.manual, list(mark.tags), mark.note]
                for key, mark in sorted(entry.reviews.items())
            },
            "subjects": {str(track): subject for track, subject in sorted(entry.subjects.items())},
        }
        for entry in session.videos
    }


def stored_view(project: Project) -> dict[str, Any]:
    """The stored view state: current video, playheads, selections and settings."""
    current = project.app_state()["current_video"]
    return {
        "current": project.video(current).path.name,
        "positions": {
            video.path.name: [video.position, list(video.selected) if video.selected else None]
            for video in project.videos()
        },
        "settings": project.settings(),
    }


def shown_view(session: Session) -> dict[str, Any]:
    """The same state as held in memory by the app."""
    assert session.current is not None
    return {
        "current": session.current.path.name,
        "positions": {
            entry.path.name: [entry.position, list(entry.selected) if entry.selected else None]
            for entry in session.videos
        },
        "settings": session.settings.as_dict(),
    }


def open_app(folder: Path) -> MainWindow:
    """Open the main window on the project in this folder and resume it."""
    window = MainWindow(
        QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat),
        Project(folder / "work.clipgen"),
        lambda: AnalysisCache(folder / "cache"),
    )
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    window.resume()
    return window


def say(what: str, state: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps([what, state]) + "\n")
    sys.stdout.flush()


def curate(folder: Path, seed: int) -> None:
    """Open the project and make random decisions until killed."""
    rng = random.Random(seed)
    app = QApplication([])
    window = open_app(folder)
    session = window.session
    for entry in session.videos:
        session.storage.load_review(entry)

    def step() -> None:
        entry = session.current
        if entry is None or not entry.rows:
            return  # its analysis is still being loaded
        what = rng.choice([*KEYS, *OTHERS, "accept", "reject", "trim the start"])
        row = rng.choice(entry.rows)
        session.selection.select(row.key)
        session.selection.seek(row.key[0] + rng.randrange(12))
        say(f"begin {what}", shown_state(session))
        if what in KEYS:
            QTest.keyClick(window, KEYS[what])
        elif what == "undo":
            QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        elif what == "tag":
            session.decisions.set_tags(rng.sample(["smile", "brows", "blurred", "lächeln"], rng.randrange(4)))
        elif what == "note":
            session.decisions.set_note(f"note {rng.random()}")
        else:
            session.decisions.set_subject(row.key[2], rng.choice(["anna", "bert", ""]))
        say(f"end {what}", shown_state(session))

    timer = QTimer()
    timer.timeout.connect(step)
    timer.start(1)
    say("ready", shown_state(session))
    app.exec()


def press(*keys: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press keys in turn, sent to the focused widget."""
    for key in keys:
        QTest.keyClick(QApplication.focusWidget(), key, modifiers)


def enter(key: Qt.Key, text: str) -> None:
    """Open a field by its key, type and press Enter."""
    press(key)
    QTest.keyClicks(QApplication.focusWidget(), text)
    press(Qt.Key.Key_Return)


def wait(met: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < deadline, f"timeout: {what}"
        QTest.qWait(5)


def pause(window: MainWindow) -> None:
    """Pause playback if it is running."""
    if window.parts.player.playback.playing:
        press(Qt.Key.Key_Space)


def step_to(session: Session, frame: int) -> None:
    """Move the playhead to a frame with the step keys."""
    assert session.current is not None
    tens, ones = divmod(abs(frame - session.current.position), 10)
    key = Qt.Key.Key_Right if frame > session.current.position else Qt.Key.Key_Left
    press(*[key] * tens, modifiers=SHIFT)
    press(*[key] * ones)
    assert session.current.position == frame


def ready(window: MainWindow, name: str) -> None:
    """Wait until this video is shown with its windows."""
    wait(window.isActiveWindow, "active window")
    current = window.session.current
    assert current is not None
    assert current.path.name == name
    wait(lambda: current.rows and window.parts.player.view.shown_frame == current.position, f"windows of {name}")


def work(folder: Path) -> None:
    """With two videos: open, review, undo, trim, tag, switch, step, then idle until killed."""
    app = QApplication([])
    window = open_app(folder)
    session, view = window.session, window.parts.review.panel.view
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(path)) for path in sorted(folder.glob("*.mp4"))])
    middle = QPointF(window.rect().center())
    app.sendEvent(window, QDragEnterEvent(middle.toPoint(), Qt.DropAction.CopyAction, dropped, LEFT, NONE))
    app.sendEvent(window, QDropEvent(middle, Qt.DropAction.CopyAction, dropped, LEFT, NONE))
    first, second = session.videos
    wait(lambda: first.analysis_name and second.analysis_name, "analysis of both videos")
    ready(window, first.path.name)

    drag(QTest, window.parts.ranking.panel.weights.sliders[WEIGHT], 40)
    wait(lambda: WEIGHT in session.settings.weights and first.ranking.settings == session.settings, "new ranking")
    QTest.mouseClick(view.viewport(), LEFT, NONE, view.visualRect(view.model().index(0, 1)).center())
    assert first.selected == first.rows[0].key
    press(Qt.Key.Key_A, Qt.Key.Key_R, Qt.Key.Key_A)
    press(Qt.Key.Key_Z, modifiers=CONTROL)
    pause(window)
    step_to(session, first.selected[0] + 4)
    press(Qt.Key.Key_BracketLeft)
    pause(window)
    step_to(session, first.selected[1] - 7)
    press(Qt.Key.Key_BracketRight)
    enter(Qt.Key.Key_T, "smile, brows")
    enter(Qt.Key.Key_W, "worth a look")
    enter(Qt.Key.Key_S, "anna")
    press(Qt.Key.Key_N)
    ready(window, second.path.name)

    press(Qt.Key.Key_L, modifiers=CONTROL)  # no loop: only keys move the playhead
    press(Qt.Key.Key_Down, Qt.Key.Key_R)
    assert not window.parts.player.playback.playing
    step_to(session, second.selected[0] + 7)
    QTest.qWait(REST_MS)
    press(Qt.Key.Key_BracketLeft)  # selects another window; the playhead stays
    QTest.qWait(REST_MS)
    say("idle", {"decided": shown_state(session), "view": shown_view(session)})
    app.exec()


def play(folder: Path) -> None:
    """Play the current video from the start, changing a weight at each frame and reporting the state."""
    app = QApplication([])
    window = open_app(folder)
    session = window.session
    entry = session.current
    assert entry is not None
    ready(window, entry.path.name)
    slider = window.parts.ranking.panel.weights.sliders[WEIGHT]
    press(Qt.Key.Key_L, modifiers=CONTROL)
    press(Qt.Key.Key_Home)
    QTest.qWait(REST_MS)
    say("begin", shown_view(session))

    def report() -> None:
        QTest.keyClick(slider, Qt.Key.Key_Plus)
        say("frame", shown_view(session))

    session.selection.position_changed.connect(report)
    QTest.keyClick(window, Qt.Key.Key_Space)
    app.exec()


def queue(folder: Path) -> None:
    """With keys only, decide the undecided windows of the whole project until all are decided, then say so."""
    rng = random.Random(time.time_ns())
    app = QApplication([])
    window = open_app(folder)
    window.parts.analysis.queue.set_paused(True)
    session = window.session
    wait(window.isActiveWindow, "active window")
    wait(lambda: session.current is not None and session.current.rows, "windows of the first video")
    press(Qt.Key.Key_G)
    wait(lambda: window.parts.analysis.project_ranking.complete, "all videos ranked")
    say("ready", shown_state(session))
    press(Qt.Key.Key_Down)
    while any(entry.decision_of(key) is Decision.UNDECIDED for entry, key in session.selection.rows.ids):
        selected = session.selection.selected
        assert selected is not None
        if selected.entry.decision_of(selected.key) is not Decision.UNDECIDED:
            press(Qt.Key.Key_A if selected.entry.decision_of(selected.key) is Decision.ACCEPTED else Qt.Key.Key_R)
            continue  # pressed again, the key goes to the next undecided window
        what = rng.choice(("accept", "reject", "accept", "reject", "reject and say why", "accept and undo"))
        say(f"begin {what}", shown_state(session))
        press(Qt.Key.Key_A if what.startswith("accept") else Qt.Key.Key_R)
        if what.endswith("why"):
            press(Qt.Key.Key_2)
        elif what.endswith("undo"):
            press(Qt.Key.Key_Z, modifiers=CONTROL)
            assert session.selection.selected == selected, "undo goes back to the window, whatever its video"
        say(f"end {what}", shown_state(session))
        QTest.qWait(rng.randrange(8))
    say("done", shown_state(session))
    app.exec()


def live(folder: Path, line: str) -> None:
    """Run the scenario or seed of an input line. Does not return."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        if line in SCENARIOS:
            SCENARIOS[line](folder)
        else:
            curate(folder, int(line))
    except BaseException:
        traceback.print_exc()
    os._exit(1)


SCENARIOS = {"work": work, "play": play, "queue": queue}

if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            live(Path(sys.argv[1]), line.strip())
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("dead\n")
        sys.stdout.flush()
