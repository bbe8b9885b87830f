"""Decodes the beginnings of the next listed windows, so that going to another video shows moving pictures at once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer

from clipgen_engine.errors import ClipgenError
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.decoding import FrameReader
from clipgen_gui.document.session import Session
from clipgen_gui.document.windows import WindowRow
from clipgen_gui.player.frame_server import MAX_SIDE_PX, PlayerPicture
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_AHEAD, _BEHIND = 4, 1  # windows of other videos below and above the selected one
_FRAMES = 12  # of each window; the decoder of the player takes over meanwhile
_BUDGET_BYTES = 160 * 1024 * 1024


@dataclass(frozen=True)
class Beginning:
    """The first frames of a window."""

    fingerprint: str
    first_frame: int


class UpcomingThread(RequestThread):
    """Decodes beginnings in the order in which they are wanted, within a memory budget."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("decoder of the next windows", parent)
        self._wanted: dict[Beginning, tuple[VideoInfo, int]] = {}  # video and stop frame
        self._decoded: OrderedDict[Beginning, list[PlayerPicture]] = OrderedDict()  # least recently wanted first

    def want(self, windows: Sequence[tuple[VideoInfo, int, int]]) -> None:
        """Decode the beginnings of these windows: video, start and stop frame; most urgent first."""
        wanted = {Beginning(video.fingerprint, start): (video, stop) for video, start, stop in windows}
        with self._update_requests() if wanted else self._wake:
            self._wanted = wanted
            for beginning in reversed(wanted):
                if beginning in self._decoded:
                    self._decoded.move_to_end(beginning)

    def pictures(self, video: VideoInfo, start: int) -> list[PlayerPicture]:
        """The decoded first frames of a window; empty if they are not decoded yet."""
        with self._wake:
            return list(self._decoded.get(Beginning(video.fingerprint, start), ()))

    # In the thread

    def run(self) -> None:
        """Serve requests until the thread is asked to end."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._ending or self._next() is not None)
                if self._ending:
                    return
                beginning = self._next()
                assert beginning is not None
                video, stop = self._wanted[beginning]
            pictures: list[PlayerPicture] = []
            try:
                with FrameReader(video, MAX_SIDE_PX, "bgra") as reader:
                    for frame in range(beginning.first_frame, min(stop, beginning.first_frame + _FRAMES)):
                        decoded = reader.read(frame, partial(self._dropped, beginning))
                        if decoded is not None:
                            pictures.append(PlayerPicture.of(decoded.index, decoded.pixels))
                        elif self._dropped(beginning):
                            break
            except ClipgenError:
                pictures = []  # reported when the video is opened
            except Exception:
                _log.exception("decoding ahead failed")  # a bug must not end the thread
                pictures = []
            with self._wake:
                if beginning in self._wanted:
                    self._decoded[beginning] = pictures
                    self._evict()

    def _next(self) -> Beginning | None:
        return next((one for one in self._wanted if one not in self._decoded), None)

    def _dropped(self, beginning: Beginning) -> bool:
        return self._ending or beginning not in self._wanted

    def _evict(self) -> None:
        def used() -> int:
            return sum(picture.pixels.nbytes for pictures in self._decoded.values() for picture in pictures)

        for beginning in [one for one in self._decoded if one not in self._wanted]:
            if used() <= _BUDGET_BYTES:
                return
            del self._decoded[beginning]
        while used() > _BUDGET_BYTES and len(self._decoded) > 1:  # the least urgent wanted ones stay empty
            last = next(one for one in reversed(self._wanted) if self._decoded.get(one))
            self._decoded[last] = []


class UpcomingWindows(QObject):
    """Follows the selection through the list."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.thread_ = UpcomingThread(self)
        self._timer = QTimer(self)  # after the window that was gone to is on screen
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._follow)
        for changed in (session.selection.changed, session.selection.filter_changed, session.project_windows.changed):
            changed.connect(self._timer.start)

    def pictures(self, video: VideoInfo, start: int) -> list[PlayerPicture]:
        """The decoded first frames of a window; empty if there are none yet."""
        return self.thread_.pictures(video, start)

    def _follow(self) -> None:
        self.thread_.want([wanted for row in self._rows() if (wanted := _wanted(row)) is not None])

    def _rows(self) -> list[WindowRow]:
        """The nearest windows of other videos, in the order in which they are likely to be gone to."""
        selection, current = self._session.selection, self._session.current
        shown = selection.shown_rows
        place = shown.place_of(selection.selected)
        below = -1 if place is None else place
        after = [one for one in range(below + 1, min(len(shown), below + 16)) if shown.ids[one].entry is not current]
        before = [one for one in range(below - 1, max(-1, below - 4), -1) if shown.ids[one].entry is not current]
        return [shown[one] for one in (*after[:_AHEAD], *before[:_BEHIND])]


def _wanted(row: WindowRow) -> tuple[VideoInfo, int, int] | None:
    analysis = row.analysis
    return None if analysis is None else (analysis.video, row.key[0], row.key[1])
