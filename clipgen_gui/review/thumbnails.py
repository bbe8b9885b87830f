"""Thumbnail clips of windows, decoded in a background thread and cached within a memory budget."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage

from clipgen_engine.errors import ClipgenError
from clipgen_engine.types import UInt8Array, VideoInfo
from clipgen_engine.video.decoding import FrameReader
from clipgen_gui.document.windows import Key, WindowRow
from clipgen_gui.review.thumbnail_crops import Rect
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_SIDES_PX = (240, 320, 480, 640, 960, 1280, 1920)  # decoder output sizes; requests of similar scale share a decoder


@dataclass(frozen=True)
class ClipRequest:
    """Frames of a video, cropped and scaled to a size."""

    video: VideoInfo
    frames: tuple[int, ...]  # ascending
    crop: Rect
    size: tuple[int, int]  # width, height, px

    @property
    def bytes(self) -> int:
        """Memory used by the decoded pictures."""
        return len(self.frames) * self.size[0] * self.size[1] * 4

    @property
    def decoded_side_px(self) -> int:
        """Longer side at which to decode the whole frame so that the crop need not be upscaled."""
        longer = max(self.video.width_px, self.video.height_px)
        wanted = longer * max(self.size[0] / self.crop[2], self.size[1] / self.crop[3])
        return min(longer, next((side for side in _SIDES_PX if side >= wanted), longer))


@dataclass(frozen=True, eq=False)
class Clip:
    """The pictures of a request, one per frame. Empty if decoding failed; `problem` then states why."""

    pictures: tuple[QImage, ...]
    problem: str = ""


def by_video(row: WindowRow) -> tuple[int, Key]:
    """Sort key by which few seeks and openings of files are needed."""
    return id(row.entry), row.key


class ClipServer(RequestThread):
    """Decodes requests in order; abandons a request that is no longer in the list."""

    ready = Signal(object)  # ClipRequest

    def __init__(self, budget_bytes: int, parent: QObject | None = None) -> None:
        """
        Args:
            budget_bytes: memory for decoded pictures; the least recently used are evicted first.
        """
        super().__init__("clip decoder", parent)
        self._budget = budget_bytes
        self._requests: tuple[ClipRequest, ...] = ()
        self._clips: OrderedDict[ClipRequest, Clip] = OrderedDict()  # least recently used first

    def set_requests(self, requests: Sequence[ClipRequest]) -> None:
        """Replace the list of requests, most urgent first. Requests that exceed the budget are dropped.

        Ordering by frame is fastest, because a seek decodes from the previous keyframe.
        """
        chosen: list[ClipRequest] = []
        used = 0
        for request in dict.fromkeys(requests):
            used += request.bytes
            if used > self._budget and chosen:
                break
            chosen.append(request)
        with self._update_requests() if chosen else self._wake:
            self._requests = tuple(chosen)

    def get(self, request: ClipRequest) -> Clip | None:
        """Return the clip, or None if it is not decoded yet."""
        with self._wake:
            clip = self._clips.get(request)
            if clip is not None:
                self._clips.move_to_end(request)
            return clip

    @property
    def cached_bytes(self) -> int:
        """Memory used by the cached pictures."""
        with self._wake:
            return self._cached_bytes()

    # Decoder thread

    def run(self) -> None:
        """Serve requests until the thread is asked to end."""
        request = self._next()
        while request is not None:
            side = request.decoded_side_px
            with FrameReader(request.video, side, "bgra") as reader:
                while request is not None and (request.video, request.decoded_side_px) == (reader.video, side):
                    clip = self._decode(reader, request)
                    if clip is not None:
                        self._store(request, clip)
                        self.ready.emit(request)
                    request = self._next()

    def _next(self) -> ClipRequest | None:
        """Wait for the first request without a clip; None when the thread is asked to end."""
        with self._wake:
            found: list[ClipRequest] = []

            def found_or_ending() -> bool:
                found[:] = [one for one in self._requests if one not in self._clips][:1]
                return self._ending or bool(found)

            self._wake.wait_for(found_or_ending)
            return None if self._ending else found[0]

    def _decode(self, reader: FrameReader, request: ClipRequest) -> Clip | None:
        """Decode a request; None if it was dropped meanwhile."""
        pictures: list[QImage] = []
        missing = 0  # undecodable frames before the first decoded one
        try:
            for frame in request.frames:
                if self._ending or request not in self._requests:
                    return None
                picture = reader.read(frame)
                if picture is not None:
                    pictures += [_crop(picture.pixels, request)] * (missing + 1)
                    missing = 0
                elif pictures:
                    pictures.append(pictures[-1])
                else:
                    missing += 1
        except ClipgenError as error:
            return Clip((), str(error))
        except Exception as error:
            _log.exception("decoding thumbnails failed")
            return Clip((), f"These frames could not be decoded ({type(error).__name__}). Details are in the log.")
        return Clip(tuple(pictures), "" if pictures else "These frames cannot be decoded. Copy the file again.")

    def _store(self, request: ClipRequest, clip: Clip) -> None:
        with self._wake:
            self._clips[request] = clip
            evictable = [one for one in self._clips if one not in self._requests]
            while self._cached_bytes() > self._budget and evictable:
                del self._clips[evictable.pop(0)]

    def _cached_bytes(self) -> int:
        return sum(request.bytes for request, clip in self._clips.items() if clip.pictures)


def _crop(pixels: UInt8Array, request: ClipRequest) -> QImage:
    height, width = pixels.shape[:2]
    whole = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    scale_x, scale_y = width / request.video.width_px, height / request.video.height_px
    x, y, crop_width, crop_height = request.crop
    part = QRect(
        round(x * scale_x), round(y * scale_y), round(crop_width * scale_x), round(crop_height * scale_y)
    ).intersected(whole.rect())
    size = QSize(*request.size)
    cut = whole.copy(part)  # deep copy: the buffer belongs to the decoded frame
    if part.size() == size:
        return cut
    return cut.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
