"""Small pictures of windows, decoded by a thread of their own and kept within a budget of memory."""

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
from clipgen_gui.review.thumbnail_crops import Rect
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_SIDES_PX = (240, 320, 480, 640, 960, 1280, 1920)  # decoded sizes: requests of about one scale share a decoder


@dataclass(frozen=True)
class ClipRequest:
    """These frames of a video, this part of each, at this size."""

    video: VideoInfo
    frames: tuple[int, ...]  # ascending
    crop: Rect
    size: tuple[int, int]  # width, height, px

    @property
    def bytes(self) -> int:
        """ProjectStorage that its pictures take."""
        return len(self.frames) * self.size[0] * self.size[1] * 4

    @property
    def decoded_side_px(self) -> int:
        """Longer side at which to decode the whole picture, so that the crop is not smaller than asked for."""
        longer = max(self.video.width_px, self.video.height_px)
        wanted = longer * max(self.size[0] / self.crop[2], self.size[1] / self.crop[3])
        return min(longer, next((side for side in _SIDES_PX if side >= wanted), longer))


@dataclass(frozen=True, eq=False)
class Clip:
    """The pictures of a request, one a frame; none where the file could not be read, and then a sentence says why."""

    pictures: tuple[QImage, ...]
    problem: str = ""


class ClipServer(RequestThread):
    """Decodes what is wanted, in the order in which it is wanted; what is no longer wanted is given up half-way."""

    ready = Signal(object)  # ClipRequest

    def __init__(self, budget_bytes: int, parent: QObject | None = None) -> None:
        """
        Args:
            budget_bytes: of decoded pictures; what was not wanted for longest is let go of first.
        """
        super().__init__("clip decoder", parent)
        self._budget = budget_bytes
        self._wanted: tuple[ClipRequest, ...] = ()
        self._clips: OrderedDict[ClipRequest, Clip] = OrderedDict()  # longest unused first

    def want(self, requests: Sequence[ClipRequest]) -> None:
        """Replace what is wanted; the first come first. What does not fit the budget is left out.

        To ask in the order of the frames is quickest: a seek decodes all from the keyframe before.
        """
        chosen: list[ClipRequest] = []
        used = 0
        for request in dict.fromkeys(requests):
            used += request.bytes
            if used > self._budget and chosen:
                break
            chosen.append(request)
        with self._asking() if chosen else self._wake:
            self._wanted = tuple(chosen)

    def get(self, request: ClipRequest) -> Clip | None:
        """The pictures, or None where they are not decoded yet."""
        with self._wake:
            clip = self._clips.get(request)
            if clip is not None:
                self._clips.move_to_end(request)
            return clip

    def forget(self, *, but: VideoInfo | None) -> None:
        """Let go of the pictures of all videos but this one."""
        with self._wake:
            for request in [one for one in self._clips if one.video is not but]:
                del self._clips[request]

    @property
    def held_bytes(self) -> int:
        """ProjectStorage that the pictures take now."""
        with self._wake:
            return self._held()

    # In the thread

    def run(self) -> None:
        """Serve requests until it is to end."""
        request = self._next()
        while request is not None:
            side = request.decoded_side_px
            with FrameReader(request.video, side, "bgra") as reader:
                while request is not None and (request.video, request.decoded_side_px) == (reader.video, side):
                    clip = self._decoded(reader, request)
                    if clip is not None:
                        self._keep(request, clip)
                        self.ready.emit(request)
                    request = self._next()

    def _next(self) -> ClipRequest | None:
        """The first wanted request that is not served yet; waits for one. None at the end."""
        with self._wake:
            found: list[ClipRequest] = []

            def look() -> bool:
                found[:] = [one for one in self._wanted if one not in self._clips][:1]
                return self._ending or bool(found)

            self._wake.wait_for(look)
            return None if self._ending else found[0]

    def _decoded(self, reader: FrameReader, request: ClipRequest) -> Clip | None:
        """The pictures, or None where nobody wants them any more."""
        pictures: list[QImage] = []
        missing = 0  # frames before the first that a decoder returns
        try:
            for frame in request.frames:
                if self._ending or request not in self._wanted:
                    return None
                picture = reader.read(frame)
                if picture is not None:
                    pictures += [_cut_out(picture.pixels, request)] * (missing + 1)
                    missing = 0
                elif pictures:
                    pictures.append(pictures[-1])
                else:
                    missing += 1
        except ClipgenError as error:
            return Clip((), str(error))
        except Exception as error:
            _log.exception("decoding small pictures failed")
            return Clip((), f"These frames could not be decoded ({type(error).__name__}).")
        return Clip(tuple(pictures), "" if pictures else "These frames cannot be decoded. Copy the file again.")

    def _keep(self, request: ClipRequest, clip: Clip) -> None:
        with self._wake:
            self._clips[request] = clip
            unwanted = [one for one in self._clips if one not in self._wanted]
            while self._held() > self._budget and unwanted:
                del self._clips[unwanted.pop(0)]

    def _held(self) -> int:
        return sum(request.bytes for request, clip in self._clips.items() if clip.pictures)


def _cut_out(pixels: UInt8Array, request: ClipRequest) -> QImage:
    height, width = pixels.shape[:2]
    whole = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    scale_x, scale_y = width / request.video.width_px, height / request.video.height_px
    x, y, crop_width, crop_height = request.crop
    part = QRect(
        round(x * scale_x), round(y * scale_y), round(crop_width * scale_x), round(crop_height * scale_y)
    ).intersected(whole.rect())
    size = QSize(*request.size)
    cut = whole.copy(part)  # its own memory: the pixels above go with the decoded frame
    if part.size() == size:
        return cut
    return cut.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
