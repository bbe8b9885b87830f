"""Sound follows the pictures: a stand-in for the device notes when each sample would be heard."""

from __future__ import annotations

import logging
import sys
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipgen_engine.types import Float32Array
from clipgen_engine.video.index import probe
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.player.playback import Run
from clipgen_gui.player.sound import RATE, open_device
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.gui import open_analysed
from tests.support.videos import tone_bursts, write_coded_video

CONTROL = Qt.KeyboardModifier.ControlModifier
FRAMES = 150
BURSTS = tuple(np.arange(0.5, 5.0, 0.5).tolist())
BUFFER = RATE // 8


class NotingSink:
    """Plays nothing in real time, and remembers when what would have been heard."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.loud_s: list[float] = []  # of the monotonic clock
        self.volume = -1.0
        self.closed = False
        self._left = 0.0  # samples that are not heard yet
        self._looked_s = time.monotonic()

    def _play_on(self) -> None:
        now = time.monotonic()
        self._left = max(0.0, self._left - (now - self._looked_s) * RATE)
        self._looked_s = now

    def free(self) -> int:
        self._play_on()
        return BUFFER - int(self._left)

    def buffered(self) -> int:
        self._play_on()
        return int(self._left)

    def write(self, samples: Float32Array) -> None:
        assert not self.closed
        assert len(samples) <= self.free() + 1
        begin_s = time.monotonic() + self._left / RATE
        self.loud_s += (begin_s + np.flatnonzero(np.abs(samples[:, 0]) > 0.25) / RATE).tolist()
        self._left += len(samples)

    def set_volume(self, volume: float) -> None:
        self.volume = volume

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def loud_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "loud.mp4"
    return write_coded_video(path, FRAMES, sound=tone_bursts(FRAMES / 30, BURSTS))


@pytest.fixture
def loud(window: MainWindow, qtbot: QtBot, loud_video: Path) -> MainWindow:
    tokens = np.random.default_rng(1).random((FRAMES, 51)).astype(np.float32)
    track = FakeTrack(0, tokens, np.full((FRAMES, 2), 60, np.float32), size=30.0)
    analysis = replace(make_analysis(track), video=probe(loud_video))
    open_analysed(window, qtbot, loud_video, analysis)
    return window


def _sinks(window: MainWindow) -> list[NotingSink]:
    """Give the window stand-ins; those that were opened."""
    made: list[NotingSink] = []

    def open_one() -> NotingSink:
        made.append(NotingSink())
        return made[-1]

    window.parts.player.sound._worker._open_sink = open_one
    return made


def _video_times(sink: NotingSink, runs: list[tuple[float, Run]]) -> np.ndarray:
    """Where in the video the pictures are when something loud is heard, modulo the half second between bursts."""
    times = []
    for loud_s in sink.loud_s:
        run = [run for begin_s, run in runs if begin_s <= loud_s][-1]
        at = run.video_s + (loud_s - run.clock_s) * run.speed
        if run.loop_s is not None and at > run.loop_s[1]:
            at = run.loop_s[0] + (at - run.loop_s[1]) % (run.loop_s[1] - run.loop_s[0])
        times.append(at)
    return np.array(times)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_what_is_heard_belongs_to_what_is_seen(loud: MainWindow, qtbot: QtBot, speed: float) -> None:
    sinks, runs = _sinks(loud), []
    loud.parts.player.playback.run_changed.connect(lambda run: runs.append((time.monotonic(), run)) if run else None)
    loud.parts.player.playback.set_speed(speed)
    loud.session.selection.seek(9)
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(sinks) and len(sinks[0].loud_s) > 0.14 / speed * RATE, timeout=5000)
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: sinks[0].closed)
    assert sinks[0].thread is not threading.current_thread()
    late = (_video_times(sinks[0], runs) % 0.5 - 0.05) / speed
    assert abs(np.median(late)) < 0.08, "seconds between sound and picture"


def test_a_loop_sounds_round_and_round(loud: MainWindow, qtbot: QtBot) -> None:
    sinks, runs = _sinks(loud), []
    loud.parts.player.playback.run_changed.connect(lambda run: runs.append((time.monotonic(), run)) if run else None)
    loud.parts.player.playback.set_speed(2.0)
    loud.session.selection.select(loud.session.current.rows[0].key)
    start, stop, _ = loud.session.current.rows[0].key
    seen: list[int] = []
    loud.session.selection.position_changed.connect(seen.append)
    qtbot.waitUntil(lambda: sum(later < earlier for earlier, later in pairwise(seen)) >= 3, timeout=6000)
    assert len(runs) == 1
    loud.parts.player.playback.pause()
    assert runs[0][1].loop_s == (start / 30, stop / 30)
    expected = [burst for burst in BURSTS if start / 30 <= burst < stop / 30 - 0.1]
    times = _video_times(sinks[0], runs)
    for burst in expected:
        # at twice the speed a burst lasts 0.05 s, and two thirds of a sine count as loud
        assert np.count_nonzero(np.abs(times - burst - 0.05) < 0.16) > 0.05 * RATE, "it was heard more than once"
    assert len(sinks) == 1, "to go round opens nothing anew"


def test_volume_and_mute_are_set_by_mouse_and_keys(loud: MainWindow, qtbot: QtBot) -> None:
    sinks, sound, control = _sinks(loud), loud.parts.player.sound, loud.parts.player.volume
    qtbot.keyClick(loud, Qt.Key.Key_Down, CONTROL)
    assert sound.volume == pytest.approx(0.7)
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(sinks) and sinks[0].volume == pytest.approx(0.7))
    qtbot.keyClick(loud, Qt.Key.Key_Up, CONTROL)
    qtbot.waitUntil(lambda: sinks[0].volume == pytest.approx(0.8))
    qtbot.keyClick(loud, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: sinks[0].closed)
    assert loud.parts.player.playback.playing
    assert loud.actions_by_name["mute"].isChecked()
    control.slider.setValue(25)
    assert not sound.muted, "who turns it up wants to hear it"
    qtbot.waitUntil(lambda: len(sinks) == 2 and sinks[1].volume == pytest.approx(0.25))
    qtbot.mouseClick(control.button, Qt.MouseButton.LeftButton)
    assert sound.muted
    other = MainWindow(loud._settings)
    qtbot.addWidget(other)
    assert other.parts.player.sound.muted
    assert other.parts.player.sound.volume == pytest.approx(0.25)
    other.close()


def test_nothing_is_opened_where_nothing_sounds(
    loud: MainWindow, qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sinks = _sinks(loud)
    assert "PySide6.QtMultimedia" not in sys.modules or not loud.parts.player.sound.is_alive
    silent = write_coded_video(tmp_path / "silent.mp4", 40)
    track = FakeTrack(0, np.zeros((40, 51), np.float32), np.full((40, 2), 60, np.float32))
    open_analysed(loud, qtbot, silent, replace(make_analysis(track), video=probe(silent)))
    assert not loud.actions_by_name["mute"].isEnabled()
    assert "no sound" in loud.parts.player.volume.slider.toolTip()
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.wait(60)
    assert loud.parts.player.playback.playing
    assert sinks == []
    assert not loud.parts.player.sound.is_alive
    # Without a device it is silent, and says so in the log only.
    loud.parts.player.sound._worker._open_sink = lambda: None
    qtbot.keyClick(loud, Qt.Key.Key_P)
    assert loud.session.current.info.has_audio
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: loud.session.current.position > 5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_missing_library_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "clipgen_gui.player.sound_device", None)
    assert open_device() is None
