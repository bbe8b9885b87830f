"""Audio playback, synchronised to the playback clock at every speed. Silent without an audio track or device."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Protocol

import numpy as np
from PySide6.QtCore import QLoggingCategory, QObject, QSettings, Qt, QThread, QTimer, Signal, Slot

from clipgen_engine.errors import ClipgenError
from clipgen_engine.types import Float32Array, VideoInfo
from clipgen_gui.document.session import Session
from clipgen_gui.player.playback import Playback, Run

_log = logging.getLogger(__name__)

RATE = 48_000  # samples per second
_PUMP_MS = 10
_TOLERANCE_S = 0.045  # audio/video offset that goes unnoticed (ITU-R BT.1359: 45 ms early, 125 ms late)
_SHORTEST_LOOP_S = 0.02
_VOLUME, _MUTED = "sound/volume", "sound/muted"


class SoundSink(Protocol):
    """An audio output. Created and used in the sound thread only."""

    def free(self) -> int:
        """Number of samples that can be written now."""

    def buffered(self) -> int:
        """Number of samples written but not yet played."""

    def write(self, samples: Float32Array) -> None:
        """Queue (N, 2) float32 samples, at most `free()`."""

    def set_volume(self, volume: float) -> None:
        """Set the perceived volume, 0..1."""

    def close(self) -> None:
        """Stop playing immediately."""


OpenSink = Callable[[], SoundSink | None]


def open_device() -> SoundSink | None:
    """Open the system's audio output; None if there is none."""
    QLoggingCategory.setFilterRules("qt.multimedia.*=false")  # it logs every library that it fails to find
    try:
        # Imported lazily in the sound thread so that it delays neither startup nor the first picture.
        from clipgen_gui.player.sound_device import DeviceSink
    except ImportError as error:  # a system library is missing
        _log.info("no sound: %s", error)
        return None
    return DeviceSink.default(RATE)


