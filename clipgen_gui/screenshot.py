"""A picture of the app at work, for the README."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QSize
from PySide6.QtWidgets import QApplication

from clipgen_engine.types import Decision
from clipgen_gui.main_window import MainWindow
from clipgen_gui.video_entry import VideoState

SIZE = QSize(1600, 940)
_ANALYSIS_TIMEOUT_MS = 300_000


def take_screenshot(app: QApplication, window: MainWindow, target: Path, videos: Sequence[Path]) -> int:
    """Open and analyse, accept the two best windows as a curator would, and save the window; the exit code."""
    session = window.session
    window.resize(SIZE)
    window.show()
    window.open_paths(videos)
    entry = session.current
    finished = entry is None or _wait(
        app, lambda: entry.state in (VideoState.DONE, VideoState.FAILED), _ANALYSIS_TIMEOUT_MS
    )
    if entry is not None and entry.rows:
        session.select(entry.rows[0].key)
        for _ in range(2):
            session.decide(Decision.ACCEPTED)
        best = entry.rows[0].sequence
        session.select(best.key)
        window.playback.pause()
        frame = (best.start_frame + best.stop_frame) // 2
        session.seek(frame)
        _wait(app, lambda: window.player.shown_frame == frame, 5000)
    window.resize(SIZE)
    _wait(app, lambda: False, 300)
    saved = window.grab().save(str(target))
    window.close()
    return 0 if saved and finished else 1


def _wait(app: QApplication, condition: Callable[[], bool], timeout_ms: int) -> bool:
    timer = QElapsedTimer()
    timer.start()
    while not condition():
        if timer.elapsed() > timeout_ms:
            return False
        app.processEvents()
    return True
