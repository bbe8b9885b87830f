"""A curator at work in a process of its own, which a test kills: run as `python -m tests.gui.curator FOLDER`.

The process imports the app once. For each line that it reads, a number, it forks a child that opens the project of the
folder and decides at random, by keys, seeded with that number. Before and after each step the child writes a line of
JSON: what the project holds if nothing is lost. The test kills the child; the next line begins the next one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_LOGGING_RULES"] = "qt.qpa.*=false"

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from clipgen_engine.analysis_cache import AnalysisCache
from clipgen_engine.project import Project
from clipgen_gui.main_window import MainWindow
from clipgen_gui.session import Session

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
                for key, mark in sorted(entry.decided.items())
            },
            "subjects": {str(track): subject for track, subject in sorted(entry.subjects.items())},
        }
        for entry in session.videos
    }


def curate(folder: Path, seed: int) -> None:
    """Open the project and decide until somebody ends this process."""
    rng = random.Random(seed)
    app = QApplication([])
    window = MainWindow(
        QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat),
        Project(folder / "work.clipgen"),
        lambda: AnalysisCache(folder / "cache"),
    )
    window.show()
    window.resume()
    session = window.session
    for entry in session.videos:
        session.memory.recall(entry)

    def say(what: str, state: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps([what, state]) + "\n")
        sys.stdout.flush()

    def step() -> None:
        entry = session.current
        if entry is None or not entry.rows:
            return  # its analysis is on its way
        what = rng.choice([*KEYS, *OTHERS, "accept", "reject", "trim the start"])
        row = rng.choice(entry.rows)
        session.select(row.key)
        session.seek(row.key[0] + rng.randrange(12))
        say(f"begin {what}", shown_state(session))
        if what in KEYS:
            QTest.keyClick(window, KEYS[what])
        elif what == "undo":
            QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        elif what == "tag":
            session.set_tags(rng.sample(["smile", "brows", "blurred", "lächeln"], rng.randrange(4)))
        elif what == "note":
            session.set_note(f"note {rng.random()}")
        else:
            session.set_subject(row.key[2], rng.choice(["anna", "bert", ""]))
        say(f"end {what}", shown_state(session))

    timer = QTimer()
    timer.timeout.connect(step)
    timer.start(1)
    say("ready", shown_state(session))
    app.exec()


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            curate(Path(sys.argv[1]), int(line))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("dead\n")
        sys.stdout.flush()
