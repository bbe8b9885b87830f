"""Parts of the picture in which the detector searches for faces: tiles at three scales, and views around a face.

The detector finds faces down to about a seventh of its input. Tiles of 1, 0.5 and 0.3 times the longer side extend this
to 4 % of that side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipgen_engine.faces.boxes import box_center, iou
from clipgen_engine.faces.detector import Detection
from clipgen_engine.types import Float32Array, UInt8Array

_TILE_SIDES = (0.5, 0.3)  # of the longer side
_TILE_OVERLAP = 0.35
_NMS_IOU = 0.3  # above this, two detections are of the same face


@dataclass(frozen=True)
class View:
    """A rectangle in the picture, px; may extend beyond it."""

    left: int
    top: int
    width: int
    height: int

    def crop(self, pixels: UInt8Array) -> UInt8Array:
        """Crop to (height, width, 3) uint8, padded with black beyond the picture."""
        full_height, full_width = pixels.shape[:2]
        if (self.left, self.top, self.width, self.height) == (0, 0, full_width, full_height):
            return pixels
        left, top = max(0, self.left), max(0, self.top)
        right, bottom = min(full_width, self.left + self.width), min(full_height, self.top + self.height)
        inside = pixels[top : max(top, bottom), left : max(left, right)]
        if inside.shape[:2] == (self.height, self.width):
            return np.ascontiguousarray(inside)
        padded = np.zeros((self.height, self.width, 3), np.uint8)
        rows = slice(top - self.top, top - self.top + inside.shape[0])
        columns = slice(left - self.left, left - self.left + inside.shape[1])
        padded[rows, columns] = inside
        return padded


def whole_picture(width: int, height: int) -> View:
    return View(0, 0, width, height)


def view_around(box_xywh: Float32Array, side_in_faces: float) -> View:
    """Square view centred on the box."""
    side = max(2, round(side_in_faces * float(box_xywh[2:].max())))
    center = box_center(box_xywh)
    return View(round(float(center[0]) - side / 2), round(float(center[1]) - side / 2), side, side)


def search_tiles(width: int, height: int) -> tuple[View, ...]:
    """The whole picture, then overlapping tiles of 0.5 and 0.3 times the longer side that cover it."""
    tiles = [whole_picture(width, height)]
    for share in _TILE_SIDES:
        side = round(share * max(width, height))
        tiles += [
            View(left, top, min(side, width), min(side, height))
            for top in _starts(height, side)
            for left in _starts(width, side)
        ]
    return tuple(tiles)


def _starts(length: int, side: int) -> list[int]:
    if side >= length:
        return [0]
    count = math.ceil((length - side) / (side * (1 - _TILE_OVERLAP))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]


def to_picture(detections: Sequence[Detection], view: View) -> list[Detection]:
    """Map detections from a view to px of the picture."""
    corner = np.array([view.left, view.top, 0, 0], np.float32)
    return [replace(hit, box_xywh=hit.box_xywh + corner) for hit in detections]


def non_maximum_suppression(detections: Sequence[Detection]) -> list[Detection]:
    """Keep the best detection of each face; largest first."""
    kept: list[Detection] = []
    for hit in sorted(detections, key=lambda hit: -hit.score):
        if not any(iou(hit.box_xywh, other.box_xywh) > _NMS_IOU for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: -float(hit.box_xywh[2]))
