"""One open video: its analysis, its ranked windows and what the curator decided. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.projects.store import WindowReview
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.ranker import COMBINED, Ranker, Ranking, best_first
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision, Sequence, VideoInfo

MOVEMENT = "movement"  # the curve of how far the token moves from frame to frame
Key = tuple[int, int, int]  # start frame, stop frame, track id
Curve = tuple[NDArray[np.int64], NDArray[np.float32]]  # frames, value of the window centred at each


class VideoState(StrEnum):
    WAITING = "waiting"
    ANALYSING = "analysing"
    DONE = "done"
    STOPPED = "stopped"  # cancelled; what was found so far is kept
    FAILED = "failed"
    MISSING = "missing"  # the file is not where it was


@dataclass(frozen=True)
class WindowRow:
    """A window as the table and the plot show it. The number counts rows, rejected ones included,
    so that rejecting a window does not renumber the others."""

    number: int
    sequence: Sequence
    decision: Decision
    by_hand: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    @property
    def key(self) -> Key:
        return self.sequence.key

    def overlaps(self, start: int, stop: int) -> bool:
        """Whether it shares a frame with this span."""
        return self.sequence.start_frame < stop and start < self.sequence.stop_frame


@dataclass(frozen=True)
class Tally:
    """How far a video is reviewed; known without its analysis."""

    windows: int
    accepted: int
    rejected: int

    @property
    def undecided(self) -> int:
        return max(0, self.windows - self.accepted - self.rejected)


@dataclass(eq=False, repr=False)
class VideoEntry:
    """One open video with everything the curator did to it. Its analysis is only there while it is needed."""

    path: Path
    state: VideoState = VideoState.WAITING
    message: str = ""  # why it failed, or why there is no window
    video_id: int | None = None  # in the project; None: it is in none
    fingerprint: str | None = None  # None until somebody looked into the file
    duration_s: float | None = None
    added_at: str = ""  # UTC, ISO 8601
    analysis_name: str = ""  # of the stored analysis; empty: there is none
    tally: Tally | None = None  # None until it was ranked
    recalled: bool = False  # whether the decisions that the project has are here
    progress: float = 0.0  # share of the analysis that is done, while it runs
    info: VideoInfo | None = None
    analysis: Analysis | None = None
    ranker: Ranker | None = None
    ranking: Ranking | None = None
    rows: tuple[WindowRow, ...] = ()
    reviews: dict[Key, WindowReview] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)  # subject id by track id
    selected: Key | None = None
    inspected: int | None = None  # frame whose missing window is explained; then nothing is selected
    track: int | None = None  # id of the face that is looked at; None: whichever is there
    position: int = 0  # playhead, frame index
    _curves: dict[tuple[str, int], Curve] = field(default_factory=dict)  # of the terms, which no weight changes
    _curves_of: object = None

    @property
    def frame_count(self) -> int:
        return self.info.frame_count if self.info else 0

    @property
    def resting(self) -> bool:
        """Whether it is analysed, and the analysis is stored but not here."""
        return self.state is VideoState.DONE and self.ranker is None and bool(self.analysis_name)

    def let_go(self) -> None:
        """Give up the analysis; decisions, place and selection stay."""
        self.info = self.analysis = self.ranker = self.ranking = None
        self.rows = ()
        self._curves, self._curves_of = {}, None

    @property
    def selected_row(self) -> WindowRow | None:
        return next((row for row in self.rows if row.key == self.selected), None)

    def tracks_at(self, frame: int) -> tuple[int, ...]:
        """Ids of the faces that are seen on this frame, the one that is looked at first."""
        tracks = self.analysis.tracks if self.analysis else ()
        seen = [track.track_id for track in tracks if track.row_of(frame) is not None]
        return tuple(sorted(seen, key=lambda track_id: track_id != self.track))

    def track_for(self, frame: int) -> int | None:
        """The face that is looked at, if it is seen on this frame; None: any."""
        seen = self.tracks_at(frame)
        return self.track if seen and seen[0] == self.track else None

    @property
    def tracks_beside(self) -> frozenset[int]:
        """Faces that are seen beside the one that is looked at; those of other shots are none."""
        spans = {
            track.track_id: (track.frame_index[0], track.frame_index[-1])
            for track in (self.analysis.tracks if self.analysis else ())
            if len(track.frame_index)
        }
        if self.track not in spans:
            return frozenset()
        first, last = spans.pop(self.track)
        return frozenset(one for one, (begin, end) in spans.items() if begin <= last and first <= end)

    @property
    def gaps_s(self) -> NDArray[np.float64]:
        """(N, 2) float64: seconds from where to where no face is seen, as far as the video is analysed."""
        if self.analysis is None or self.info is None:
            return np.zeros((0, 2))
        count = min(self.analysis.analyzed_frames, self.info.frame_count)
        seen = np.zeros(count, np.bool_)
        for track in self.analysis.tracks:
            seen[track.frame_index[track.frame_index < count]] = True
        change = np.flatnonzero(np.diff(np.concatenate([[1], seen, [1]])))
        gaps: NDArray[np.float64] = np.append(self.info.times_s, self.info.duration_s)[change].reshape(-1, 2)
        return gaps

    @property
    def candidate(self) -> tuple[int, int] | None:
        """Frames of the window centred at the place that the curator asks about; they may run over either end."""
        if self.inspected is None or self.ranking is None:
            return None
        length = self.ranking.settings.sequence_length
        start = self.inspected - (length - 1) // 2
        return start, start + length

    @property
    def accepted(self) -> tuple[Sequence, ...]:
        """Accepted windows, best first, ranked among themselves: the numbers that their clips get."""
        accepted = (row.sequence for row in self.rows if row.decision is Decision.ACCEPTED)
        return tuple(replace(sequence, rank=rank) for rank, sequence in enumerate(accepted, start=1))

    @property
    def why_no_window(self) -> str:
        """A sentence where an analysis is complete and no window passes; else nothing."""
        ranking = self.ranking
        if self.state is not VideoState.DONE or self.analysis is None or ranking is None or self.rows:
            return ""
        if not self.analysis.tracks:
            return f"No face was found in {self.path.name}. Choose a video in which a face is larger or better lit."
        length = ranking.settings.sequence_length
        if not ranking.window_count:
            return f"No face stays for {length} frames in {self.path.name}. Try a shorter window."
        name = max(ranking.gate_counts, key=lambda gate: ranking.gate_counts[gate])
        return (
            f"No window of {length} frames passes in {self.path.name}: “{GATES[name].label}” stops"
            f" {ranking.gate_counts[name]} of {ranking.window_count}. Relax its threshold or shorten the window."
        )

    def curve(self, name: str, track_id: int) -> Curve | None:
        """A number over the frames of a track under the last ranking, or None where there is none.

        Args:
            name: a score term, `combined_score`, a gate for the number that it compares, or `MOVEMENT`.
        """
        if self.ranking is None or self.ranker is None:
            return None
        if name == COMBINED:
            return self.ranking.curve(name, track_id)
        if self._curves_of is not self.ranking.scores:
            self._curves_of, self._curves = self.ranking.scores, {}
        if (name, track_id) not in self._curves:
            made = self.ranker.series.movement(track_id) if name == MOVEMENT else self.ranking.curve(name, track_id)
            self._curves[name, track_id] = made
        return self._curves[name, track_id]

    def decision_of(self, key: Key) -> Decision:
        return self.reviews[key].decision if key in self.reviews else Decision.UNDECIDED

    def review_of(self, row: WindowRow) -> WindowReview:
        """The review of a listed window; a blank one where there is none."""
        return self.reviews.get(row.key) or WindowReview(row.sequence, Decision.UNDECIDED)

    def apply_reviews(self, changes: Mapping[Key, WindowReview | None], settings: RankingSettings) -> None:
        """Set marks, None takes one away, and list the windows anew; they are ranked again where that can differ."""
        same = self.ranking is not None and self.ranking.settings == settings
        for key, review in changes.items():
            same = same and _effect(self.reviews.get(key)) == _effect(review)
            if review is None:
                self.reviews.pop(key, None)
            else:
                self.reviews[key] = review
        if same:
            self._list_windows()
        else:
            self.rank(settings)

    def rank(self, settings: RankingSettings) -> None:
        """Rank under these settings, as far as there is an analysis."""
        if self.ranker is None:
            return
        self.ranking = self.ranker.rank(
            settings,
            pinned=[key for key, review in self.reviews.items() if review.pinned],
            blocked=[key for key, review in self.reviews.items() if review.decision is Decision.REJECTED],
        )
        self._list_windows()

    def _list_windows(self) -> None:
        """Rows of what the ranking selected, and of what is marked besides."""
        if self.ranker is None or self.ranking is None:
            return
        shown = {sequence.key: sequence for sequence in self.ranking.sequences}
        for key, review in self.reviews.items():
            if key not in shown:
                shown[key] = self.ranker.describe(key, self.ranking.settings) or review.sequence
        listed = sorted(shown.values(), key=best_first)
        self.rows = tuple(self._row(number, one) for number, one in enumerate(listed, start=1))
        decided = [row.decision for row in self.rows]
        self.tally = Tally(len(decided), decided.count(Decision.ACCEPTED), decided.count(Decision.REJECTED))
        self._follow_selection()

    def _row(self, number: int, sequence: Sequence) -> WindowRow:
        review = self.reviews.get(sequence.key)
        if review is None:
            return WindowRow(number, sequence, Decision.UNDECIDED)
        return WindowRow(number, sequence, review.decision, review.by_hand, review.tags, review.note)

    def _follow_selection(self) -> None:
        """A window that moved by some frames stays selected; one that left the list does not."""
        if self.selected is None or self.selected_row is not None:
            return
        start, stop, track = self.selected
        if self.analysis is not None and self.analysis.analyzed_frames < stop:
            return  # an analysis that runs again will come to it
        overlaps = [
            (min(stop, row.sequence.stop_frame) - max(start, row.sequence.start_frame), row.key)
            for row in self.rows
            if row.sequence.track_id == track
        ]
        best = max(overlaps, default=(0, None))
        self.selected = best[1] if best[0] > 0 else None


def _effect(review: WindowReview | None) -> tuple[bool, bool]:
    """What a review means for the ranking: whether its window is pinned, and whether it is kept out."""
    return (False, False) if review is None else (review.pinned, review.decision is Decision.REJECTED)
