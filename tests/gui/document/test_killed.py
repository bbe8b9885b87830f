"""Killing the process loses no decision."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis, Decision
from clipgen_engine.video.index import probe
from tests.support.curator import WEIGHT, open_app, ready, shown_state, state_of, stored_view
from tests.support.paths import ROOT
from tests.support.projects import make_project

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
KILLS = int(os.environ.get("CLIPGEN_KILLS", "12"))  # 50 take a minute
QUEUE_KILLS = int(os.environ.get("CLIPGEN_QUEUE_KILLS", "3"))  # 20 of 60 videos take two minutes
QUEUED_VIDEOS = int(os.environ.get("CLIPGEN_QUEUED_VIDEOS", "10"))  # 60 have 300 windows
PLAYED = 30  # frames played before the kill: one second
Report = tuple[str, dict[str, Any]]


@pytest.fixture
def videos(short_video: Path, short_analysis: Analysis, tmp_path: Path) -> list[Analysis]:
    """The stored analyses of two videos in a folder."""
    cache = AnalysisCache(tmp_path / "cache")
    analyses = []
    for number in range(2):
        path = tmp_path / f"video {number}.mp4"
        path.write_bytes(short_video.read_bytes() + b"\x00\x00\x00\x10free" + bytes([number]) * 8)
        analyses.append(replace(short_analysis, video=probe(path)))
        cache.store(analyses[-1])
    return analyses


class Curator:
    """A simulated curator in another process that can be killed repeatedly."""

    def __init__(self, folder: Path) -> None:
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.support.curator", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self._child = 0

    def start(self, what: str) -> None:
        """Start the app with a seed or scenario."""
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(f"{what}\n")
        self._zygote.stdin.flush()
        self._child = int(self._read_line())

    def next_report(self) -> Report:
        """The next report of the curator: a step, and the state held by the app."""
        line = self._read_line()
        if line == "dead\n":
            self._child = 0
            pytest.fail("the curator failed; see stderr")
        step, held = json.loads(line)
        return step, held

    def kill(self) -> list[Report]:
        """Send SIGKILL and return the unread reports."""
        os.kill(self._child, signal.SIGKILL)
        rest: list[Report] = []
        while not (line := self._read_line()).endswith("dead\n"):
            rest.append(json.loads(line))
        if line.endswith("]dead\n"):  # otherwise it was killed while writing a line
            rest.append(json.loads(line.removesuffix("dead\n")))
        self._child = 0
        return rest

    def close(self) -> None:
        if self._child:
            self.kill()
        self._zygote.communicate(timeout=10)

    def _read_line(self) -> str:
        assert self._zygote.stdout is not None
        return self._zygote.stdout.readline()


@pytest.fixture
def curator(tmp_path: Path) -> Iterator[Curator]:
    made = Curator(tmp_path)
    yield made
    made.close()


def opened_project(folder: Path) -> Project:
    """Open the project after a kill; checks that it is writable and that SQLite finds it intact."""
    project = Project(folder / "work.clipgen")
    assert not project.read_only
    assert project.rows("PRAGMA integrity_check") == [("ok",)]
    return project


def test_kills_at_random_moments_lose_nothing(videos: list[Analysis], curator: Curator, tmp_path: Path) -> None:
    """After each kill, the stored state equals the last reported one, except for a step in progress."""
    cache = AnalysisCache(tmp_path / "cache")
    with Project(tmp_path / "work.clipgen") as project:
        for analysis in videos:
            video = project.add_video(analysis.video.path, analysis.video.fingerprint)
            project.describe_video(video.video_id, state="done", analysis=cache.name_of(analysis))
    rng = random.Random(0)
    steps = 0
    for seed in range(KILLS):
        curator.start(str(seed))
        reports = [curator.next_report() for _ in range(rng.randrange(2, 30))]
        reports += curator.kill()
        steps += sum(what.startswith("end") for what, _ in reports)
        with opened_project(tmp_path) as project:
            stored = state_of(project)
        what, held = reports[-1]
        in_progress = what.startswith("begin")
        for name in held:
            changed = {
                key
                for part in ("windows", "subjects")
                for key in stored[name][part].keys() | held[name][part].keys()
                if stored[name][part].get(key) != held[name][part].get(key)
            }
            assert len(changed) <= (2 if in_progress else 0), (seed, what, changed)
    assert steps > KILLS


def test_a_kill_after_a_session_of_work_loses_nothing(
    videos: list[Analysis], curator: Curator, tmp_path: Path, qtbot: QtBot
) -> None:
    """Nothing is lost once the app idles after work. During playback, changes are saved continuously."""
    curator.start("work")
    _, held = curator.next_report()
    assert curator.kill() == []
    with opened_project(tmp_path) as project:
        assert state_of(project) == held["decided"]
        assert stored_view(project) == held["view"]

    window = open_app(tmp_path)
    qtbot.addWidget(window)
    session = window.session
    first, second = session.videos
    assert session.current is second
    for entry in (second, first):
        ready(window, entry.path.name)
        position, selected = held["view"]["positions"][entry.path.name]
        assert (entry.position, list(entry.selected), entry.track) == (position, selected, selected[2])
        row = window.parts.review.panel.view.selectionModel().currentIndex().row()
        assert list(entry.rows[row].key) == selected
        if entry is second:
            QTest.keyClick(window, Qt.Key.Key_P)
    assert shown_state(session) == held["decided"]
    weight = window.parts.ranking.panel.weights.sliders[WEIGHT]
    assert weight.number == pytest.approx(held["view"]["settings"]["weights"][WEIGHT])
    assert [chip.accessibleName() for chip in window.parts.review.details.tags.chips] == ["Tag brows", "Tag smile"]
    assert (window.parts.review.details.note.text(), window.parts.review.details.subject.text()) == (
        "worth a look",
        "anna",
    )

    # Compare with the actions performed, not only with the state of the app.
    done = [
        sorted((mark.decision.value, stop - start, mark.tags, mark.note) for (start, stop, _), mark in marks.items())
        for marks in (first.reviews, second.reviews)
    ]
    assert done == [
        [("accepted", 30, (), ""), ("rejected", 30, (), ""), ("undecided", 20, ("brows", "smile"), "worth a look")],
        [("rejected", 30, (), ""), ("undecided", 23, (), "")],
    ]
    assert second.position == second.selected[0] > 0
    window.close()

    # Killed during playback while a weight changes: continuously changing state is still saved.
    curator.start("play")
    _, before = curator.next_report()
    name, reports = first.path.name, [before]
    while reports[-1]["positions"][name][0] < PLAYED:
        reports.append(curator.next_report()[1])
    reports += [one for _, one in curator.kill()]
    with opened_project(tmp_path) as project:
        assert state_of(project) == held["decided"]
        stored = stored_view(project)
    assert before["positions"][name][0] == 0 < stored["positions"][name][0]
    assert stored["positions"][name][0] in [one["positions"][name][0] for one in reports]
    assert stored["settings"] != before["settings"]
    assert stored["settings"] in [one["settings"] for one in reports]


def test_a_queue_over_many_videos_survives_kills(
    short_video: Path, short_analysis: Analysis, curator: Curator, tmp_path: Path
) -> None:
    """A curator who decides windows of many videos by keys is killed again and again, until all are decided."""
    make_project(tmp_path, short_video, short_analysis, QUEUED_VIDEOS)
    with Project(tmp_path / "work.clipgen") as project:
        project.set_settings({"sequence_length": 12, "num_sequences": 5})
    rng = random.Random(1)
    steps = 0
    for kill in range(10 * QUEUE_KILLS):
        last = kill >= QUEUE_KILLS  # from now on without a kill
        curator.start("queue")
        reports: list[Report] = []
        for _ in range(1_000_000 if last else rng.randrange(1, 2 + 2 * QUEUED_VIDEOS // 3)):
            reports.append(curator.next_report())
            if reports[-1][0] == "done":
                break
        reports += curator.kill()
        steps += sum(what.startswith("end") for what, _ in reports)
        with opened_project(tmp_path) as project:
            stored = state_of(project)
        what, held = reports[-1]
        changed = [name for name in held if stored[name] != held[name]]
        assert len(changed) <= (1 if what.startswith("begin") else 0), (kill, what, changed)
        if what == "done":
            break
    else:
        pytest.fail("the curator did not get to the end")
    with Project(tmp_path / "work.clipgen") as project:
        reviews = [one for video in project.all_windows().values() for one in video.values()]
        assert len(reviews) >= 4 * QUEUED_VIDEOS
        assert all(one.decision in (Decision.ACCEPTED, Decision.REJECTED) for one in reviews)
        assert {one.reason for one in reviews} <= {"", "wrong person"}
        assert all(one.decided_at and one.decided_by for one in reviews)
    assert steps >= len(reviews)
