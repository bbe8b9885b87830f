"""Videos that are ranked together get the windows, scores and descriptions that each gets alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from clipgen_engine.errors import Cancelled
from clipgen_engine.projects.ranker import DecidedWindows, ProjectRanker, RankedWindows
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis
from tests.support.analyses import make_analysis, random_track


def made(seed: int, rate: int = 30) -> Analysis:
    """A video with up to three people, who may be visible at the same time."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    tracks = [
        replace(
            random_track(rng, int(rng.integers(0, 150)), int(rng.integers(20, 500)), track_id, missing=0.002),
            confidence=None,
        )
        for track_id in range(count)
    ]
    analysis = make_analysis(*tracks)
    return replace(analysis, video=replace(analysis.video, average_rate=Fraction(rate), width_px=640 + 10 * seed))


def videos() -> dict[int, Analysis]:
    return {10 + seed: made(seed, rate) for seed, rate in enumerate((30, 25, 30, 60, 25, 30, 30))} | {
        99: make_analysis()
    }


SETTINGS = {
    "default": RankingSettings(),
    "weights": RankingSettings(weights={"position_stability": 0.9, "sharpness": 0.3}),
    "short": RankingSettings(sequence_length=9, num_sequences=4),
    "seconds": RankingSettings(sequence_seconds=0.7),
    "gap": RankingSettings(min_gap=17),
    "gates": RankingSettings(gates={"max_displacement": 0.02, "face_confidence": 0.7}),
    "regions": RankingSettings(regions={"mouth": 0.5, "gaze": 1.0}),
    "tracks": RankingSettings(scope="track", num_sequences=3),
    "diverse": RankingSettings(diversity=0.4),
    "diverse tracks": RankingSettings(diversity=0.4, scope="track", sequence_length=12),
    "tokens": RankingSettings(variation_metric="token_spread"),
    "cosine": RankingSettings(variation_metric="keyframe_cosine"),
    "too long": RankingSettings(sequence_length=2000),
}


def alone(
    analyses: Mapping[int, Analysis], settings: RankingSettings, decided: Mapping[int, DecidedWindows]
) -> dict[tuple[int, tuple[int, int, int]], float]:
    """Score by window, from ranking each video by itself."""
    found = {}
    for video, analysis in analyses.items():
        windows = decided.get(video, DecidedWindows())
        ranker = Ranker(analysis)
        ranking = ranker.rank(settings, pinned=windows.pinned, blocked=windows.blocked)
        blocked = [one for key in windows.blocked if (one := ranker.describe(key, ranking.settings))]
        found |= {(video, one.key): one.combined_score for one in (*ranking.sequences, *blocked)}
    return found


def together(ranked: RankedWindows) -> dict[tuple[int, tuple[int, int, int]], float]:
    return {(int(ranked.video[at]), ranked.key_of(at)): float(ranked.score[at]) for at in range(len(ranked))}


def decisions(analyses: Mapping[int, Analysis]) -> dict[int, DecidedWindows]:
    """Some windows of the first ranking are accepted or rejected, and one of another length was added."""
    decided = {}
    for video, analysis in list(analyses.items())[::2]:
        keys = [one.key for one in Ranker(analysis).rank(RankingSettings()).sequences]
        added = [(start, stop - 7, track) for start, stop, track in keys[1:2]]
        decided[video] = DecidedWindows((*keys[:1], *added), tuple(keys[2:4]))
    return decided


