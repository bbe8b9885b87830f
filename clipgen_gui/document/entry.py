"""One open video: its analysis, ranked windows and decisions. No Qt imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.projects.conflicts import Conflict
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.ranking.explanation import no_window_reason
from clipgen_engine.ranking.ranker import COMBINED, Ranker, Ranking, best_first
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Decision, Sequence, VideoInfo
from clipgen_gui.document.windows import Key, WindowId, WindowRow

MOVEMENT = "movement"  # curve of the token movement from frame to frame
Curve = tuple[NDArray[np.int64], NDArray[np.float32]]  # frames, value of the window centred at each


class VideoState(StrEnum):
    WAITING = "waiting"
    ANALYSING = "analysing"
    DONE = "done"
    STOPPED = "stopped"  # cancelled; partial results are kept
    FAILED = "failed"
    MISSING = "missing"  # the file is missing


@dataclass(frozen=True)
class Tally:
    """Review progress of a video; available without its analysis."""

    windows: int
    accepted: int
    rejected: int

    @property
    def undecided(self) -> int:
        return max(0, self.windows - self.accepted - self.rejected)


@dataclass(eq=False, repr=False)
class VideoEntry:
    """One open video with all decisions on it. Its analysis is in memory only while needed."""

    path: Path
    state: VideoState = VideoState.WAITING
    message: str = ""  # why it failed, or why it has no window
    video_id: int | None = None  # id in the project; None: not stored
    fingerprint: str | None = None  # None until the file was read
    duration_s: float | None = None
    added_at: str = ""  # UTC, ISO 8601
    analysis_name: str = ""  # of the stored analysis; empty: none
    tally: Tally | None = None  # None until ranked
    review_loaded: bool = False  # whether the stored decisions were loaded
    unchecked: bool = False  # whether the file may have been replaced since its analysis was loaded
    progress: float = 0.0  # of the running analysis, 0..1
    info: VideoInfo | None = None
    analysis: Analysis | None = None
    ranker: Ranker | None = None
    ranking: Ranking | None = None
    rows: tuple[WindowRow, ...] = ()
    reviews: dict[Key, WindowReview] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)  # subject id by track id
    conflicts: dict[Key, Conflict] = field(default_factory=dict)  # by the window to decide on, also of settled ones
    selected: Key | None = None
    inspected: int | None = None  # frame whose missing window is explained; excludes a selection
    track: int | None = None  # id of the face in focus; None: any
    position: int = 0  # playhead, frame index
    _curves: dict[tuple[str, int], Curve] = field(default_factory=dict)  # of the terms, which do not depend on weights
    _curves_of: object = None

    @property
    def frame_count(self) -> int:
        return self.info.frame_count if self.info else 0

    @property
    def in_order(self) -> bool:
        """Whether the rows are listed best first."""
        return list(self.rows) == sorted(self.rows, key=lambda row: best_first(row.sequence))

    @property
    def is_draft(self) -> bool:
        """Whether the loaded analysis covers the video, but some of its frames are not exact yet."""
        analysis = self.analysis
        return analysis is not None and analysis.exact is not None and analysis.analyzed_frames == self.frame_count

    @property
    def unloaded(self) -> bool:
        """Whether the video is analysed, but the analysis is only stored and not in memory."""
        return self.state is VideoState.DONE and self.ranker is None and bool(self.analysis_name)

    def unload(self) -> None:
        """Drop the analysis from memory; decisions, playhead and selection stay."""
        self.info = self.analysis = self.ranker = self.ranking = None
        self.unchecked = False
        self.rows = ()
        self._curves, self._curves_of = {}, None

    @property
    def selected_window(self) -> WindowId | None:
        return None if self.selected is None else WindowId(self, self.selected)

    @property
    def selected_row(self) -> WindowRow | None:
        """The selected window among those of the video."""
        return next((row for row in self.rows if row.key == self.selected), None)

    def tracks_at(self, frame: int) -> tuple[int, ...]:
        """Ids of the faces visible in this frame, the one in focus first."""
        tracks = self.analysis.tracks if self.analysis else ()
        seen = [track.track_id for track in tracks if track.row_of(frame) is not None]
        return tuple(sorted(seen, key=lambda track_id: track_id != self.track))

    def track_for(self, frame: int) -> int | None:
        """The face in focus if it is visible in this frame; None: any."""
        seen = self.tracks_at(frame)
        return self.track if seen and seen[0] == self.track else None

    @property
    def concurrent_tracks(self) -> frozenset[int]:
        """Faces whose time span overlaps that of the face in focus. Faces of other shots are excluded."""
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
        """(N, 2) float64: start and end in seconds of the spans without a face, within the analysed part."""
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
        """Frames of the window centred at the inspected frame, half-open; may exceed the video at either end."""
        if self.inspected is None or self.ranking is None:
            return None
        length = self.ranking.settings.sequence_length
        start = self.inspected - (length - 1) // 2
        return start, start + length

    @property
    def accepted(self) -> tuple[Sequence, ...]:
        """Accepted windows, best first. Their ranks are the numbers of the exported clips."""
        accepted = (row.sequence for row in self.rows if row.decision is Decision.ACCEPTED)
        return tuple(replace(sequence, rank=rank) for rank, sequence in enumerate(accepted, start=1))

    @property
    def no_window_reason(self) -> str:
        """Why a complete analysis has no window; empty otherwise."""
        ranking = self.ranking
        if self.state is not VideoState.DONE or self.analysis is None or ranking is None or self.rows:
            return ""
        if not self.analysis.tracks:
            hint = "Choose a video in which a face is larger or better lit."
        else:
            hint = "Relax a threshold or try a shorter window." if ranking.window_count else "Try a shorter window."
        return f"{no_window_reason(self.analysis, ranking)} {hint}"

    def curve(self, name: str, track_id: int) -> Curve | None:
        """A curve over the frames of a track under the last ranking, or None if there is none.

        Args:
            name: a score term, `combined_score`, a gate (for the value it compares), or `MOVEMENT`.
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

    def drafts(self, track_id: int) -> NDArray[np.bool_] | None:
        """Which values of the score curves of a track are those of a draft; None without a ranking."""
        return None if self.ranking is None else self.ranking.drafts(track_id)

    def opinions_on(self, key: Key) -> str:
        """Who said what about a window on which curators disagreed; empty for others."""
        conflict = self.conflicts.get(key)
        said = conflict.opinions if conflict is not None else ()
        return ", ".join(
            f"{one.curator or 'somebody'} {one.decision}" + (f" ({one.reason})" if one.reason else "") for one in said
        )

    def decision_of(self, key: Key) -> Decision:
        return self.reviews[key].decision if key in self.reviews else Decision.UNDECIDED

    def apply_reviews(self, changes: Mapping[Key, WindowReview | None], settings: RankingSettings) -> None:
        """Set reviews (None removes one) and update the rows. Rank again only if that can change the result."""
        unchanged = self.ranking is not None and self.ranking.requested == settings
        for key, review in changes.items():
            unchanged = unchanged and _effect(self.reviews.get(key)) == _effect(review)
            if review is None:
                self.reviews.pop(key, None)
            else:
                self.reviews[key] = review
        if self.ranker is None and self.tally is not None:
            decided = [review.decision for review in self.reviews.values()]
            counts = decided.count(Decision.ACCEPTED), decided.count(Decision.REJECTED)
            self.tally = Tally(self.tally.windows, *counts)
        if unchanged:
            self._list_windows()
        else:
            self.rank(settings)

    def rank(self, settings: RankingSettings, *, hold_order: bool = False) -> None:
        """Rank with these settings if an analysis is loaded.

        Args:
            hold_order: leave the listed windows where they are and append new ones.
        """
        if self.ranker is None:
            return
        self.ranking = self.ranker.rank(
            settings,
            pinned=[key for key, review in self.reviews.items() if review.pinned],
            blocked=[key for key, review in self.reviews.items() if review.decision is Decision.REJECTED],
        )
        self._list_windows(hold_order=hold_order)

    def _list_windows(self, *, hold_order: bool = False) -> None:
        """Build the rows from the selected windows and all reviewed ones."""
        if self.ranker is None or self.ranking is None:
            return
        shown = {sequence.key: sequence for sequence in self.ranking.sequences}
        for key, review in self.reviews.items():
            if key not in shown:
                shown[key] = self.ranker.describe(key, self.ranking.settings) or review.sequence
        listed = sorted(shown.values(), key=best_first)
        if hold_order:
            listed.sort(key=self._place)  # stable
        self.rows = tuple(self._row(number, one) for number, one in enumerate(listed, start=1))
        decided = [row.decision for row in self.rows]
        self.tally = Tally(len(decided), decided.count(Decision.ACCEPTED), decided.count(Decision.REJECTED))
        self._follow_selection()

    def _place(self, sequence: Sequence) -> int:
        """Where a window, or one that it replaces, is listed now; behind all others if it is new."""
        start, stop, track_id = sequence.key
        middle = (start + stop) // 2
        for place, row in enumerate(self.rows):
            if row.key == sequence.key or (row.key[2] == track_id and row.overlaps(middle, middle + 1)):
                return place
        return len(self.rows)

    def _row(self, number: int, sequence: Sequence) -> WindowRow:
        review = self.reviews.get(sequence.key)
        return WindowRow(
            self,
            number,
            sequence.key,
            sequence.combined_score,
            review,
            describe=lambda: sequence,
            find_analysis=lambda: self.analysis,
        )

    def _follow_selection(self) -> None:
        """Keep a window selected that only moved by some frames; deselect one that left the list."""
        if self.selected is None or self.selected_row is not None:
            return
        start, stop, track = self.selected
        if self.analysis is not None and self.analysis.analyzed_frames < stop:
            return  # the running analysis has not reached it yet
        overlaps = [
            (min(stop, row.sequence.stop_frame) - max(start, row.sequence.start_frame), row.key)
            for row in self.rows
            if row.sequence.track_id == track
        ]
        best = max(overlaps, default=(0, None))
        self.selected = best[1] if best[0] > 0 else None


def _effect(review: WindowReview | None) -> tuple[bool, bool]:
    """The effect of a review on the ranking: (pinned, blocked)."""
    return (False, False) if review is None else (review.pinned, review.decision is Decision.REJECTED)
