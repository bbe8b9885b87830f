"""Audio stays in sync with the pictures: a fake device records when each sample would play."""

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


class RecordingSink:
    """A silent real-time sink that records when loud samples would play."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.loud_s: list[float] = []  # monotonic clock
        self.volume = -1.0
        self.closed = False
        self._buffered = 0.0  # samples not yet played
        self._updated_s = time.monotonic()

    def _advance(self) -> None:
        now = time.monotonic()
        self._buffered = max(0.0, self._buffered - (now - self._updated_s) * RATE)
        self._updated_s = now

    def free(self) -> int:
        self._advance()
        return BUFFER - int(self._buffered)

    def buffered(self) -> int:
        self._advance()
        return int(self._buffered)

    def write(self, samples: Float32Array) -> None:
        assert not self.closed
        assert len(samples) <= self.free() + 1
        begin_s = time.monotonic() + self._buffered / RATE
        self.loud_s += (begin_s + np.flatnonzero(np.abs(samples[:, 0]) > 0.25) / RATE).tolist()
        self._buffered += len(samples)

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


def _sinks(window: MainWindow) -> list[RecordingSink]:
    """Replace the window's audio output with recording sinks; return those opened."""
    made: list[RecordingSink] = []

    def open_one() -> RecordingSink:
        made.append(RecordingSink())
        return made[-1]

    window.parts.player.sound._worker._open_sink = open_one
    return made


def _video_times(sink: RecordingSink, runs: list[tuple[float, Run]]) -> np.ndarray:
    """Video time of the pictures at each loud sample, seconds."""
    times = []
    for loud_s in sink.loud_s:
        run = [run for begin_s, run in runs if begin_s <= loud_s][-1]
        at = run.video_s + (loud_s - run.clock_s) * run.speed
        if run.loop_s is not None and at > run.loop_s[1]:
            at = run.loop_s[0] + (at - run.loop_s[1]) % (run.loop_s[1] - run.loop_s[0])
        times.append(at)
    return np.array(times)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_audio_is_in_sync_with_the_pictures(loud: MainWindow, qtbot: QtBot, speed: float) -> None:
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


def test_audio_loops_with_the_window(loud: MainWindow, qtbot: QtBot) -> None:
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
        assert np.count_nonzero(np.abs(times - burst - 0.05) < 0.16) > 0.05 * RATE, "the burst played more than once"
    assert len(sinks) == 1, "looping does not reopen the device"


def test_volume_and_mute_by_mouse_and_keyboard(loud: MainWindow, qtbot: QtBot) -> None:
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
    assert not sound.muted, "raising the volume unmutes"
    qtbot.waitUntil(lambda: len(sinks) == 2 and sinks[1].volume == pytest.approx(0.25))
    qtbot.mouseClick(control.button, Qt.MouseButton.LeftButton)
    assert sound.muted
    other = MainWindow(loud._settings)
    qtbot.addWidget(other)
    assert other.parts.player.sound.muted
    assert other.parts.player.sound.volume == pytest.approx(0.25)
    other.close()


def test_no_device_is_opened_without_audio(
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
    # Without a device, playback is silent and only logged.
    loud.parts.player.sound._worker._open_sink = lambda: None
    qtbot.keyClick(loud, Qt.Key.Key_P)
    assert loud.session.current.info.has_audio
    qtbot.keyClick(loud, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: loud.session.current.position > 5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_missing_library_means_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "clipgen_gui.player.sound_device", None)
    assert open_device() is None
