"""The frames between two looks of the draft, and about where their faces are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clipgen_engine.analysis.segments import Segment, SegmentResult
from clipgen_engine.faces.region import FaceRegion, stored_region

Regions = Mapping[int, FaceRegion]  # by tracklet


@dataclass(frozen=True)
class Gap:
    """Frames `start <= index < stop`, after the look at `start - 1`."""

    start: int
    stop: int
    before: Regions  # of the look before
    after: Regions  # of the look at `stop`; empty if a shot or the next segment begins there

    def regions(self, frame: int) -> Regions:
        """About where each face is in a frame: between its looks, or where it was seen last."""
        share = (frame - self.start + 1) / (self.stop - self.start + 1)
        return {
            tracklet: region.towards(self.after[tracklet], share) if tracklet in self.after else region
            for tracklet, region in self.before.items()
        }


def gaps_of(segment: Segment, result: SegmentResult) -> Iterator[Gap]:
    """The gaps of a segment in which there are faces, in order."""
    rows = result.rows
    looked = np.flatnonzero(np.isfinite(rows["region"][:, 0]))
    regions: dict[int, dict[int, FaceRegion]] = {}
    for frame, tracklet, region in zip(
        rows["frame_index"][looked].tolist(), rows["tracklet"][looked].tolist(), rows["region"][looked], strict=True
    ):
        regions.setdefault(frame, {})[tracklet] = stored_region(region)
    cuts = {*result.shot_starts, segment.stop}
    for look, following in pairwise([*result.looks, segment.stop]):
        if following > look + 1 and look in regions:
            yield Gap(look + 1, following, regions[look], {} if following in cuts else regions.get(following, {}))
