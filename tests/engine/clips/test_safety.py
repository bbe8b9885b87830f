"""Failures leave no partial clips and do not affect other clips."""

from __future__ import annotations

import resource
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipgen_engine.clips import writer as clip_writer
from clipgen_engine.clips.writer import ClipJob, ClipOutcome, WrittenClip, write_clip, write_clips
from clipgen_engine.errors import Cancelled, OutputError, VideoError
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import Progress
from clipgen_engine.video.index import probe
from tests.support.clips import QUICK, outcomes, shown
from tests.support.videos import COUNT, write_coded_video


def test_failed_clip_leaves_no_file_and_others_succeed(tmp_path: Path) -> None:
    path = write_coded_video(tmp_path / "source.mp4", 30)
    source = probe(path)
    write_coded_video(path, 12)  # the file is truncated after probing
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "out"
    jobs = [
        ClipJob(0, 9, out / "good.mp4"),
        ClipJob(5, 25, out / "tail.mp4"),
        ClipJob(20, 25, out / "gone.mp4"),
        ClipJob(2, 9, tmp_path / "file" / "clip.mp4"),
        ClipJob(3, 12, out / "too.mp4"),
    ]
    reported = outcomes(source, jobs)
    assert isinstance(reported["good.mp4"], WrittenClip)
    assert isinstance(reported["too.mp4"], WrittenClip)
    for name in ("tail.mp4", "gone.mp4"):
        assert isinstance(reported[name], VideoError)
        assert "has changed since its analysis" in str(reported[name])
    assert "could not be written to" in str(reported["clip.mp4"])
    assert {file.name for file in out.iterdir()} == {"good.mp4", "too.mp4"}


def test_missing_source_fails_every_clip(tmp_path: Path) -> None:
    path = write_coded_video(tmp_path / "source.mp4", 30)
    source = probe(path)
    path.unlink()
    reported = outcomes(source, [ClipJob(0, 9, tmp_path / "a.mp4"), ClipJob(20, 25, tmp_path / "b.mp4")])
    assert [str(outcome) for outcome in reported.values()] == [f"{path} does not exist. Check the path."] * 2
    assert list(tmp_path.iterdir()) == []


def test_cancel_leaves_only_reported_clips_behind(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", COUNT))
    out, cancel = tmp_path / "out", threading.Event()
    spans = {"a": (0, 10), "b": (5, 58), "c": (12, 40), "d": (59, 60)}
    jobs = [ClipJob(*span, out / f"{name}.mp4") for name, span in spans.items()]
    reported: list[str] = []

    def watch(progress: Progress) -> None:
        if progress.done == 30:
            cancel.set()

    with pytest.raises(Cancelled):
        write_clips(
            source,
            jobs,
            QUICK,
            on_clip=lambda job, outcome: reported.append(job.path.name),
            progress=watch,
            cancel=cancel,
        )
    assert sorted(file.name for file in out.iterdir()) == sorted(reported)
    assert set(reported) <= {"a.mp4"}


def test_callback_exception_stops_cleanly(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", COUNT))
    reported: list[str] = []

    def full(job: ClipJob, outcome: ClipOutcome) -> None:
        reported.append(job.path.name)
        raise OutputError("The disk is full")

    jobs = [ClipJob(start, start + 4, tmp_path / "out" / f"{start}.mp4") for start in range(0, COUNT, 2)]
    with pytest.raises(OutputError, match="The disk is full"):
        write_clips(source, jobs[:-1], QUICK, on_clip=full)
    left = {file.name for file in (tmp_path / "out").iterdir()}
    assert reported[0] in left
    assert len(left) < len(jobs) / 2
    assert not any(name.startswith(".") for name in left)


@pytest.mark.parametrize("name", ["mp4", "ffv1", "png"])
def test_full_disk_raises_output_error(tmp_path: Path, name: str) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 20))
    settings = ExportSettings(clip_format=name, encoder_preset="ultrafast")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(OutputError, match=r"could not be written to \(file too large\)"):
            write_clip(source, 0, 20, tmp_path / "out" / "clip", settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "out").iterdir()) == []


def test_new_clip_replaces_old_clip_and_stale_partial_output(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 20))
    settings = ExportSettings(clip_format="png")
    (tmp_path / "out" / ".clip.part").mkdir(parents=True)
    (tmp_path / "out" / ".clip.part" / "frame_000007.png").write_text("half")
    write_clip(source, 0, 9, tmp_path / "out" / "clip", settings)
    write_clip(source, 3, 7, tmp_path / "out" / "clip", settings)
    assert shown(tmp_path / "out" / "clip") == [3, 4, 5, 6]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["clip"]


@pytest.mark.parametrize("faults", [1, 2])
def test_faulty_clip_is_retried_once_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 20))
    made = 0

    def careless(path: Path, *others: Any) -> Any:
        """An encoder that writes black frames in its first `faults` attempts."""
        nonlocal made
        made += 1
        black = made <= faults
        pictures = encoder(path, *others)
        next_picture = yield
        while next_picture is not None:
            pictures.send(np.zeros_like(next_picture) if black else next_picture)
            next_picture = yield
        pictures.send(None)
        yield

    def started(*arguments: Any) -> Any:
        pictures = careless(*arguments)
        next(pictures)
        return pictures

    encoder = clip_writer.encoder
    monkeypatch.setattr(clip_writer, "encoder", started)
    reported = outcomes(source, [ClipJob(2, 8, tmp_path / "out" / "clip")], ExportSettings(clip_format="jpeg"))
    outcome = reported["clip"]
    assert made == 2
    if faults == 1:
        assert isinstance(outcome, WrittenClip)
        assert outcome.attempts == 2
        assert shown(tmp_path / "out" / "clip") == list(range(2, 8))
    else:
        assert isinstance(outcome, OutputError)
        assert "clip failed verification twice: frame 0 differs from the source (PSNR" in str(outcome)
        assert list((tmp_path / "out").iterdir()) == []
