"""Rotation of the head from face landmarks, as MediaPipe's face geometry estimates it.

Landmarks are unprojected by a camera with a vertical field of view of 63 degrees, at the depth that the size of the
face suggests, and a canonical face is laid over them: a weighted orthogonal Procrustes problem (Akca, Generalized
Procrustes analysis and its applications in photogrammetry, 2003).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np

from clipgen_engine.types import Float32Array, Float64Array

_FIELD_OF_VIEW_DEG = 63.0
_MESH_POINTS = 468  # of 478 landmarks; the others are those of the irises
_VERTEX_VALUES = 5  # x, y, z and two texture coordinates
_CANONICAL_MESH, _BASIS = 1, 2  # fields of the geometry file
_VERTICES = 3  # field of the mesh
_POINT, _WEIGHT = 1, 2  # fields of an entry of the basis


class HeadPose:
    """Estimates the rotation of a head; created from the bundle's geometry file.

    Raises:
        ValueError, LookupError: not a geometry file.
    """

    def __init__(self, geometry: bytes) -> None:
        fields = list(_fields(geometry))
        mesh = next(value for number, value in fields if number == _CANONICAL_MESH)
        vertices = b"".join(_message(value) for number, value in _fields(_message(mesh)) if number == _VERTICES)
        basis = [dict(_fields(_message(value))) for number, value in fields if number == _BASIS]
        points = np.frombuffer(vertices, "<f4").reshape(-1, _VERTEX_VALUES)[:, :3].astype(np.float64)
        self._points = np.array([entry.get(_POINT, 0) for entry in basis])
        self._weight = np.array([struct.unpack("<f", _message(entry[_WEIGHT]))[0] for entry in basis])
        canonical = points[self._points].T
        center = (canonical @ self._weight) / self._weight.sum()
        self._canonical = (canonical - center[:, np.newaxis]) * self._weight  # (3, K), weighted
        self._spread = float((self._canonical * canonical).sum())

    def angles_deg(self, points: Float32Array, width: int, height: int) -> Float32Array:
        """Yaw, pitch and roll of the head.

        Args:
            points: (478, 3) float32 landmarks, px of a picture of this width and height.

        Returns:
            (3,) float32, degrees. Positive yaw turns the face to the right of the picture, positive pitch up; positive
            roll tilts it clockwise.
        """
        unit = 2 * math.tan(math.radians(_FIELD_OF_VIEW_DEG / 2)) / height  # of the plane at distance 1, per px
        seen = points[self._points].astype(np.float64).T
        across, up = (seen[0] - width / 2) * unit, (height / 2 - seen[1]) * unit
        depth = (seen[2] - float(points[:_MESH_POINTS, 2].mean(dtype=np.float64))) * unit + 1
        first, _ = self._laid_over(np.stack([across, up, -depth]))

        def unprojected(scale: float) -> Float64Array:
            away = depth / scale
            return np.stack([across * away, up * away, -away])

        second, _ = self._laid_over(unprojected(first))
        _, rotation = self._laid_over(unprojected(first * second))
        yaw = math.atan2(rotation[0, 2], rotation[2, 2])
        pitch = math.asin(min(max(float(rotation[1, 2]), -1.0), 1.0))
        roll = -math.atan2(rotation[1, 0], rotation[1, 1])
        return np.array([math.degrees(angle) for angle in (yaw, pitch, roll)], np.float32)

    def _laid_over(self, targets: Float64Array) -> tuple[float, Float64Array]:
        """Scale and rotation (3, 3) that lay the canonical face over target points (3, K)."""
        left, _, right = np.linalg.svd(targets @ self._canonical.T)
        if np.linalg.det(left) * np.linalg.det(right) < 0:  # a reflection is no rotation
            left[:, 2] *= -1
        rotation = left @ right
        scale = float(((rotation @ self._canonical) * targets).sum()) / self._spread
        return scale, rotation


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message in protocol buffers' wire format."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        if kind not in (2, 5):
            raise ValueError("unknown field")
        size = varint() if kind == 2 else 4
        yield key >> 3, message[at : at + size]
        at += size


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("not a message")  # noqa: TRY004  (of the file, not of the caller)
    return value
