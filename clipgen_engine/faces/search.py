"""Where to look for faces: squares that cover the picture at three sizes, and views that follow a face.

The detector knows faces that take up at least about a seventh of what it is shown. On squares of the whole, half and
0.3 of the longer side it finds faces down to 4 % of that side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipgen_engine.faces.boxes import box_center, overlap
from clipgen_engine.faces.models import Detection, FaceMesh
from clipgen_engine.opencv import cv2
from clipgen_engine.types import Float32Array, UInt8Array

_TILE_SIDES = (0.5, 0.3)  # of the longer side
_OVERLAP = 0.35
_SAME_FACE_OVERLAP = 0.3  # intersection over union from which two hits are one face

# A view shows a face with room around it. It stays where it is while the face stays within the leash, then goes
# along with it, so that the face's mesh moves smoothly in the view and not at all in a still picture.
_VIEW_SIDE = 2.6  # of a new view, in face sizes
_MIN_VIEW_SIDE, _MAX_VIEW_SIDE = 2.0, 3.5
_LEASH = 0.15
_MIN_CROP_SIDE_PX = 384
_MAX_ENLARGEMENT = 4
_MUCH = 2.0  # from this enlargement on a sharper way is worth its five times longer time
_SHARPENING = 0.5  # of the detail finer than the radius, which smallness and compression have weakened
_SHARPENING_RADIUS_PX = 0.8


@dataclass(frozen=True)
class View:
    """A rectangle of the picture, px; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int

    def crop(self, pixels: UInt8Array) -> UInt8Array:
        """(height, width, 3) uint8: the pixels of the view, black beyond the picture."""
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
        """As `crop`, a small view enlarged: the landmarker's own enlarging loses more of a far face."""
        crop = self.crop(pixels)
        scale = min(_MAX_ENLARGEMENT, _MIN_CROP_SIDE_PX / max(crop.shape[:2]))
        if scale <= 1:
            return crop
        interpolation = cv2.INTER_CUBIC
        if scale >= _MUCH:
            interpolation = cv2.INTER_LANCZOS4
            blurred = cv2.GaussianBlur(crop, (0, 0), _SHARPENING_RADIUS_PX)
            crop = cv2.addWeighted(crop, 1 + _SHARPENING, blurred, -_SHARPENING, 0)
        enlarged: UInt8Array = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=interpolation)
        return enlarged

    def in_picture(self, mesh: FaceMesh) -> FaceMesh:
        """A mesh found on the view, its points in px of the picture."""
        points = mesh.points * np.float32(self.width / mesh.picture_width)
        points[:, :2] += np.array([self.left, self.top], np.float32)
        return replace(mesh, points=points)

    def following(self, box_xywh: Float32Array) -> View:
        """The square view for the next picture, given where the face is now."""
        size = float(box_xywh[2:].max())
        side = round(min(max(self.width, _MIN_VIEW_SIDE * size), _MAX_VIEW_SIDE * size))
        center = box_center(box_xywh)
        place = []
        for axis, (start, old_side) in enumerate(((self.left, self.width), (self.top, self.height))):
            middle = start + old_side / 2
            off = float(center[axis]) - middle
            pull = math.copysign(max(0.0, abs(off) - _LEASH * size), off)
            place.append(round(middle + pull - side / 2))
        return View(place[0], place[1], side, side)


def whole(width: int, height: int) -> View:
    return View(0, 0, width, height)


def view_around(box_xywh: Float32Array, side_in_faces: float = _VIEW_SIDE) -> View:
    """A square view with the box in its middle."""
    side = max(2, round(side_in_faces * float(box_xywh[2:].max())))
    center = box_center(box_xywh)
    return View(round(float(center[0]) - side / 2), round(float(center[1]) - side / 2), side, side)


def search_tiles(width: int, height: int) -> tuple[View, ...]:
    """The whole picture, then squares of half and of 0.3 of the longer side that overlap and cover it."""
    tiles = [whole(width, height)]
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
    count = math.ceil((length - side) / (side * (1 - _OVERLAP))) + 1
    return [round(start) for start in np.linspace(0, length - side, count)]


def moved(detections: Sequence[Detection], view: View) -> list[Detection]:
    """Detections of a view in px of the picture."""
    corner = np.array([view.left, view.top, 0, 0], np.float32)
    return [Detection(hit.box_xywh + corner, hit.score) for hit in detections]


def distinct(detections: Sequence[Detection]) -> list[Detection]:
    """One hit a face: the best, largest first."""
    kept: list[Detection] = []
    for hit in sorted(detections, key=lambda hit: -hit.score):
        if not any(overlap(hit.box_xywh, other.box_xywh) > _SAME_FACE_OVERLAP for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: -float(hit.box_xywh[2]))
