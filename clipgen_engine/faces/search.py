"""Regions of the picture to search for faces: tiles at three scales, and views that track a face.

The detector finds faces down to about a seventh of its input. Tiles of 1, 0.5 and 0.3 times the longer side extend this
to 4 % of that side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipgen_engine.faces.boxes import box_center, iou
from clipgen_engine.faces.models import Detection, FaceMesh
from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

_TILE_SIDES = (0.5, 0.3)  # of the longer side
_TILE_OVERLAP = 0.35
_NMS_IOU = 0.3  # above this, two detections are of the same face

# A view frames a face with a margin. It stays put while the face is within the dead zone, then moves with it, so that
# the mesh moves smoothly within the view, and not at all if the face is still.
_VIEW_SIDE = 2.6  # of a new view, in face sizes
_MIN_VIEW_SIDE, _MAX_VIEW_SIDE = 2.0, 3.5
_DEAD_ZONE = 0.15  # in face sizes
_MIN_CROP_SIDE_PX = 384
_MAX_ENLARGEMENT = 4
_LARGE_ENLARGEMENT = 2.0  # from this factor, a sharper filter is worth five times the run time
_SHARPENING = 0.5  # unsharp mask that restores detail lost to low resolution and compression
_SHARPENING_RADIUS_PX = 0.8


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

    def enlarged_crop(self, pixels: UInt8Array) -> UInt8Array:
        """`crop`, upscaled if small: the landmarker's own upscaling loses more detail of small faces."""
        crop = self.crop(pixels)
        scale = min(_MAX_ENLARGEMENT, _MIN_CROP_SIDE_PX / max(crop.shape[:2]))
        if scale <= 1:
            return crop
        interpolation = cv2.INTER_CUBIC
        if scale >= _LARGE_ENLARGEMENT:
            interpolation = cv2.INTER_LANCZOS4
            blurred = cv2.GaussianBlur(crop, (0, 0), _SHARPENING_RADIUS_PX)
            crop = cv2.addWeighted(crop, 1 + _SHARPENING, blurred, -_SHARPENING, 0)
        enlarged: UInt8Array = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=interpolation)
        return enlarged

    def in_picture(self, mesh: FaceMesh) -> FaceMesh:
        """Map a mesh from the view to px of the picture."""
        points = mesh.points * np.float32(self.width / mesh.picture_width)
        points[:, :2] += np.array([self.left, self.top], np.float32)
        return replace(mesh, points=points)

    def following(self, box_xywh: Float32Array) -> View:
        """Square view for the next frame, given the current face box."""
        size = float(box_xywh[2:].max())
        side = round(min(max(self.width, _MIN_VIEW_SIDE * size), _MAX_VIEW_SIDE * size))
        center = box_center(box_xywh)
        corner = []
        for axis, (start, old_side) in enumerate(((self.left, self.width), (self.top, self.height))):
            middle = start + old_side / 2
            offset = float(center[axis]) - middle
            shift = math.copysign(max(0.0, abs(offset) - _DEAD_ZONE * size), offset)
            corner.append(round(middle + shift - side / 2))
        return View(corner[0], corner[1], side, side)


def whole_picture(width: int, height: int) -> View:
    return View(0, 0, width, height)


def view_around(box_xywh: Float32Array, side_in_faces: float = _VIEW_SIDE) -> View:
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
    return [Detection(hit.box_xywh + corner, hit.score) for hit in detections]


def non_maximum_suppression(detections: Sequence[Detection]) -> list[Detection]:
    """Keep the best detection of each face; largest first."""
    kept: list[Detection] = []
    for hit in sorted(detections, key=lambda hit: -hit.score):
        if not any(iou(hit.box_xywh, other.box_xywh) > _NMS_IOU for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: -float(hit.box_xywh[2]))
