"""Analysis of one segment: decoding, shot detection, face tracking."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.analysis.segments import Segment, SegmentPart
from clipgen_engine.faces.tracker import FaceObservation, FaceTracker, Tracklet
from clipgen_engine.faces.tracklets import COLUMNS, Rows, TrackletSummary
from clipgen_engine.read_ahead import read_ahead
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Float32Array, VideoInfo
from clipgen_engine.video.decoding import analysis_size, decode
from clipgen_engine.video.shots import LOOKAHEAD_FRAMES, tag_shots

_PART_FRAMES = 15  # per part
_PREFETCH = 4  # pictures that are decoded, scaled and shot-tagged ahead of the models


def analyze_segment(
    video: VideoInfo, settings: AnalysisSettings, segment: Segment, faces: FaceTracker
) -> Iterator[SegmentPart]:
    """Analyse the frames of a segment part by part; the `stop` of the last part is that of the segment.

    Raises:
        VideoError: the file can no longer be opened.
    """
    width, _ = analysis_size(video.width_px, video.height_px, settings.analysis_max_side)
    collected = _Collected(segment, scale=video.width_px / width)
    faces.reset()
    last = min(segment.stop + LOOKAHEAD_FRAMES, video.frame_count)
    pictures = tag_shots(decode(video, segment.warm_up_start, last, max_side=settings.analysis_max_side))
    with read_ahead(pictures, threading.Event(), _PREFETCH) as tagged:
        for picture, starts_shot in tagged:
            if picture.index >= segment.stop:
                break
            warmed_up = picture.index >= segment.start
            observed = faces.track(
                picture.pixels,
                picture.index,
                float(video.times_s[picture.index]),
                starts_shot=starts_shot,
                measure=warmed_up and not collected.begun,
            )
            if not warmed_up:
                collected.set_entry(observed)
                continue
            if collected.begun and (picture.index - segment.start) % _PART_FRAMES == 0:
                yield collected.part(picture.index, faces.tracklets)
            collected.add(picture.index, observed, starts_shot=starts_shot)
    yield collected.part(segment.stop, faces.tracklets)


class _Collected:
    """Collects the observations of one part at a time."""

    def __init__(self, segment: Segment, scale: float) -> None:
        self._segment = segment
        self._scale = np.float32(scale)
        self._entry_boxes: dict[int, Float32Array] = {}
        self.begun = False
        self._clear()

    def _clear(self) -> None:
        self._rows: list[tuple[int, FaceObservation]] = []
        self._shot_starts: list[int] = []
        self._decoded = 0

    def set_entry(self, observed: list[FaceObservation]) -> None:
        """Record the boxes of the last warm-up frame."""
        self._entry_boxes = {face.tracklet: face.measures.box_xywh * self._scale for face in observed}

    def add(self, index: int, observed: list[FaceObservation], *, starts_shot: bool) -> None:
        self.begun = True
        self._decoded += 1
        self._rows += [(index, face) for face in observed]
        if starts_shot:
            self._shot_starts.append(index)

    def part(self, stop: int, tracklets: Mapping[int, Tracklet]) -> SegmentPart:
        present = sorted({face.tracklet for _, face in self._rows})
        part = SegmentPart(
            segment=self._segment.number,
            stop=stop,
            decoded=self._decoded,
            shot_starts=tuple(self._shot_starts),
            rows=self._columns(),
            tracklets=tuple(self._summary(tracklets[number]) for number in present),
        )
        self._clear()
        return part

    def _summary(self, tracklet: Tracklet) -> TrackletSummary:
        entry = self._entry_boxes.get(tracklet.number)
        if entry is None and tracklet.continues is not None:
            entry = self._entry_boxes.get(tracklet.continues)
        return TrackletSummary(
            number=tracklet.number,
            continues=tracklet.continues,
            near=tracklet.near,
            descriptor=tracklet.descriptor,
            described=tracklet.described,
            entry_box=entry,
        )

    def _columns(self) -> Rows:
        rows: dict[str, NDArray[Any]] = {}
        for name, (dtype, shape) in COLUMNS.items():
            values = [_value(name, index, face) for index, face in self._rows]
            rows[name] = np.array(values, dtype).reshape(len(values), *shape)
        for name in ("box_xywh", "center_xy"):
            rows[name] *= self._scale
        return rows


def _value(name: str, index: int, face: FaceObservation) -> Any:
    if name == "frame_index":
        return index
    return getattr(face, name) if hasattr(face, name) else getattr(face.measures, name)
