"""File names of every kind go the whole way: command line, JSON, project, exports in all layouts, and back."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clipgen_engine.datasets.reimport import import_export, read_export
from clipgen_engine.datasets.request import project_sources
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis
from clipgen_engine.video.index import probe
from tests.support.command_line import engine
from tests.support.exports import SPANS, analysis_of, request_for, run, small_video, source_of
from tests.support.paths import FIXTURES

NAMES = (
    b"bad\xff\xfeutf8.mp4",
    b"new\nline.mp4",
    "ünï 顔.mp4".encode(),
    b"12:30 a.mp4",
    b"quote'\".mp4",
    b"\x1b[31m.mp4",
)
LAYOUTS = ("plain", "videofolder", "webdataset", "fiftyone", "losslesscut", "edl")


@pytest.fixture(params=NAMES, ids=repr)
def named(request: pytest.FixtureRequest, tmp_path: Path) -> Analysis:
    """An analysed video with this name."""
    made = small_video(tmp_path / "made.mp4")
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + request.param))
    made.path.rename(path)
    return analysis_of(replace(made, path=path))


def test_a_name_survives_export_import_and_export(named: Analysis, tmp_path: Path) -> None:
    path = named.video.path
    source = source_of(named, SPANS)
    result = run(request_for(tmp_path / "out", [source], LAYOUTS, name_pattern="{source}_{rank:03d}"), named)
    assert not result.failures
    assert [clip.state for clip in result.clips] == ["written"] * len(SPANS)
    metadata = json.loads((tmp_path / "out" / "clips" / "clip_metadata.json").read_text(encoding="utf-8"))
    assert {clip["source"] for clip in metadata["clips"]} == {path.name}
    (edl,) = (tmp_path / "out" / "edl").iterdir()
    lines = edl.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("* FROM CLIP NAME: ") for line in lines) == len(SPANS)
    assert all(line[:1] in ("", "*", "0", "T", "F") for line in lines), "no name breaks a line in two"
    with Project(tmp_path / "again.clipgen") as project:
        import_export(read_export(tmp_path / "out"), project)
        (video,) = project.videos()
        assert os.fsencode(video.path) == os.fsencode(path)
        assert project.add_videos([path])[0].video_id == video.video_id, "it is found by its path"
        project.describe_video(video.video_id, path=path)
        sources = project_sources(project)
    repeated = run(request_for(tmp_path / "out", sources, LAYOUTS, name_pattern="{source}_{rank:03d}"), named)
    assert [clip.state for clip in repeated.clips] == ["unchanged"] * len(SPANS)


def test_an_error_about_a_name_is_one_line(named: Analysis, tmp_path: Path) -> None:
    named.video.path.write_bytes(b"\0" * 100)
    done = engine("--video_path", named.video.path, "--output_dir", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("name", NAMES[:2], ids=repr)
def test_the_whole_command_line_takes_it(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    shutil.copy(FIXTURES / "made_by_0_1_0" / "portrait.mp4", path)
    done = engine("--video_path", path.name, "--output_dir", "out", "--sequence_length", "15", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for file in ("analysis/frame_data.json", "clips/clip_metadata.json"):
        text = (tmp_path / "out" / file).read_text(encoding="utf-8")
        assert path.name in (json.loads(text).get("source"), json.loads(text).get("extraction_info", {}).get("source"))
    assert engine("info", path.name, cwd=tmp_path).returncode == 0
    assert probe(path).frame_count == 90
    again = engine("--video_path", path.name, "--output_dir", "out", "--skip_analysis", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
