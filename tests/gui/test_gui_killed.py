"""A killed process loses nothing that was decided."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clipgen_engine.analysis_cache import AnalysisCache
from clipgen_engine.project import Project
from clipgen_engine.types import Analysis
from clipgen_engine.video import probe
from tests.conftest import ROOT
from tests.gui.curator import state_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork and SIGKILL")
KILLS = int(os.environ.get("CLIPGEN_KILLS", "12"))  # 50 take a minute


@pytest.fixture
def desk(short_video: Path, short_analysis: Analysis, tmp_path: Path) -> Path:
    """A folder with a project of two analysed videos."""
    cache = AnalysisCache(tmp_path / "cache")
    with Project(tmp_path / "work.clipgen") as project:
        for number in range(2):
            path = tmp_path / f"video {number}.mp4"
            path.write_bytes(short_video.read_bytes() + b"\x00\x00\x00\x10free" + bytes([number]) * 8)
            analysis = replace(short_analysis, video=probe(path))
            cache.store(analysis)
            video = project.add_video(path, analysis.video.fingerprint)
            project.describe_video(video.video_id, state="done", analysis=cache.name_of(analysis))
    return tmp_path


def test_kills_at_random_moments_lose_nothing(desk: Path) -> None:
    """After each kill the project holds what the app held, or one step more: the one that was under way."""
    rng = random.Random(0)
    steps = 0
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.gui.curator", str(desk)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert zygote.stdin is not None
    assert zygote.stdout is not None
    for seed in range(KILLS):
        zygote.stdin.write(f"{seed}\n")
        zygote.stdin.flush()
        child = int(zygote.stdout.readline())
        told: list[tuple[str, dict[str, Any]]]
        told = [json.loads(zygote.stdout.readline()) for _ in range(rng.randrange(2, 30))]
        os.kill(child, signal.SIGKILL)
        while (line := zygote.stdout.readline()) != "dead\n":
            if line.endswith("]dead\n"):
                told.append(json.loads(line.removesuffix("dead\n")))
                break
            if line.endswith("dead\n"):
                break  # it was killed in the middle of a line
            told.append(json.loads(line))
        steps += sum(what.startswith("end") for what, _ in told)
        with Project(desk / "work.clipgen") as project:
            assert not project.read_only
            assert project.row("PRAGMA integrity_check") == ("ok",)
            stored = state_of(project)
        what, held = told[-1]
        under_way = what.startswith("begin")
        for video in held:
            changed = {
                key
                for part in ("windows", "subjects")
                for key in stored[video][part].keys() | held[video][part].keys()
                if stored[video][part].get(key) != held[video][part].get(key)
            }
            assert len(changed) <= (2 if under_way else 0), (seed, what, changed)
    zygote.stdin.close()
    zygote.wait(timeout=10)
    zygote.stdout.close()
    assert steps > KILLS
