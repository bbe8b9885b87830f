"""Overlay data for the faces of a frame. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import FaceTrack
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.windows import Key

if TYPE_CHECKING:
    from clipgen_engine.clips.crop_path import CropPath

Point = tuple[float, float]  # upright source px
_MIN_VARIANCE = 1e-4  # floor of the total variance, so that a still face has shares near 0
_MAX_CACHED_WINDOWS = 200


class Overlay(StrEnum):
    """Overlays that can be drawn over the picture; the command of the same name toggles each."""

    BOX = "box"
    MESH = "mesh"
    CROP = "crop"
    REGIONS = "regions"


@dataclass(frozen=True)
class RegionMovement:
    """Movement of a face region within a window."""

    region: str
    movement: float  # square root of its blendshape variance, before weighting
    share: float  # of the total variance of all regions, 0..1


@dataclass(frozen=True)
class FaceOverlay:
    """Overlay data of one face on one frame."""

    track_id: int
    confidence: float
    box_xywh: tuple[float, float, float, float]  # upright source px
    center_xy: tuple[float, float]  # upright source px; between the eyes, see `FaceTrack`
    roll_deg: float
    terms: tuple[tuple[str, float, str], ...]  # short label, value and name of each score
    regions: tuple[RegionMovement, ...] = ()
    crop: tuple[Point, ...] = ()  # corners of the square crop, clockwise from the top left


class OverlayBuilder:
    """Builds overlay data for the frames of one video; caches per-window results."""

    def __init__(self, entry: VideoEntry) -> None:
        self._entry = entry
        self._ranker: object = None  # the ranker that the cached values were computed from
        self._movements: dict[Key, tuple[RegionMovement, ...]] = {}
        self._crops: dict[tuple[Key, ExportSettings], CropPath | None] = {}

    def faces(
        self, frame: int, terms: tuple[str, ...], shown: frozenset[Overlay], export: ExportSettings
    ) -> tuple[FaceOverlay, ...]:
        """Return overlay data for each face on a frame.

        Args:
            terms: names of the scores to include.
            shown: enabled overlays; data for the others is omitted.
            export: settings of the crop.
        """
        entry = self._entry
        if entry.analysis is None:
            return ()
        if entry.ranker is not self._ranker or len(self._movements) + len(self._crops) > _MAX_CACHED_WINDOWS:
            self._ranker = entry.ranker
            self._movements.clear()
            self._crops.clear()
        faces = []
        for track in entry.analysis.tracks:
            row = track.row_of(frame)
            if row is None:
                continue
            x, y, width, height = (float(value) for value in track.box_xywh[row])
            window = self._window_of(track, frame)
            faces.append(
                FaceOverlay(
                    track.track_id,
                    float(track.confidence[row]),
                    (x, y, width, height),
                    (float(track.center_xy[row, 0]), float(track.center_xy[row, 1])),
                    float(track.head_pose_deg[row, 2]),
                    self._terms(track.track_id, frame, terms),
                    self._regions(window) if Overlay.REGIONS in shown else (),
                    self._crop_corners(track, window, frame, export) if Overlay.CROP in shown else (),
                )
            )
        return tuple(faces)

    def _window_of(self, track: FaceTrack, frame: int) -> Key:
        """Return the selected window if it covers this face and frame, else a listed one, else the centred one."""
        entry, track_id = self._entry, track.track_id
        spans = [entry.selected] if entry.selected else []
        spans += [row.key for row in entry.rows]
        for start, stop, owner in spans:
            if owner == track_id and start <= frame < stop:
                return start, stop, owner
        length = entry.ranking.settings.sequence_length if entry.ranking else 1
        start = frame - (length - 1) // 2
        # Near the ends of a track, use the nearest complete window.
        first, last = int(track.frame_index[0]), int(track.frame_index[-1])
        start = max(first, min(start, last + 1 - length))
        return start, max(start + 1, min(start + length, last + 1)), track_id

    def _terms(self, track_id: int, frame: int, names: tuple[str, ...]) -> tuple[tuple[str, float, str], ...]:
        found = []
        initials = [TERMS[name].short_label[:1] for name in names]
        for name, initial in zip(names, initials, strict=True):
            curve = self._entry.curve(name, track_id)
            if curve is None:
                continue
            index = int(np.searchsorted(curve[0], frame))
            if index < len(curve[0]) and curve[0][index] == frame and np.isfinite(curve[1][index]):
                short = initial if initials.count(initial) == 1 else TERMS[name].short_label
                found.append((short, float(curve[1][index]), name))
        return tuple(found)

    def _regions(self, window: Key) -> tuple[RegionMovement, ...]:
        if window not in self._movements:
            self._movements[window] = self._compute_regions(window)
        return self._movements[window]

    def _compute_regions(self, window: Key) -> tuple[RegionMovement, ...]:
        if self._entry.ranker is None:
            return ()
        series = self._entry.ranker.series
        start, stop, track_id = window
        rows = series.window_at(track_id, start, stop - start)
        if rows is None or series.missing_frames(rows)[0]:
            return ()
        actions = series.actions()
        variance = actions.region_variance(rows)[:, 0]
        total = max(float(variance.sum()), _MIN_VARIANCE)
        both = zip(actions.regions, variance.tolist(), strict=True)
        return tuple(RegionMovement(region, (value / (1 + value)) ** 0.5, value / total) for region, value in both)

    def _crop_corners(self, track: FaceTrack, window: Key, frame: int, export: ExportSettings) -> tuple[Point, ...]:
        # OpenCV is imported lazily so that it does not delay the main window.
        from clipgen_engine.clips.crop_path import face_crop_path

        if (window, export) not in self._crops:
            assert self._entry.analysis is not None
            start, stop, _ = window
            self._crops[window, export] = face_crop_path(self._entry.analysis.video, track, start, stop, export)
        path = self._crops[window, export]
        if path is None:
            return ()
        row = frame - path.start_frame
        half, angle = float(path.side_px[row]) / 2, np.radians(float(path.roll_deg[row]))
        across = np.array([np.cos(angle), np.sin(angle)]) * half
        down = np.array([-np.sin(angle), np.cos(angle)]) * half
        corners = (path.center_xy[row] + x * across + y * down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
        return tuple((float(x), float(y)) for x, y in corners)
