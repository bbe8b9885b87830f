"""The player's decoder thread: turns frame indices into pictures. The newest request wins."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
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
MAX_SIDE_PX = 1920
_PREFETCH_AHEAD = 10  # frames; bridges a decoder stall of a third of a second at 30 fps
_PREFETCH_BEHIND = 8
_PAINT_PAUSE_S = 0.012
_IDLE_S = 0.12  # without a request for this long, playback has stopped and prefetching backwards is worth a seek


@dataclass(frozen=True, eq=False)
class PlayerPicture:
    """A decoded frame, ready to paint. Keeps the pixel buffer alive that `image` refers to."""

    index: int
    image: QImage
    pixels: NDArray[np.uint8]  # (H, W, 4) BGRA

    @classmethod
    def of(cls, index: int, pixels: NDArray[np.uint8]) -> PlayerPicture:
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        return cls(index, QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32), pixels)


class FrameServer(RequestThread):
    """Opens a video and delivers requested frames; each picture carries its frame index.

    Signals carry the generation that `open` returned, so that receivers can discard results for an earlier video. A
    cached picture is delivered synchronously from `request`, ahead of frames that are still being decoded.
    """

    opened = Signal(int, object)  # VideoInfo
    open_failed = Signal(int, str)
    picture_ready = Signal(int, object)  # PlayerPicture

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("player decoder", parent, QThread.Priority.InheritPriority)
        self._video: Path | VideoInfo | None = None
        self._generation = 0
        self._wanted: int | None = None
        self._delivered = False  # the wanted frame came from the cache; only its neighbours are left to decode
        self._cache = _Cache()  # of the open video

    def open(self, video: Path | VideoInfo | None, known: Iterable[PlayerPicture] = ()) -> int:
        """Close the current video and open this one; return the new generation.

        Args:
            known: frames of the video that are decoded already.
        """
        with self._update_requests():
            self._generation += 1
            self._video, self._wanted, self._cache = video, None, _Cache(known)
            return self._generation

    def request(self, index: int) -> None:
        """Request a frame. Replaces a request that is still pending."""
        with self._update_requests():
            generation, picture = self._generation, self._cache.get(index)
            self._wanted, self._delivered = index, picture is not None
        if picture is not None:
            self.picture_ready.emit(generation, picture)

    # Decoder thread

    def run(self) -> None:
        """Serve one video after another until the thread is asked to end."""
        served = 0
        while True:
            with self._wake:
                self._wake.wait_for(partial(self._superseded, served))
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
                _log.exception("player decoder failed")
                self.open_failed.emit(served, f"Playback failed ({type(error).__name__}). Details are in the log.")

    def _serve(self, generation: int, video: Path | VideoInfo) -> None:
        info = video if isinstance(video, VideoInfo) else probe(video)
        with self._wake:
            cache = self._cache
            if self._superseded(generation):
                return
        self.opened.emit(generation, info)
        with FrameReader(info, MAX_SIDE_PX, "bgra") as reader:
            last = -1
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._interrupted(generation))
                    if self._superseded(generation):
                        return
                    wanted, self._wanted = self._wanted, None
                    delivered = self._delivered
                assert wanted is not None
                if not delivered:
                    if wanted == last - 1:  # stepping backwards: one seek for a run of frames
                        self._prefetch(generation, reader, cache, range(max(0, wanted - _PREFETCH_BEHIND), wanted))
                    picture = cache.read(reader, wanted)
                    if picture is not None:
                        self.picture_ready.emit(generation, picture)
                last = wanted
                if delivered and cache.get(wanted + _PREFETCH_AHEAD // 2) is not None:
                    with self._wake:  # enough is cached; let the GUI thread paint first
                        self._wake.wait_for(lambda: self._interrupted(generation), _PAINT_PAUSE_S)
                self._prefetch(
                    generation, reader, cache, range(wanted + 1, min(wanted + 1 + _PREFETCH_AHEAD, info.frame_count))
                )
                with self._wake:
                    if self._wake.wait_for(lambda: self._interrupted(generation), _IDLE_S):
                        continue
                self._prefetch(generation, reader, cache, range(max(0, wanted - _PREFETCH_BEHIND), wanted))

    def _superseded(self, generation: int) -> bool:
        return self._ending or self._generation != generation

    def _interrupted(self, generation: int) -> bool:
        return self._superseded(generation) or self._wanted is not None

    def _prefetch(self, generation: int, reader: FrameReader, cache: _Cache, indices: range) -> None:
        """Decode neighbouring frames until a new request comes in."""

        def interrupted() -> bool:
            with self._wake:
                return self._interrupted(generation)

        for index in indices:
            if interrupted():
                return
            cache.read(reader, index, interrupted)


class _Cache:
    """LRU cache of decoded pictures within a memory budget; a short window loops without decoding.

    Only the decoder thread calls `read`; any thread may call `get`.
    """

    def __init__(self, known: Iterable[PlayerPicture] = ()) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[int, PlayerPicture] = OrderedDict((one.index, one) for one in known)
        self._bytes = sum(picture.pixels.nbytes for picture in self._pictures.values())

    def get(self, index: int) -> PlayerPicture | None:
        """Return the cached frame, or None."""
        with self._lock, suppress(KeyError):
            self._pictures.move_to_end(index)
            return self._pictures[index]
        return None

    def read(
        self, reader: FrameReader, index: int, interrupted: Callable[[], bool] | None = None
    ) -> PlayerPicture | None:
        """Return the frame from the cache or the file; None if it cannot be decoded or decoding was interrupted."""
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
            while self._bytes > _CACHE_BYTES and len(self._pictures) > _PREFETCH_BEHIND + _PREFETCH_AHEAD + 2:
                _, dropped = self._pictures.popitem(last=False)
                self._bytes -= dropped.pixels.nbytes
        return picture
