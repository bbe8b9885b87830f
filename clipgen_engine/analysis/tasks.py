"""What a worker process is asked to do, and what it replies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipgen_engine.analysis.gaps import Gap
from clipgen_engine.analysis.segments import Segment, SegmentPart
from clipgen_engine.faces.tracklets import Rows
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

if TYPE_CHECKING:
    from clipgen_engine.faces.tracker import FaceTracker


@dataclass(frozen=True, eq=False)
class SegmentTask:
    """Analyse a segment; replies with its parts as they are completed."""

    video: VideoInfo
    settings: AnalysisSettings
    segment: Segment
    exact: bool  # look at the frames between looks, too

    @property
    def span(self) -> tuple[int, int]:
        """Half-open span of frames."""
        return self.segment.start, self.segment.stop

    def run(self, faces: FaceTracker, threads: int) -> Iterator[SegmentPart]:
        """Run the task with this number of decoder threads."""
        from clipgen_engine.analysis.frame_pass import analyze_segment

        return analyze_segment(self.video, self.settings, self.segment, faces, exact=self.exact, threads=threads)


@dataclass(frozen=True, eq=False)
class GapRows:
    """The faces found in the gaps of a task."""

    segment: int
    starts: tuple[int, ...]  # first frames of the gaps
    rows: Rows


@dataclass(frozen=True, eq=False)
class GapTask:
    """Look at the frames of gaps of one segment, in order; replies once."""

    video: VideoInfo
    settings: AnalysisSettings
    segment: int
    gaps: tuple[Gap, ...]

    @property
    def span(self) -> tuple[int, int]:
        """Half-open span of frames."""
        return self.gaps[0].start, self.gaps[-1].stop

    def run(self, faces: FaceTracker, threads: int) -> Iterator[GapRows]:
        """Run the task with this number of decoder threads."""
        from clipgen_engine.analysis.frame_pass import look_into_gaps

        starts = tuple(gap.start for gap in self.gaps)
        yield GapRows(
            self.segment, starts, look_into_gaps(self.video, self.settings, self.gaps, faces, threads=threads)
        )


Task = SegmentTask | GapTask
Reply = SegmentPart | GapRows
