"""What a worker does: the draft of a segment, in order, and the frames between its looks, in any order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.analysis.gaps import Gap, Regions
from clipgen_engine.analysis.segments import Segment, SegmentPart, draft_stride
from clipgen_engine.faces.tracker import FaceObservation, FaceTracker, Tracklet
from clipgen_engine.faces.tracklets import COLUMNS, Rows, TrackletSummary
from clipgen_engine.read_ahead import read_ahead
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Float32Array, VideoInfo
from clipgen_engine.video.decoding import DecodedFrame, Picture, analysis_size, decode, decode_lazily
from clipgen_engine.video.shots import LOOKAHEAD_FRAMES, tag_shots

_PART_FRAMES = 15  # per part, at least
_PREFETCH = 4  # frames that are decoded and shot-tagged ahead of the models
_NOWHERE = np.full(4, np.nan, np.float32)


def analyze_segment(
    video: VideoInfo,
    settings: AnalysisSettings,
    segment: Segment,
    faces: FaceTracker,
    *,
    exact: bool,
    threads: int = 0,
) -> Iterator[SegmentPart]:
    """Analyse the frames of a segment part by part; the `stop` of the last part is that of the segment.

    Args:
        exact: also look at the frames between the looks of the draft.
        threads: number of decoder threads; 0: one per core.

    Raises:
        VideoError: the file can no longer be opened.
    """
    collected = _Collected(segment, _scale(video, settings))
    faces.reset(settings, draft_stride(video, settings))
    last = min(segment.stop + LOOKAHEAD_FRAMES, video.frame_count)
    side = settings.analysis_max_side
    frames = tag_shots(decode_lazily(video, segment.warm_up_start, last, max_side=side, threads=threads))
    block, skipped = -1, list[DecodedFrame]()
    with read_ahead(frames, threading.Event(), _PREFETCH) as tagged:
        for frame, starts_shot in tagged:
            index = frame.index
            if index >= segment.stop:
                break
            if index // faces.stride == block and not starts_shot:
                skipped.append(frame)
                continue
            block = index // faces.stride
            observed = faces.track(
                frame.pixels,
                index,
                starts_shot=starts_shot,
                skipped=skipped,
                measure=index >= segment.start and not collected.begun,
            )
            if index < segment.start:
                collected.set_entry(observed)
            else:
                collected.close_gap(faces, skipped, index, [] if starts_shot else observed, exact=exact)
                if index - collected.start >= _PART_FRAMES:
                    yield collected.part(index, faces.tracklets)
                collected.add_look(index, observed, starts_shot=starts_shot)
            skipped.clear()
    collected.close_gap(faces, skipped, segment.stop, [], exact=exact)
    yield collected.part(segment.stop, faces.tracklets)


def look_into_gaps(
    video: VideoInfo, settings: AnalysisSettings, gaps: Sequence[Gap], faces: FaceTracker, *, threads: int = 0
) -> Rows:
    """Look at the frames of gaps, which are in order.

    Args:
        threads: number of decoder threads; 0: one per core.

    Raises:
        VideoError: the file can no longer be opened.
    """
    observed: list[_Observed] = []
    waiting = deque(gaps)
    pictures = decode(video, gaps[0].start, gaps[-1].stop, max_side=settings.analysis_max_side, threads=threads)
    with read_ahead(pictures, threading.Event(), _PREFETCH) as ahead:
        for picture in ahead:
            while picture.index >= waiting[0].stop:
                waiting.popleft()
            if picture.index >= waiting[0].start:
                observed += _between(faces, picture, waiting[0])
    return _columns(observed, _scale(video, settings))


@dataclass(frozen=True, eq=False)
class _Observed:
    """A face in a frame; `region` is NaN between looks."""

    frame_index: int
    face: FaceObservation
    region: Float32Array

    def value(self, column: str) -> Any:
        for source in (self, self.face, self.face.mesh, self.face.measures):
            if hasattr(source, column):
                return getattr(source, column)
        raise AttributeError(column)


class _Collected:
    """Collects the observations of one part at a time."""

    def __init__(self, segment: Segment, scale: np.float32) -> None:
        self._segment = segment
        self._scale = scale
        self._entry_boxes: dict[int, Float32Array] = {}
        self._last_look = segment.start - 1
        self._regions: Regions = {}  # in the last look
        self.begun = False
        self._clear(segment.start)

    def _clear(self, start: int) -> None:
        self.start = start  # first frame of the part
        self._observed: list[_Observed] = []
        self._looks: list[int] = []
        self._shot_starts: list[int] = []
        self._decoded = 0

    def set_entry(self, observed: Iterable[FaceObservation]) -> None:
        """Record the boxes of the last look before the segment."""
        self._entry_boxes = {face.tracklet: face.measures.box_xywh * self._scale for face in observed}

    def close_gap(
        self,
        faces: FaceTracker,
        skipped: Sequence[DecodedFrame],
        stop: int,
        following: Iterable[FaceObservation],
        *,
        exact: bool,
    ) -> None:
        """Count the pictures since the last look, and look for their faces if they are to be exact."""
        inside = [frame for frame in skipped if frame.index >= self._segment.start]
        self._decoded += len(inside)
        if exact and self._regions:
            gap = Gap(self._last_look + 1, stop, self._regions, _regions(following))
            self._observed += [one for frame in inside for one in _between(faces, frame, gap)]

    def add_look(self, index: int, observed: Sequence[FaceObservation], *, starts_shot: bool) -> None:
        self.begun = True
        self._last_look, self._regions = index, _regions(observed)
        self._decoded += 1
        self._looks.append(index)
        self._observed += [_Observed(index, face, face.mesh.region.as_array()) for face in observed]
        if starts_shot:
            self._shot_starts.append(index)

    def part(self, stop: int, tracklets: Mapping[int, Tracklet]) -> SegmentPart:
        present = sorted({one.face.tracklet for one in self._observed})
        part = SegmentPart(
            segment=self._segment.number,
            stop=stop,
            looks=tuple(self._looks),
            decoded=self._decoded,
            shot_starts=tuple(self._shot_starts),
            rows=_columns(self._observed, self._scale),
            tracklets=tuple(self._summary(tracklets[number]) for number in present),
        )
        self._clear(stop)
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


def _between(faces: FaceTracker, picture: Picture | DecodedFrame, gap: Gap) -> list[_Observed]:
    found = faces.look_between(picture.pixels, gap.regions(picture.index))
    return [_Observed(picture.index, face, _NOWHERE) for face in found]


def _regions(observed: Iterable[FaceObservation]) -> Regions:
    return {face.tracklet: face.mesh.region for face in observed}


def _scale(video: VideoInfo, settings: AnalysisSettings) -> np.float32:
    """Source px per analysed px."""
    width, _ = analysis_size(video.width_px, video.height_px, settings.analysis_max_side)
    return np.float32(video.width_px / width)


def _columns(observed: Sequence[_Observed], scale: np.float32) -> Rows:
    rows: dict[str, NDArray[Any]] = {}
    for name, (dtype, shape) in COLUMNS.items():
        values = [one.value(name) for one in observed]
        rows[name] = np.array(values, dtype).reshape(len(values), *shape)
    for name in ("box_xywh", "center_xy"):
        rows[name] *= scale
    return rows
