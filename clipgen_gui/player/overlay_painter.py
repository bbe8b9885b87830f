"""Draws what is known of a face over the picture, in the colours for pictures."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from clipgen_engine.ranking.terms import REGION_MULTIPLIERS
from clipgen_gui.look.theme import ON_PICTURE, color, px, ui_font
from clipgen_gui.player.overlay_marks import FaceMark, Overlay
from clipgen_gui.widgets.score_style import term_color

_SMALLEST_NAMED = 110.0  # px of a face on the screen that has room for the names of its regions
_CHIP = 22
_MUCH = 0.5  # movement of a region that is filled fully
# Where a region is on an upright face: middle and half axes in shares of the box, mirrored where it has two sides.
_CENTER = (0.49, 0.36)  # of the steady points on an upright face, measured; a turned head moves them
_PLACES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "brows": ((0.29, 0.27, 0.17, 0.055), (0.71, 0.27, 0.17, 0.055)),
    "eyelids": ((0.29, 0.37, 0.13, 0.06), (0.71, 0.37, 0.13, 0.06)),
    "gaze": ((0.29, 0.375, 0.045, 0.035), (0.71, 0.375, 0.045, 0.035)),
    "cheeks_nose": ((0.5, 0.55, 0.34, 0.1),),
    "mouth": ((0.5, 0.745, 0.21, 0.075),),
    "jaw": ((0.5, 0.93, 0.24, 0.065),),
}
# Where the name of a region stands beside the face, so that names keep apart.
_NAME_HEIGHTS = {"brows": 0.2, "eyelids": 0.33, "gaze": 0.46, "cheeks_nose": 0.6, "mouth": 0.75, "jaw": 0.92}


class FacePainter:
    """Paints marks with a painter in widget coordinates."""

    def __init__(self, painter: QPainter, to_widget: Callable[[float, float], QPointF]) -> None:
        """
        Args:
            to_widget: from px of the source picture to the widget.
        """
        self._painter, self._to_widget = painter, to_widget
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def draw(
        self,
        mark: FaceMark,
        shown: frozenset[Overlay],
        *,
        aside: bool,
        mesh: NDArray[np.float32] | None,
    ) -> None:
        """Draw a face.

        Args:
            aside: another face is looked at.
            mesh: (478, 2 or 3) float32 points of the face on this very picture, px of the source; None: not known.
        """
        box = self._rect(mark)
        if Overlay.CROP in shown and mark.crop and not aside:
            self._draw_crop(mark)
        if Overlay.REGIONS in shown and mark.regions and box.width() >= _SMALLEST_NAMED and not aside:
            self._draw_regions(mark, box)
        if Overlay.MESH in shown and mesh is not None:
            self._draw_mesh(mesh, box)
        if Overlay.BOX in shown:
            self._draw_box(mark, box, aside=aside)

    def _rect(self, mark: FaceMark) -> QRectF:
        x, y, width, height = mark.box_xywh
        return QRectF(self._to_widget(x, y), self._to_widget(x + width, y + height))

    def _draw_box(self, mark: FaceMark, box: QRectF, *, aside: bool) -> None:
        painter = self._painter
        arm = max(8.0, min(22.0, box.width() / 5))
        pen = QPen(QColor(ON_PICTURE.muted if aside else ON_PICTURE.accent), 1 if aside else 2)
        painter.setPen(pen)
        for corner, right, down in (
            (box.topLeft(), 1, 1),
            (box.topRight(), -1, 1),
            (box.bottomLeft(), 1, -1),
            (box.bottomRight(), -1, -1),
        ):
            painter.drawPolyline([corner + QPointF(right * arm, 0), corner, corner + QPointF(0, down * arm)])
        at = QPointF(max(4.0, box.left()), max(4.0, box.top() - px(_CHIP) - 6))
        texts = [(f"face {mark.track_id + 1} · {mark.confidence:.0%}", ON_PICTURE.muted if aside else ON_PICTURE.text)]
        if not aside:
            texts += [(f"{short} {value:.2f}", term_color(name, ON_PICTURE)) for short, value, name in mark.terms]
        for text, tint in texts:
            at.setX(at.x() + draw_chip(painter, at, text, tint))

    def _draw_mesh(self, points: NDArray[np.float32], box: QRectF) -> None:
        painter = self._painter
        polygon = QPolygonF([self._to_widget(float(x), float(y)) for x, y in points[:, :2]])
        pen = QPen(color(ON_PICTURE.accent, 230), max(1.2, min(2.4, box.width() / 120)))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(polygon)

    def _draw_crop(self, mark: FaceMark) -> None:
        """What the crop leaves out is dimmed."""
        painter = self._painter
        outline = QPainterPath()
        outline.addPolygon(QPolygonF([self._to_widget(x, y) for x, y in mark.crop]))
        outline.closeSubpath()
        rest = QPainterPath()
        rest.addRect(QRectF(painter.viewport()))
        painter.fillPath(rest.subtracted(outline), color(ON_PICTURE.stage, 150))
        painter.setPen(QPen(QColor(ON_PICTURE.text), 1.5, Qt.PenStyle.DashLine))
        painter.drawPath(outline)
        lowest = max((self._to_widget(x, y) for x, y in mark.crop), key=lambda corner: corner.y() - corner.x() / 1e4)
        draw_chip(painter, lowest + QPointF(6, -px(_CHIP) - 4), "crop", ON_PICTURE.text)

    def _draw_regions(self, mark: FaceMark, box: QRectF) -> None:
        """A region that moves more is filled more, and its name is brighter; the share is written, too."""
        painter = self._painter
        tint = term_color("expression_variation", ON_PICTURE)
        metrics = QFontMetricsF(ui_font(12))
        painter.setFont(ui_font(12))
        height = px(18)
        bottom = -math.inf  # of the name above: names keep apart, however small the face is
        for moving in sorted(mark.regions, key=lambda one: _NAME_HEIGHTS.get(one.region, 1.0)):
            region, share = moving.region, moving.share
            if region not in _PLACES:
                continue
            weight = min(1.0, moving.movement / _MUCH)
            painter.setBrush(color(tint, round(150 * weight)))
            painter.setPen(QPen(color(tint, round(70 + 185 * weight)), 1 + weight))
            for x, y, half_width, half_height in _PLACES[region]:
                painter.save()
                painter.translate(self._on_face(mark, box, x, y))
                painter.rotate(mark.roll_deg)
                painter.drawEllipse(QPointF(0, 0), half_width * box.width(), half_height * box.height())
                painter.restore()
            painter.setBrush(Qt.BrushStyle.NoBrush)
            text = f"{REGION_MULTIPLIERS[region].label} {share:.0%}"
            width = metrics.horizontalAdvance(text) + 12
            top = max(bottom + 2, box.top() + _NAME_HEIGHTS[region] * box.height() - height / 2)
            bottom = top + height
            plate = QRectF(box.right() + 14, top, width, height)
            x, y, half_width, _ = _PLACES[region][-1]
            painter.drawLine(self._on_face(mark, box, x + half_width, y), QPointF(plate.left(), plate.center().y()))
            painter.fillRect(plate, color(ON_PICTURE.window, 215))
            painter.fillRect(QRectF(plate.left(), plate.bottom() - 2, width * min(1.0, share), 2), QColor(tint))
            painter.setPen(color(ON_PICTURE.text, round(150 + 105 * weight)))
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)

    def _on_face(self, mark: FaceMark, box: QRectF, x: float, y: float) -> QPointF:
        """Where a place on the upright face is in the widget: stretched to where the steady points are, and tilted."""
        center = self._to_widget(*mark.center_xy)
        shares = (center.x() - box.left()) / box.width(), (center.y() - box.top()) / box.height()
        bent = [
            place * share / usual if place <= usual else 1 - (1 - place) * (1 - share) / (1 - usual)
            for place, share, usual in zip((x, y), shares, _CENTER, strict=True)
        ]
        across, down = (bent[0] - 0.5) * box.width(), (bent[1] - 0.5) * box.height()
        cos, sin = math.cos(math.radians(mark.roll_deg)), math.sin(math.radians(mark.roll_deg))
        return box.center() + QPointF(across * cos - down * sin, across * sin + down * cos)


def draw_chip(painter: QPainter, at: QPointF, text: str, tint: str) -> float:
    """Draw a label on a dark plate; the width that it took, its gap included."""
    font = ui_font(13)
    width = QFontMetricsF(font).horizontalAdvance(text)
    plate = QRectF(at.x(), at.y(), width + 14, px(_CHIP))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ON_PICTURE.window, 215))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor(tint))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(font)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    return plate.width() + 5
