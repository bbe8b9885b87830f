"""Incremental computation of learned tokens: priorities, partial results, persistence."""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.errors import Cancelled, ModelFileError
from clipgen_engine.expression_tokens.filling import TokenFilling, made_by
from clipgen_engine.expression_tokens.pacing import choose_pace, fill_tokens
from clipgen_engine.expression_tokens.priorities import rows_by_urgency, rows_in_time, rows_of_windows
from clipgen_engine.ranking.explanation import explain
from clipgen_engine.ranking.ranker import Ranker, rank_sequences
from clipgen_engine.settings import RankingSettings, TokenSettings
from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.tokens import FrameTokens, turning
from tests.support.videos import write_coded_video

COUNT, LENGTH = 240, 20
SETTINGS = RankingSettings(sequence_length=LENGTH, num_sequences=3, weights={"position_stability": 0.0})
PEAKS = {60: 0.5, 150: 0.9, 210: 0.3}  # centre frame and height of the peaks in blendshape variation


def lively(frames: np.ndarray) -> np.ndarray:
    """A per-frame signal that oscillates around the peaks."""
    waves = [height * np.exp(-(((frames - middle) / 8) ** 2)) for middle, height in PEAKS.items()]
    return np.sum(waves, axis=0) * (0.5 + 0.5 * np.sin(frames))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """A coded video with one face and three expressive moments; the face is missing in frames 100 to 104."""
    path = write_coded_video(tmp_path_factory.mktemp("video") / "coded.mp4", COUNT)
    tokens = np.zeros((COUNT, 51), np.float32)
    tokens[:, 20] = lively(np.arange(COUNT))
    seen = np.ones(COUNT, np.bool_)
    seen[100:105] = False
    track = FakeTrack(0, tokens, np.full((COUNT, 2), 50, np.float32), seen=seen, track_id=3)
    return replace(make_analysis(track), video=probe(path))


def frames_of(analysis: Analysis, rows: np.ndarray) -> list[int]:
    return np.concatenate([track.frame_index for track in analysis.tracks])[rows].tolist()


def test_best_windows_come_first_then_their_surroundings(analysis: Analysis) -> None:
    ranking = rank_sequences(analysis, SETTINGS)
    order = frames_of(analysis, rows_by_urgency(analysis.tracks, ranking, 1))
    assert sorted(order) == analysis.tracks[0].frame_index.tolist()
    best = [list(range(s.start_frame, s.stop_frame)) for s in ranking.sequences]
    assert order[: 3 * LENGTH] == [frame for frames in best for frame in frames]
    rest = order[3 * LENGTH :]
    scores = ranking.scores
    levels = [
        ranking.combined[scores.complete & (scores.start_frame > frame - LENGTH) & (scores.start_frame <= frame)]
        for frame in rest
    ]
    assert all(np.diff([level.max() for level in levels]) <= 1e-6)
    assert any(abs(rest[0] - edge) == 1 for frames in best for edge in (frames[0], frames[-1]))
    key = (10, 10 + LENGTH, 3)
    order = frames_of(analysis, rows_by_urgency(analysis.tracks, ranking, 4, [key]))
    assert order[: LENGTH + 6] == list(range(7, 33))  # including the frames needed for interpolation
    assert rows_of_windows(analysis.tracks, [(0, 20, 99)], 1).tolist() == []


def test_simultaneous_tracks_are_kept_apart(analysis: Analysis) -> None:
    (track,) = analysis.tracks
    both = replace(analysis, tracks=(track, replace(track, track_id=5)), tokens=analysis.tokens * 2)
    rows = rows_of_windows(both.tracks, [(0, 20, 5)], 1)
    assert rows.tolist() == list(range(len(track.frame_index), len(track.frame_index) + 20))
    backend = FrameTokens()
    filling = TokenFilling(both, backend)
    filling.run(lambda: rows_in_time(both.tracks))
    one, other = filling.result().tokens
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_allclose(one.values[50], turning(50), atol=1e-6)
    assert backend.seen == sorted([*track.frame_index.tolist()] * 2)


def test_stride_computes_some_tokens_and_marks_the_others_as_interpolated(analysis: Analysis, tmp_path: Path) -> None:
    backend = FrameTokens()
    filling = TokenFilling(analysis, backend, stride=4)
    filling.run(lambda: rows_by_urgency(analysis.tracks, rank_sequences(analysis, SETTINGS), 4))
    assert (filling.done, filling.total) == (len(backend.seen), len(set(backend.seen)))
    assert set(backend.seen) == {*range(0, 100, 4), 99, 105, *range(108, COUNT, 4), 239}
    result = filling.result()
    tokens, frames = result.tokens[0], result.tracks[0].frame_index
    assert tokens.interpolated is not None
    assert set(frames[~tokens.interpolated]) == set(backend.seen)
    np.testing.assert_allclose(tokens.values, [turning(frame) for frame in frames], atol=1e-6)
    assert result.settings["token_backend"]["token_stride"] == 4
    save_analysis(result, tmp_path)
    again = load_analysis(tmp_path)
    np.testing.assert_array_equal(again.tokens[0].interpolated, tokens.interpolated)
    np.testing.assert_array_equal(again.tokens[0].values, tokens.values)
    with np.load(tmp_path / "expression_tokens.npz") as stored:
        np.testing.assert_array_equal(stored["interpolated"], tokens.interpolated)


