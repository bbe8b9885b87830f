"""The player's decoder: a thread that turns frame indices into pictures. The newest request wins."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from clipgen_engine.errors import ClipgenError
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.decoding import FrameReader
from clipgen_engine.video.index import probe
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_CACHE_BYTES = 192 * 1024 * 1024
_MAX_SIDE_PX = 1920
_AHEAD = 10  # frames: a third of a second in which the decoder may be held up
_BEHIND = 8
_PAINTING_S = 0.012
_RESTING_S = 0.12  # nobody asks for so long: not playing, so the frames behind are worth a seek


@dataclass(frozen=True, eq=False)
class PlayerPicture:
    """A decoded frame, ready to be painted. It keeps the pixels alive that the image only points to."""

    index: int
    image: QImage
    pixels: NDArray[np.uint8]  # (H, W, 4) BGRA

    @classmethod
    def of(cls, index: int, pixels: NDArray[np.uint8]) -> PlayerPicture:
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        return cls(index, QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32), pixels)


class FrameServer(RequestThread):
    """Opens a video, then delivers the frames that are asked for. Each picture says which frame it is.

    The numbers in the signals are those that `open` returned: answers for a video that was left are recognisable. A
    picture that is in memory is delivered while it is asked for, and overtakes those that are on their way.
    """

    opened = Signal(int, object)  # VideoInfo
    open_failed = Signal(int, str)
    picture_ready = Signal(int, object)  # PlayerPicture

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("player decoder", parent, QThread.Priority.InheritPriority)
        self._video: Path | VideoInfo | None = None
        self._generation = 0
        self._wanted: int | None = None
        self._delivered = False  # what is wanted was in memory: only its neighbours are still to be decoded
        self._cache = _Cache()  # of the video that is open

    def open(self, video: Path | VideoInfo | None) -> int:
        """Leave the video that was open and open this one."""
        with self._asking():
            self._generation += 1
            self._video, self._wanted, self._cache = video, None, _Cache()
            return self._generation

    def request(self, index: int) -> None:
        """Ask for a frame. A request that was not begun yet is forgotten."""
        with self._asking():
            generation, picture = self._generation, self._cache.get(index)
            self._wanted, self._delivered = index, picture is not None
        if picture is not None:
            self.picture_ready.emit(generation, picture)

    # In the thread

    def run(self) -> None:
        """Serve one video after another until it is to end."""
        served = 0
        while True:
            with self._wake:
                self._wake.wait_for(partial(self._left, served))
                if self._ending:
                    return
                served, video = self._generation, self._video
            if video is None:
                continue
            try:
                self._serve(served, video)
            except ClipgenError as error:
                self.open_failed.emit(served, str(error))
            except Exception as error:
                _log.exception("the player's decoder failed")
                self.open_failed.emit(served, f"The player stopped unexpectedly ({type(error).__name__}).")

    def _serve(self, generation: int, video: Path | VideoInfo) -> None:
        info = video if isinstance(video, VideoInfo) else probe(video)
        with self._wake:
            cache = self._cache
            if self._left(generation):
                return
        self.opened.emit(generation, info)
        with FrameReader(info, _MAX_SIDE_PX, "bgra") as reader:
            last = -1
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._interrupted(generation))
                    if self._left(generation):
                        return
                    wanted, self._wanted = self._wanted, None
                    delivered = self._delivered
                assert wanted is not None
                if not delivered:
                    if wanted == last - 1:  # walking back: one seek for a whole run of frames
                        self._fill(generation, reader, cache, range(max(0, wanted - _BEHIND), wanted))
                    picture = cache.read(reader, wanted)
                    if picture is not None:
                        self.picture_ready.emit(generation, picture)
                last = wanted
                if delivered and cache.get(wanted + _AHEAD // 2) is not None:
                    with self._wake:  # there is time, and the window is painting
                        self._wake.wait_for(lambda: self._interrupted(generation), _PAINTING_S)
                self._fill(generation, reader, cache, range(wanted + 1, min(wanted + 1 + _AHEAD, info.frame_count)))
                with self._wake:
                    if self._wake.wait_for(lambda: self._interrupted(generation), _RESTING_S):
                        continue
                self._fill(generation, reader, cache, range(max(0, wanted - _BEHIND), wanted))

    def _left(self, generation: int) -> bool:
        return self._ending or self._generation != generation

    def _interrupted(self, generation: int) -> bool:
        return self._left(generation) or self._wanted is not None

    def _fill(self, generation: int, reader: FrameReader, cache: _Cache, indices: range) -> None:
        """Decode neighbours while nobody waits for anything else."""

        def interrupted() -> bool:
            with self._wake:
                return self._interrupted(generation)

        for index in indices:
            if interrupted():
                return
            cache.read(reader, index, interrupted)


class _Cache:
    """The pictures shown last, within a budget of memory; a short window loops without decoding at all.

    One thread reads files into it, any thread may look.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[int, PlayerPicture] = OrderedDict()
        self._bytes = 0

    def get(self, index: int) -> PlayerPicture | None:
        """The frame, if it is in memory."""
        with self._lock, suppress(KeyError):
            self._pictures.move_to_end(index)
            return self._pictures[index]
        return None

    def read(
        self, reader: FrameReader, index: int, interrupted: Callable[[], bool] | None = None
    ) -> PlayerPicture | None:
        """The frame from memory or from the file; None where no decoder returns it or the way was interrupted."""
        known = self.get(index)
        if known is not None:
            return known
        decoded = reader.read(index, interrupted)
        if decoded is None:
            return None
        picture = PlayerPicture.of(decoded.index, decoded.pixels)
        with self._lock:
            self._pictures[index] = picture
            self._bytes += picture.pixels.nbytes
            while self._bytes > _CACHE_BYTES and len(self._pictures) > _BEHIND + _AHEAD + 2:
                _, dropped = self._pictures.popitem(last=False)
                self._bytes -= dropped.pixels.nbytes
        return picture
