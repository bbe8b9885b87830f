"""Ranks the windows of all videos of a project together, fast enough for interactive sliders.

The videos are kept in packs, each of which is ranked as if its videos were one long video, so that the cost of a
changed setting depends on the number of windows and hardly on the number of videos.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from clipgen_engine.errors import Cancelled
from clipgen_engine.expression_tokens.backends import load_backend
from clipgen_engine.processors import core_count
from clipgen_engine.ranking.effective import effective_weights, in_frames
from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.ranker import Ranker, SequenceKey, combined_score
from clipgen_engine.ranking.scores import WindowScores
from clipgen_engine.ranking.selection import GroupedWindows
from clipgen_engine.ranking.windows import Windows
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, BoolArray, Float64Array, Int64Array
from clipgen_engine.types import Sequence as Window

_PACK_ROWS = 1 << 18
_SMALL_PACKS = 4  # more of them are merged


@dataclass(frozen=True)
class DecidedWindows:
    """The windows of a video that a curator decided on, tagged or added."""

    pinned: tuple[SequenceKey, ...] = ()  # always listed; nothing may overlap them
    blocked: tuple[SequenceKey, ...] = ()  # rejected; listed, and nothing may overlap them


@dataclass(frozen=True, eq=False)
class RankedWindows:
    """The listed windows of a project, best first."""

    settings: RankingSettings
    video: Int64Array  # (N,) int64, video ids
    key: Int64Array  # (N, 3) int64: start frame, stop frame, track id
    score: Float64Array  # (N,) float64, combined
    exact: BoolArray  # (N,) bool: not the score of a draft
    window_count: int  # windows that lie within a track
    valid_count: int  # windows that pass all gates
    _packs: Mapping[int, _Pack] = field(repr=False)  # by video id
    _described: dict[int, Window | None] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.score)

    @cached_property
    def places(self) -> dict[tuple[int, int, int, int], int]:
        """Place by video id, start frame, stop frame and track id."""
        rows = zip(self.video.tolist(), *self.key.T.tolist(), strict=True)
        return {row: place for place, row in enumerate(rows)}

    def key_of(self, place: int) -> SequenceKey:
        """Return the window at this place of the list."""
        start, stop, track_id = self.key[place].tolist()
        return start, stop, track_id

    def describe(self, place: int) -> Window | None:
        """Return the sequence at this place with its scores; None if its video has no analysis of that span."""
        if place not in self._described:
            video = int(self.video[place])
            self._described[place] = self._packs[video].describe(video, self.key_of(place), self.settings)
        return self._described[place]

    def analysis_of(self, video: int) -> Analysis | None:
        """Return the analysis of a ranked video, with blendshapes as tokens."""
        pack = self._packs.get(video)
        return None if pack is None else pack.members.get(video)


class ProjectRanker:
    """Ranks repeatedly, reusing everything that a changed setting does not affect. For one thread.

    Expression is measured by blendshapes, also in videos that have learned tokens: values of the two are not
    comparable, and few projects have the tokens of all of their videos.
    """

    def __init__(self) -> None:
        self._packs: list[_Pack] = []

    @property
    def videos(self) -> frozenset[int]:
        """Ids of the videos that are ranked."""
        return frozenset(video for pack in self._packs for video in pack.members)

    def add(self, analyses: Mapping[int, Analysis]) -> None:
        """Rank these videos, too, by id; one that is ranked already is replaced."""
        self.remove(analyses)
        self._packs.append(_Pack({video: _by_blendshapes(one) for video, one in analyses.items()}))
        small = [pack for pack in self._packs if pack.series.row_count < _PACK_ROWS]
        if len(small) > _SMALL_PACKS:
            merged: dict[int, Analysis] = {}
            rows = 0
            for pack in sorted(small, key=lambda pack: pack.series.row_count):
                if rows and rows + pack.series.row_count > _PACK_ROWS:
                    break
                merged |= pack.members
                rows += pack.series.row_count
                self._packs.remove(pack)
            if merged:
                self._packs.append(_Pack(merged))

    def remove(self, videos: Collection[int]) -> None:
        """Forget these videos."""
        for pack in self._packs:
            for video in videos:
                pack.members.pop(video, None)
        self._packs = [pack for pack in self._packs if pack.members]

    def rank(
        self,
        settings: RankingSettings,
        decided: Mapping[int, DecidedWindows],
        order: Sequence[int] = (),
        cancel: threading.Event | None = None,
    ) -> RankedWindows:
        """Select the best windows of every video, `settings.num_sequences` of each, and list them best first.

        Args:
            settings: as for a single video. A length in seconds is converted to frames at the rate of each video.
            decided: by video id; the videos that it leaves out have no decisions.
            order: video ids; of windows with equal scores, those of earlier videos come first.

        Raises:
            Cancelled: `cancel` was set.
            SettingError: unknown name, or weight, threshold or multiplier out of bounds.
        """

        def ranked(pack: _Pack) -> list[_Found]:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            return pack.rank(settings, decided)

        with ThreadPoolExecutor(core_count(), thread_name_prefix="clipgen-ranking") as pool:  # NumPy releases the GIL
            found = [one for part in pool.map(ranked, self._packs) for one in part]
        found.append(_Found(np.zeros(0, np.int64), np.zeros((0, 3), np.int64), np.zeros(0), np.zeros(0, np.bool_)))
        video, key = np.concatenate([one.video for one in found]), np.concatenate([one.key for one in found])
        score, exact = np.concatenate([one.score for one in found]), np.concatenate([one.exact for one in found])
        place = np.full(1 + max(max(order, default=0), int(video.max(initial=0))), len(order))
        place[list(order)] = np.arange(len(order))
        place = place[video]
        best_first = np.lexsort((key[:, 2], key[:, 0], place, -score))
        return RankedWindows(
            settings,
            video[best_first],
            key[best_first],
            score[best_first],
            exact[best_first],
            sum(one.window_count for one in found),
            sum(one.valid_count for one in found),
            {one: pack for pack in self._packs for one in pack.members},
        )


@dataclass(frozen=True, eq=False)
class _Found:
    """Listed windows of one pack; arrays as in `RankedWindows`."""

    video: Int64Array
    key: Int64Array
    score: Float64Array
    exact: BoolArray
    window_count: int = 0
    valid_count: int = 0


class _Pack:
    """Videos that are ranked as one. A video that leaves `members` keeps its rows, but is ranked no more."""

    def __init__(self, analyses: Mapping[int, Analysis]) -> None:
        self.members = dict(analyses)
        self.series = FrameSeries(*analyses.values())
        self._video = np.array(list(analyses), np.int64)
        self._place = {video: place for place, video in enumerate(analyses)}
        self._rankers: dict[int, Ranker] = {}  # by window length
        self._groups: dict[tuple[int, str], _Groups] = {}
        self._terms: tuple[WindowScores | None, dict[tuple[int, SequenceKey], tuple[dict[str, float], bool]]] = (
            None,
            {},
        )

    def rank(self, settings: RankingSettings, decided: Mapping[int, DecidedWindows]) -> list[_Found]:
        """Windows selected from each member, and those that were decided on."""
        members: dict[int, list[int]] = {}
        for video, analysis in self.members.items():
            length = in_frames(settings, analysis.video.average_rate).sequence_length
            members.setdefault(length, []).append(video)
        self._rankers = {length: self._ranker(length) for length in members}
        self._groups = {of: groups for of, groups in self._groups.items() if of[0] in members}
        fixed = {length: _at_length(settings, length) for length in members}
        found = [self._selected(fixed[length], decided, videos) for length, videos in members.items()]
        return [*found, *(self._decided(fixed[length], decided, videos) for length, videos in members.items())]

    def describe(self, video: int, key: SequenceKey, settings: RankingSettings) -> Window | None:
        """Return the sequence of any span of a video with its scores, in frames and tracks of the video."""
        part = self.series.parts[self._place[video]]
        length = in_frames(settings, part.analysis.video.average_rate).sequence_length
        sequence = self._ranker(length).describe(self._joined(video, key), _at_length(settings, length))
        start, stop, track_id = key
        return sequence and replace(sequence, start_frame=start, stop_frame=stop, track_id=track_id)

    def _ranker(self, length: int) -> Ranker:
        return self._rankers.get(length) or Ranker(self.series.parts[0].analysis, self.series)

    def _joined(self, video: int, key: SequenceKey) -> SequenceKey:
        """The window in the frames and tracks of the series."""
        part, (start, stop, track_id) = self.series.parts[self._place[video]], key
        return part.first_frame + start, part.first_frame + stop, part.first_track + track_id

    def _selected(self, settings: RankingSettings, decided: Mapping[int, DecidedWindows], videos: list[int]) -> _Found:
        ranker = self._ranker(settings.sequence_length)
        scores, gated = ranker.scores(settings), ranker.gated(settings)
        inside, valid = scores.inside, gated.valid
        if len(videos) < len(self._video):
            ranked = np.zeros(self.series.row_count, np.bool_)
            for video in videos:
                part = self.series.parts[self._place[video]]
                ranked[part.first_row : part.stop_row] = True
            inside, valid = inside & ranked[: len(inside)], valid & ranked[: len(valid)]
        groups = self._grouped(scores, settings)
        combined = scores.combined(effective_weights(settings))
        counts = np.full(groups.count, settings.num_sequences, np.int64)
        occupied: list[tuple[int, int, int]] = []
        taken: list[tuple[int, int]] = []
        for video in videos:
            windows = decided.get(video, DecidedWindows())
            for number, key in enumerate((*windows.pinned, *windows.blocked)):
                start, stop, track_id = self._joined(video, key)
                group = groups.of(self._place[video], track_id)
                if group is None:
                    continue
                occupied.append((group, start, stop))
                if number < len(windows.pinned):
                    counts[group] -= 1
                    window = self.series.window_at(track_id, start, settings.sequence_length)
                    if settings.diversity and window is not None:
                        taken.append((group, groups.position(window.first_row)))
        order = np.where(valid, combined, -np.inf)
        spans = np.array(occupied, np.int64).reshape(-1, 3).T
        tokens = ranker.compared_tokens(settings, learned=False) if settings.diversity else None

        def similarity(group: int, position: int) -> Float64Array:
            assert tokens is not None
            rows = groups.rows(group)
            windows = Windows(settings.sequence_length, int(rows.min()), int(rows.max()) + 1)
            similar = tokens.similarity(windows, groups.row(position)).astype(np.float64)
            return similar[rows - windows.first_row]

        positions = groups.windows.select(
            order if groups.order is None else order[groups.order],
            settings.sequence_length,
            np.maximum(counts, 0),
            min_gap=settings.min_gap,
            occupied=(spans[0], spans[1], spans[2]),
            diversity=settings.diversity,
            similarity=similarity,
            taken=taken,
        )
        rows = positions if groups.order is None else groups.order[positions]
        place = np.searchsorted([part.stop_row for part in self.series.parts], rows, side="right")
        first_frame = np.array([part.first_frame for part in self.series.parts], np.int64)[place]
        first_track = np.array([part.first_track for part in self.series.parts], np.int64)[place]
        starts = scores.start_frame[rows] - first_frame
        keys = np.stack([starts, starts + settings.sequence_length, scores.track_id[rows] - first_track], axis=1)
        return _Found(
            self._video[place],
            keys,
            combined[rows],
            scores.exact[rows],
            int(np.count_nonzero(inside)),
            int(np.count_nonzero(valid)),
        )

    def _decided(self, settings: RankingSettings, decided: Mapping[int, DecidedWindows], videos: list[int]) -> _Found:
        """The windows that were decided on and that the analysis covers."""
        ranker, weights = self._ranker(settings.sequence_length), effective_weights(settings)
        scores = ranker.scores(settings)
        if self._terms[0] is not scores:
            self._terms = scores, {}
        known = self._terms[1]
        found: list[tuple[int, SequenceKey, float, bool]] = []
        for video in videos:
            for key in (*decided[video].pinned, *decided[video].blocked) if video in decided else ():
                if (video, key) not in known:
                    window, terms = ranker.terms_of(self._joined(video, key), settings)
                    known[video, key] = terms, window is None or bool(self.series.exact(window)[0])
                terms, exact = known[video, key]
                if terms:
                    found.append((video, key, combined_score(terms, weights), exact))
        return _Found(
            np.array([video for video, *_ in found], np.int64),
            np.array([key for _, key, *_ in found], np.int64).reshape(-1, 3),
            np.array([score for _, _, score, _ in found], np.float64),
            np.array([exact for *_, exact in found], np.bool_),
        )

    def _grouped(self, scores: WindowScores, settings: RankingSettings) -> _Groups:
        of = settings.sequence_length, settings.scope
        if of not in self._groups:
            self._groups[of] = _Groups(self.series, scores, by_track=settings.scope == "track")
        return self._groups[of]


class _Groups:
    """The windows among which the best are selected: those of each video, or of each track."""

    def __init__(self, series: FrameSeries, scores: WindowScores, *, by_track: bool) -> None:
        self.order: Int64Array | None = None  # rows by position; None: the same
        self._group_of_track: dict[int, int] | None = None
        if by_track:
            tracks, first = np.unique(scores.track_id, return_index=True)
            edges = np.append(np.sort(first), len(scores.track_id))
            in_order = tracks[np.argsort(first)].tolist()
            self._group_of_track = {track_id: group for group, track_id in enumerate(in_order)}
        else:
            edges = np.minimum([0, *(part.stop_row for part in series.parts)], len(scores.track_id))
            if not series.in_frame_order:  # tracks overlap in time
                self.order = np.argsort(scores.start_frame, kind="stable")
        self._edges = edges.astype(np.int64)
        self.count = len(edges) - 1
        frames = scores.start_frame if self.order is None else scores.start_frame[self.order]
        self.windows = GroupedWindows(frames, self._edges)

    def of(self, place: int, track_id: int) -> int | None:
        """The group of a window; None if no window of its track is long enough."""
        return place if self._group_of_track is None else self._group_of_track.get(track_id)

    def rows(self, group: int) -> Int64Array:
        """(N,) int64: the rows of a group, by position."""
        first, stop = self._edges[group : group + 2]
        return np.arange(first, stop) if self.order is None else self.order[first:stop]

    def row(self, position: int) -> int:
        """The row at this position."""
        return position if self.order is None else int(self.order[position])

    def position(self, row: int) -> int:
        """The position of this row."""
        return row if self.order is None else int(np.flatnonzero(self.order == row)[0])


def _at_length(settings: RankingSettings, length: int) -> RankingSettings:
    return replace(settings, sequence_seconds=0.0, sequence_length=length)


def _by_blendshapes(analysis: Analysis) -> Analysis:
    """The analysis with blendshapes as tokens, which are shared with its tracks."""
    made = load_backend("blendshapes").tokens(analysis.tracks)
    both = zip(made, analysis.tracks, strict=True)
    return replace(analysis, tokens=tuple(replace(tokens, values=track.blendshapes[:, 1:]) for tokens, track in both))
