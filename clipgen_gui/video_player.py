"""The picture with what was found on it. What is drawn always belongs to the picture on screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from clipgen_engine.score_terms import TERMS
from clipgen_gui.cards import named, term_color
from clipgen_gui.frame_reader import FrameServer, PlayerPicture
from clipgen_gui.session import Session
from clipgen_gui.theme import ON_PICTURE, color, follow_theme, palette, ui_font
from clipgen_gui.video_entry import VideoEntry


@dataclass(frozen=True)
class FaceMark:
    """A face of one frame: its box in source pixels and the scores of the window around it."""

    track_id: int
    box_xywh: tuple[float, float, float, float]
    terms: tuple[tuple[str, float, str], ...]  # short name, value, colour


class VideoPlayer(QGraphicsView):
    """Shows the session's playhead. The frame server may answer late: overlays follow the answer, not the question."""

    frame_shown = Signal(int)
    clicked = Signal()
    open_failed = Signal(object, str)  # entry, sentence

    def __init__(self, session: Session, server: FrameServer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._server = session, server
        self._entry: VideoEntry | None = None
        self._generation = 0
        self._picture: PlayerPicture | None = None
        self._box_visible = True
        self._marks: tuple[FaceMark, ...] = ()
        self._scene = QGraphicsScene(self)
        self._item = _PictureItem()
        self._scene.addItem(self._item)
        self.setScene(self._scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        follow_theme(self, lambda: self.setBackgroundBrush(QColor(palette().stage)))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setMinimumSize(320, 180)
        named(self, "Video picture", "Click to play or pause (Space)")
        server.opened.connect(self._opened)
        server.open_failed.connect(self._open_failed)
        server.picture_ready.connect(self._show)
        session.current_changed.connect(self._current_changed)
        session.position_changed.connect(self._request)
        session.ranking_changed.connect(self._refresh_marks)

    @property
    def shown_frame(self) -> int:
        """Index of the picture on screen, -1 without one."""
        return self._picture.index if self._picture else -1

    @property
    def marks(self) -> tuple[FaceMark, ...]:
        """The faces that are drawn on the picture on screen."""
        return self._marks if self._box_visible else ()

    def set_box_visible(self, on: bool) -> None:
        self._box_visible = on
        self.viewport().update()

    # Pictures

    def _current_changed(self) -> None:
        entry = self._session.current
        if entry is self._entry:
            return
        self._entry = entry
        self._picture, self._marks = None, ()
        self._item.show_picture(None)
        self._generation = self._server.open((entry.info or entry.path) if entry else None)
        self.viewport().update()

    def _opened(self, generation: int, info: object) -> None:
        if generation == self._generation and self._entry is not None:
            self._session.set_info(self._entry, info)  # type: ignore[arg-type]
            assert self._entry.info is not None
            self._item.set_size(self._entry.info.width_px, self._entry.info.height_px)
            self._scene.setSceneRect(self._item.boundingRect())
            self._fit()
            self._request(self._entry.position)

    def _open_failed(self, generation: int, message: str) -> None:
        if generation == self._generation and self._entry is not None:
            self.open_failed.emit(self._entry, message)

    def _request(self, frame: int) -> None:
        if self._entry is not None:
            self._server.request(frame)

    def _show(self, generation: int, picture: PlayerPicture) -> None:
        if generation != self._generation:
            return
        self._picture = picture
        self._item.show_picture(picture)
        self._refresh_marks()
        self.frame_shown.emit(picture.index)

    # Overlays

    def _refresh_marks(self) -> None:
        marks = self._marks_of(self._picture.index) if self._picture else ()
        if marks != self._marks:
            self._marks = marks
            self.viewport().update()

    def _marks_of(self, frame: int) -> tuple[FaceMark, ...]:
        entry = self._entry
        if entry is None or entry.analysis is None:
            return ()
        marks = []
        for track in entry.analysis.tracks:
            row = track.row_of(frame)
            if row is not None:
                x, y, width, height = (float(value) for value in track.box_xywh[row])
                marks.append(FaceMark(track.track_id, (x, y, width, height), self._terms(entry, track.track_id, frame)))
        return tuple(marks)

    def _terms(self, entry: VideoEntry, track_id: int, frame: int) -> tuple[tuple[str, float, str], ...]:
        found = []
        terms = [TERMS[name] for name in self._session.shown_terms]
        initials = [term.short_label[:1] for term in terms]
        for term, initial in zip(terms, initials, strict=True):
            curve = entry.curve(term.name, track_id)
            if curve is None:
                continue
            at = int(np.searchsorted(curve[0], frame))
            if at < len(curve[0]) and curve[0][at] == frame and np.isfinite(curve[1][at]):
                short = initial if initials.count(initial) == 1 else term.short_label
                found.append((short, float(curve[1][at]), term_color(term.name, ON_PICTURE)))
        return tuple(found)

    # Painting and events

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        if self._picture is None or self._entry is None:
            return
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        picture = self.mapFromScene(self._item.boundingRect()).boundingRect()
        corner = QPointF(max(picture.left(), 0) + 14, max(picture.top(), 0) + 12)
        _draw_chip(painter, corner, f"frame {self._picture.index} / {self._entry.frame_count}", ON_PICTURE.text)
        if self._box_visible:
            for mark in self._marks:
                self._draw_face(painter, mark)
        painter.restore()

    def _draw_face(self, painter: QPainter, mark: FaceMark) -> None:
        x, y, width, height = mark.box_xywh
        box = QRectF(
            QPointF(self.mapFromScene(QPointF(x, y))), QPointF(self.mapFromScene(QPointF(x + width, y + height)))
        )
        arm = max(8.0, min(22.0, box.width() / 5))
        painter.setPen(QPen(QColor(ON_PICTURE.accent), 2))
        for corner, right, down in (
            (box.topLeft(), 1, 1),
            (box.topRight(), -1, 1),
            (box.bottomLeft(), 1, -1),
            (box.bottomRight(), -1, -1),
        ):
            painter.drawPolyline([corner + QPointF(right * arm, 0), corner, corner + QPointF(0, down * arm)])
        at = QPointF(max(4.0, box.left()), max(4.0, box.top() - 28))
        at.setX(at.x() + _draw_chip(painter, at, f"face {mark.track_id + 1}", ON_PICTURE.text))
        for name, value, tint in mark.terms:
            at.setX(at.x() + _draw_chip(painter, at, f"{name} {value:.2f}", tint))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._item.boundingRect().isEmpty():
            self.fitInView(self._item, Qt.AspectRatioMode.KeepAspectRatio)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit()
        super().mousePressEvent(event)


def _draw_chip(painter: QPainter, at: QPointF, text: str, tint: str) -> float:
    """Draw a label on a dark plate; the width that it took, its gap included."""
    font = ui_font(13)
    width = QFontMetricsF(font).horizontalAdvance(text)
    plate = QRectF(at.x(), at.y(), width + 14, 22)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ON_PICTURE.window, 215))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor(tint))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(font)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate.width() + 5


class _PictureItem(QGraphicsItem):
    """One decoded picture, drawn over the size of the source video."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: PlayerPicture | None = None
        self._rect = QRectF()

    def set_size(self, width: int, height: int) -> None:
        self.prepareGeometryChange()
        self._rect = QRectF(0, 0, width, height)

    def show_picture(self, picture: PlayerPicture | None) -> None:
        self._picture = picture
        self.update()

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._picture is not None:
            painter.drawImage(self._rect, self._picture.image)
