"""Tracking of faces through the looks of the draft: every n-th frame, and every first frame of a shot.

Produces tracklets: runs of looks in which one face was followed unambiguously. `tracks` later decides, per shot,
which tracklets belong to the same person. The frames between two looks need no tracking: a face there is between its
places in the looks before and after.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

import numpy as np

from clipgen_engine.faces.boxes import box_center, box_size, center_distance, contains, iou
from clipgen_engine.faces.detector import Detection, FaceDetector
from clipgen_engine.faces.landmarker import FaceLandmarker, FaceMesh
from clipgen_engine.faces.measures import FaceMeasures, descriptor_distance, face_descriptor, measure_face
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.faces.region import FaceRegion, region_around
from clipgen_engine.faces.search import View, non_maximum_suppression, search_tiles, to_picture, view_around
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Float32Array, UInt8Array

_MIN_SCORE = 0.05  # detector threshold; low, so that uncertain faces get a low confidence rather than none
_MIN_NEW_FACE_SCORE = 0.5  # in a tile, where a face may be small or truncated
_MIN_NEW_FACE_CONFIDENCE = 0.6  # subsequently, in a view of the face
_FIRST_LOOKS = 5  # until the region of a newly detected face fits
_CONFIDENCE_SIDE = 2.0  # side of the detector's crop in face sizes; the scale it detects best
_LOST_FRAMES = 90  # keep searching for a lost face, at its last position and everywhere
_DESCRIPTOR_STRIDE = 4  # frames
_NEAR_IOU = 0.1  # above this, two faces may occlude each other
_DUPLICATE_DISTANCE = 0.35  # in face sizes; below this, two looks found the same face
_SURE_STEP_FACES = 0.3  # in face sizes; a face that moved further between looks is followed frame by frame
_MAX_JUMP_FACES = 1.0  # per look, in face sizes; a larger jump means a different face
_MAX_SAMPLES = 16  # descriptors per tracklet


class HasPixels(Protocol):
    """A frame whose picture may not have been converted yet."""

    @property
    def pixels(self) -> UInt8Array: ...


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face in one picture, in px of that picture."""

    tracklet: int
    measures: FaceMeasures
    mesh: FaceMesh
    confidence: float  # 0..1, of the detector; NaN if not measured


@dataclass(eq=False)
class Tracklet:
    """State of a tracklet besides its observations."""

    number: int
    continues: int | None = None  # preceding tracklet of the same landmarker, split where faces met or parted
    near: bool = False  # another face is close, and the two may occlude each other
    described: int = 0  # number of descriptors computed
    _samples: list[Float32Array] = field(default_factory=list)
    _sample_stride: int = 1

    def describe(self, descriptor: Float32Array) -> None:
        if self.described % self._sample_stride == 0:
            self._samples.append(descriptor)
        self.described += 1
        if len(self._samples) > _MAX_SAMPLES:  # thin out, so that samples span the whole tracklet
            self._samples = self._samples[::2]
            self._sample_stride *= 2

    @property
    def descriptor(self) -> Float32Array:
        """(D,) float32: the median of the samples, robust to brief occlusions."""
        median: Float32Array = np.median(self._samples, axis=0).astype(np.float32)
        return median


@dataclass(eq=False)
class _TrackedFace:
    mesh: FaceMesh
    measures: FaceMeasures
    tracklet: Tracklet
    near: frozenset[int] = frozenset()  # ids of nearby faces
    looks: int = 1


