"""`clipgen-engine export` and `import`, and runs with other layouts, end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from clipgen_engine.cli.run_folder import write_analysis
from clipgen_engine.datasets.request import ExportSource
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis
from tests.support.command_line import engine
from tests.support.exports import tree


@pytest.fixture
def project_path(tmp_path: Path, sources: tuple[ExportSource, ExportSource]) -> Path:
    path = tmp_path / "Prôjekt.clipgen"
    with Project(path) as project:
        project.set_settings(RankingSettings().as_dict())
        for source in sources:
            video = project.add_video(source.path, source.fingerprint)
            project.save_reviews(video.video_id, {window.sequence.key: window for window in source.windows})
    return path


def test_a_project_is_exported_and_imported(project_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ("--layout", "videofolder", "--layout", "webdataset", "--output_dir", out, "--encoder-preset", "ultrafast")
    done = engine("export", project_path, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 clips, 5 to encode; about " in done.stdout
    assert f"5 clips in {out}" in done.stdout
    names = {path.name for path in (out / "videofolder" / "train").glob("*.mp4")}
    assert "b_c_001_frames_000004_000008.mp4" in names or "b_c_002_frames_000004_000008.mp4" in names
    before = tree(out)
    again = engine("export", project_path, *flags)
    assert "5 clips, 0 to encode; about 0 bytes" in again.stdout
    assert tree(out) == before
    with Project(project_path) as project:
        (first, second) = (project.exports(video.video_id) for video in project.videos())
    assert [len(export.clips) for export in first] == [3, 3]
    assert first[0].details["layouts"] == ["videofolder", "webdataset"]
    assert [export.folder for export in second] == [out, out]

    imported = engine("import", out, "--project", tmp_path / "again.clipgen")
    assert (imported.returncode, imported.stderr) == (0, "")
    assert "5 windows added" in imported.stdout
    from_export = engine(
        "export", out, "--layout", "losslesscut", "--output_dir", tmp_path / "cuts", "--video", "b.c.mp4"
    )
    assert (from_export.returncode, from_export.stderr) == (0, "")
    assert [path.name for path in (tmp_path / "cuts" / "losslesscut").iterdir()] == ["b_c.csv"]


def test_failed_items_print_one_line_each_and_exit_with_2(project_path: Path, tmp_path: Path) -> None:
    with Project(project_path) as project:
        video = project.videos()[0]
        project.describe_video(video.video_id, path=tmp_path / "gone.mp4")
    done = engine("export", project_path, "--output_dir", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr == (
        f"clipgen-engine: {tmp_path / 'gone.mp4'} can no longer be opened. Restore the video, or open it again.\n"
    )
    assert len(list((tmp_path / "out" / "clips").glob("*.mp4"))) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "none.clipgen"], "none.clipgen does not exist"),
        (["export", "empty.clipgen"], "No window of empty.clipgen is accepted"),
        (["export", "empty.clipgen", "--layout", "zip"], "invalid choice: 'zip'"),
        (["import", ".", "--project", "new.clipgen"], "is not an export folder"),
        (["--video_path", "x.mp4", "--name_pattern", "{nonsense}"], "Unknown field {nonsense}"),
        (["--video_path", "x.mp4", "--layout", "videofolder", "--clip_format", "webm"], "does not support webm"),
    ],
)
def test_invalid_input_prints_one_line_and_exits_with_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    Project(tmp_path / "empty.clipgen").close()
    done = engine(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"empty.clipgen", "empty.clipgen.lock"}


def test_a_run_with_other_layouts(tmp_path: Path, analyses: tuple[Analysis, Analysis]) -> None:
    analysis = analyses[0]
    write_analysis(replace(analysis, model_sha256={}), tmp_path)
    done = engine(
        "--video_path", analysis.video.path, "--output_dir", tmp_path, "--skip_analysis", "--sequence_length", "6",
        "--num_sequences", "2", "--face_confidence_threshold", "0", "--layout", "edl", "--layout", "plain",
        "--encoder_preset", "ultrafast", "--name_pattern", "{source}_{rank}",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    stem = analysis.video.path.stem
    assert {path.name for path in (tmp_path / "clips").glob("*.mp4")} == {f"{stem}_1.mp4", f"{stem}_2.mp4"}
    assert (tmp_path / "edl" / f"{stem}.edl").exists()
    clips = json.loads((tmp_path / "clips" / "clip_metadata.json").read_text("utf-8"))["clips"]
    assert [clip["clip_path"] for clip in clips] == [f"{stem}_1.mp4", f"{stem}_2.mp4"]
