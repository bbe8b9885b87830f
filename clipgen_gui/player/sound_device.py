"""The system's audio output. Importing this module loads Qt Multimedia, so only the sound thread does, on demand."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QIODevice
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat, QAudioSink, QMediaDevices, QtAudio

from clipgen_engine.types import Float32Array

_BUFFER_S = 0.12  # bridges a stall of the sound thread
_FRAME_BYTES = 4  # 16-bit stereo, which every device accepts


class DeviceSink:
    """A `SoundSink` on an audio device. Samples written after the device is unplugged are discarded."""

    def __init__(self, device: QAudioDevice, rate: int) -> None:
        """
        Args:
            rate: samples per second.
        """
        audio_format = QAudioFormat()
        audio_format.setSampleRate(rate)
        audio_format.setChannelCount(2)
        audio_format.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        self._sink = QAudioSink(device, audio_format)
        self._sink.setBufferSize(int(_BUFFER_S * rate) * _FRAME_BYTES)
        self._stream: QIODevice | None = self._sink.start()

    @classmethod
    def default(cls, rate: int) -> DeviceSink | None:
        """Open the default output; None if there is none."""
        device = QMediaDevices.defaultAudioOutput()
        return None if device.isNull() else cls(device, rate)

    def free(self) -> int:
        return self._sink.bytesFree() // _FRAME_BYTES if self._stream is not None else 0

    def buffered(self) -> int:
        return (self._sink.bufferSize() - self._sink.bytesFree()) // _FRAME_BYTES

    def write(self, samples: Float32Array) -> None:
        if self._stream is not None and len(samples) and self._sink.error() == QtAudio.Error.NoError:
            self._stream.write(np.rint(samples.clip(-1, 1) * 32767).astype("<i2").tobytes())

    def set_volume(self, volume: float) -> None:
        scale = QtAudio.VolumeScale
        self._sink.setVolume(QtAudio.convertVolume(volume, scale.LogarithmicVolumeScale, scale.LinearVolumeScale))

    def close(self) -> None:
        self._sink.reset()
        self._sink.stop()
        self._stream = None
