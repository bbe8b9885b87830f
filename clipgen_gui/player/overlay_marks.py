"""What is known of the faces on a frame, ready to be drawn over the picture. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import FaceTrack
from clipgen_gui.document.entry import Key, VideoEntry

if TYPE_CHECKING:
    from clipgen_engine.clips.crop_path import CropPath

Point = tuple[float, float]  # px of the upright source picture
_STILL = 1e-4  # variance below which nothing moves, whatever the shares of it are
_REMEMBERED = 200  # windows


class Overlay(StrEnum):
    """What can be drawn over the picture; each is switched by the command of its name."""

    BOX = "box"
    MESH = "mesh"
    CROP = "crop"
    REGIONS = "regions"


@dataclass(frozen=True)
class RegionMovement:
    """How much a region of the face moves in a window."""

    region: str
    movement: float  # root of the variance of its blendshapes: its part of the expression variation, before weights
    share: float  # of the variance of all regions, 0..1


@dataclass(frozen=True)
class FaceMark:
    """A face of one frame."""

    track_id: int
    confidence: float
    box_xywh: tuple[float, float, float, float]  # px of the upright source picture
    center_xy: tuple[float, float]  # px; between the eyes, see `FaceTrack`
    roll_deg: float
    terms: tuple[tuple[str, float, str], ...]  # short name, value and name of each score of the window around it
    regions: tuple[RegionMovement, ...] = ()
    crop: tuple[Point, ...] = ()  # corners of what a square crop of the window would show


class MarkMaker:
    """Makes the marks of frames of one video; what belongs to a window is kept."""

    def __init__(self, entry: VideoEntry) -> None:
        self._entry = entry
        self._source: object = None  # the ranker that the kept values are of
        self._movements: dict[Key, tuple[RegionMovement, ...]] = {}
        self._crops: dict[tuple[Key, ExportSettings], CropPath | None] = {}

    def marks(
        self, frame: int, terms: tuple[str, ...], shown: frozenset[Overlay], export: ExportSettings
    ) -> tuple[FaceMark, ...]:
        """The faces of a frame.

        Args:
            terms: names of the scores to tell.
            shown: what is switched on; the rest is left out.
            export: how crops are made.
        """
        entry = self._entry
        if entry.analysis is None:
            return ()
        if entry.ranker is not self._source or len(self._movements) + len(self._crops) > _REMEMBERED:
            self._source = entry.ranker
            self._movements.clear()
            self._crops.clear()
        marks = []
        for track in entry.analysis.tracks:
            row = track.row_of(frame)
            if row is None:
                continue
            x, y, width, height = (float(value) for value in track.box_xywh[row])
            window = self._window_of(track, frame)
            marks.append(
                FaceMark(
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
        return tuple(marks)

    def _window_of(self, track: FaceTrack, frame: int) -> Key:
        """The window that the curator looks at, if it shows this face here; else a listed one; else that around it."""
        entry, track_id = self._entry, track.track_id
        spans = [entry.selected] if entry.selected else []
        spans += [row.key for row in entry.rows]
        for start, stop, owner in spans:
            if owner == track_id and start <= frame < stop:
                return start, stop, owner
        length = entry.ranking.settings.sequence_length if entry.ranking else 1
        start = frame - (length - 1) // 2
        # Near the ends of a track the nearest whole window stands for it.
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
            at = int(np.searchsorted(curve[0], frame))
            if at < len(curve[0]) and curve[0][at] == frame and np.isfinite(curve[1][at]):
                short = initial if initials.count(initial) == 1 else TERMS[name].short_label
                found.append((short, float(curve[1][at]), name))
        return tuple(found)

    def _regions(self, window: Key) -> tuple[RegionMovement, ...]:
        if window not in self._movements:
            self._movements[window] = self._computed_regions(window)
        return self._movements[window]

    def _computed_regions(self, window: Key) -> tuple[RegionMovement, ...]:
        if self._entry.ranker is None:
            return ()
        series = self._entry.ranker.series
        start, stop, track_id = window
        rows = series.window_at(track_id, start, stop - start)
        if rows is None or series.missing_frames(rows)[0]:
            return ()
        variance = series.blendshapes.region_variance(rows)[:, 0]
        total = max(float(variance.sum()), _STILL)
        both = zip(series.blendshapes.regions, variance.tolist(), strict=True)
        return tuple(RegionMovement(region, value**0.5, value / total) for region, value in both)

    def _crop_corners(self, track: FaceTrack, window: Key, frame: int, export: ExportSettings) -> tuple[Point, ...]:
        # OpenCV is imported only now: the window does not wait for it.
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