def test_interrupted_computation_resumes_without_repeating_work(analysis: Analysis, tmp_path: Path) -> None:
    cache, cancel = AnalysisCache(tmp_path), threading.Event()
    first, second = FrameTokens(), FrameTokens()
    order = rows_in_time(analysis.tracks)
    with cache.token_store(made_by(analysis, first)) as store:
        filling = TokenFilling(analysis, first, 8, store)
        with pytest.raises(Cancelled):
            filling.run(lambda: order, lambda progress: cancel.set() if progress.done >= 8 else None, cancel)
    assert 8 <= len(first.seen) < filling.total
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("clipgen")]
    with cache.token_store(made_by(analysis, second)) as store:  # tokens are reused across strides
        filling = TokenFilling(analysis, second, 4, store)
        assert filling.done == len(first.seen)
        filling.run(lambda: order)
    assert not set(first.seen) & set(second.seen)
    assert filling.done == filling.total
    other = FrameTokens()
    other.provenance = {**other.provenance, "subject_id": 1}
    with cache.token_store(made_by(analysis, other)) as store:
        assert TokenFilling(analysis, other, 4, store).done == 0
    assert cache.size_bytes() > 0


def test_windows_selected_by_the_curator_are_computed_next(analysis: Analysis) -> None:
    backend = FrameTokens(batch_size=1)
    ranking = rank_sequences(analysis, SETTINGS)
    wanted: list[tuple[int, int, int]] = []

    def after(progress: object) -> None:
        if len(backend.seen) == 5:
            wanted.append((10, 10 + LENGTH, 3))

    filling = TokenFilling(analysis, backend)
    filling.run(lambda: rows_by_urgency(analysis.tracks, ranking, 1, wanted), after)
    jump = next(place for place, frame in enumerate(backend.seen) if frame == 10)
    assert 5 <= jump <= 10  # batches in progress are finished first
    assert backend.seen[jump : jump + LENGTH] == list(range(10, 10 + LENGTH))