@pytest.mark.parametrize("packs", [1, 3])
@pytest.mark.parametrize("with_decisions", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_windows_as_alone(name: str, with_decisions: bool, packs: int) -> None:
    analyses, settings = videos(), SETTINGS[name]
    decided = decisions(analyses) if with_decisions else {}
    ranker = ProjectRanker()
    ids = list(analyses)
    for pack in range(packs):
        ranker.add({video: analyses[video] for video in ids[pack::packs]})
    ranked = ranker.rank(settings, decided, ids)
    expected = alone(analyses, settings, decided)
    assert len(expected) >= (0 if name == "too long" else 15), "too few windows to compare"
    assert together(ranked) == expected
    assert list(ranked.score) == sorted(ranked.score, reverse=True)
    if name == "too long":
        assert len(ranked) == sum(len(one.pinned) + len(one.blocked) for one in decided.values())
    rankings = {video: Ranker(one).rank(settings) for video, one in analyses.items()}
    assert ranked.window_count == sum(one.window_count for one in rankings.values())
    assert ranked.valid_count == sum(one.valid_count for one in rankings.values())


def test_windows_are_described_as_alone() -> None:
    analyses = videos()
    ranker = ProjectRanker()
    ranker.add(analyses)
    for settings in (SETTINGS["seconds"], SETTINGS["regions"], SETTINGS["tokens"]):
        ranked = ranker.rank(settings, {})
        for place in range(0, len(ranked), 5):
            own = Ranker(analyses[int(ranked.video[place])])
            sequences = own.rank(settings).sequences
            same = next(one for one in sequences if one.key == ranked.key_of(place))
            described = ranked.describe(place)
            assert described == replace(same, rank=0)
            assert described.combined_score == ranked.score[place]


def test_an_earlier_ranking_is_described_by_its_own_settings() -> None:
    ranker = ProjectRanker()
    ranker.add(videos())
    first = ranker.rank(SETTINGS["short"], {})
    ranker.rank(SETTINGS["seconds"], {})
    described = first.describe(0)
    assert described is not None
    assert (described.stop_frame - described.start_frame, described.combined_score) == (9, first.score[0])


def test_videos_come_and_go() -> None:
    analyses, settings = videos(), RankingSettings()
    ranker = ProjectRanker()
    for number in range(3):  # one by one: small packs are merged on the way
        ranker.add({video + 100 * number: one for video, one in analyses.items()})
        for video, one in analyses.items():
            ranker.add({video: one})
    assert together(ranker.rank(settings, {})) == alone(
        {video + 100 * number: one for number in range(3) for video, one in analyses.items()}, settings, {}
    )
    ranker.remove([video + 100 * number for number in (1, 2) for video in analyses])
    ranker.remove([10, 11])
    analyses = {video: one for video, one in analyses.items() if video not in (10, 11)}
    assert ranker.videos == set(analyses)
    assert together(ranker.rank(settings, {})) == alone(analyses, settings, {})
    analyses[12] = made(77)
    ranker.add({12: analyses[12]})
    ranked = ranker.rank(SETTINGS["tracks"], {})
    assert together(ranked) == alone(analyses, SETTINGS["tracks"], {})


def test_equal_scores_follow_the_order_of_the_videos() -> None:
    one = made(0)
    ranker = ProjectRanker()
    ranker.add({1: one, 2: one, 3: one})
    ranked = ranker.rank(RankingSettings(num_sequences=1), {}, [2, 3, 1])
    assert ranked.video.tolist() == [2, 3, 1]


def test_nothing_to_rank() -> None:
    ranked = ProjectRanker().rank(RankingSettings(), {5: DecidedWindows(((0, 30, 0),))})
    assert (len(ranked), ranked.window_count, ranked.valid_count) == (0, 0, 0)


def test_ranking_can_be_cancelled() -> None:
    ranker = ProjectRanker()
    ranker.add(videos())
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        ranker.rank(RankingSettings(), {}, cancel=cancel)


def test_decisions_outside_of_the_analysis_are_left_to_the_caller() -> None:
    ranker = ProjectRanker()
    ranker.add({1: made(0)})
    wild = DecidedWindows(((5, 9_999_999, 0), (0, 30, 77)), ((-50, -20, 0),))
    assert together(ranker.rank(RankingSettings(), {1: wild})) == alone({1: made(0)}, RankingSettings(), {1: wild})
