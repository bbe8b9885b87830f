"""Faces of picture after picture: each followed by a landmarker of its own, new ones looked for where one may be.

What comes out are tracklets: stretches in which one landmarker followed one face without doubt. Which of them are the
same person is decided afterwards, from all of a shot (`face_tracks`).
"""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from clipgen_engine.closing import Closing
from clipgen_engine.faces.appearance import face_descriptor, unlikeness
from clipgen_engine.faces.boxes import box_center, box_size, center_distance, overlap, shows_center
from clipgen_engine.faces.measures import FaceMeasures, head_pose_deg, measure_face
from clipgen_engine.faces.model_files import FaceModel
from clipgen_engine.faces.models import Detection, FaceDetector, FaceLandmarker, FaceMesh
from clipgen_engine.faces.search import View, distinct, moved, search_tiles, view_around, whole
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Float32Array, UInt8Array

_MIN_SCORE = 0.05  # of what the detector reports at all: a face in doubt has a low confidence, not none
_MIN_NEW_FACE_SCORE = 0.5  # on a tile, where a face may be small or cut off
_MIN_NEW_FACE_CONFIDENCE = 0.6  # then, on a view of the face
_CONFIDENCE_SIDE = 2.0  # side of the detector's crop in face sizes: the share of the picture that it knows best
_LARGE_FACE = 0.15  # of the longer side: found on the whole picture as well as on a view of its own
_TILES_WITHOUT_FACE = 1  # looked at on each picture, besides the whole, while no face is followed
_LOST_FRAMES = 90  # a lost face is looked for this long, around its last place and on the whole picture in turn
_DESCRIPTOR_STRIDE = 4  # frames
_NEAR_OVERLAP = 0.1  # of two faces that may hide each other
_DOUBLE_DISTANCE = 0.35  # two landmarkers whose faces are closer than this many face sizes follow one face
_MAX_JUMP_FACES = 1.0  # from one picture to the next; farther means another face
_MAX_SAMPLES = 16  # of descriptors a tracklet


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face on one picture, in px of that picture."""

    tracklet: int
    measures: FaceMeasures
    head_pose_deg: Float32Array  # (3,) float32, degrees: yaw, pitch, roll
    blendshapes: Float32Array  # (52,) float32, 0..1
    detection: Future[float] | None  # its score, on the way; None where none was asked for

    @property
    def confidence(self) -> float:
        """0..1, NaN where it was not measured. Waits for the detector."""
        return math.nan if self.detection is None else self.detection.result()


@dataclass(eq=False)
class Tracklet:
    """What is known of a stretch besides its observations."""

    number: int
    continues: int | None = None  # the tracklet of the same landmarker before two faces came close or parted
    near: bool = False  # another face is close by: they may hide each other
    described: int = 0  # pictures of which a descriptor was taken
    _samples: list[Float32Array] = field(default_factory=list)
    _sample_stride: int = 1

    def describe(self, descriptor: Float32Array) -> None:
        if self.described % self._sample_stride == 0:
            self._samples.append(descriptor)
        self.described += 1
        if len(self._samples) > _MAX_SAMPLES:  # keep them spread over the whole tracklet
            self._samples = self._samples[::2]
            self._sample_stride *= 2

    @property
    def descriptor(self) -> Float32Array:
        """(D,) float32: the median, which pictures with a hand before the face do not change much."""
        median: Float32Array = np.median(self._samples, axis=0).astype(np.float32)
        return median


@dataclass(eq=False)
class _Followed:
    landmarker: FaceLandmarker
    view: View
    fixed: bool  # the view is the whole picture and stays
    tracklet: Tracklet
    near: frozenset[int] = frozenset()  # ids of the landmarkers whose faces are close by
    measures: FaceMeasures | None = None
    mesh: FaceMesh | None = None
    frames: int = 0


class FaceFollower(Closing):
    """Finds and follows up to `max_faces` faces. A context manager: the native tasks must be closed."""

    def __init__(self, model: FaceModel, settings: AnalysisSettings) -> None:
        self._model = model
        self._settings = settings
        self._detector = FaceDetector(model, _MIN_SCORE)
        self._beside = ThreadPoolExecutor(1, "clipgen-confidence")  # nothing waits for it but what is written down
        self._idle: list[FaceLandmarker] = []
        self._followed: list[_Followed] = []
        self._lost: list[tuple[int, Float32Array]] = []  # frame and box of faces that were lost in this shot
        self._tiles: tuple[View, ...] = ()
        self._picture_size = (0, 0)
        self.tracklets: dict[int, Tracklet] = {}

    def look(
        self, pixels: UInt8Array, index: int, time_s: float, *, starts_shot: bool, measure: bool = False
    ) -> list[FaceObservation]:
        """The faces on this RGB picture (H, W, 3). Pictures come in order; a new shot forgets the ones before.

        Args:
            measure: measure the confidence whatever the stride says.
        """
        if pixels.shape[1::-1] != self._picture_size:
            self._picture_size = (pixels.shape[1], pixels.shape[0])
            self._tiles = search_tiles(*self._picture_size)
        if starts_shot:
            self._forget()
        for face in list(self._followed):
            self._follow(face, pixels, index, time_s)
        self._drop_doubles(pixels, index)
        for hit in self._search(pixels, index, starts_shot):
            if len(self._followed) < self._settings.max_faces:
                self._start(hit, pixels, time_s)
        self._part_near_faces()
        measure = measure or index % self._settings.confidence_stride == 0
        return [self._observation(face, pixels, index, measure) for face in self._followed]

    def begin(self) -> None:
        """Begin another stretch of pictures: forget all faces and count tracklets from 0 again."""
        self._forget()
        self.tracklets = {}

    def _forget(self) -> None:
        while self._followed:
            self._release(self._followed[-1])
        self._lost.clear()

    def _follow(self, face: _Followed, pixels: UInt8Array, index: int, time_s: float) -> None:
        before = face.measures
        assert before is not None
        mesh = face.landmarker.find(face.view.enlarged_crop(pixels), time_s)
        if mesh is None:
            self._lose(face, index)
            return
        self._take(face, mesh, pixels)
        assert face.measures is not None
        if math.dist(face.measures.center_xy, before.center_xy) > _MAX_JUMP_FACES * box_size(before.box_xywh):
            self._note_lost(before.box_xywh, index)
            face.tracklet = self._new_tracklet()
            face.frames = 1

    def _take(self, face: _Followed, mesh: FaceMesh, pixels: UInt8Array) -> None:
        """Note where the face is now, and move its view along."""
        face.mesh = face.view.in_picture(mesh)
        face.measures = measure_face(pixels, face.mesh.points)
        face.frames += 1
        if not face.fixed:
            face.view = face.view.following(face.measures.box_xywh)

    def _start(self, hit: Detection, pixels: UInt8Array, time_s: float) -> None:
        """Follow a new face, if the landmarker sees one there that nobody follows yet."""
        if any(_same_place(hit.box_xywh, face) for face in self._followed):
            return
        alone = not self._followed and box_size(hit.box_xywh) >= _LARGE_FACE * max(self._picture_size)
        landmarker = self._idle.pop() if self._idle else FaceLandmarker(self._model)
        for fixed in (True, False) if alone else (False,):
            view = whole(*self._picture_size) if fixed else view_around(hit.box_xywh)
            landmarker.restart()
            mesh = landmarker.find(view.enlarged_crop(pixels), time_s)
            if mesh is None:
                continue
            face = _Followed(landmarker, view, fixed, self._new_tracklet())
            self._take(face, mesh, pixels)
            assert face.measures is not None
            box = face.measures.box_xywh
            if (
                shows_center(hit.box_xywh, face.measures.center_xy)
                and not any(_same_place(box, other) for other in self._followed)
                and self._confidence(pixels, box) >= _MIN_NEW_FACE_CONFIDENCE
            ):
                self._followed.append(face)
                self._lost = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]
                return
        self._idle.append(landmarker)

    def _search(self, pixels: UInt8Array, index: int, starts_shot: bool) -> list[Detection]:
        """Look where a face may have been missed."""
        if len(self._followed) >= self._settings.max_faces:
            return []
        views: list[View] = []
        rest = len(self._tiles) - 1
        if starts_shot:
            views += self._tiles
        elif not self._followed:
            views.append(self._tiles[0])
            views += [self._tiles[1 + (_TILES_WITHOUT_FACE * index + k) % rest] for k in range(_TILES_WITHOUT_FACE)]
        elif index % self._settings.search_stride == 0:
            turn = index // self._settings.search_stride
            views.append(self._tiles[0] if turn % 2 == 0 else self._tiles[1 + turn // 2 % rest])
        self._lost = [(frame, box) for frame, box in self._lost if index - frame < _LOST_FRAMES]
        if self._lost and self._followed and index % 2:
            views.append(self._tiles[0])
        elif self._lost:
            views += [view_around(box, _CONFIDENCE_SIDE) for _, box in self._lost]
        hits = [hit for view in views for hit in moved(self._detector.find(view.crop(pixels)), view)]
        return distinct([hit for hit in hits if hit.score >= _MIN_NEW_FACE_SCORE])

    def _drop_doubles(self, pixels: UInt8Array, index: int) -> None:
        """Where one face hides another, both landmarkers end on it: the one that it is less like has lost its own."""
        for one, other in combinations(list(self._followed), 2):
            if one not in self._followed or other not in self._followed:
                continue
            assert one.measures is not None
            assert other.measures is not None
            if _same_place(one.measures.box_xywh, other):
                stranger = one if self._strangeness(one, pixels) > self._strangeness(other, pixels) else other
                self._lose(stranger, index)

    def _strangeness(self, face: _Followed, pixels: UInt8Array) -> float:
        """How unlike the face is to the one that its landmarker followed before others came close."""
        tracklet = face.tracklet
        while tracklet.continues is not None:
            tracklet = self.tracklets[tracklet.continues]
        assert face.mesh is not None
        seen = face_descriptor(pixels, face.mesh.points)
        return unlikeness(seen, tracklet.descriptor) if tracklet.described else math.inf

    def _lose(self, face: _Followed, index: int) -> None:
        assert face.measures is not None
        self._note_lost(face.measures.box_xywh, index)
        self._release(face)

    def _note_lost(self, box: Float32Array, index: int) -> None:
        """Look there for a while; of a face that comes and goes only the last place counts."""
        elsewhere = [entry for entry in self._lost if center_distance(entry[1], box) > box_size(box)]
        self._lost = [*elsewhere, (index, box)][-self._settings.max_faces :]

    def _release(self, face: _Followed) -> None:
        self._followed.remove(face)
        self._idle.append(face.landmarker)

    def _part_near_faces(self) -> None:
        """Begin new tracklets where faces come close or part: only there could they be exchanged."""
        near: dict[int, set[int]] = {id(face): set() for face in self._followed}
        for one, other in combinations(self._followed, 2):
            assert one.measures is not None
            assert other.measures is not None
            if overlap(one.measures.box_xywh, other.measures.box_xywh) > _NEAR_OVERLAP:
                near[id(one)].add(id(other.landmarker))
                near[id(other)].add(id(one.landmarker))
        for face in self._followed:
            now = frozenset(near[id(face)])
            if now != face.near and face.frames > 1:
                face.tracklet = self._new_tracklet(continues=face.tracklet.number)
            face.near = now
            face.tracklet.near = bool(now)

    def _observation(self, face: _Followed, pixels: UInt8Array, index: int, measure: bool) -> FaceObservation:
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
            detection=self._beside.submit(self._confidence, pixels, box) if first or measure else None,
        )

    def _confidence(self, pixels: UInt8Array, box: Float32Array) -> float:
        """Best score of a detection inside the box; 0 where the detector sees no face there."""
        view = view_around(box, _CONFIDENCE_SIDE)
        hits = moved(self._detector.find(view.crop(pixels)), view)
        return max((hit.score for hit in hits if shows_center(box, box_center(hit.box_xywh))), default=0.0)

    def _new_tracklet(self, continues: int | None = None) -> Tracklet:
        tracklet = Tracklet(len(self.tracklets), continues)
        self.tracklets[tracklet.number] = tracklet
        return tracklet

    def close(self) -> None:
        """Close all native tasks."""
        self._beside.shutdown()
        self._forget()
        for landmarker in self._idle:
            landmarker.close()
        self._idle.clear()
        self._detector.close()


def _same_place(box: Float32Array, face: _Followed) -> bool:
    """Whether the box shows the face that is followed there."""
    assert face.measures is not None
    other = face.measures.box_xywh
    return center_distance(box, other) < _DOUBLE_DISTANCE * min(box_size(box), box_size(other))
