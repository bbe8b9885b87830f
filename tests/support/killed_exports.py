"""Crash tests: a child process exports and is killed by SIGKILL, then another one exports again.

`python -m tests.support.killed_exports [MOMENTS [STRIDE [CLIPS]]]` kills exports at 30 random moments and at every file
change. It fails if the next export differs from an uninterrupted one. Children are forked from one process that has
imported everything, to avoid interpreter startup.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clipgen_engine.datasets.request import ExportRequest
from clipgen_engine.types import Analysis
from tests.support.exports import analysis_of, request_for, run, small_video, source_of, tree

FRAMES = 4  # per clip
KILLED_LAYOUTS = ("plain", "videofolder", "webdataset")
LAYOUTS = ("plain", "videofolder", "webdataset", "fiftyone", "losslesscut", "edl")


def forked(work: Callable[[], object], kill_after_s: float | None = None) -> int:
    """Run in a child process. Returns the `os.waitpid` status (9: killed)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def sources_in(folder: Path, clips: int) -> tuple[ExportRequest, tuple[Analysis, Analysis]]:
    """Return an export request for short windows, half from each of two videos. Its folder is set later."""
    count = clips // 2 * FRAMES
    analyses = (
        analysis_of(small_video(folder / "a.mp4", count), 0),
        analysis_of(small_video(folder / "ü.mp4", count + 1), 1),  # different length, different file
    )
    spans = [(start, start + FRAMES) for start in range(0, count, FRAMES)]
    request = request_for(
        folder, [source_of(one, spans) for one in analyses], LAYOUTS, name_pattern="{source}_{start_frame}"
    )
    return request, analyses


def killed_at_moments(moments: int, folder: Path, clips: int, seed: int = 0) -> dict[str, float]:
    """Kill exports at random moments, half of them updates of an older export. Raises if a result differs."""
    request, analyses = sources_in(folder, clips)
    older = replace(request, export=replace(request.export, crf=30), sources=request.sources[:1])

    def exporting(out: Path, what: ExportRequest = request) -> Callable[[], object]:
        return lambda: run(replace(what, output_dir=out), *analyses)

    begun = time.monotonic()
    assert forked(exporting(folder / "uninterrupted")) == 0
    whole_s = time.monotonic() - begun
    expected = tree(folder / "uninterrupted")
    assert forked(exporting(folder / "older", older)) == 0
    rng = random.Random(seed)
    out = folder / "killed"
    longest_s = whole_s
    for moment in range(moments):
        killed = False
        while not killed:
            shutil.rmtree(out, ignore_errors=True)
            if moment % 2:
                shutil.copytree(folder / "older", out)
            killed = forked(exporting(out), rng.uniform(0, longest_s)) == signal.SIGKILL
            longest_s *= 1 if killed else 0.8  # finished before the kill: the machine is faster now
        assert forked(exporting(out)) == 0
        found = tree(out)
        differing = {path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)}
        assert not differing, f"moment {moment}: {sorted(differing)[:5]}"
    return {"moments an export was killed at": moments, "uninterrupted export, s": whole_s}


def killed_at_each_change(folder: Path, stride: int = 1) -> dict[str, float]:
    """Kill an export that updates an older one at every `stride`-th rename, link and removal.

    Raises if a document lists a missing or different file, or if the final result differs.
    """
    first, second = analysis_of(small_video(folder / "a.mp4", 40)), analysis_of(small_video(folder / "b.mp4", 41))
    spans = [(0, 4), (10, 14), (20, 24)]
    before = request_for(
        folder / "before", [source_of(first, spans, tags=["old"]), source_of(second, spans[:1])], KILLED_LAYOUTS
    )
    after = replace(before, sources=(source_of(first, spans[1:], note="new"), source_of(second, spans[:2])))
    assert forked(lambda: run(before, first, second)) == 0
    assert forked(lambda: run(replace(after, output_dir=folder / "after"), first, second)) == 0
    expected = tree(folder / "after")
    out = folder / "killed"
    update = replace(after, output_dir=out)
    killed = 0
    for step in itertools.count(step=stride):
        shutil.copytree(folder / "before", out)
        status = forked(functools.partial(_die_at_change, step, lambda: run(update, first, second)))
        check_documents(out)
        assert forked(lambda: run(update, first, second)) == 0
        assert tree(out) == expected, f"step {step}"
        shutil.rmtree(out)
        if status == 0:
            break
        assert status == signal.SIGKILL
        killed += 1
    return {"file changes an export was killed at": killed}


def _die_at_change(step: int, work: Callable[[], object]) -> None:
    """Run `work`, killing the process before the file change with this number."""
    done = 0

    def dying(change: Callable[..., None]) -> Callable[..., None]:
        def counted(*paths: object, **options: object) -> None:
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            change(*paths, **options)

        return counted

    for name in ("replace", "link", "unlink", "rmdir"):
        setattr(os, name, dying(getattr(os, name)))
    work()


def check_documents(out: Path) -> None:
    """Assert that every document lists only existing files with matching hashes."""

    def same(path: Path, sha256: str) -> bool:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    metadata = out / "clips" / "clip_metadata.json"
    for clip in json.loads(metadata.read_text(encoding="utf-8"))["clips"] if metadata.exists() else ():
        assert same(metadata.parent / clip["clip_path"], clip["sha256"]), clip["clip_path"]
    for rows in out.glob("videofolder/*/metadata.jsonl"):
        for row in map(json.loads, rows.read_text(encoding="utf-8").splitlines()):
            assert same(rows.parent / row["file_name"], row["sha256"]), row["file_name"]
    for index in out.glob("webdataset/*.json"):
        for shard in json.loads(index.read_text(encoding="utf-8"))["shardlist"]:
            with tarfile.open(index.parent / shard["url"]) as archive:
                assert len(archive.getnames()) == 2 * shard["nsamples"]


def main(moments: int = 30, stride: int = 1, clips: int = 40) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = killed_at_moments(moments, folder / "moments", clips)
        figures |= killed_at_each_change(folder / "changes", stride)
    for figure, value in figures.items():
        print(f"{figure:<60} {value:10.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