class SoundPlayer(QObject):
    """Plays the audio of the current run in the sound thread. Decodes nothing while muted."""

    volume_changed = Signal(float)
    muted_changed = Signal(bool)

    def __init__(
        self,
        session: Session,
        playback: Playback,
        settings: QSettings,
        open_sink: OpenSink = open_device,
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            settings: stores volume and mute.
            open_sink: called in the sound thread when audio is first played.
        """
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._run: Run | None = None
        self.muted = settings.value(_MUTED, False) in (True, "true")
        try:
            self.volume = min(max(float(str(settings.value(_VOLUME, 0.8))), 0.0), 1.0)
        except ValueError:
            self.volume = 0.8
        self._thread = QThread(self)
        self._thread.setObjectName("sound")
        self._worker = _SoundWorker(open_sink, self.volume)
        self._worker.moveToThread(self._thread)
        self._thread.finished.connect(self._worker.end, Qt.ConnectionType.DirectConnection)
        playback.run_changed.connect(self._on_run_changed)

    def set_volume(self, volume: float) -> None:
        """Set the perceived volume, 0..1; a volume above 0 unmutes."""
        self.volume = min(max(volume, 0.0), 1.0)
        self._settings.setValue(_VOLUME, self.volume)
        self._worker.set_volume(self.volume)
        if self.volume > 0:
            self.set_muted(False)
        self.volume_changed.emit(self.volume)

    def set_muted(self, muted: bool) -> None:
        if muted != self.muted:
            self.muted = muted
            self._settings.setValue(_MUTED, muted)
            self._update_worker()
            self.muted_changed.emit(muted)

    @property
    def is_alive(self) -> bool:
        """Whether the sound thread is running."""
        return self._thread.isRunning()

    def request_end(self) -> None:
        """Stop playing and ask the thread to end."""
        self._thread.quit()

    def _on_run_changed(self, run: Run | None) -> None:
        self._run = run
        self._update_worker()

    def _update_worker(self) -> None:
        entry = self._session.current
        info = entry.info if entry else None
        audible = self._run is not None and not self.muted and info is not None and info.has_audio
        if audible and not self._thread.isRunning():
            self._thread.start()
        self._worker.play(info if audible else None, self._run if audible else None)


class _SoundWorker(QObject):
    """Lives in the sound thread. The latest run wins; superseded ones are never started."""

    _wake = Signal()

    def __init__(self, open_sink: OpenSink, volume: float) -> None:
        super().__init__()
        self._open_sink = open_sink
        self._lock = threading.Lock()  # guards the next three
        self._wanted: tuple[VideoInfo | None, Run | None] = None, None
        self._volume = volume
        self._changed = False
        self._sink: SoundSink | None = None
        self._source: _Source | None = None
        self._timer: QTimer | None = None
        self._wake.connect(self._apply_request, Qt.ConnectionType.QueuedConnection)

    # Any thread

    def play(self, video: VideoInfo | None, run: Run | None) -> None:
        """Play this run from now on; None: stop."""
        with self._lock:
            self._wanted, self._changed = (video, run), True
        self._wake.emit()

    def set_volume(self, volume: float) -> None:
        with self._lock:
            self._volume = volume
        self._wake.emit()

    # Sound thread

    @Slot()
    def _apply_request(self) -> None:
        with self._lock:
            (video, run), changed, volume = self._wanted, self._changed, self._volume
            self._changed = False
        if changed:
            self._close_source()
            if video is None or run is None:
                self._stop()
            else:
                self._begin(video, run)
        if self._sink is not None:
            self._sink.set_volume(volume)

    def _begin(self, video: VideoInfo, run: Run) -> None:
        if self._sink is None:
            self._sink = self._open_sink()
        if self._sink is None:
            return
        self._source = _Source(video, run)
        if self._timer is None:
            self._timer = QTimer(self)
            self._timer.setTimerType(Qt.TimerType.PreciseTimer)
            self._timer.setInterval(_PUMP_MS)
            self._timer.timeout.connect(self._pump)
        self._timer.start()
        self._pump()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    def _close_source(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    @Slot()
    def end(self) -> None:
        """Close everything; the last call in the sound thread."""
        self._close_source()
        self._stop()
        self._timer = None

    @Slot()
    def _pump(self) -> None:
        """Refill the sink and correct drift against the pictures."""
        if self._sink is None or self._source is None:
            return
        try:
            late = round(self._source.due_s() * RATE) - (self._source.taken - self._sink.buffered())
            if late > _TOLERANCE_S * RATE:
                self._source.take(late)
            elif late < -_TOLERANCE_S * RATE:
                self._sink.write(np.zeros((min(-late, self._sink.free()), 2), np.float32))
            self._sink.write(self._source.take(self._sink.free()))
        except ClipgenError as error:  # the video decoder reports it to the user
            _log.info("no sound: %s", error)
            self._close_source()
            self._stop()


class _Source:
    """The audio samples of a run."""

    def __init__(self, video: VideoInfo, run: Run) -> None:
        self._video, self._run = video, run
        self._blocks = self._generate()
        self._pending: deque[Float32Array] = deque()
        self.taken = 0  # samples

    def due_s(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._run.clock_s

    def take(self, count: int) -> Float32Array:
        """Return the next samples, (N, 2) float32; fewer than `count` at the end of the video."""
        parts = []
        missing = count
        while missing > 0:
            block = self._pending.popleft() if self._pending else next(self._blocks, None)
            if block is None:
                break
            if len(block) > missing:
                self._pending.appendleft(block[missing:])
                block = block[:missing]
            parts.append(block)
            missing -= len(block)
        self.taken += count - missing
        return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)

    def close(self) -> None:
        """Close the file."""
        self._blocks.close()

    def _generate(self) -> Generator[Float32Array, None, None]:
        # Imported lazily: it loads PyAV's filters.
        from clipgen_engine.video.audio import sound_between

        run = self._run
        if run.loop_s is None:
            yield from sound_between(self._video, run.video_s, self._video.duration_s, run.speed, RATE)
            return
        start_s, stop_s = run.loop_s
        yield from sound_between(self._video, run.video_s, stop_s, run.speed, RATE)
        while stop_s - start_s > _SHORTEST_LOOP_S:
            yield from sound_between(self._video, start_s, stop_s, run.speed, RATE)
