"""The command line end to end, in a separate process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipgen_engine.projects.conflicts import Opinion
from clipgen_engine.projects.goals import Goal, set_goals
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.presets import PRESETS
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS
from clipgen_engine.types import Decision, Sequence
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from tests.support.command_line import engine
from tests.support.paths import SAMPLE
from tests.support.videos import write_coded_video


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run on the sample."""
    folder = tmp_path_factory.mktemp("run") / "ünï out"
    done = engine("--video_path", SAMPLE, "--output_dir", folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


def strictly(path: Path) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {path}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_sequences_file(run_folder: Path) -> None:
    sequences = strictly(run_folder / "analysis" / "sequences.json")
    assert len(sequences) == 10
    taken: set[int] = set()
    for sequence in sequences:
        frames = set(range(sequence["start_frame"], sequence["end_frame"] + 1))
        assert len(frames) == 30
        assert not frames & taken
        taken |= frames
        score = 0.7 * sequence["expression_variation"] + 0.3 * sequence["position_stability"]
        assert sequence["combined_score"] == score
        assert sequence["end_time_s"] - sequence["start_time_s"] == pytest.approx(29 / 30, abs=1e-3)
        assert sequence["end_pts"] > sequence["start_pts"]
        assert sequence["top_channels"]
    scores = [sequence["combined_score"] for sequence in sequences]
    assert scores == sorted(scores, reverse=True)


def test_frame_data_file(run_folder: Path) -> None:
    data = strictly(run_folder / "analysis" / "frame_data.json")
    assert data["schema_version"] == 1
    weights = data["settings"]["ranking"]["weights"]
    assert {name: weight for name, weight in weights.items() if weight} == {
        "expression_variation": 0.7,
        "position_stability": 0.3,
    }
    assert len(data["model_sha256"]["face_landmarker"]) == 64
    assert (data["undecodable_frames"], data["lost_packets"]) == (0, 0)
    with np.load(run_folder / "analysis" / "expression_tokens.npz") as stored:
        peaks = dict(zip(stored["channel_names"].tolist(), stored["tokens"].max(axis=0).tolist(), strict=True))
    assert data["dead_channels"] == [name for name, peak in peaks.items() if peak < 0.001] != []
    video = probe(SAMPLE)
    assert [row["frame_idx"] for row in data["frames"]] == list(range(video.frame_count))
    assert [row["pts"] for row in data["frames"]] == video.pts.tolist()
    faceless = [row for row in data["frames"] if row["bbox"] is None]
    assert len(faceless) == 60
    assert all(row["confidence"] is None and row["expression_variation"] is None for row in faceless)
    row = data["frames"][300]
    assert len(row["bbox"]) == 4
    assert len(row["face_center"]) == 2
    assert len(row["head_pose_deg"]) == 3
    assert 0 < row["expression_variation"] < 1


def test_tokens_file(run_folder: Path) -> None:
    with np.load(run_folder / "analysis" / "expression_tokens.npz") as stored:
        assert stored["tokens"].dtype == np.float32
        assert stored["tokens"].shape == (len(stored["frame_idx"]), 51)
        assert "jawOpen" in stored["channel_names"]
        assert stored["backend"] == "blendshapes"


def test_clips_and_their_metadata(run_folder: Path) -> None:
    clips = strictly(run_folder / "clips" / "clip_metadata.json")["clips"]
    assert [clip["clip_number"] for clip in clips] == list(range(1, 11))
    names = {path.name for path in (run_folder / "clips").iterdir()}
    assert names == {clip["clip_path"] for clip in clips} | {"clip_metadata.json", "extraction_summary.txt"}
    source = probe(SAMPLE)
    for clip in clips[:4]:
        assert clip["clip_path"] == (
            f"clip_{clip['clip_number']:03d}_frames_{clip['start_frame']:06d}_{clip['end_frame']:06d}.mp4"
        )
        written = probe(run_folder / "clips" / clip["clip_path"])
        assert written.frame_count == clip["frame_count"] == 30
        assert written.has_audio
        originals = decode(source, clip["start_frame"], clip["end_frame"] + 1)
        for mine, original in zip(decode(written), originals, strict=True):
            error = ((mine.pixels.astype(float) - original.pixels.astype(float)) ** 2).mean()
            assert 10 * np.log10(255**2 / error) > 35
    assert "Top 5" in (run_folder / "clips" / "extraction_summary.txt").read_text(encoding="utf-8")


def test_reranking_needs_no_video_and_is_deterministic(run_folder: Path, tmp_path: Path) -> None:
    before = (run_folder / "analysis" / "sequences.json").read_bytes()
    done = engine(
        "--video_path", tmp_path / "gone.mp4", "--output_dir", run_folder, "--skip-analysis", "--skip_extraction"
    )
    assert done.returncode == 0, done.stderr
    assert (run_folder / "analysis" / "sequences.json").read_bytes() == before


def test_reranking_with_other_weights(run_folder: Path, tmp_path: Path) -> None:
    kept = (run_folder / "analysis" / "sequences.json").read_bytes()
    done = engine(
        "--video_path",
        SAMPLE,
        "--output_dir",
        run_folder,
        "--skip_analysis",
        "--skip_extraction",
        "--expression-weight",
        "0",
        "--position_weight",
        "1",
        "--sequence_length",
        "20",
        "--num_sequences",
        "3",
        "--min_gap",
        "50",
    )
    assert done.returncode == 0, done.stderr
    sequences = strictly(run_folder / "analysis" / "sequences.json")
    (run_folder / "analysis" / "sequences.json").write_bytes(kept)
    starts = sorted(sequence["start_frame"] for sequence in sequences)
    assert len(starts) == 3
    assert min(np.diff(starts)) >= 70
    assert all(s["combined_score"] == s["position_stability"] > 0.99 for s in sequences)


def test_conditions_by_name(run_folder: Path, tmp_path: Path) -> None:
    kept = (run_folder / "analysis" / "sequences.json").read_bytes()
    frames = (run_folder / "analysis" / "frame_data.json").read_bytes()
    done = engine(
        "--video_path", SAMPLE, "--output_dir", run_folder, "--skip_analysis", "--skip_extraction",
        "--preset", "without_eyes", "--region", "mouth=2", "--gate", "max-yaw=40", "--gate", "max_roll=50",
        "--face_confidence_threshold", "0.5", "--frontality_weight", "0.2", "--diversity", "0.3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    settings = strictly(run_folder / "analysis" / "frame_data.json")["settings"]["ranking"]
    sequences = strictly(run_folder / "analysis" / "sequences.json")
    (run_folder / "analysis" / "sequences.json").write_bytes(kept)
    (run_folder / "analysis" / "frame_data.json").write_bytes(frames)
    assert settings["regions"] | {"mouth": 2.0, "eyelids": 0.0, "gaze": 0.0, "jaw": 1.0} == settings["regions"]
    assert settings["gates"] | {"max_yaw": 40.0, "max_roll": 50.0, "face_confidence": 0.5} == settings["gates"]
    assert settings["weights"]["frontality"] == 0.2
    assert settings["diversity"] == 0.3
    for sequence in sequences:
        score = 0.7 * sequence["expression_variation"] + 0.3 * sequence["position_stability"]
        assert sequence["combined_score"] == pytest.approx(score + 0.2 * sequence["frontality"], abs=1e-12)


def test_info_prints_the_index_and_the_cached_analysis(run_folder: Path, tmp_path: Path) -> None:
    dead = strictly(run_folder / "analysis" / "frame_data.json")["dead_channels"]
    (tmp_path / "text.mp4").write_text("hello\n" * 100)
    done = engine("info", SAMPLE, tmp_path / "text.mp4")
    assert done.returncode == 2
    assert "text.mp4 is a text file, not a video" in done.stderr
    assert "  frames      867, " in done.stdout
    assert "  picture     640x360, h264\n" in done.stdout
    assert "  rate        30.000 frames/s, constant\n" in done.stdout
    assert "  sound       yes\n" in done.stdout
    assert "  damage      none found\n" in done.stdout
    assert f"0 undecodable frames, inactive channels: {', '.join(dead)}\n" in done.stdout
    assert engine("info").returncode == 2


def test_info_prints_the_numbers_of_a_project(tmp_path: Path) -> None:
    with Project(tmp_path / "work.clipgen") as project:
        video_id = project.add_video(tmp_path / "a.mp4", "aaa").video_id
        project.describe_video(video_id, state="done", duration_s=40.0, frame_count=1000, window_count=5)
        project.set_subject(video_id, 1, "Anna\n")
        accepted, rejected = Sequence(0, 0, 50, 1, {}, 0.5), Sequence(0, 100, 150, 2, {}, 0.5)
        reviews = (
            WindowReview(
                accepted,
                Decision.ACCEPTED,
                tags=("smile",),
                decided_at="2026-03-02T12:00:00.000+00:00",
                decided_by="ben",
            ),
            WindowReview(
                rejected,
                Decision.REJECTED,
                decided_at="2026-03-02T12:00:10.000+00:00",
                decided_by="ben",
                reason="cut",
            ),
        )
        opinions = [
            Opinion((200, 250, 1), name, decision, "", "", "")
            for name, decision in (("anna", Decision.ACCEPTED), ("ben", Decision.REJECTED))
        ]
        project.set_conflicts(video_id, opinions)
        project.save_reviews(video_id, {one.sequence.key: one for one in reviews})
        set_goals(project, [Goal("subject", None, "clips", 1), Goal("total", None, "clips", 300)])
    (tmp_path / "broken.clipgen").write_text("hello")
    done = engine("info", tmp_path / "work.clipgen", tmp_path / "broken.clipgen")
    assert done.returncode == 2
    assert "broken.clipgen is not a clipgen project" in done.stderr
    assert done.stdout.splitlines() == [
        str(tmp_path / "work.clipgen"),
        "  videos      1 done",
        "  windows     1 accepted, 1 rejected, 3 undecided",
        "  clips       1, 2.0 s",
        "  subjects    Anna\ufffd 1",
        "  tags        smile 1",
        "  curators    ben 2",
        "  reasons     cut 1",
        "  conflicts   1",
        "  pace        6.0 decisions a minute",
        "  goals       1 of 2 reached",
    ]


def test_help_lists_every_gate_region_and_preset() -> None:
    text = engine("--help").stdout
    for name in (*GATES, *REGION_MULTIPLIERS, *PRESETS):
        assert name in text or GATES[name].off is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--video_path", "text.mp4"], "text.mp4 is a text file, not a video"),
        (["--video_path", "cut.mp4"], "cut off"),
        (["--video_path", "missing.mp4"], "missing.mp4 does not exist"),
        (["--video_path", "."], "is a folder"),
        (["--video_path", "good.mp4", "--sequence_length", "1"], "sequence_length cannot be 1"),
        (["--video_path", "good.mp4", "--device", "tpu"], "device cannot be 'tpu'"),
        (["--video_path", "good.mp4", "--clip_format", "gif"], "clip_format cannot be 'gif'"),
        (["--video_path", "good.mp4", "--face_model", "text.mp4"], "is not Google's face_landmarker.task"),
        (["--video_path", "good.mp4", "--output_dir", "text.mp4"], "text.mp4"),
        (["--video_path", "good.mp4", "--skip_analysis"], "no stored analysis"),
        (
            ["--video_path", "good.mp4", "--expression_transformer_checkpoint", "text.mp4"],
            "damaged or in another format",
        ),
        (["--video_path", "good.mp4", "--expression_transformer_checkpoint", "x.pt"], "x.pt does not exist"),
        (["--video_path", "good.mp4", "--beauty", "1"], "unrecognized arguments"),
        (["--video_path", "good.mp4", "--gate", "max_yaw"], "Use NAME=NUMBER"),
        (["--video_path", "good.mp4", "--gate", "max_charm=3"], "Unknown gate 'max_charm'"),
        (["--video_path", "good.mp4", "--region", "mouth=3"], "mouth cannot be 3.0"),
        (["--video_path", "good.mp4", "--preset", "nice"], "Unknown preset 'nice'"),
    ],
)
def test_invalid_input_prints_one_line_and_exits_with_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    good = write_coded_video(tmp_path / "good.mp4", 30)
    (tmp_path / "text.mp4").write_text("hello\n" * 100)
    (tmp_path / "cut.mp4").write_bytes(good.read_bytes()[:3000])
    done = engine(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "clip_generation_output").rglob("*")) == []


