"""Results are independent of segmentation, worker count and worker crashes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest

import clipgen_engine
from clipgen_engine.analysis.frame_pass import analyze_segment
from clipgen_engine.analysis.segments import Segment, merged, plan_segments
from clipgen_engine.analysis.store import save_analysis
from clipgen_engine.analysis.worker import WorkerFailed
from clipgen_engine.errors import Cancelled, ClipgenError
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.tracker import FaceTracker
from clipgen_engine.faces.tracks import Looks, build_tracks
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, Progress
from clipgen_engine.video.index import probe
from tests.support.paths import SAMPLE
from tests.support.segments import SHORT_SEGMENTS, plan_short_segments
from tests.support.videos import write_coded_video


def test_segments_tile_the_video_and_start_at_keyframes() -> None:
    video = probe(SAMPLE)
    segments = plan_segments(video, 4, 200)
    assert [segment.number for segment in segments] == list(range(len(segments)))
    assert segments[0].start == segments[0].warm_up_start == 0
    assert segments[-1].stop == video.frame_count
    assert all(one.stop == other.start for one, other in pairwise(segments))
    keyframes = set(np.searchsorted(video.pts, video.keyframe_pts).tolist())
    assert all(segment.start % 4 == 0 for segment in segments)
    assert all(keyframes & set(range(segment.start, segment.start + 4)) for segment in segments)
    assert len(segments) == 4


def test_short_video_is_a_single_segment(tmp_path: Path) -> None:
    assert len(plan_segments(probe(write_coded_video(tmp_path / "v.mp4", 40)))) == 1


@pytest.mark.usefixtures("short_segments")
def test_output_bytes_are_independent_of_the_number_of_workers(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path
) -> None:
    assert len(plan_short_segments(short_analysis.video)) == SHORT_SEGMENTS
    save_analysis(clipgen_engine.analyze_video(short_clip, AnalysisSettings(workers=1)), tmp_path / "one")
    save_analysis(short_analysis, tmp_path / "two")
    for name in ("analysis.npz", "expression_tokens.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_segmented_analysis_equals_a_sequential_run(short_clip: Path, short_analysis: Analysis) -> None:
    video, settings = probe(short_clip), AnalysisSettings()
    faces = FaceTracker(load_face_model())
    segment = Segment(0, 0, video.frame_count, 0)
    whole = merged(list(analyze_segment(video, settings, segment, faces, exact=True)), exact=True)
    assert whole.shot_starts == tuple(short_analysis.shots[:, 0].tolist())
    done = np.ones(video.frame_count, np.bool_)
    tracks = build_tracks([whole], [0], short_analysis.shots, Looks(video.times_s, np.array(whole.looks), done, 5))
    assert len(tracks) == len(short_analysis.tracks) > 0
    for one, other in zip(tracks, short_analysis.tracks, strict=True):
        np.testing.assert_array_equal(one.frame_index, other.frame_index)
        difference = np.abs(one.blendshapes - other.blendshapes)
        assert difference.mean() <= 0.001
        assert difference.max() <= 0.1


@pytest.mark.usefixtures("short_segments")
def test_crashed_segment_is_retried(
    short_clip: Path, short_analysis: Analysis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed = []

    def kill_once(progress: Progress) -> None:
        if progress.done > 20 and not killed:
            worker = psutil.Process().children()[0]
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    with caplog.at_level(logging.WARNING):
        analysis = clipgen_engine.analyze_video(short_clip, AnalysisSettings(workers=2), progress=kill_once)
    assert "A worker crashed in frames" in caplog.text
    save_analysis(analysis, tmp_path / "crashed")
    save_analysis(short_analysis, tmp_path / "whole")
    assert (tmp_path / "crashed" / "analysis.npz").read_bytes() == (tmp_path / "whole" / "analysis.npz").read_bytes()


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="niceness is POSIX-only")
def test_low_priority_workers_are_niced() -> None:
    cancel = threading.Event()

    def stop(progress: Progress) -> None:
        # the priority is set shortly after the process starts
        priorities = [worker.nice() for worker in psutil.Process().children()]
        if priorities and min(priorities) >= 10:
            cancel.set()

    with pytest.raises(Cancelled):  # otherwise it completed with workers at normal priority
        clipgen_engine.analyze_video(SAMPLE, progress=stop, cancel=cancel, low_priority=True)


def test_repeated_crashes_raise_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipgen_engine.analysis.worker._START", "import os; os._exit(9)")
    with pytest.raises(ClipgenError, match="crash on frames 0 to"):
        clipgen_engine.analyze_video(SAMPLE, AnalysisSettings(workers=1))
    assert not psutil.Process().children()


def test_worker_exception_is_raised_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "clipgen_engine.analysis.worker._START",
        "import clipgen_engine.analysis.frame_pass as s; s.analyze_segment = None; "
        "from clipgen_engine.analysis.worker import main; main()",
    )
    with pytest.raises(WorkerFailed, match="TypeError"):
        clipgen_engine.analyze_video(SAMPLE, AnalysisSettings(workers=1))
    assert not psutil.Process().children()
