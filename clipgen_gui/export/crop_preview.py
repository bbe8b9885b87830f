"""Looping preview of a window as the export would crop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from clipgen_engine.clips.crop_path import face_crop_path
from clipgen_engine.errors import Cancelled
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Analysis, UInt8Array
from clipgen_engine.video.decoding import decode
from clipgen_gui.document.windows import Key
from clipgen_gui.look.theme import follow_theme, palette, px
from clipgen_gui.support.jobs import EngineWorker
from clipgen_gui.widgets.cards import named

_SIDE_PX = 360
_MAX_FRAMES = 90  # shown of a long window
_DEBOUNCE_MS = 120  # while a spin box is being changed
_TICK_MS = 15


@dataclass(frozen=True, eq=False)
class _Loop:
    pictures: tuple[QImage, ...]
    ends_s: tuple[float, ...]  # end time of each picture, relative to the first


class CropPreview(QWidget):
    """Plays a window as its clip will look. Decodes in a background thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Clip preview", "Plays the window as the exported clip will show it")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        follow_theme(self, lambda: self.setMinimumSize(px(220), px(200)))
        self._worker = EngineWorker("crop preview", self)
        self._worker.finished.connect(lambda _, loop: self._show_loop(loop))
        self._worker.failed.connect(lambda _, text: self._show_text(text))
        self._request: tuple[Analysis, Key, ExportSettings] | None = None
        self._loop: _Loop | None = None
        self._text = ""
        self._started_s = 0.0
        self._shown = -1
        self._debounce_timer = QTimer(self)
        self._debounce_timer.setSingleShot(True)
        self._debounce_timer.setInterval(_DEBOUNCE_MS)
        self._debounce_timer.timeout.connect(self._decode)
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._tick)

    def show_window(self, analysis: Analysis, key: Key, settings: ExportSettings) -> None:
        """Decode and show this window with these settings; the current picture stays until then."""
        self._request = analysis, key, settings
        self._debounce_timer.start()

    def clear(self, text: str) -> None:
        """Clear the preview and show a text instead."""
        self._request = None
        self._debounce_timer.stop()
        self._worker.cancel()
        self._show_text(text)

    @property
    def picture(self) -> QImage | None:
        """The displayed picture; None if a text is shown."""
        return self._loop.pictures[self._shown] if self._loop and self._shown >= 0 else None

    def request_end(self) -> None:
        """Stop the timers; the worker ends its own thread."""
        self._clock.stop()
        self._debounce_timer.stop()

    def sizeHint(self) -> QSize:
        return QSize(px(_SIDE_PX), px(300))

    def _decode(self) -> None:
        if self._request is None:
            return
        analysis, key, settings = self._request

        def run(report: Any, offer: Any, cancel: threading.Event) -> _Loop:
            return _decode_loop(analysis, key, settings, cancel)

        self._worker.start(run)

    def _show_loop(self, loop: _Loop) -> None:
        if self._request is None:
            return
        if not loop.pictures:
            self._show_text("These frames cannot be decoded. Copy the file again.")
            return
        self._loop, self._text, self._shown = loop, "", 0
        self._started_s = time.monotonic()
        self.update()
        if self.isVisible():
            self._clock.start()

    def _show_text(self, text: str) -> None:
        self._loop, self._text, self._shown = None, text, -1
        self._clock.stop()
        self.update()

    def _tick(self) -> None:
        if self._loop is None:
            return
        at_s = (time.monotonic() - self._started_s) % self._loop.ends_s[-1]
        shown = next(index for index, end_s in enumerate(self._loop.ends_s) if at_s < end_s)
        if shown != self._shown:
            self._shown = shown
            self.update()

    def showEvent(self, event: QShowEvent) -> None:
        if self._loop is not None:
            self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._clock.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        picture = self.picture
        if picture is None:
            painter.setPen(palette().muted)
            painter.drawText(
                self.rect().adjusted(12, 12, -12, -12),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                self._text,
            )
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        painter.drawImage(QRectF(left, top, size.width(), size.height()), picture)


def _decode_loop(analysis: Analysis, key: Key, settings: ExportSettings, cancel: threading.Event) -> _Loop:
    video = analysis.video
    start, stop, track_id = key
    track = next((one for one in analysis.tracks if one.track_id == track_id), None)
    path = None if track is None else face_crop_path(video, track, start, stop, settings)
    cut: Callable[[UInt8Array, int], UInt8Array] = (
        (lambda pixels, _: pixels) if path is None else lambda pixels, frame: path.cut(pixels, frame, _SIDE_PX)
    )
    # crop from the full-resolution frame, as the export does
    side = max(video.width_px, video.height_px) if path is not None else 2 * _SIDE_PX
    pictures, indices = [], []
    with closing(decode(video, start, min(stop, start + _MAX_FRAMES), max_side=side)) as frames:
        for frame in frames:
            if cancel.is_set():
                raise Cancelled
            pictures.append(_image(cut(frame.pixels, frame.index)))
            indices.append(frame.index)
    times = video.times_s[indices] - video.times_s[start]
    ends = [*times[1:].tolist(), float(times[-1]) + video.frame_duration_s] if indices else []
    return _Loop(tuple(pictures), tuple(ends))


def _image(pixels: UInt8Array) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
