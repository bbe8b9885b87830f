"""Looks at the files of the videos in a thread of its own: whether they are there, what they are, a small picture."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from clipgen_engine.errors import ClipgenError, OutputError
from clipgen_engine.files import replacing
from clipgen_engine.video.container import fingerprint
from clipgen_engine.video.decoding import glance
from clipgen_gui.projects.files import SUFFIXES
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_SIDE_PX = 160
_REMEMBERED = 512  # pictures, some 60 KB each
_WAITING = 64  # pictures that are asked for and not begun; older wishes scrolled out of sight


@dataclass(frozen=True)
class Look:
    """What was found out about a file that the list does not know yet."""

    path: Path
    present: bool = True
    fingerprint: str | None = None
    duration_s: float | None = None
    picture: QImage | None = None
    found: Path | None = None  # where the file lies now, for one that is not present


@dataclass(frozen=True)
class _Check:
    path: Path
    fingerprint: str | None
    missing: bool  # when somebody looked last


class VideoScout(RequestThread):
    """Answers come as `looked`; where there is nothing new to say, none comes."""

    looked = Signal(object)  # Look

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        """
        Args:
            folder: where small pictures are kept by fingerprint; None: in memory only.
        """
        super().__init__("video scout", parent)
        self._folder = folder
        self._checks: deque[_Check] = deque()
        self._known: set[Path] = set()  # files that belong to videos of the list
        self._folders: tuple[Path, ...] = ()
        self._wanted: OrderedDict[Path, str | None] = OrderedDict()  # pictures, the newest wish last
        self._pictures: OrderedDict[Path, QImage | None] = OrderedDict()  # None: there is none to be had

    def check(self, videos: Iterable[tuple[Path, str | None, bool]], folders: Iterable[Path]) -> None:
        """Find out whether these files are there and what they are, instead of whatever was to be checked before.

        Args:
            videos: of every video of the list its path, its fingerprint if known, and whether it was missing.
            folders: where to look for those that moved.
        """
        with self._asking():
            self._checks = deque(_Check(*video) for video in videos)
            self._known = {check.path for check in self._checks}
            self._folders = tuple(dict.fromkeys(folders))

    def picture(self, path: Path, known_fingerprint: str | None) -> QImage | None:
        """A small picture of a video, if it is at hand; else it is looked for, and `looked` tells."""
        with self._wake:
            if path in self._pictures:
                self._pictures.move_to_end(path)
                return self._pictures[path]
        with self._asking():
            self._wanted[path] = known_fingerprint
            self._wanted.move_to_end(path)
            while len(self._wanted) > _WAITING:
                self._wanted.popitem(last=False)
        return None

    def forget(self, path: Path) -> None:
        """Look for the picture of this file anew when it is asked for again."""
        with self._wake:
            self._pictures.pop(path, None)

    # In the thread

    def run(self) -> None:
        """Pictures first, the newest wish before all: somebody looks at its place. Then checks."""
        unclaimed: dict[str, Path] | None = None  # by fingerprint; read once for each round of checks
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._ending or self._wanted or self._checks)
                if self._ending:
                    return
                wish = self._wanted.popitem() if self._wanted else None
                check = self._checks.popleft() if wish is None else None
                last = not self._checks
            try:
                if wish is not None:
                    self._take_picture(*wish)
                elif check is not None:
                    if not check.path.exists() and check.fingerprint is not None and unclaimed is None:
                        unclaimed = self._unclaimed()
                    self._check(check, unclaimed or {})
                    unclaimed = None if last else unclaimed
            except Exception:
                _log.exception("looking at a video failed")  # the last line of defence: the list goes on without it

    def _check(self, check: _Check, unclaimed: dict[str, Path]) -> None:
        if not check.path.exists():
            found = unclaimed.get(check.fingerprint or "")
            self.looked.emit(Look(check.path, present=False, found=found))
        elif check.missing:
            self.looked.emit(Look(check.path))
        elif check.fingerprint is None:
            with suppress(ClipgenError):  # whoever opens the video says what is wrong with it
                self.looked.emit(Look(check.path, fingerprint=fingerprint(check.path)))

    def _unclaimed(self) -> dict[str, Path]:
        """Video files of the folders that belong to no video of the list."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            try:
                files = [one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and one not in self._known]
                found |= {fingerprint(one): one for one in files if one.is_file()}
            except (OSError, ClipgenError):
                continue  # a folder that is gone, too
            if self._ending:
                break
        return found

    def _take_picture(self, path: Path, known: str | None) -> None:
        picture, duration_s, told = self._kept(known), None, known
        if picture is None:
            with suppress(ClipgenError, OSError):  # the list says what is wrong when the video is opened
                known = known or fingerprint(path)
                pixels, duration_s = glance(path, _SIDE_PX)
                height, width = pixels.shape[:2]
                picture = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
                self._keep(known, picture)
        with self._wake:
            self._pictures[path] = picture
            while len(self._pictures) > _REMEMBERED:
                self._pictures.popitem(last=False)
        if picture is not None:
            new = known if told is None else None
            self.looked.emit(Look(path, fingerprint=new, duration_s=duration_s, picture=picture))

    def _kept(self, known: str | None) -> QImage | None:
        if self._folder is None or known is None:
            return None
        picture = QImage(str(self._folder / f"{known}.jpg"))
        return None if picture.isNull() else picture

    def _keep(self, known: str, picture: QImage) -> None:
        if self._folder is None:
            return
        try:
            with replacing(self._folder / f"{known}.jpg") as temporary:
                if not picture.save(str(temporary), "JPG", 85):  # type: ignore[call-overload]
                    temporary.write_bytes(b"")  # as good as none
        except OutputError as error:
            _log.warning("A small picture is not kept for the next time: %s", error)
