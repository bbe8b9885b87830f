"""Checks video files in a worker thread: existence, fingerprint, thumbnail."""

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
from clipgen_engine.files import private_folder, replacing
from clipgen_engine.untrusted import is_sha256
from clipgen_engine.video.container import fingerprint
from clipgen_engine.video.decoding import glance
from clipgen_gui.projects.files import SUFFIXES
from clipgen_gui.support.request_thread import RequestThread

_log = logging.getLogger(__name__)
_SIDE_PX = 160
_REMEMBERED = 512  # thumbnails, some 60 KB each
_WAITING = 64  # pending thumbnail requests; older ones have scrolled out of view


@dataclass(frozen=True)
class FileCheck:
    """New information about a video file."""

    path: Path
    present: bool = True
    fingerprint: str | None = None
    duration_s: float | None = None
    picture: QImage | None = None
    found: Path | None = None  # new location of a file that is not present


@dataclass(frozen=True)
class _CheckRequest:
    path: Path
    fingerprint: str | None
    missing: bool  # at the last check


class VideoScout(RequestThread):
    """Emits `checked` only if there is new information."""

    checked = Signal(object)  # FileCheck

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        """
        Args:
            folder: where thumbnails are stored by fingerprint; None: in memory only.
        """
        super().__init__("video scout", parent)
        self._folder = folder
        self._checks: deque[_CheckRequest] = deque()
        self._known: set[Path] = set()  # files of listed videos
        self._folders: tuple[Path, ...] = ()
        self._wanted: OrderedDict[Path, str | None] = OrderedDict()  # thumbnails, newest request last
        self._pictures: OrderedDict[Path, QImage | None] = OrderedDict()  # None: not available

    def check(self, videos: Iterable[tuple[Path, str | None, bool]], folders: Iterable[Path]) -> None:
        """Check these files, replacing all pending checks.

        Args:
            videos: path, fingerprint if known, and whether it was missing, of every listed video.
            folders: where to search for missing files.
        """
        with self._update_requests():
            self._checks = deque(_CheckRequest(*video) for video in videos)
            self._known = {check.path for check in self._checks}
            self._folders = tuple(dict.fromkeys(folders))

    def picture(self, path: Path, known_fingerprint: str | None) -> QImage | None:
        """The thumbnail of a video if it is in memory; otherwise request it, to be delivered by `checked`."""
        with self._wake:
            if path in self._pictures:
                self._pictures.move_to_end(path)
                return self._pictures[path]
        with self._update_requests():
            self._wanted[path] = known_fingerprint
            self._wanted.move_to_end(path)
            while len(self._wanted) > _WAITING:
                self._wanted.popitem(last=False)
        return None

    # In the thread

    def run(self) -> None:
        """Serve thumbnails first, newest request first, since they are visible; then checks."""
        unclaimed: dict[str, Path] | None = None  # by fingerprint; read once per round of checks
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._ending or self._wanted or self._checks)
                if self._ending:
                    return
                request = self._wanted.popitem() if self._wanted else None
                check = self._checks.popleft() if request is None else None
                last = not self._checks
            try:
                if request is not None:
                    self._make_picture(*request)
                elif check is not None:
                    if not check.path.exists() and check.fingerprint is not None and unclaimed is None:
                        unclaimed = self._unclaimed()
                    self._check(check, unclaimed or {})
                    unclaimed = None if last else unclaimed
            except Exception:
                _log.exception("checking a video file failed")  # a bug must not end the thread

    def _check(self, check: _CheckRequest, unclaimed: dict[str, Path]) -> None:
        if not check.path.exists():
            found = unclaimed.get(check.fingerprint or "")
            self.checked.emit(FileCheck(check.path, present=False, found=found))
        elif check.missing:
            self.checked.emit(FileCheck(check.path))
        elif check.fingerprint is None:
            with suppress(ClipgenError):  # reported when the video is opened
                self.checked.emit(FileCheck(check.path, fingerprint=fingerprint(check.path)))

    def _unclaimed(self) -> dict[str, Path]:
        """Files in the folders that belong to no listed video, by fingerprint."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            try:
                files = [one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and one not in self._known]
                found |= {fingerprint(one): one for one in files if one.is_file()}
            except (OSError, ClipgenError):
                continue  # includes missing folders
            if self._ending:
                break
        return found

    def _make_picture(self, path: Path, known: str | None) -> None:
        picture, duration_s, given = self._load_stored(known), None, known
        if picture is None:
            with suppress(ClipgenError, OSError):  # reported when the video is opened
                known = known or fingerprint(path)
                pixels, duration_s = glance(path, _SIDE_PX)
                height, width = pixels.shape[:2]
                picture = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
                self._store(known, picture)
        with self._wake:
            self._pictures[path] = picture
            while len(self._pictures) > _REMEMBERED:
                self._pictures.popitem(last=False)
        if picture is not None:
            new = known if given is None else None
            self.checked.emit(FileCheck(path, fingerprint=new, duration_s=duration_s, picture=picture))

    def _load_stored(self, known: str | None) -> QImage | None:
        if self._folder is None or not is_sha256(known):
            return None
        picture = QImage(str(self._folder / f"{known}.jpg"))
        return None if picture.isNull() else picture

    def _store(self, known: str, picture: QImage) -> None:
        if self._folder is None or not is_sha256(known):  # it may come from a project file, and names a file here
            return
        try:
            private_folder(self._folder)
            with replacing(self._folder / f"{known}.jpg", private=True) as temporary:
                if not picture.save(str(temporary), "JPG", 85):  # type: ignore[call-overload]
                    temporary.write_bytes(b"")  # an empty file counts as no thumbnail
        except (OSError, OutputError) as error:
            _log.warning("could not store a thumbnail: %s", error)
