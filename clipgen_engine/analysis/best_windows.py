"""Which windows must become exact before the selection can be trusted.

A window is a contender if it would be selected, were every draft better by as much as drafts of this video have
proved to be too low so far. When all contenders are exact, no draft can enter the selection but by an error larger
than that.
"""

from __future__ import annotations

import numpy as np

from clipgen_engine.faces import smoothing
from clipgen_engine.ranking.expression import corrections
from clipgen_engine.ranking.ranker import Ranker, Ranking
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, Float64Array, Int64Array, VideoInfo

_QUANTILE = 0.9  # of the errors seen
_REACH_S = corrections.REACH_S + smoothing.REACH_S + 0.01  # a window depends on the frames within it


class BestWindows:
    """Compares the drafts of one video with what became of them."""

    def __init__(self) -> None:
        self._draft: Ranking | None = None

    def contenders(self, analysis: Analysis, settings: RankingSettings) -> list[tuple[int, int]]:
        """Half-open spans of frames that must become exact, the best first; none if the selection is final."""
        ranker = Ranker(analysis)
        ranking = ranker.rank(settings)
        if self._draft is None or self._draft.requested != settings:
            self._draft = ranking
        raised = ranker.rank(settings, drafts_raised_by=_margin(self._draft, ranking))
        drafts = (sequence for sequence in raised.sequences if not sequence.exact)
        return [frames_behind(analysis.video, one.start_frame, one.stop_frame) for one in drafts]


def frames_behind(video: VideoInfo, start_frame: int, stop_frame: int) -> tuple[int, int]:
    """Half-open span of the frames that must be exact for a window to be exact."""
    times_s = video.times_s
    start = np.searchsorted(times_s, times_s[start_frame] - _REACH_S)
    stop = np.searchsorted(times_s, times_s[stop_frame - 1] + _REACH_S, side="right")
    return int(start), int(stop)


def _margin(draft: Ranking, ranking: Ranking) -> float:
    """By how much drafts that became exact were too low."""
    now = ranking.valid & ranking.scores.exact
    before, after = _window_ids(draft), _window_ids(ranking)[now]
    at = np.searchsorted(before, after)
    at[at == len(before)] = 0
    matched = before[at] == after if len(before) else np.zeros(len(after), np.bool_)
    was_draft = matched & ~draft.scores.exact[at] & draft.valid[at] if len(before) else matched
    if not was_draft.any():
        return 0.0  # the first round makes exact what the draft selects
    errors: Float64Array = ranking.combined[now][was_draft] - draft.combined[at[was_draft]]
    return max(0.0, float(np.quantile(errors, _QUANTILE)))


def _window_ids(ranking: Ranking) -> Int64Array:
    """(W,) int64, increasing: track and first frame of each window in one number."""
    return (ranking.scores.track_id << 40) + ranking.scores.start_frame
