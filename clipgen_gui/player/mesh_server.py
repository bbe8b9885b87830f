"""Face landmark meshes of the displayed picture, detected in a thread because the analysis does not store them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from clipgen_engine.errors import ClipgenError
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.region import region_around
from clipgen_gui.player.frame_server import PlayerPicture
from clipgen_gui.support.request_thread import RequestThread

if TYPE_CHECKING:
    from clipgen_engine.faces.landmarker import FaceLandmarker

_log = logging.getLogger(__name__)

Meshes = Mapping[int, NDArray[np.float32]]  # by track id: (478, 3) float32, upright source px


@dataclass(frozen=True, eq=False)
class _Request:
    token: int
    picture: PlayerPicture
    boxes: Mapping[int, NDArray[np.float32]]  # by track id: (4,) float32, source px
    scale: float  # source px per picture px


class MeshServer(RequestThread):
    """Detects the meshes of one picture at a time; the newest request wins. Starts with the first request."""

    found = Signal(int, int, object)  # token, frame, Meshes
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("face meshes", parent)
        self._wanted: _Request | None = None

    def request(self, token: int, picture: PlayerPicture, boxes: Meshes, source_width_px: int) -> None:
        """Request the meshes of the faces in these boxes. `found` returns the token with the result."""
        with self._update_requests():
            self._wanted = _Request(token, picture, boxes, source_width_px / picture.image.width())

    def run(self) -> None:
        """Serve requests until the thread is asked to end or the model fails."""
        try:
            # OpenCV and LiteRT are imported lazily so that they do not delay the main window.
            from clipgen_engine.faces.landmarker import FaceLandmarker

            landmarker = FaceLandmarker(load_face_model())
        except ClipgenError as error:
            self.failed.emit(str(error))
            return
        try:
            while (request := self._next()) is not None:
                self.found.emit(request.token, request.picture.index, _meshes(landmarker, request))
        except Exception as error:
            _log.exception("face mesh detection failed")
            self.failed.emit(f"The face mesh could not be detected ({type(error).__name__}). Details are in the log.")

    def _next(self) -> _Request | None:
        """Wait for the next request; None when the thread is asked to end."""
        with self._wake:
            self._wake.wait_for(lambda: self._ending or self._wanted is not None)
            request, self._wanted = self._wanted, None
            return None if self._ending else request


def _meshes(landmarker: FaceLandmarker, request: _Request) -> Meshes:
    found = {}
    rgb = np.ascontiguousarray(request.picture.pixels[:, :, 2::-1])
    for track_id, box in request.boxes.items():
        mesh = landmarker.find(rgb, region_around(box / np.float32(request.scale)))
        if mesh is not None:
            found[track_id] = mesh.points * np.float32(request.scale)
    return found
