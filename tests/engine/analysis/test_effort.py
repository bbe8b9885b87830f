"""Drafts, refinement, and what stays the same whatever the effort."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.analysis.pool import Workers
from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.datasets.extraction import extract_clips
from clipgen_engine.errors import Cancelled
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.ranking.ranker import Ranker, rank_sequences
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis, FaceTrack, Progress
from tests.support.paths import ROOT

COLUMNS = [one.name for one in fields(FaceTrack) if one.name not in ("track_id", "frame_index")]
ONE = RankingSettings(num_sequences=1)


def assert_exact_values_are_those_of(one: Analysis, full: Analysis) -> None:
    """Every exact frame of an analysis says what the full analysis says of it."""
    exact = np.ones(full.analyzed_frames, np.bool_) if one.exact is None else one.exact
    assert exact.any()
    by_id = {track.track_id: track for track in full.tracks}
    for track in one.tracks:
        whole = by_id[track.track_id]
        mine, theirs = track.frame_index[exact[track.frame_index]], whole.frame_index[exact[whole.frame_index]]
        np.testing.assert_array_equal(mine, theirs)
        here, there = np.isin(track.frame_index, mine), np.isin(whole.frame_index, mine)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(track, name)[here], getattr(whole, name)[there], err_msg=name)


def stored_bytes(analysis: Analysis, folder: Path) -> bytes:
    save_analysis(analysis, folder)
    return (folder / "analysis.npz").read_bytes()


@pytest.fixture(scope="module")
def draft(short_clip: Path) -> Analysis:
    return analyze_video(short_clip, AnalysisSettings(effort="draft", workers=2))


def test_draft_covers_the_video_and_says_what_is_not_exact(draft: Analysis, short_analysis: Analysis) -> None:
    assert draft.analyzed_frames == short_analysis.analyzed_frames
    assert draft.exact is not None
    assert not draft.exact.all()
    assert [track.track_id for track in draft.tracks] == [track.track_id for track in short_analysis.tracks]
    for track, whole in zip(draft.tracks, short_analysis.tracks, strict=True):
        assert abs(len(track.frame_index) - len(whole.frame_index)) <= 8
        common, mine, theirs = np.intersect1d(track.frame_index, whole.frame_index, return_indices=True)
        assert len(common) > 15
        assert np.abs(track.blendshapes[mine] - whole.blendshapes[theirs]).mean() < 0.01
    assert not any(sequence.exact for sequence in rank_sequences(draft).sequences)
    assert all(sequence.exact for sequence in rank_sequences(short_analysis).sequences)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("workers", [1, 3])
def test_a_staged_analysis_ends_with_the_same_bytes(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path, workers: int
) -> None:
    stages: list[str] = []
    staged = analyze_video(
        short_clip,
        AnalysisSettings(workers=workers),
        aim=Aim(draft_first=True, ranking=lambda: ONE, looked_at=lambda: [(90, 100)]),
        progress=lambda progress: stages.append(progress.stage),
    )
    assert list(dict.fromkeys(stages)) == ["draft", "refinement", "analysis"]
    assert stored_bytes(staged, tmp_path / "staged") == stored_bytes(short_analysis, tmp_path / "whole")


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("count", [1, 3])
def test_top_selects_what_the_full_analysis_selects(short_clip: Path, short_analysis: Analysis, count: int) -> None:
    settings = RankingSettings(num_sequences=count, sequence_length=15)
    top = analyze_video(short_clip, AnalysisSettings(effort="top"), aim=Aim(ranking=lambda: settings))
    assert_exact_values_are_those_of(top, short_analysis)
    mine, theirs = (rank_sequences(one, settings).sequences for one in (top, short_analysis))
    assert [one.key for one in mine] == [one.key for one in theirs]
    assert all(one.exact for one in mine)
    for one, other in zip(mine, theirs, strict=True):
        assert one.terms == pytest.approx(other.terms, abs=1e-6)
    assert top.exact is None or top.rounds >= 1


@pytest.mark.usefixtures("short_segments")
def test_wanted_frames_become_exact_and_others_need_not(short_clip: Path, short_analysis: Analysis) -> None:
    wanted = (60, 70)
    part = analyze_video(short_clip, AnalysisSettings(effort="draft"), aim=Aim(looked_at=lambda: [wanted]))
    assert part.exact is not None
    assert part.exact[slice(*wanted)].all()
    assert not part.exact[: wanted[0] - 12].all()
    assert_exact_values_are_those_of(part, short_analysis)


def test_what_is_looked_at_becomes_exact_first(short_clip: Path) -> None:
    order: list[np.ndarray] = []

    def take(progress: Progress) -> None:
        if progress.stage == "refinement" and progress.partial is not None:
            exact = progress.partial().exact
            if exact is not None:
                order.append(exact)

    looked_at = [(100, 120)]
    aim = Aim(draft_first=True, ranking=lambda: ONE, looked_at=lambda: looked_at)
    analyze_video(short_clip, AnalysisSettings(workers=1), aim=aim, progress=take)
    first = next(exact for exact in order if exact[100:120].all())
    assert not first.all()


def test_draft_round_trips_through_disk(draft: Analysis, tmp_path: Path) -> None:
    save_analysis(replace(draft, rounds=3), tmp_path)
    again = load_analysis(tmp_path)
    assert again.rounds == 3
    np.testing.assert_array_equal(again.exact, draft.exact)


def test_a_draft_is_continued_not_begun_again(short_clip: Path, short_analysis: Analysis, tmp_path: Path) -> None:
    cache = AnalysisCache(tmp_path / "cache")
    settings = AnalysisSettings(effort="draft")
    first = analyze_video(short_clip, settings, cache=cache)
    assert first.exact is not None
    opened = cache.open(cache.name_of(first), short_clip)
    assert opened is not None
    assert opened.exact is not None
    stages: list[str] = []
    done = analyze_video(
        short_clip, AnalysisSettings(), cache=cache, progress=lambda progress: stages.append(progress.stage)
    )
    assert "draft" not in stages
    assert done.exact is None
    assert not list(cache.folder.rglob("segment_*"))
    assert not list(cache.folder.rglob("gaps_*"))
    whole = analyze_video(short_clip, AnalysisSettings())
    assert stored_bytes(done, tmp_path / "one") == stored_bytes(whole, tmp_path / "other")


_RUN = """
import sys
from pathlib import Path
from clipgen_engine.analysis import findings
from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from tests.support.segments import plan_short_segments
findings.plan_segments = plan_short_segments
aim = Aim(draft_first=True, ranking=lambda: RankingSettings(num_sequences=1))
analyze_video(Path(sys.argv[1]), AnalysisSettings(workers=2), aim=aim, cache=AnalysisCache(Path(sys.argv[2])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.usefixtures("short_segments")
def test_killed_refinement_goes_on_to_the_same_bytes(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    """Killed at random moments; a longer campaign is a matter of the number of kills."""
    chance = random.Random(5)
    cache = tmp_path / "cache"
    kills = 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", _RUN, str(short_clip), str(cache)], cwd=ROOT)
        ending = time.monotonic() + chance.uniform(0.6, 1.6)
        while process.poll() is None and time.monotonic() < ending:
            time.sleep(0.02)
        children = psutil.Process(process.pid).children() if process.poll() is None else []
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        psutil.wait_procs(children, timeout=10)
        assert not any(child.is_running() for child in children)
    assert kills >= 2
    aim = Aim(draft_first=True, ranking=lambda: ONE)
    done = analyze_video(short_clip, AnalysisSettings(workers=2), aim=aim, cache=AnalysisCache(cache))
    assert stored_bytes(done, tmp_path / "killed") == stored_bytes(short_analysis, tmp_path / "whole")


def worker_pids() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_workers_are_kept_from_one_video_to_the_next(short_clip: Path) -> None:
    settings = AnalysisSettings(workers=1, effort="draft")
    with Workers() as workers:
        analyze_video(short_clip, settings, workers=workers)
        kept = worker_pids()
        assert len(kept) == 1
        analyze_video(short_clip, settings, workers=workers)
        assert worker_pids() == kept
        psutil.Process(kept.pop()).kill()  # an idle worker that died is replaced without a word
        analyze_video(short_clip, settings, workers=workers)
        assert len(worker_pids()) == 1
    assert not worker_pids()


def test_an_old_worker_is_replaced(short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipgen_engine.analysis.pool._LIFE_FRAMES", 100)
    with Workers() as workers:
        analyze_video(short_clip, AnalysisSettings(workers=1, effort="draft"), workers=workers)
        assert not worker_pids()


def test_cancelled_analysis_leaves_no_idle_worker_behind(short_clip: Path) -> None:
    cancel = threading.Event()

    def stop(progress: Progress) -> None:
        if progress.stage == "refinement":
            cancel.set()

    with Workers() as workers, pytest.raises(Cancelled):
        analyze_video(short_clip, aim=Aim(draft_first=True), workers=workers, progress=stop, cancel=cancel)
    assert not worker_pids()
    worker = workers.take(load_face_model(), low_priority=False)
    workers.give_back(worker, load_face_model(), low_priority=False)  # closed already: the process ends
    assert not worker_pids()


def starts_of(records: Iterable[dict[str, object]]) -> list[object]:
    return [record["start_frame"] for record in records]


def test_extraction_of_drafts_makes_them_exact(
    short_clip: Path, draft: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    settings = RankingSettings(num_sequences=2, sequence_length=15)
    sequences = rank_sequences(draft, settings).sequences
    assert not any(sequence.exact for sequence in sequences)
    extract_clips(draft, sequences, tmp_path / "out", settings)
    clips = json.loads((tmp_path / "out" / "clips" / "clip_metadata.json").read_text("utf-8"))["clips"]
    assert starts_of(clips) == [sequence.start_frame for sequence in sequences]
    assert all(clip["exact"] for clip in clips)
    ranker = Ranker(analyze_video(short_clip))
    for clip, sequence in zip(clips, sequences, strict=True):
        exact = ranker.describe(sequence.key, settings)
        assert exact is not None
        assert clip["combined_score"] == pytest.approx(exact.combined_score, abs=1e-6)