def test_damaged_store_is_recreated_and_an_unwritable_one_is_logged(
    analysis: Analysis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, backend = AnalysisCache(tmp_path), FrameTokens()
    with cache.token_store(made_by(analysis, backend)) as store:
        store.add(np.array([1]), np.ones((1, 6), np.float32))
    (path,) = tmp_path.rglob("tokens.sqlite")
    path.write_bytes(b"not a database, but text of sufficient length" * 40)
    with caplog.at_level(logging.WARNING):
        with cache.token_store(made_by(analysis, backend)) as store:
            assert len(store.load(6)[0]) == 0
            store.add(np.array([2]), np.ones((1, 6), np.float32))
            assert store.load(6)[0].tolist() == [2]
        assert "computed again" in caplog.text
        (tmp_path / "file").write_text("not a folder")
        with AnalysisCache(tmp_path / "file").token_store({}) as store:
            store.add(np.array([1]), np.ones((1, 6), np.float32))
            assert store.load(6)[1].shape == (0, 6)
        assert "not cached" in caplog.text


def test_non_finite_tokens_raise_an_error(analysis: Analysis) -> None:
    filling = TokenFilling(analysis, FrameTokens(lambda frame: np.full(6, np.nan)))
    with pytest.raises(ModelFileError, match="produces non-finite values"):
        filling.run(lambda: rows_in_time(analysis.tracks))


def test_pace_depends_on_device_and_speed(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    import clipgen_engine.expression_tokens.pacing as module

    for seconds, device, stride, expected in (
        (0.01, "cpu", 0, (False, 1)),
        (1.65, "cpu", 0, (True, 4)),
        (1.65, "cuda", 0, (False, 1)),
        (1.65, "cpu", 7, (True, 7)),
        (0.01, "cpu", 2, (False, 2)),
    ):
        monkeypatch.setattr(module, "seconds_per_face", lambda backend, seconds=seconds: seconds)
        pace = choose_pace(FrameTokens(device_name=device), analysis, TokenSettings(token_stride=stride))
        assert (pace.slow, pace.stride) == expected


def test_fill_tokens_announces_its_plan(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    import clipgen_engine.expression_tokens.pacing as module

    monkeypatch.setattr(module, "seconds_per_face", lambda backend: 1.65)
    said: list[str] = []
    steps: list[tuple[int, int]] = []
    one = replace(SETTINGS, num_sequences=1)
    filled = fill_tokens(
        analysis, FrameTokens(), None, one, say=said.append, progress=lambda p: steps.append((p.done, p.total))
    )
    plan = "All 235 faces would take about 6 min on the cpu. Computing one frame in 4, in the best 3 windows by"
    assert plan in said[0]
    count = int(re.search(r"(\d+) learned tokens to compute", said[0])[1])  # type: ignore[index]
    assert steps[-1] == (count, count)
    assert 15 <= count <= 24
    assert 60 <= np.count_nonzero(filled.tokens[0].known) <= 80
    everything = fill_tokens(analysis, FrameTokens(), TokenSettings(token_scope="all"), one, say=said.append)
    assert "the best windows first" in said[1]
    assert everything.tokens[0].known.all()


@pytest.fixture(scope="module")
def half_known(analysis: Analysis) -> Analysis:
    """Learned tokens for the best two windows by blendshapes; they rank the second one higher."""
    first, second, _ = rank_sequences(analysis, SETTINGS).sequences
    speed = np.where(np.arange(COUNT) < 100, 3.0, 0.1)  # the second window is before the gap
    backend = FrameTokens(lambda frame: turning(frame * speed[frame]))
    filling = TokenFilling(analysis, backend)
    filling.run(lambda: rows_of_windows(analysis.tracks, [first.key, second.key], 1))
    return filling.result()


def test_windows_with_learned_tokens_are_ranked_first(analysis: Analysis, half_known: Analysis) -> None:
    before = rank_sequences(analysis, SETTINGS).sequences
    ranker = Ranker(half_known)
    ranking = ranker.rank(SETTINGS)
    after = ranking.sequences
    assert [s.key for s in after] == [before[1].key, before[0].key, before[2].key]
    assert [s.scored_by for s in after] == ["transformer", "transformer", "blendshapes"]
    assert after[2].combined_score == before[2].combined_score
    pair = after[0].variations
    assert pair is not None
    assert pair.learned == after[0].terms["expression_variation"] != pair.blendshapes
    assert pair.blendshapes == before[1].terms["expression_variation"]
    assert after[2].variations is None
    assert after[1].combined_score < after[2].combined_score  # scores from different backends are not compared
    frames, curve = ranking.curve("expression_variation", 3)
    assert set(frames[~np.isnan(curve)]) == {s.start_frame + (LENGTH - 1) // 2 for s in after[:2]}
    assert np.isfinite(ranking.curve("blendshape_variation", 3)[1][:80]).all()
    by_blendshapes = ranker.rank(replace(SETTINGS, token_source="blendshapes"))
    assert [s.key for s in by_blendshapes.sequences] == [s.key for s in before]
    assert [s.combined_score for s in by_blendshapes.sequences] == [s.combined_score for s in before]
    assert by_blendshapes.sequences[0].variations is not None
    diverse = ranker.rank(replace(SETTINGS, diversity=0.3)).sequences
    assert [s.scored_by for s in diverse[:2]] == ["transformer", "transformer"]


def test_verdict_mentions_pending_learned_tokens(half_known: Analysis) -> None:
    ranker = Ranker(half_known)
    ranking = ranker.rank(replace(SETTINGS, num_sequences=2))
    best = ranking.sequences[0]
    overlapped = explain(ranker, ranking, (best.start_frame + 3, best.stop_frame + 3, 3))
    assert overlapped is not None
    assert "number 1 overlaps it and has learned tokens; its learned tokens are pending" in overlapped.verdict
    elsewhere = explain(ranker, ranking, (200, 200 + LENGTH, 3))
    assert elsewhere is not None
    assert elsewhere.verdict == "Not proposed yet: its learned tokens are pending."


def test_disagreement_compares_ranks_not_values(analysis: Analysis) -> None:
    tokens = np.zeros((COUNT, 51), np.float32)
    tokens[:, 20] = lively(np.arange(COUNT))
    plain = make_analysis(FakeTrack(0, tokens, np.full((COUNT, 2), 50, np.float32)))
    same = replace(plain, tokens=tuple(replace(one, backend="transformer") for one in plain.tokens))
    for sequence in rank_sequences(same, replace(SETTINGS, variation_metric="token_spread")).sequences:
        assert sequence.variations is not None
        assert sequence.variations.disagreement == 0
        assert sequence.variations.learned == sequence.variations.blendshapes
    backwards = replace(plain, tokens=tuple(replace(one, values=one.values * 0, backend="x") for one in plain.tokens))
    best = rank_sequences(backwards, replace(SETTINGS, token_source="blendshapes")).sequences[0]
    assert best.variations is not None
    assert best.variations.disagreement == pytest.approx(-0.5, abs=0.01)
