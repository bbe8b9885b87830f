"""The system's audio output. Importing this loads Qt's multimedia library: only the sound thread does, when it must."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QIODevice
from PySide6.QtMultimedia import QAudioDevice, QAudioFormat, QAudioSink, QMediaDevices, QtAudio

from clipgen_engine.types import Float32Array

_BUFFER_S = 0.12  # as long as a stall of the sound thread may be
_FRAME_BYTES = 4  # two channels of 16 bits: what every device takes


class DeviceSink:
    """A `SoundSink` on a device, fed by writing. A device that is unplugged swallows what it is given."""

    def __init__(self, device: QAudioDevice, rate: int) -> None:
        """
        Args:
            rate: samples a second.
        """
        shape = QAudioFormat()
        shape.setSampleRate(rate)
        shape.setChannelCount(2)
        shape.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        self._sink = QAudioSink(device, shape)
        self._sink.setBufferSize(int(_BUFFER_S * rate) * _FRAME_BYTES)
        self._stream: QIODevice | None = self._sink.start()

    @classmethod
    def default(cls, rate: int) -> DeviceSink | None:
        """The default output, or None where there is none."""
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
