"""A curator at work in a process of its own, which a test kills: run as `python -m tests.support.curator FOLDER`.

The process imports the app once. For each line that it reads it forks a child that opens the project of the folder and
works on it. A line that is a number seeds a child that decides at random, by keys: before and after each step it writes
a line of JSON, what the project holds if nothing is lost. The other lines name stories that it goes through with keys
and mouse: `work` and `play`. The test kills the child; the next line begins the next one.
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
from clipgen_gui.document.session import Session
from clipgen_gui.main_window.window import MainWindow
from tests.support.gui import drag

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
WEIGHT = "expression_variation"  # the one whose slider is moved
REST_MS = 1000  # after this long without a change everything is stored
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
    """All that must not be lost: windows and subjects by video."""
    return {
        video.path.name: {
            "windows": {
                " ".join(map(str, key)): [one.decision.value, one.by_hand, list(one.tags), one.note]
                for key, one in sorted(project.windows(video.video_id).items())
            },
            "subjects": {str(track): subject for track, subject in project.subjects(video.video_id).items()},
        }
        for video in project.videos()
    }


def shown_state(session: Session) -> dict[str, Any]:
    """The same as the app has it in memory."""
    return {
        entry.path.name: {
            "windows": {
                " ".join(map(str, key)): [mark.decision.value, mark.by_hand, list(mark.tags), mark.note]
                for key, mark in sorted(entry.reviews.items())
            },
            "subjects": {str(track): subject for track, subject in sorted(entry.subjects.items())},
        }
        for entry in session.videos
    }


def places_of(project: Project) -> dict[str, Any]:
    """Where the curator is: the video on screen, playhead and selection of each, the settings."""
    current = project.app_state()["current_video"]
    return {
        "on screen": project.video(current).path.name,
        "places": {
            video.path.name: [video.position, list(video.selected) if video.selected else None]
            for video in project.videos()
        },
        "settings": project.settings(),
    }


def shown_places(session: Session) -> dict[str, Any]:
    """The same as the app has it in memory."""
    assert session.current is not None
    return {
        "on screen": session.current.path.name,
        "places": {
            entry.path.name: [entry.position, list(entry.selected) if entry.selected else None]
            for entry in session.videos
        },
        "settings": session.settings.as_dict(),
    }


def open_app(folder: Path) -> MainWindow:
    """The real window on the project of this folder, where it was left."""
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
    """Open the project and decide until somebody ends this process."""
    rng = random.Random(seed)
    app = QApplication([])
    window = open_app(folder)
    session = window.session
    for entry in session.videos:
        session.storage.recall(entry)

    def step() -> None:
        entry = session.current
        if entry is None or not entry.rows:
            return  # its analysis is on its way
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
    """Press keys one after another, wherever the focus is."""
    for key in keys:
        QTest.keyClick(QApplication.focusWidget(), key, modifiers)


def enter(key: Qt.Key, text: str) -> None:
    """Press the key of a field, type and press Enter."""
    press(key)
    QTest.keyClicks(QApplication.focusWidget(), text)
    press(Qt.Key.Key_Return)


def wait(met: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        QTest.qWait(5)


def pause(window: MainWindow) -> None:
    """Stop the loop of the selected window, if it has one."""
    if window.parts.player.playback.playing:
        press(Qt.Key.Key_Space)


def step_to(session: Session, frame: int) -> None:
    """Put the playhead on a frame with the keys that step, by tens and by one."""
    assert session.current is not None
    tens, ones = divmod(abs(frame - session.current.position), 10)
    key = Qt.Key.Key_Right if frame > session.current.position else Qt.Key.Key_Left
    press(*[key] * tens, modifiers=SHIFT)
    press(*[key] * ones)
    assert session.current.position == frame


def ready(window: MainWindow, name: str) -> None:
    """Wait until this video is on screen with its windows."""
    wait(window.isActiveWindow, "the window is active")
    current = window.session.current
    assert current is not None
    assert current.path.name == name
    wait(lambda: current.rows and window.parts.player.view.shown_frame == current.position, f"windows of {name}")


def work(folder: Path) -> None:
    """Two videos: open, review, undo, trim, tag, switch, step, and rest until somebody ends this process."""
    app = QApplication([])
    window = open_app(folder)
    session, view = window.session, window.parts.review.panel.view
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(path)) for path in sorted(folder.glob("*.mp4"))])
    middle = QPointF(window.rect().center())
    app.sendEvent(window, QDragEnterEvent(middle.toPoint(), Qt.DropAction.CopyAction, dropped, LEFT, NONE))
    app.sendEvent(window, QDropEvent(middle, Qt.DropAction.CopyAction, dropped, LEFT, NONE))
    first, second = session.videos
    wait(lambda: first.analysis_name and second.analysis_name, "both videos are analysed")
    ready(window, first.path.name)

    drag(QTest, window.parts.ranking.panel.weights.sliders[WEIGHT], 40)
    wait(lambda: WEIGHT in session.settings.weights and first.ranking.settings == session.settings, "ranked anew")
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

    press(Qt.Key.Key_L, modifiers=CONTROL)  # no loop: nothing moves but what is pressed
    press(Qt.Key.Key_Down, Qt.Key.Key_R)
    assert not window.parts.player.playback.playing
    step_to(session, second.selected[0] + 7)
    QTest.qWait(REST_MS)
    press(Qt.Key.Key_BracketLeft)  # another window is selected, and the playhead stays
    QTest.qWait(REST_MS)
    say("rests", {"decided": shown_state(session), "left": shown_places(session)})
    app.exec()


def play(folder: Path) -> None:
    """Play the video on screen from its beginning and turn a weight at each frame; tell what is changed so."""
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
    say("begins", shown_places(session))

    def tell() -> None:
        QTest.keyClick(slider, Qt.Key.Key_Plus)
        say("plays", shown_places(session))

    session.selection.position_changed.connect(tell)
    QTest.keyClick(window, Qt.Key.Key_Space)
    app.exec()


def live(folder: Path, line: str) -> None:
    """What a line asks for; it does not return."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        if line in STORIES:
            STORIES[line](folder)
        else:
            curate(folder, int(line))
    except BaseException:
        traceback.print_exc()
    os._exit(1)


STORIES = {"work": work, "play": play}

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
