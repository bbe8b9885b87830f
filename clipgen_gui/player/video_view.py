"""The picture with what was found on it. What is drawn always belongs to the picture on screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSettings, Signal
from PySide6.QtGui import QAction, QPainter
from PySide6.QtWidgets import QWidget

from clipgen_engine.settings import ExportSettings
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import ON_PICTURE
from clipgen_gui.player.frame_server import FrameServer, PlayerPicture
from clipgen_gui.player.mesh_server import Meshes, MeshServer
from clipgen_gui.player.overlay_marks import FaceMark, MarkMaker, Overlay
from clipgen_gui.player.overlay_painter import FacePainter, draw_chip
from clipgen_gui.player.picture_view import PictureView
from clipgen_gui.widgets.cards import named_with_key

_KEPT_MESHES = 1000  # frames
_OVERLAYS = "player/overlays"
_NUMBER_AT = QPointF(14, 12)  # of the view, not of the picture: it stays in its place, and is beside a tall picture


class VideoPlayer(PictureView):
    """Shows the session's playhead. The frame server may answer late: overlays follow the answer, not the question.

    A click on another face looks at that face; a click elsewhere is `clicked`.
    """

    frame_shown = Signal(int)
    clicked = Signal()
    open_failed = Signal(object, str)  # entry, sentence

    def __init__(self, session: Session, server: FrameServer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._server = session, server
        self.meshes = MeshServer(self)
        self._entry: VideoEntry | None = None
        self._wanted: tuple[VideoEntry | None, Path | None, bool] = (None, None, False)
        self._generation = 0
        self._picture: PlayerPicture | None = None
        self._overlays: frozenset[Overlay] = frozenset({Overlay.BOX})
        self._export = ExportSettings(crop="face")
        self._maker: MarkMaker | None = None
        self._marks: tuple[FaceMark, ...] = ()
        self._meshes: dict[int, Meshes] = {}  # by frame
        self._toggled = False  # the last click was `clicked`, not a face
        self.setMinimumSize(320, 180)
        named_with_key(
            self,
            "Video picture",
            "Click another face to look at it; wheel zooms, drag moves the picture, double click fits it in again.\n"
            "Click elsewhere to play or pause",
            "play",
        )
        server.opened.connect(self._opened)
        server.open_failed.connect(self._open_failed)
        server.picture_ready.connect(self._show)
        self.meshes.found.connect(self._take_meshes)
        self.meshes.failed.connect(session.refused)
        self.picture_clicked.connect(self._click)
        self.picture_unclicked.connect(self._unclick)
        session.current_changed.connect(self._current_changed)
        session.video_changed.connect(lambda entry: self._current_changed() if entry is self._entry else None)
        session.selection.position_changed.connect(self._request)
        session.ranking_changed.connect(self._refresh_marks)
        session.selection.changed.connect(self._refresh_marks)
        session.selection.track_changed.connect(self.viewport().update)

    def bind(self, actions: Mapping[str, QAction], settings: QSettings) -> None:
        """Let the commands switch the overlays and fit the picture; what is switched on is remembered."""
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
        """Index of the picture on screen, -1 without one."""
        return self._picture.index if self._picture else -1

    @property
    def marks(self) -> tuple[FaceMark, ...]:
        """The faces of the picture on screen."""
        return self._marks

    @property
    def mesh(self) -> Meshes:
        """The meshes of the picture on screen, as far as they are known."""
        return self._meshes.get(self.shown_frame, {})

    @property
    def overlays(self) -> frozenset[Overlay]:
        """What is drawn over the picture."""
        return self._overlays

    def set_overlay(self, overlay: Overlay, on: bool) -> None:
        self._overlays = self._overlays | {overlay} if on else self._overlays - {overlay}
        self._refresh_marks()
        self.viewport().update()

    def set_export(self, settings: ExportSettings) -> None:
        """How crops are made that are shown in advance; where clips keep whole frames, a crop that follows the face."""
        self._export = replace(settings, crop="face") if settings.crop == "whole" else settings
        self._refresh_marks()

    # Pictures

    def _current_changed(self) -> None:
        entry = self._session.current
        # With the stored analysis comes the index of the video: to read a long one anew would take a second.
        waits = entry is not None and entry.info is None and entry.resting
        wanted = entry, entry.path if entry else None, waits
        if wanted == self._wanted:
            return
        self._entry, self._wanted = entry, wanted
        self._maker = MarkMaker(entry) if entry else None
        self._picture, self._marks = None, ()
        self._meshes = {}
        self.show_picture(None)
        self._generation = self._server.open((entry.info or entry.path) if entry and not waits else None)
        self.viewport().update()

    def _opened(self, generation: int, info: object) -> None:
        if generation == self._generation and self._entry is not None:
            self._session.set_info(self._entry, info)  # type: ignore[arg-type]
            assert self._entry.info is not None
            self.set_size(self._entry.info.width_px, self._entry.info.height_px)
            self._request(self._entry.position)

    def _open_failed(self, generation: int, message: str) -> None:
        if generation == self._generation and self._entry is not None:
            self.open_failed.emit(self._entry, message)

    def _request(self, frame: int) -> None:
        if self._entry is not None:
            self._server.request(frame)

    def _show(self, generation: int, picture: PlayerPicture) -> None:
        if generation != self._generation or self._entry is None:
            return
        if picture.index != self._entry.position == self.shown_frame:
            return  # it comes late: what was asked for after it is on screen
        self._picture = picture
        self.show_picture(picture)
        self._refresh_marks()
        self.frame_shown.emit(picture.index)

    # Overlays

    def _refresh_marks(self) -> None:
        marks: tuple[FaceMark, ...] = ()
        if self._picture is not None and self._maker is not None:
            marks = self._maker.marks(
                self._picture.index, self._session.controls.shown_terms, self._overlays, self._export
            )
        if marks != self._marks:
            self._marks = marks
            self.viewport().update()
        self._want_meshes()

    def _want_meshes(self) -> None:
        """In a loop the frames that were passed over are asked for the next time round, until all are known."""
        entry, picture = self._entry, self._picture
        wanted = Overlay.MESH in self._overlays and self._marks
        if not wanted or entry is None or entry.info is None or picture is None or picture.index in self._meshes:
            return
        assert entry.analysis is not None
        boxes = {}
        for track in entry.analysis.tracks:
            row = track.row_of(picture.index)
            if row is not None:
                boxes[track.track_id] = track.box_xywh[row]
        self.meshes.request(self._generation, picture, boxes, entry.info.width_px)

    def _take_meshes(self, generation: int, frame: int, meshes: Meshes) -> None:
        if generation != self._generation:
            return
        while len(self._meshes) >= _KEPT_MESHES:
            self._meshes.pop(next(iter(self._meshes)))
        self._meshes[frame] = meshes
        if frame == self.shown_frame:
            self.viewport().update()

    # Painting and events

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        if self._picture is None or self._entry is None:
            return
        painter.save()
        painter.resetTransform()
        faces = FacePainter(painter, self.to_widget)
        beside = self._entry.tracks_beside
        for mark in self._marks:
            mesh = self.mesh.get(mark.track_id)
            faces.draw(mark, self._overlays, aside=mark.track_id in beside, mesh=mesh)
        text = f"frame {self._picture.index} / {self._entry.frame_count}"
        if self.zoom > 1.0:
            text += f" · {self.zoom:.1f}×"
        draw_chip(painter, _NUMBER_AT, text, ON_PICTURE.text)
        painter.restore()

    def _click(self, place: QPointF) -> None:
        face = self._face_at(place)
        looked_at = self._entry.track if self._entry else None
        self._toggled = face is None or len(self._marks) < 2 or face.track_id == looked_at
        if self._toggled:
            self.clicked.emit()
        elif face is not None:
            self._session.selection.choose_track(face.track_id)

    def _unclick(self) -> None:
        if self._toggled:
            self.clicked.emit()

    def _face_at(self, place: QPointF) -> FaceMark | None:
        """The face at a point of the picture, the smallest of those that overlap there."""
        here = [mark for mark in self._marks if QRectF(*mark.box_xywh).contains(place)]
        return min(here, key=lambda mark: mark.box_xywh[2] * mark.box_xywh[3], default=None)
