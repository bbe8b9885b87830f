"""Frame-by-frame face tracking: one landmarker per face, plus a search for new faces.

Produces tracklets: runs of frames in which one landmarker tracked one face unambiguously. `tracks` later decides, per
shot, which tracklets belong to the same person.
"""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from clipgen_engine.closing import Closing
from clipgen_engine.faces.appearance import descriptor_distance, face_descriptor
from clipgen_engine.faces.boxes import box_center, box_size, center_distance, contains, iou
from clipgen_engine.faces.measures import FaceMeasures, head_pose_deg, measure_face
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.faces.models import Detection, FaceDetector, FaceLandmarker, FaceMesh
from clipgen_engine.faces.search import (
    View,
    non_maximum_suppression,
    search_tiles,
    to_picture,
    view_around,
    whole_picture,
)
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Float32Array, UInt8Array

_MIN_SCORE = 0.05  # detector threshold; low, so that uncertain faces get a low confidence rather than none
_MIN_NEW_FACE_SCORE = 0.5  # in a tile, where a face may be small or truncated
_MIN_NEW_FACE_CONFIDENCE = 0.6  # subsequently, in a view of the face
_CONFIDENCE_SIDE = 2.0  # side of the detector's crop in face sizes; the scale it detects best
_LARGE_FACE = 0.15  # of the longer side; the landmarker finds larger faces in the whole picture, without a view
_TILES_WITHOUT_FACE = 1  # tiles searched per frame, besides the whole picture, while no face is tracked
_LOST_FRAMES = 90  # keep searching for a lost face, alternating between its last position and the whole picture
_DESCRIPTOR_STRIDE = 4  # frames
_NEAR_IOU = 0.1  # above this, two faces may occlude each other
_DUPLICATE_DISTANCE = 0.35  # in face sizes; below this, two landmarkers track the same face
_MAX_JUMP_FACES = 1.0  # per frame, in face sizes; a larger jump means a different face
_MAX_SAMPLES = 16  # descriptors per tracklet
# A face's first picture is shown to the landmarker again and again, as if the face had been still for two seconds: the
# mesh, which is smoothed in time, and the crop, which follows the mesh, would otherwise drift for ten frames.
_SETTLING, _SETTLING_STEP_S = 4, 0.5


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face in one picture, in px of that picture."""

    tracklet: int
    measures: FaceMeasures
    head_pose_deg: Float32Array  # (3,) float32, degrees: yaw, pitch, roll
    blendshapes: Float32Array  # (52,) float32, 0..1
    detection: Future[float] | None  # pending detector score; None if not requested

    @property
    def confidence(self) -> float:
        """0..1; NaN if not measured. Blocks until the detector is done."""
        return math.nan if self.detection is None else self.detection.result()


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
    landmarker: FaceLandmarker
    view: View
    fixed: bool  # keep the whole picture as the view
    tracklet: Tracklet
    near: frozenset[int] = frozenset()  # ids of the landmarkers of nearby faces
    measures: FaceMeasures | None = None
    mesh: FaceMesh | None = None
    frames: int = 0


class FaceTracker(Closing):
    """Detects and tracks up to `max_faces` faces. A context manager that closes the native tasks."""

    def __init__(self, model: FaceModel, settings: AnalysisSettings) -> None:
        self._model = model
        self._settings = settings
        self._detector = FaceDetector(model, _MIN_SCORE)
        self._executor = ThreadPoolExecutor(1, "clipgen-confidence")  # keeps tracking from waiting for it
        self._idle: list[FaceLandmarker] = []
        self._tracked: list[_TrackedFace] = []
        self._lost: list[tuple[int, Float32Array]] = []  # frame and box of faces lost in this shot
        self._tiles: tuple[View, ...] = ()
        self._picture_size = (0, 0)
        self.tracklets: dict[int, Tracklet] = {}

    def track(
        self, pixels: UInt8Array, index: int, time_s: float, *, starts_shot: bool, measure: bool = False
    ) -> list[FaceObservation]:
        """Track the faces into the next RGB picture (H, W, 3). A new shot drops all tracked faces.

        Args:
            index: frame index.
            time_s: presentation time, seconds.
            measure: measure the confidence regardless of the stride.
        """
        if pixels.shape[1::-1] != self._picture_size:
            self._picture_size = (pixels.shape[1], pixels.shape[0])
            self._tiles = search_tiles(*self._picture_size)
        if starts_shot:
            self._drop_all()
        for face in list(self._tracked):
            self._update(face, pixels, index, time_s)
        self._drop_duplicates(pixels, index)
        for hit in self._search(pixels, index, starts_shot):
            if len(self._tracked) < self._settings.max_faces:
                self._start_tracking(hit, pixels, time_s)
        self._split_at_contacts()
        measure = measure or index % self._settings.confidence_stride == 0
        return [self._observation(face, pixels, index, measure) for face in self._tracked]

    def reset(self) -> None:
        """Drop all faces and restart the tracklet numbering at 0, for a new sequence of pictures."""
        self._drop_all()
        self.tracklets = {}

    def _drop_all(self) -> None:
        while self._tracked:
            self._release(self._tracked[-1])
        self._lost.clear()

    def _update(self, face: _TrackedFace, pixels: UInt8Array, index: int, time_s: float) -> None:
        before = face.measures
        assert before is not None
        mesh = face.landmarker.find(face.view.enlarged_crop(pixels), time_s)
        if mesh is None:
            self._mark_lost(face, index)
            return
        self._apply(face, mesh, pixels)
        assert face.measures is not None
        if math.dist(face.measures.center_xy, before.center_xy) > _MAX_JUMP_FACES * box_size(before.box_xywh):
            self._remember_lost(before.box_xywh, index)
            face.tracklet = self._new_tracklet()
            face.frames = 1

    def _apply(self, face: _TrackedFace, mesh: FaceMesh, pixels: UInt8Array) -> None:
        """Update the face's measurements and move its view."""
        face.mesh = face.view.in_picture(mesh)
        face.measures = measure_face(pixels, face.mesh.points)
        face.frames += 1
        if not face.fixed:
            face.view = face.view.following(face.measures.box_xywh)

    def _start_tracking(self, hit: Detection, pixels: UInt8Array, time_s: float) -> None:
        """Start tracking a detected face if the landmarker confirms it and it is not already tracked."""
        if any(_same_place(hit.box_xywh, face) for face in self._tracked):
            return
        alone = not self._tracked and box_size(hit.box_xywh) >= _LARGE_FACE * max(self._picture_size)
        landmarker = self._idle.pop() if self._idle else FaceLandmarker(self._model)
        for fixed in (True, False) if alone else (False,):
            view = whole_picture(*self._picture_size) if fixed else view_around(hit.box_xywh)
            landmarker.restart()
            mesh = landmarker.find(view.enlarged_crop(pixels), time_s - _SETTLING * _SETTLING_STEP_S)
            if mesh is None:
                continue
            face = _TrackedFace(landmarker, view, fixed, self._new_tracklet())
            self._apply(face, mesh, pixels)
            assert face.measures is not None
            box = face.measures.box_xywh
            if (
                contains(hit.box_xywh, face.measures.center_xy)
                and not any(_same_place(box, other) for other in self._tracked)
                and self._confidence(pixels, box) >= _MIN_NEW_FACE_CONFIDENCE
            ):
                self._settle(face, pixels, time_s)
                self._tracked.append(face)
                self._lost = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]
                return
        self._idle.append(landmarker)

    def _settle(self, face: _TrackedFace, pixels: UInt8Array, time_s: float) -> None:
        for left in reversed(range(_SETTLING)):
            mesh = face.landmarker.find(face.view.enlarged_crop(pixels), time_s - left * _SETTLING_STEP_S)
            if mesh is not None:
                self._apply(face, mesh, pixels)
        face.frames = 1

    def _search(self, pixels: UInt8Array, index: int, starts_shot: bool) -> list[Detection]:
        """Search for untracked faces."""
        if len(self._tracked) >= self._settings.max_faces:
            return []
        views: list[View] = []
        rest = len(self._tiles) - 1
        if starts_shot:
            views += self._tiles
        elif not self._tracked:
            views.append(self._tiles[0])
            views += [self._tiles[1 + (_TILES_WITHOUT_FACE * index + k) % rest] for k in range(_TILES_WITHOUT_FACE)]
        elif index % self._settings.search_stride == 0:
            turn = index // self._settings.search_stride
            views.append(self._tiles[0] if turn % 2 == 0 else self._tiles[1 + turn // 2 % rest])
        self._lost = [(frame, box) for frame, box in self._lost if index - frame < _LOST_FRAMES]
        if self._lost and self._tracked and index % 2:
            views.append(self._tiles[0])
        elif self._lost:
            views += [view_around(box, _CONFIDENCE_SIDE) for _, box in self._lost]
        hits = [hit for view in views for hit in to_picture(self._detector.find(view.crop(pixels)), view)]
        return non_maximum_suppression([hit for hit in hits if hit.score >= _MIN_NEW_FACE_SCORE])

    def _drop_duplicates(self, pixels: UInt8Array, index: int) -> None:
        """Where an occlusion left two landmarkers on one face, drop the one whose descriptor changed more."""
        for one, other in combinations(list(self._tracked), 2):
            if one not in self._tracked or other not in self._tracked:
                continue
            assert one.measures is not None
            assert other.measures is not None
            if _same_place(one.measures.box_xywh, other):
                drifted = (
                    one if self._appearance_change(one, pixels) > self._appearance_change(other, pixels) else other
                )
                self._mark_lost(drifted, index)

    def _appearance_change(self, face: _TrackedFace, pixels: UInt8Array) -> float:
        """Descriptor distance between the current face and the one its landmarker tracked before any contact."""
        tracklet = face.tracklet
        while tracklet.continues is not None:
            tracklet = self.tracklets[tracklet.continues]
        assert face.mesh is not None
        seen = face_descriptor(pixels, face.mesh.points)
        return descriptor_distance(seen, tracklet.descriptor) if tracklet.described else math.inf

    def _mark_lost(self, face: _TrackedFace, index: int) -> None:
        assert face.measures is not None
        self._remember_lost(face.measures.box_xywh, index)
        self._release(face)

    def _remember_lost(self, box: Float32Array, index: int) -> None:
        """Schedule a search at this position, replacing earlier entries nearby."""
        elsewhere = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]
        self._lost = [*elsewhere, (index, box)][-self._settings.max_faces :]

    def _release(self, face: _TrackedFace) -> None:
        self._tracked.remove(face)
        self._idle.append(face.landmarker)

    def _split_at_contacts(self) -> None:
        """Start new tracklets where faces meet or part, the only places where identities can swap."""
        near: dict[int, set[int]] = {id(face): set() for face in self._tracked}
        for one, other in combinations(self._tracked, 2):
            assert one.measures is not None
            assert other.measures is not None
            if iou(one.measures.box_xywh, other.measures.box_xywh) > _NEAR_IOU:
                near[id(one)].add(id(other.landmarker))
                near[id(other)].add(id(one.landmarker))
        for face in self._tracked:
            now = frozenset(near[id(face)])
            if now != face.near and face.frames > 1:
                face.tracklet = self._new_tracklet(continues=face.tracklet.number)
            face.near = now
            face.tracklet.near = bool(now)

    def _observation(self, face: _TrackedFace, pixels: UInt8Array, index: int, measure: bool) -> FaceObservation:
        assert face.mesh is not None
        assert face.measures is not None
        box, first = face.measures.box_xywh, not face.tracklet.described
        if first or index % _DESCRIPTOR_STRIDE == 0:
            face.tracklet.describe(face_descriptor(pixels, face.mesh.points))
        return FaceObservation(
            tracklet=face.tracklet.number,
            measures=face.measures,
            head_pose_deg=head_pose_deg(face.mesh.transformation),
            blendshapes=face.mesh.blendshapes,
            detection=self._executor.submit(self._confidence, pixels, box) if first or measure else None,
        )

    def _confidence(self, pixels: UInt8Array, box: Float32Array) -> float:
        """Best score of any detection centred in the box; 0 without one."""
        view = view_around(box, _CONFIDENCE_SIDE)
        hits = to_picture(self._detector.find(view.crop(pixels)), view)
        return max((hit.score for hit in hits if contains(box, box_center(hit.box_xywh))), default=0.0)

    def _new_tracklet(self, continues: int | None = None) -> Tracklet:
        tracklet = Tracklet(len(self.tracklets), continues)
        self.tracklets[tracklet.number] = tracklet
        return tracklet

    def close(self) -> None:
        """Close all native tasks."""
        self._executor.shutdown()
        self._drop_all()
        for landmarker in self._idle:
            landmarker.close()
        self._idle.clear()
        self._detector.close()


def _same_place(box: Float32Array, face: _TrackedFace) -> bool:
    """Whether the box belongs to the tracked face."""
    assert face.measures is not None
    other = face.measures.box_xywh
    return center_distance(box, other) < _DUPLICATE_DISTANCE * min(box_size(box), box_size(other))