class FaceTracker:
    """Detects and tracks up to `max_faces` faces."""

    def __init__(self, model: FaceModel) -> None:
        self._settings = AnalysisSettings()
        self.stride = 1  # frames from one look to the next
        self._detector = FaceDetector(model)
        self._landmarker = FaceLandmarker(model)
        self._tracked: list[_TrackedFace] = []
        self._lost: list[tuple[int, Float32Array]] = []  # frame and box of faces lost in this shot
        self._tiles: tuple[View, ...] = ()
        self._picture_size = (0, 0)
        self.tracklets: dict[int, Tracklet] = {}

    def track(
        self,
        pixels: UInt8Array,
        index: int,
        *,
        starts_shot: bool,
        skipped: Sequence[HasPixels] = (),
        measure: bool = False,
    ) -> list[FaceObservation]:
        """Track the faces into the next RGB picture (H, W, 3) to look at. A new shot drops all tracked faces.

        Args:
            index: frame index.
            skipped: the frames since the last look, in which a face that moves fast is followed.
            measure: measure the confidence regardless of the stride.
        """
        if pixels.shape[1::-1] != self._picture_size:
            self._picture_size = (pixels.shape[1], pixels.shape[0])
            self._tiles = search_tiles(*self._picture_size)
        if starts_shot:
            self._drop_all()
        for face in list(self._tracked):
            self._update(face, pixels, index, skipped)
        self._drop_duplicates(pixels, index)
        for hit in self._search(pixels, index, starts_shot):
            if len(self._tracked) < self._settings.max_faces:
                self._start_tracking(hit, pixels)
        self._split_at_contacts()
        measure = measure or self._due(index, self._settings.confidence_stride)
        return [self._observation(face, pixels, index, measure) for face in self._tracked]

    def look_between(self, pixels: UInt8Array, regions: Mapping[int, FaceRegion]) -> list[FaceObservation]:
        """The faces of a picture between two looks, which depend on nothing but the picture and the regions.

        Args:
            regions: about where the face of each tracklet is.
        """
        found: list[FaceObservation] = []
        for tracklet, region in regions.items():
            mesh = self._landmarker.find(pixels, region)
            if mesh is None:
                continue
            measures = measure_face(pixels, mesh.points)
            near = math.dist(box_center(measures.box_xywh), (region.center_x, region.center_y)) < region.side / 2
            if near and not any(_same_place(measures.box_xywh, other.measures.box_xywh) for other in found):
                found.append(FaceObservation(tracklet, measures, mesh, math.nan))
        return found

    def _due(self, index: int, stride: int) -> bool:
        """Whether something that is due on every n-th frame is due in the look at this frame."""
        return index % stride < self.stride

    def reset(self, settings: AnalysisSettings, stride: int) -> None:
        """Drop all faces and restart the tracklet numbering at 0, for a new sequence of pictures.

        Args:
            stride: frames from one look to the next.
        """
        self._settings, self.stride = settings, stride
        self._drop_all()
        self.tracklets = {}

    def _drop_all(self) -> None:
        self._tracked.clear()
        self._lost.clear()

    def _update(self, face: _TrackedFace, pixels: UInt8Array, index: int, skipped: Sequence[HasPixels]) -> None:
        before = face.measures
        mesh = self._followed(face, pixels, skipped)
        if mesh is None:
            self._mark_lost(face, index)
            return
        face.mesh, face.measures = mesh, measure_face(pixels, mesh.points)
        face.looks += 1
        if math.dist(face.measures.center_xy, before.center_xy) > _MAX_JUMP_FACES * box_size(before.box_xywh):
            self._remember_lost(before.box_xywh, index)
            face.tracklet = self._new_tracklet()
            face.looks = 1

    def _followed(self, face: _TrackedFace, pixels: UInt8Array, skipped: Sequence[HasPixels]) -> FaceMesh | None:
        """The face in the next picture to look at; through the pictures between if it cannot be far from sure."""
        region = face.mesh.region
        mesh = self._landmarker.find(pixels, region)
        if not skipped or (mesh is not None and _moved(face.mesh, mesh) <= _SURE_STEP_FACES):
            return mesh
        for picture in (*(frame.pixels for frame in skipped), pixels):
            mesh = self._landmarker.find(picture, region)
            if mesh is None:
                return None
            region = mesh.region
        return mesh

    def _start_tracking(self, hit: Detection, pixels: UInt8Array) -> None:
        """Start tracking a detected face if the landmarker confirms it and it is not already tracked."""
        if any(_same_place(hit.box_xywh, face.measures.box_xywh) for face in self._tracked):
            return
        mesh = self._landmarker.find(pixels, region_around(hit.box_xywh, hit.angle), _FIRST_LOOKS)
        if mesh is None:
            return
        measures = measure_face(pixels, mesh.points)
        box = measures.box_xywh
        if (
            contains(hit.box_xywh, measures.center_xy)
            and not any(_same_place(box, other.measures.box_xywh) for other in self._tracked)
            and self._confidence(pixels, box) >= _MIN_NEW_FACE_CONFIDENCE
        ):
            self._tracked.append(_TrackedFace(mesh, measures, self._new_tracklet()))
            self._lost = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]

    def _search(self, pixels: UInt8Array, index: int, starts_shot: bool) -> list[Detection]:
        """Search for untracked faces."""
        if len(self._tracked) >= self._settings.max_faces:
            return []
        self._lost = [(frame, box) for frame, box in self._lost if index - frame < _LOST_FRAMES]
        views = [view_around(box, _CONFIDENCE_SIDE) for _, box in self._lost]
        rest = len(self._tiles) - 1
        if starts_shot:
            views += self._tiles
        elif self._lost or not self._tracked:  # as many tiles as frames since the last look
            first = index // self.stride * self.stride
            views.append(self._tiles[0])
            views += [self._tiles[1 + (first + k) % rest] for k in range(min(self.stride, rest))]
        elif self._due(index, self._settings.search_stride):
            turn = index // self._settings.search_stride
            views.append(self._tiles[0] if turn % 2 == 0 else self._tiles[1 + turn // 2 % rest])
        found = [to_picture(self._detector.find(view.crop(pixels), _MIN_NEW_FACE_SCORE), view) for view in views]
        return non_maximum_suppression([hit for hits in found for hit in hits])

    def _drop_duplicates(self, pixels: UInt8Array, index: int) -> None:
        """Where an occlusion left two landmarkers on one face, drop the one whose descriptor changed more."""
        for one, other in combinations(list(self._tracked), 2):
            if one not in self._tracked or other not in self._tracked:
                continue
            if _same_place(one.measures.box_xywh, other.measures.box_xywh):
                drifted = (
                    one if self._appearance_change(one, pixels) > self._appearance_change(other, pixels) else other
                )
                self._mark_lost(drifted, index)

    def _appearance_change(self, face: _TrackedFace, pixels: UInt8Array) -> float:
        """Descriptor distance between the current face and the one that was tracked before any contact."""
        tracklet = face.tracklet
        while tracklet.continues is not None:
            tracklet = self.tracklets[tracklet.continues]
        seen = face_descriptor(pixels, face.mesh.points)
        return descriptor_distance(seen, tracklet.descriptor) if tracklet.described else math.inf

    def _mark_lost(self, face: _TrackedFace, index: int) -> None:
        self._remember_lost(face.measures.box_xywh, index)
        self._tracked.remove(face)

    def _remember_lost(self, box: Float32Array, index: int) -> None:
        """Schedule a search at this position, replacing earlier entries nearby."""
        elsewhere = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]
        self._lost = [*elsewhere, (index, box)][-self._settings.max_faces :]

    def _split_at_contacts(self) -> None:
        """Start new tracklets where faces meet or part, the only places where identities can swap."""
        near: dict[int, set[int]] = {id(face): set() for face in self._tracked}
        for one, other in combinations(self._tracked, 2):
            if iou(one.measures.box_xywh, other.measures.box_xywh) > _NEAR_IOU:
                near[id(one)].add(id(other))
                near[id(other)].add(id(one))
        for face in self._tracked:
            now = frozenset(near[id(face)])
            if now != face.near and face.looks > 1:
                face.tracklet = self._new_tracklet(continues=face.tracklet.number)
            face.near = now
            face.tracklet.near = bool(now)

    def _observation(self, face: _TrackedFace, pixels: UInt8Array, index: int, measure: bool) -> FaceObservation:
        box, first = face.measures.box_xywh, not face.tracklet.described
        if first or self._due(index, _DESCRIPTOR_STRIDE):
            face.tracklet.describe(face_descriptor(pixels, face.mesh.points))
        confidence = self._confidence(pixels, box) if first or measure else math.nan
        return FaceObservation(face.tracklet.number, face.measures, face.mesh, confidence)

    def _confidence(self, pixels: UInt8Array, box: Float32Array) -> float:
        """Best score of any detection centred in the box; 0 without one."""
        view = view_around(box, _CONFIDENCE_SIDE)
        hits = to_picture(self._detector.find(view.crop(pixels), _MIN_SCORE), view)
        return max((hit.score for hit in hits if contains(box, box_center(hit.box_xywh))), default=0.0)

    def _new_tracklet(self, continues: int | None = None) -> Tracklet:
        tracklet = Tracklet(len(self.tracklets), continues)
        self.tracklets[tracklet.number] = tracklet
        return tracklet


def _moved(before: FaceMesh, after: FaceMesh) -> float:
    """How far a face moved, in face sizes."""
    one, other = before.region, after.region
    return math.dist((one.center_x, one.center_y), (other.center_x, other.center_y)) / one.face_px


def _same_place(box: Float32Array, other: Float32Array) -> bool:
    """Whether two boxes are of the same face."""
    return center_distance(box, other) < _DUPLICATE_DISTANCE * min(box_size(box), box_size(other))
