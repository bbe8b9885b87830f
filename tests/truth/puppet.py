"""A portrait as a puppet in three dimensions: facial actions of known amplitude under a known head pose.

The portrait of the sample is warped in its own plane by a thin-plate spline through its landmarks, lids and irises are
moved within the eyes, and the result is turned as `turning` does it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from tests.support.paths import ROOT
from tests.truth.turning import Pose, TurningHead, find_mesh

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIZE = (480, 360)  # width, height of a rendered picture, px
_FACE_PX = 170.0  # height of the face in it
_UPSCALE = 3  # of the portrait, before it is warped
_GRID = 4  # portrait px between nodes of the spline
_CORNER, _NODES = np.array((98.0, 2.0)), (66, 62)  # of the warped part of the portrait; columns, rows
_RELAXED = 0.66  # warp that relaxes the portrait's broad smile

# (upper lid, lower lid), outer to inner corner
_EYES = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
_CREASE = 1.4  # the skin that covers a closing eye begins this many eye openings above the lid's edge
_IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))  # centre and four points of the rim, in order of _EYES
_LOOK_PX = 4.5  # displacement of the irises at gaze 1, portrait px


_SPLINE_PARTS = ("brows_up", "smile", "jaw_open", "pucker", "mouth_sideways", "upper_lip_up")
# An amplitude of 1 displaces the landmarks as far as looks natural. The portrait's brows are too faint for MediaPipe to
# see them lowered, and its lids do not follow a look up or down: both are left out.
ACTIONS = (*_SPLINE_PARTS, "lids_closed", "gaze_horizontal")


def _sample_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample", ROOT / "resources" / "make_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_sample"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, eq=False)
class _Eye:
    place: tuple[slice, slice]  # of the eye in the upscaled portrait
    white: Floats  # (h, w, 3), without the iris
    picture: Floats  # (h, w, 3)
    disc: Array  # (h, w), opacity of the iris where it is
    opening: Array  # (h, w), what the lids leave open


class Puppet:
    """Renders the portrait; see `load_puppet`."""

    def __init__(self) -> None:
        sample = _sample_maker()
        picture: Picture = sample.data.astronaut()
        mesh = find_mesh(picture)
        self._mesh = mesh[:, :2]
        portrait = sample.load_portrait()
        self._layers: Floats = portrait.picture
        self._shadow_color = np.array((48, 20, 18), np.float32)
        self._width = float(np.ptp(self._mesh[:468, 0]))
        self._scale = _FACE_PX / float(np.ptp(self._mesh[:468, 1]))
        self._face_center = self._mesh[list(sample.CENTER_POINTS)].mean(axis=0)
        ground = cv2.resize(portrait.backdrop, SIZE, interpolation=cv2.INTER_CUBIC)
        self._backdrop = np.asarray(ground, np.float32)
        self._controls, self._moves, self._lip_line = self._plan(sample)
        self._head = TurningHead(mesh)
        self._eyes = [self._eye(*lids, list(iris)) for lids, iris in zip(_EYES, _IRISES, strict=True)]

    def render(self, actions: Mapping[str, float] | None = None, pose: Pose | None = None) -> Picture:
        """(360, 480, 3) uint8 RGB picture of the face with these actions (0..1, or -1..1 where signed) and pose."""
        given = tuple(sorted((name, round(float(value), 6)) for name, value in (actions or {}).items() if value))
        return self._posed(self._expression(given), pose or Pose())

    def _plan(self, sample: ModuleType) -> tuple[Array, dict[str, Array], slice]:
        """Control points of the spline, their displacement per part, and the slice of the lower lip's inner edge."""
        mesh, width = self._mesh, self._width
        controls: list[Array] = []
        shifts: dict[str, list[tuple[float, float]]] = {part: [] for part in _SPLINE_PARTS}
        middle = (mesh[61, 0] + mesh[291, 0]) / 2
        across = (mesh[:, 0] - middle) / (mesh[291, 0] - mesh[61, 0]) * 2

        def add(points: Array, **parts: tuple[float, float]) -> None:
            controls.extend(points)
            for part in _SPLINE_PARTS:
                shifts[part].extend([parts.get(part, (0.0, 0.0))] * len(points))

        for index in sample.BROWS:
            inner = index in (107, 55, 336, 285, 66, 296)
            add(mesh[[index]], brows_up=(0, -0.085 * (1.1 if inner else 0.9)))
        for upper, lower in _EYES:
            add(mesh[list(dict.fromkeys((*upper, *lower)))])
        lips = [(index, "upper") for index in sample.UPPER_LIP] + [(index, "lower") for index in sample.LOWER_LIP]
        for index, edge in lips + [(index, "lower") for index in sample.INNER_LOWER_LIP]:
            x, bulge = across[index], max(0.0, 1 - across[index] ** 2)
            moves = sample.mouth_moves(x, edge)
            add(
                mesh[[index]],
                smile=tuple(-value for value in moves["smile"]),
                jaw_open=moves["jaw"],
                pucker=(-0.075 * x, (-0.02 if edge == "upper" else 0.02) * bulge),
                mouth_sideways=(0.10, 0.0),
                upper_lip_up=(0.0, -0.07 * (1 - 0.5 * x**2)) if edge == "upper" else (0.0, 0.0),
            )
        lip_line = slice(len(controls) - len(sample.INNER_LOWER_LIP), len(controls))
        for index in sample.INNER_LOWER_LIP[2:-2]:
            moves = sample.mouth_moves(across[index], "teeth")
            add(
                mesh[[index]] - (0, sample.TEETH_INSET),
                smile=tuple(-value for value in moves["smile"]),
                pucker=(-0.075 * across[index], 0.0),
                mouth_sideways=(0.10, 0.0),
            )
        add(mesh[[152, 148, 176, 149, 150, 377, 400, 378, 379, 199, 200]], jaw_open=(0, 0.12), mouth_sideways=(0.02, 0))
        add(mesh[[136, 172, 58, 365, 397, 288]], jaw_open=(0, 0.05))
        add(mesh[[205, 50, 425, 280]], smile=(0, -0.025), upper_lip_up=(0, -0.015))
        add(mesh[[98, 327]], upper_lip_up=(0, -0.02))
        add(mesh[[168, 6, 197, 195, 1, 2, 132, 361, 234, 454]])
        angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        add(np.column_stack((np.cos(angles) * 74, np.sin(angles) * 82)) + (mesh[1] - (0, 6)))
        return np.array(controls), {part: np.array(shifts[part]) * width for part in _SPLINE_PARTS}, lip_line

    @lru_cache(maxsize=8)  # noqa: B019 - the puppet lives as long as the process
    def _expression(self, actions: tuple[tuple[str, float], ...]) -> Floats:
        """(H, W, 4) float32: the warped part of the portrait, upscaled, premultiplied RGB and alpha."""
        strength = dict(actions)
        moved = self._controls - _RELAXED * self._moves["smile"]
        for part in _SPLINE_PARTS:
            moved = moved + strength.get(part, 0.0) * self._moves[part] * (_RELAXED if part == "smile" else 1.0)
        columns, rows = _NODES
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        nodes = np.column_stack((x.ravel(), y.ravel())) * _GRID + _CORNER
        spline = RBFInterpolator(moved, self._controls - moved, kernel="thin_plate_spline")
        fade = np.minimum(1, np.minimum.reduce([x, y, columns - 1 - x, rows - 1 - y]) / 5.0)
        shift = (spline(nodes).reshape(rows, columns, 2) * fade[..., None]).astype(np.float32)
        size = (columns * _GRID * _UPSCALE, rows * _GRID * _UPSCALE)
        u, v = np.meshgrid((np.arange(size[0]) + 0.5) / _UPSCALE, (np.arange(size[1]) + 0.5) / _UPSCALE)
        offset = cv2.remap(
            shift, (u / _GRID).astype(np.float32), (v / _GRID).astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        read_x, read_y = u + _CORNER[0] + offset[..., 0], v + _CORNER[1] + offset[..., 1]
        for upper, lower in _EYES:
            closed = strength.get("lids_closed", 0.0)
            if closed:
                _close_eye(read_y, read_x, self._mesh[list(upper)], self._mesh[list(lower)], closed)
        look = strength.get("gaze_horizontal", 0.0)
        layers = cv2.remap(
            self._looking(look) if look else self._layers,
            (read_x * _UPSCALE - 0.5).astype(np.float32),
            (read_y * _UPSCALE - 0.5).astype(np.float32),
            cv2.INTER_LINEAR,
        )
        shadow = self._mouth_shadow(moved, size)[..., None]
        layers[..., :3] = layers[..., :3] * (1 - shadow) + self._shadow_color * shadow
        return np.asarray(layers, np.float32)

    def _eye(self, upper: tuple[int, ...], lower: tuple[int, ...], iris: list[int]) -> _Eye:
        """Prepare an eye: its white without the iris, the iris, and what the lids leave open."""
        rim = self._mesh[iris[1:]]
        center, radius = rim.mean(axis=0), float(np.hypot(*(rim - rim.mean(axis=0)).T).mean())
        low = np.floor((self._mesh[list(upper)].min(axis=0) - 6) * _UPSCALE).astype(int)
        high = np.ceil((self._mesh[list(lower)].max(axis=0) + 6) * _UPSCALE).astype(int)
        place = slice(low[1], high[1]), slice(low[0], high[0])
        shape = (high[1] - low[1], high[0] - low[0])
        outline = np.vstack((self._mesh[list(upper)], self._mesh[list(lower)][::-1])) * _UPSCALE - low
        opening = np.zeros(shape, np.uint8)
        cv2.fillPoly(opening, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
        distance = np.hypot(x - (center[0] * _UPSCALE - low[0]), y - (center[1] * _UPSCALE - low[1])) / _UPSCALE
        picture = np.clip(self._layers[place][..., :3], 0, 255).astype(np.uint8)
        hidden = ((distance < radius + 1.2) & (opening > 0)).astype(np.uint8)
        white = cv2.inpaint(picture, hidden, 3 * _UPSCALE, cv2.INPAINT_TELEA)
        disc = np.clip((radius + 0.4 - distance) / 0.8, 0, 1)
        return _Eye(place, white.astype(np.float32), picture.astype(np.float32), disc, opening / 255.0)

    def _looking(self, left: float) -> Floats:
        """The portrait with both irises displaced behind the lids; the person's left is the picture's right."""
        layers = self._layers.copy()
        move = np.array([[1, 0, left * _LOOK_PX * _UPSCALE], [0, 1, 0]], np.float64)
        for eye in self._eyes:
            size = (eye.disc.shape[1], eye.disc.shape[0])
            iris = cv2.warpAffine(eye.picture, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            disc = cv2.warpAffine(eye.disc, move, size, flags=cv2.INTER_LINEAR)[..., None]
            inside = eye.opening[..., None]
            eyeball = eye.white * (1 - disc) + iris * disc
            layers[eye.place][..., :3] = layers[eye.place][..., :3] * (1 - inside) + eyeball * inside
        return layers

    def _mouth_shadow(self, moved: Array, size: tuple[int, int]) -> Floats:
        """Opacity of the dark space between the upper teeth and the lowered lip."""
        lip = moved[self._lip_line]
        teeth = moved[self._lip_line.stop : self._lip_line.stop + len(lip) - 4] + np.array((0, 1.2))
        outline = (np.vstack((lip[0], teeth, lip[::-1])) - _CORNER) * _UPSCALE - 0.5
        canvas = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(canvas, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.2), np.float32) / 255

    def _posed(self, layers: Floats, pose: Pose) -> Picture:
        width, height = SIZE
        scale = self._scale * pose.zoom
        center = np.array((width / 2, height / 2 - 10)) + pose.shift_px
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        goal_x = ((x - center[0]) / scale + self._face_center[0]).astype(np.float32)
        goal_y = ((y - center[1]) / scale + self._face_center[1]).astype(np.float32)
        read_x, read_y = self._head.read_from(goal_x, goal_y, pose)
        inside = cv2.remap(
            layers,
            ((read_x - _CORNER[0]) * _UPSCALE - 0.5).astype(np.float32),
            ((read_y - _CORNER[1]) * _UPSCALE - 0.5).astype(np.float32),
            cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        frame = self._backdrop * (1 - inside[..., 3:]) + inside[..., :3]
        return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def _close_eye(read_y: Any, read_x: Any, upper: Array, lower: Array, closed: float) -> None:
    """Change the rows that are read, in place, so that the upper lid of one eye comes down."""
    left, right = float(upper[:, 0].min()), float(upper[:, 0].max())
    top = np.polyfit(upper[:, 0] - left, upper[:, 1], 4)
    bottom = np.polyfit(lower[:, 0] - left, lower[:, 1], 4)
    opening = float(np.max(lower[:, 1] - upper[:, 1]))
    rows = slice(*np.flatnonzero(np.abs(read_y - upper[:, 1].mean()).min(axis=1) < 3 * opening)[[0, -1]])
    x, y = read_x[rows].copy(), read_y[rows].copy()
    within = (x > left) & (x < right)
    edge, floor = np.polyval(top, x - left), np.polyval(bottom, x - left)
    floor = np.maximum(floor, edge)
    arch = np.sqrt(np.maximum(1 - ((x - (left + right) / 2) / (right - left) * 2) ** 2, 0))
    crease = edge - _CREASE * opening * arch
    lid = edge + closed * (floor + 0.4 - edge)
    on_lid = within & (y > crease) & (y < lid)
    stretched = crease + (y - crease) * (edge - crease) / np.maximum(lid - crease, 1e-6)
    read_y[rows] = np.where(on_lid, stretched, read_y[rows])


@lru_cache(maxsize=1)
def load_puppet() -> Puppet:
    """Return the puppet; takes a few seconds."""
    return Puppet()
