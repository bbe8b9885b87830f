"""Paints the face overlays in the `ON_PICTURE` palette."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from clipgen_engine.ranking.terms import REGION_MULTIPLIERS
from clipgen_gui.look.theme import ON_PICTURE, color, px, ui_font
from clipgen_gui.player.face_overlays import FaceOverlay, Overlay
from clipgen_gui.widgets.score_style import term_color

_MIN_LABELED_WIDTH = 110.0  # screen px; smaller faces have no room for region labels
_CHIP_HEIGHT = 22
_FULL_MOVEMENT = 0.5  # movement at which a region is filled at full opacity
# Ellipses of each region on an upright face: centre and half axes as fractions of the box.
_CENTER = (0.49, 0.36)  # `center_xy` within the box of an upright face, measured; turning the head shifts it
_REGION_ELLIPSES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "brows": ((0.29, 0.27, 0.17, 0.055), (0.71, 0.27, 0.17, 0.055)),
    "eyelids": ((0.29, 0.37, 0.13, 0.06), (0.71, 0.37, 0.13, 0.06)),
    "gaze": ((0.29, 0.375, 0.045, 0.035), (0.71, 0.375, 0.045, 0.035)),
    "cheeks_nose": ((0.5, 0.55, 0.34, 0.1),),
    "mouth": ((0.5, 0.745, 0.21, 0.075),),
    "jaw": ((0.5, 0.93, 0.24, 0.065),),
}
# Vertical position of each region's label beside the face, as a fraction of the box height.
_LABEL_HEIGHTS = {"brows": 0.2, "eyelids": 0.33, "gaze": 0.46, "cheeks_nose": 0.6, "mouth": 0.75, "jaw": 0.92}


class FacePainter:
    """Paints face overlays with a painter in widget coordinates."""

    def __init__(self, painter: QPainter, to_widget: Callable[[float, float], QPointF]) -> None:
        """
        Args:
            to_widget: maps source px to widget coordinates.
        """
        self._painter, self._to_widget = painter, to_widget
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def draw(
        self,
        face: FaceOverlay,
        shown: frozenset[Overlay],
        *,
        inactive: bool,
        mesh: NDArray[np.float32] | None,
    ) -> None:
        """Draw the overlays of a face.

        Args:
            inactive: whether another face is the active one.
            mesh: (478, 2 or 3) float32, source px, of this exact frame; None if not available.
        """
        box = self._rect(face)
        if Overlay.CROP in shown and face.crop and not inactive:
            self._draw_crop(face)
        if Overlay.REGIONS in shown and face.regions and box.width() >= _MIN_LABELED_WIDTH and not inactive:
            self._draw_regions(face, box)
        if Overlay.MESH in shown and mesh is not None:
            self._draw_mesh(mesh, box)
        if Overlay.BOX in shown:
            self._draw_box(face, box, inactive=inactive)

    def _rect(self, face: FaceOverlay) -> QRectF:
        x, y, width, height = face.box_xywh
        return QRectF(self._to_widget(x, y), self._to_widget(x + width, y + height))

    def _draw_box(self, face: FaceOverlay, box: QRectF, *, inactive: bool) -> None:
        painter = self._painter
        arm = max(8.0, min(22.0, box.width() / 5))
        pen = QPen(QColor(ON_PICTURE.muted if inactive else ON_PICTURE.accent), 1 if inactive else 2)
        painter.setPen(pen)
        for corner, right, down in (
            (box.topLeft(), 1, 1),
            (box.topRight(), -1, 1),
            (box.bottomLeft(), 1, -1),
            (box.bottomRight(), -1, -1),
        ):
            painter.drawPolyline([corner + QPointF(right * arm, 0), corner, corner + QPointF(0, down * arm)])
        at = QPointF(max(4.0, box.left()), max(4.0, box.top() - px(_CHIP_HEIGHT) - 6))
        texts = [
            (f"face {face.track_id + 1} · {face.confidence:.0%}", ON_PICTURE.muted if inactive else ON_PICTURE.text)
        ]
        if not inactive:
            texts += [(f"{short} {value:.2f}", term_color(name, ON_PICTURE)) for short, value, name in face.terms]
        for text, tint in texts:
            at.setX(at.x() + draw_chip(painter, at, text, tint))

    def _draw_mesh(self, points: NDArray[np.float32], box: QRectF) -> None:
        painter = self._painter
        polygon = QPolygonF([self._to_widget(float(x), float(y)) for x, y in points[:, :2]])
        pen = QPen(color(ON_PICTURE.accent, 230), max(1.2, min(2.4, box.width() / 120)))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(polygon)

    def _draw_crop(self, face: FaceOverlay) -> None:
        """Outline the crop and dim everything outside it."""
        painter = self._painter
        outline = QPainterPath()
        outline.addPolygon(QPolygonF([self._to_widget(x, y) for x, y in face.crop]))
        outline.closeSubpath()
        rest = QPainterPath()
        rest.addRect(QRectF(painter.viewport()))
        painter.fillPath(rest.subtracted(outline), color(ON_PICTURE.stage, 150))
        painter.setPen(QPen(QColor(ON_PICTURE.text), 1.5, Qt.PenStyle.DashLine))
        painter.drawPath(outline)
        lowest = max((self._to_widget(x, y) for x, y in face.crop), key=lambda corner: corner.y() - corner.x() / 1e4)
        draw_chip(painter, lowest + QPointF(6, -px(_CHIP_HEIGHT) - 4), "crop", ON_PICTURE.text)

    def _draw_regions(self, face: FaceOverlay, box: QRectF) -> None:
        """Fill each region and brighten its label in proportion to its movement; the label states the share."""
        painter = self._painter
        tint = term_color("expression_variation", ON_PICTURE)
        metrics = QFontMetricsF(ui_font(12))
        painter.setFont(ui_font(12))
        height = px(18)
        bottom = -math.inf  # of the label above; keeps labels from overlapping on small faces
        for region_movement in sorted(face.regions, key=lambda one: _LABEL_HEIGHTS.get(one.region, 1.0)):
            region, share = region_movement.region, region_movement.share
            if region not in _REGION_ELLIPSES:
                continue
            weight = min(1.0, region_movement.movement / _FULL_MOVEMENT)
            painter.setBrush(color(tint, round(150 * weight)))
            painter.setPen(QPen(color(tint, round(70 + 185 * weight)), 1 + weight))
            for x, y, half_width, half_height in _REGION_ELLIPSES[region]:
                painter.save()
                painter.translate(self._on_face(face, box, x, y))
                painter.rotate(face.roll_deg)
                painter.drawEllipse(QPointF(0, 0), half_width * box.width(), half_height * box.height())
                painter.restore()
            painter.setBrush(Qt.BrushStyle.NoBrush)
            text = f"{REGION_MULTIPLIERS[region].label} {share:.0%}"
            width = metrics.horizontalAdvance(text) + 12
            top = max(bottom + 2, box.top() + _LABEL_HEIGHTS[region] * box.height() - height / 2)
            bottom = top + height
            plate = QRectF(box.right() + 14, top, width, height)
            x, y, half_width, _ = _REGION_ELLIPSES[region][-1]
            painter.drawLine(self._on_face(face, box, x + half_width, y), QPointF(plate.left(), plate.center().y()))
            painter.fillRect(plate, color(ON_PICTURE.window, 215))
            painter.fillRect(QRectF(plate.left(), plate.bottom() - 2, width * min(1.0, share), 2), QColor(tint))
            painter.setPen(color(ON_PICTURE.text, round(150 + 105 * weight)))
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)

    def _on_face(self, face: FaceOverlay, box: QRectF, x: float, y: float) -> QPointF:
        """Map a point on the upright face to the widget, shifted to the face centre and rotated by the roll."""
        center = self._to_widget(*face.center_xy)
        center_shares = (center.x() - box.left()) / box.width(), (center.y() - box.top()) / box.height()
        stretched = [
            value * actual / upright if value <= upright else 1 - (1 - value) * (1 - actual) / (1 - upright)
            for value, actual, upright in zip((x, y), center_shares, _CENTER, strict=True)
        ]
        across, down = (stretched[0] - 0.5) * box.width(), (stretched[1] - 0.5) * box.height()
        cos, sin = math.cos(math.radians(face.roll_deg)), math.sin(math.radians(face.roll_deg))
        return box.center() + QPointF(across * cos - down * sin, across * sin + down * cos)


def draw_chip(painter: QPainter, at: QPointF, text: str, tint: str) -> float:
    """Draw a label on a dark plate; return its width including the gap."""
    font = ui_font(13)
    width = QFontMetricsF(font).horizontalAdvance(text)
    plate = QRectF(at.x(), at.y(), width + 14, px(_CHIP_HEIGHT))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ON_PICTURE.window, 215))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor(tint))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(font)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate.width() + 5
