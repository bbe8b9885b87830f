"""The video view with face overlays. Overlays always belong to the displayed frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSettings, Signal
from PySide6.QtGui import QAction, QPainter
from PySide6.QtWidgets import QWidget

from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import VideoInfo
from clipgen_gui.document.entry import VideoEntry, VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import ON_PICTURE
from clipgen_gui.player.face_overlays import FaceOverlay, Overlay, OverlayBuilder
from clipgen_gui.player.frame_server import FrameServer, PlayerPicture
from clipgen_gui.player.mesh_server import Meshes, MeshServer
from clipgen_gui.player.overlay_painter import FacePainter, draw_chip
from clipgen_gui.player.picture_view import PictureView
from clipgen_gui.player.upcoming import UpcomingWindows
from clipgen_gui.widgets.cards import named_with_key

_MAX_MESHES = 1000  # frames
_OVERLAYS = "player/overlays"
_FRAME_LABEL_POS = QPointF(14, 12)  # view coordinates: fixed, and beside a portrait picture


class VideoPlayer(PictureView):
    """Shows the frame at the session's playhead. Overlays follow the delivered frame, not the requested one.

    A click on another face makes it the active one; any other click emits `clicked`.
    """

    frame_shown = Signal(int)
    clicked = Signal()
    open_failed = Signal(object, str)  # entry, message

    def __init__(
        self, session: Session, server: FrameServer, upcoming: UpcomingWindows, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._server, self._upcoming = session, server, upcoming
        self._size_px = 0, 0  # of the following pictures
        self.meshes = MeshServer(self)
        self._entry: VideoEntry | None = None
        self._requested: tuple[VideoEntry | None, Path | None, bool] = (None, None, False)
        self._generation = 0
        self._picture: PlayerPicture | None = None
        self._overlays: frozenset[Overlay] = frozenset({Overlay.BOX})
        self._export = ExportSettings(crop="face")
        self._builder: OverlayBuilder | None = None
        self._faces: tuple[FaceOverlay, ...] = ()
        self._meshes: dict[int, Meshes] = {}  # by frame index
        self._click_toggled = False  # whether the last click emitted `clicked`
        self.setMinimumSize(320, 180)
        named_with_key(
            self,
            "Video",
            "Click another face to switch to it. Wheel zooms, drag pans, double-click fits the picture.\n"
            "Click elsewhere to play or pause",
            "play",
        )
        server.opened.connect(self._opened)
        server.open_failed.connect(self._open_failed)
        server.picture_ready.connect(self._show)
        self.meshes.found.connect(self._store_meshes)
        self.meshes.failed.connect(session.refused)
        self.picture_clicked.connect(self._click)
        self.picture_click_undone.connect(self._undo_click)
        session.current_changed.connect(self._current_changed)
        session.video_changed.connect(lambda entry: self._current_changed() if entry is self._entry else None)
        session.selection.position_changed.connect(self._request)
        session.ranking_changed.connect(self._refresh_faces)
        session.selection.changed.connect(self._refresh_faces)
        session.selection.track_changed.connect(self.viewport().update)

    def bind(self, actions: Mapping[str, QAction], settings: QSettings) -> None:
        """Connect the overlay and fit commands; enabled overlays are stored in the settings."""
        stored = settings.value(_OVERLAYS, [Overlay.BOX.value])
        names = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        for overlay in Overlay:
            actions[overlay].toggled.connect(partial(self.set_overlay, overlay))
            actions[overlay].setChecked(overlay.value in names)
            self.set_overlay(overlay, overlay.value in names)
        for overlay in Overlay:
            actions[overlay].toggled.connect(lambda _: settings.setValue(_OVERLAYS, sorted(self._overlays)))
        actions["fit"].triggered.connect(lambda _: self.fit())

    @property
    def shown_frame(self) -> int:
        """Index of the displayed frame; -1 if none."""
        return self._picture.index if self._picture else -1

    @property
    def faces(self) -> tuple[FaceOverlay, ...]:
        """Overlay data of the faces on the displayed frame."""
        return self._faces

    @property
    def mesh(self) -> Meshes:
        """Meshes of the displayed frame; empty until they are detected."""
        return self._meshes.get(self.shown_frame, {})

    @property
    def overlays(self) -> frozenset[Overlay]:
        """Enabled overlays."""
        return self._overlays

    def set_overlay(self, overlay: Overlay, on: bool) -> None:
        self._overlays = self._overlays | {overlay} if on else self._overlays - {overlay}
        self._refresh_faces()
        self.viewport().update()

    def set_export(self, settings: ExportSettings) -> None:
        """Set the crop to preview. If clips keep whole frames, preview a face crop instead."""
        self._export = replace(settings, crop="face") if settings.crop == "whole" else settings
        self._refresh_faces()

    # Pictures

    def _current_changed(self) -> None:
        entry = self._session.current
        # The stored analysis includes the frame index, which takes a second to rebuild for a long video.
        awaits_analysis = entry is not None and entry.info is None and entry.unloaded
        requested = entry, entry.path if entry else None, awaits_analysis
        if requested == self._requested:
            return
        self._entry, self._requested = entry, requested
        self._builder = OverlayBuilder(entry) if entry else None
        self._picture, self._faces = None, ()
        self._meshes = {}
        if entry is None or entry.state is VideoState.MISSING:
            self.show_picture(None)  # of another video, the last picture stays until the first of this one is there
        video = (entry.info or entry.path) if entry and not awaits_analysis else None
        known = self._upcoming.pictures(video, entry.position) if entry and isinstance(video, VideoInfo) else ()
        self._generation = self._server.open(video, known)
        if entry is not None and known and isinstance(video, VideoInfo):
            self._size_px = video.width_px, video.height_px
            self._server.request(entry.position)  # shown before the event loop paints anything else
        self.viewport().update()

    def _opened(self, generation: int, info: object) -> None:
        if generation == self._generation and self._entry is not None:
            self._session.set_info(self._entry, info)  # type: ignore[arg-type]
            assert self._entry.info is not None
            self._size_px = self._entry.info.width_px, self._entry.info.height_px
            self._request(self._entry.position)

    def _open_failed(self, generation: int, message: str) -> None:
        if generation == self._generation and self._entry is not None:
            self.show_picture(None)
            self.open_failed.emit(self._entry, message)

    def _request(self, frame: int) -> None:
        if self._entry is not None:
            self._server.request(frame)

    def _show(self, generation: int, picture: PlayerPicture) -> None:
        if generation != self._generation or self._entry is None:
            return
        if picture.index != self._entry.position == self.shown_frame:
            return  # late: a newer request is already on screen
        self._picture = picture
        self.set_size(*self._size_px)
        self.show_picture(picture)
        self._refresh_faces()
        self.frame_shown.emit(picture.index)

    # Overlays

    def _refresh_faces(self) -> None:
        faces: tuple[FaceOverlay, ...] = ()
        if self._picture is not None and self._builder is not None:
            faces = self._builder.faces(
                self._picture.index, self._session.controls.shown_terms, self._overlays, self._export
            )
        if faces != self._faces:
            self._faces = faces
            self.viewport().update()
        self._request_meshes()

    def _request_meshes(self) -> None:
        """Request the meshes of the displayed frame. Frames skipped during a loop are requested on its next pass."""
        entry, picture = self._entry, self._picture
        wanted = Overlay.MESH in self._overlays and self._faces
        if not wanted or entry is None or entry.info is None or picture is None or picture.index in self._meshes:
            return
        assert entry.analysis is not None
        boxes = {}
        for track in entry.analysis.tracks:
            row = track.row_of(picture.index)
            if row is not None:
                boxes[track.track_id] = track.box_xywh[row]
        self.meshes.request(self._generation, picture, boxes, entry.info.width_px)

    def _store_meshes(self, generation: int, frame: int, meshes: Meshes) -> None:
        if generation != self._generation:
            return
        while len(self._meshes) >= _MAX_MESHES:
            self._meshes.pop(next(iter(self._meshes)))
        self._meshes[frame] = meshes
        if frame == self.shown_frame:
            self.viewport().update()

    # Painting and mouse

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        if self._picture is None or self._entry is None:
            return
        painter.save()
        painter.resetTransform()
        face_painter = FacePainter(painter, self.to_widget)
        other_tracks = self._entry.concurrent_tracks
        for face in self._faces:
            mesh = self.mesh.get(face.track_id)
            face_painter.draw(face, self._overlays, inactive=face.track_id in other_tracks, mesh=mesh)
        text = f"frame {self._picture.index} / {self._entry.frame_count}"
        if self.zoom > 1.0:
            text += f" · {self.zoom:.1f}×"
        draw_chip(painter, _FRAME_LABEL_POS, text, ON_PICTURE.text)
        painter.restore()

    def _click(self, pos: QPointF) -> None:
        face = self._face_at(pos)
        active_track = self._entry.track if self._entry else None
        self._click_toggled = face is None or len(self._faces) < 2 or face.track_id == active_track
        if self._click_toggled:
            self.clicked.emit()
        elif face is not None:
            self._session.selection.choose_track(face.track_id)

    def _undo_click(self) -> None:
        if self._click_toggled:
            self.clicked.emit()

    def _face_at(self, pos: QPointF) -> FaceOverlay | None:
        """Return the face at this picture position; the smallest if several overlap."""
        here = [face for face in self._faces if QRectF(*face.box_xywh).contains(pos)]
        return min(here, key=lambda face: face.box_xywh[2] * face.box_xywh[3], default=None)
