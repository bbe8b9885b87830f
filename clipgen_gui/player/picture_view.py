"""A view with zoom and pan that shows one video frame at a time."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from clipgen_gui.look.theme import follow_theme, palette
from clipgen_gui.player.frame_server import PlayerPicture

_ZOOM_STEP = 1.25  # per wheel notch
_MAX_ZOOM = 24.0  # relative to the fitted size
_NOTCH = 120  # eighths of a degree


class PictureView(QGraphicsView):
    """The wheel zooms at the cursor, a drag pans while zoomed in, a double-click fits the picture."""

    picture_clicked = Signal(QPointF)  # picture px; a press and release without a drag
    picture_click_undone = Signal()  # the previous click was the first half of a double-click
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zoom = 1.0
        self._center = QPointF()  # of the visible area while zoomed in, picture px
        self._pressed: QPoint | None = None
        self._dragging = False
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
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # skips painting the background

    @property
    def zoom(self) -> float:
        """Zoom factor; 1 fits the whole picture."""
        return self._zoom

    def show_picture(self, picture: PlayerPicture | None) -> None:
        self._item.show_picture(picture)
        self.viewport().update()  # a deferred scene update would paint the overlays twice

    def set_size(self, width_px: int, height_px: int) -> None:
        """Set the size of the following pictures, keeping zoom and visible part."""
        before, size = self._item.boundingRect(), QRectF(0, 0, width_px, height_px)
        if size == before:
            return
        if not before.isEmpty():
            scale = width_px / before.width(), height_px / before.height()
            self._center = QPointF(self._center.x() * scale[0], self._center.y() * scale[1])
        self._item.set_size(width_px, height_px)
        self._scene.setSceneRect(size)
        self._set_zoom(self._zoom)

    @property
    def picture_rect(self) -> QRectF:
        """Rectangle of the picture in widget coordinates."""
        return self.viewportTransform().mapRect(self._item.boundingRect())

    def to_widget(self, x: float, y: float) -> QPointF:
        """Map a point of the picture to the widget."""
        return self.viewportTransform().map(QPointF(x, y))

    def to_picture(self, pos: QPointF) -> QPointF:
        """Map a point of the widget to the picture."""
        inverse, _ = self.viewportTransform().inverted()
        return inverse.map(pos)

    def fit(self) -> None:
        """Fit the whole picture in the view."""
        self._set_zoom(1.0)

    def zoom_at(self, notches: float, pos: QPointF) -> None:
        """Zoom in (out for negative notches), keeping the point under this widget position fixed."""
        zoom = min(max(self._zoom * math.pow(_ZOOM_STEP, notches), 1.0), _MAX_ZOOM)
        fixed, middle = self.to_picture(pos), QPointF(self.viewport().rect().center())
        shrink = self._zoom / zoom
        self._center = fixed + (self.to_picture(middle) - fixed) * shrink
        self._set_zoom(zoom)

    def _set_zoom(self, zoom: float) -> None:
        changed, self._zoom = zoom != self._zoom, zoom
        if not self._item.boundingRect().isEmpty():
            self.fitInView(self._item, Qt.AspectRatioMode.KeepAspectRatio)
            if zoom > 1.0:
                self.scale(zoom, zoom)
                self.centerOn(self._center)
        self.setCursor(Qt.CursorShape.OpenHandCursor if zoom > 1.0 else Qt.CursorShape.ArrowCursor)
        if changed:
            self.zoom_changed.emit(zoom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_zoom(self._zoom)

    # Mouse events

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_at(event.angleDelta().y() / _NOTCH, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._pressed, self._dragging = event.position().toPoint(), False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        pos = event.position().toPoint()
        if not self._dragging and (pos - self._pressed).manhattanLength() < QApplication.startDragDistance():
            return
        if not self._dragging and self._zoom > 1.0:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._dragging = True
        if self._zoom > 1.0:
            middle = QPointF(self.viewport().rect().center())
            self._center = self.to_picture(middle - QPointF(pos - self._pressed))
            self.centerOn(self._center)
            self._center = self.to_picture(middle)  # `centerOn` clamps to the picture's edges
        self._pressed = pos
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = self._pressed is not None and not self._dragging and event.button() is Qt.MouseButton.LeftButton
        self._pressed = None
        self.setCursor(Qt.CursorShape.OpenHandCursor if self._zoom > 1.0 else Qt.CursorShape.ArrowCursor)
        if clicked:
            self.picture_clicked.emit(self.to_picture(event.position()))
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.picture_click_undone.emit()
            self.fit()
        event.accept()


class _PictureItem(QGraphicsItem):
    """One decoded picture, scaled to the size of the source video."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: PlayerPicture | None = None
        self._rect = QRectF()

    def set_size(self, width: int, height: int) -> None:
        self.prepareGeometryChange()
        self._rect = QRectF(0, 0, width, height)

    def show_picture(self, picture: PlayerPicture | None) -> None:
        self._picture = picture

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._picture is not None:
            painter.drawImage(self._rect, self._picture.image)
