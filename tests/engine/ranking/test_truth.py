"""Ranking of videos composed from still and expressive parts of real clips, and of re-encoded videos."""

from __future__ import annotations

from pathlib import Path

import pytest

import clipgen_engine
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Sequence
from clipgen_engine.video.index import probe
from tests.support.paths import SAMPLE
from tests.support.videos import encoded_again, join_spans

# Window length; clip, first frame and length of a still part; the same for an expressive part. In real clips,
# expressions mostly coincide with movement, so parts that are both stiller and more stable had to be selected.
PAIRS = [
    (12, ("WolfgangLanger_Pexels.mp4", 305, 72), ("d12.mp4", 0, 144)),
    (12, ("d10.mp4", 150, 72), ("d12.mp4", 0, 144)),
    (12, ("s20.mp4", 80, 72), ("d12.mp4", 0, 120)),
    (8, ("d19.mp4", 35, 48), ("d10.mp4", 360, 64)),
]


@pytest.mark.parametrize("still_first", [True, False], ids=["still first", "expressive first"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[1][0]} and {pair[2][0]}")
def test_best_windows_lie_in_the_expressive_part(real_clip, tmp_path: Path, pair, still_first: bool) -> None:
    length, still, expressive = pair
    order = (still, expressive) if still_first else (expressive, still)
    parts = [(real_clip(name), start, start + count) for name, start, count in order]
    analysis = clipgen_engine.analyze_video(join_spans(tmp_path / "joined.mp4", parts, (512, 512)))
    (first, second) = analysis.shots.tolist()
    assert [first[1] - first[0], second[1] - second[0]] == [order[0][2], order[1][2]]
    still_span, expressive_span = (first, second) if still_first else (second, first)
    settings = RankingSettings(sequence_length=length, num_sequences=5, gates={"face_confidence": 0.0})
    # the parts are so short that the first picks may leave no room for a fifth window
    assert within(rank_sequences(analysis, settings).sequences, *expressive_span) >= 4
    steady = RankingSettings(
        sequence_length=length,
        num_sequences=5,
        gates={"face_confidence": 0.0},
        weights={"expression_variation": 0.0, "position_stability": 1.0},
    )
    assert within(rank_sequences(analysis, steady).sequences, *still_span) >= 4


def within(sequences: tuple[Sequence, ...], start: int, stop: int) -> int:
    return sum(start <= s.start_frame and s.stop_frame <= stop for s in sequences)


def kept(before: tuple[Sequence, ...], after: tuple[Sequence, ...]) -> int:
    """Number of windows that overlap a window of the other list by at least half of their frames."""
    return sum(
        any(min(a.stop_frame, b.stop_frame) - max(a.start_frame, b.start_frame) >= b.frame_count / 2 for a in after)
        for b in before
    )


def test_ranking_is_robust_to_a_quarter_of_the_bit_rate(sample_analysis, tmp_path: Path) -> None:
    bit_rate = round(SAMPLE.stat().st_size * 8 / probe(SAMPLE).duration_s)
    path = encoded_again(tmp_path / "low.mp4", SAMPLE, bit_rate // 4)
    assert path.stat().st_size < SAMPLE.stat().st_size / 3
    after = rank_sequences(clipgen_engine.analyze_video(path)).sequences
    assert kept(rank_sequences(sample_analysis).sequences, after) >= 8


def test_ranking_of_a_real_clip_is_robust_to_a_quarter_of_the_bit_rate(real_clip, tmp_path: Path) -> None:
    source = real_clip("WolfgangLanger_Pexels.mp4")
    bit_rate = round(source.stat().st_size * 8 / probe(source).duration_s)
    path = encoded_again(tmp_path / "low.mp4", source, bit_rate // 4)
    assert path.stat().st_size < source.stat().st_size / 3
    before, after = (rank_sequences(clipgen_engine.analyze_video(one)).sequences for one in (source, path))
    assert kept(before, after) >= 8