def test_a_video_without_faces_exits_with_3(tmp_path: Path) -> None:
    done = engine("--video_path", write_coded_video(tmp_path / "faceless.mp4", 40), cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == "clipgen-engine: No face was found in any of the 40 frames of faceless.mp4.\n"
    assert strictly(tmp_path / "clip_generation_output" / "analysis" / "sequences.json") == []


def test_gates_that_reject_all_windows_are_named(run_folder: Path) -> None:
    kept = (run_folder / "analysis" / "sequences.json").read_bytes()
    done = engine(
        "--video_path", SAMPLE, "--output_dir", run_folder, "--skip_analysis", "--face_confidence_threshold", "1"
    )
    (run_folder / "analysis" / "sequences.json").write_bytes(kept)
    assert done.returncode == 3
    assert "face confidence rejected" in done.stderr


def test_a_stored_analysis_of_another_video_is_refused(run_folder: Path, tmp_path: Path) -> None:
    other = write_coded_video(tmp_path / "other.mp4", 30)
    done = engine("--video_path", other, "--output_dir", run_folder, "--skip_analysis")
    assert done.returncode == 2
    assert "is of sample.mp4, not of other.mp4" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_leaves_no_partial_files(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "clipgen_engine", "--video_path", str(SAMPLE)),
            *("--output_dir", str(tmp_path / "out"), "--max_faces", "3"),  # not cached by another test
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # the analysis is running
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "Interrupted; finished work is kept.\n"
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "out"])
