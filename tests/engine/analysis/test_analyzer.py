from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

import clipgen_engine
from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.errors import Cancelled, ModelFileError, StoredAnalysisError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256, load_face_model
from clipgen_engine.types import Analysis, Progress
from tests.support.paths import SAMPLE


def assert_no_thread_or_process_left() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("clipgen")]
    assert not psutil.Process().children()


def test_cancel_stops_the_analysis_and_its_threads() -> None:
    cancel = threading.Event()
    seen: list[Progress] = []

    def stop_soon(progress: Progress) -> None:
        seen.append(progress)
        if progress.done > 20:
            cancel.set()

    with pytest.raises(Cancelled):
        clipgen_engine.analyze_video(SAMPLE, progress=stop_soon, cancel=cancel)
    assert seen[-1].done < 400
    assert_no_thread_or_process_left()


def test_exception_in_progress_callback_stops_the_threads() -> None:
    def fail(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        clipgen_engine.analyze_video(SAMPLE, progress=fail)
    assert_no_thread_or_process_left()


def test_partial_result_is_a_prefix_of_the_final_result(sample_analysis: Analysis) -> None:
    cancel = threading.Event()
    partial: list[Analysis] = []

    def take_partial(progress: Progress) -> None:
        if progress.partial and not partial and (begun := progress.partial()).analyzed_frames >= 60:
            partial.append(begun)
            cancel.set()

    with pytest.raises(Cancelled):
        clipgen_engine.analyze_video(SAMPLE, progress=take_partial, cancel=cancel)
    part, whole = partial[0].tracks[0], sample_analysis.tracks[0]
    count = len(part.frame_index)
    assert partial[0].analyzed_frames == count >= 60
    assert partial[0].shots.tolist() == [[0, count]]
    known = count - 3  # the last frames are smoothed over those that follow
    np.testing.assert_array_equal(part.blendshapes[:known], whole.blendshapes[:known])
    np.testing.assert_array_equal(part.box_xywh[:known], whole.box_xywh[:known])


def test_analysis_round_trips_through_disk(sample_analysis: Analysis, tmp_path: Path) -> None:
    save_analysis(sample_analysis, tmp_path)
    again = load_analysis(tmp_path)
    assert again.video.path == SAMPLE.resolve()
    assert again.settings == sample_analysis.settings
    assert again.video.time_base == sample_analysis.video.time_base
    np.testing.assert_array_equal(again.shots, sample_analysis.shots)
    for mine, theirs in zip(again.tracks, sample_analysis.tracks, strict=True):
        for name in ("frame_index", "box_xywh", "confidence", "center_xy", "head_pose_deg", "blendshapes"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    for mine, theirs in zip(again.tokens, sample_analysis.tokens, strict=True):
        np.testing.assert_array_equal(mine.values, theirs.values)
        assert mine.channel_names == theirs.channel_names
    first = (tmp_path / "analysis.npz").read_bytes()
    save_analysis(sample_analysis, tmp_path)
    assert (tmp_path / "analysis.npz").read_bytes() == first


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_damaged_analysis_raises_stored_analysis_error(sample_analysis: Analysis, tmp_path: Path, damage: str) -> None:
    save_analysis(sample_analysis, tmp_path)
    path = tmp_path / "analysis.npz"
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "garbage": b"x" * 1000, "empty": b""}[damage])
    with pytest.raises(StoredAnalysisError, match="damaged"):
        load_analysis(tmp_path)


def test_face_model_is_verified_for_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_face_model().sha256 == FACE_MODEL_SHA256
    wrong = tmp_path / "face_landmarker.task"
    wrong.write_bytes(b"something else")
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        load_face_model(wrong)
    monkeypatch.setenv("CLIPGEN_FACE_MODEL", str(tmp_path / "absent.task"))
    with pytest.raises(ModelFileError, match="does not exist"):
        load_face_model()


def test_opencv_distributions_have_matching_versions() -> None:
    from importlib.metadata import version

    assert version("opencv-python") == version("opencv-contrib-python")
    assert cv2.__version__.startswith(version("opencv-python").rsplit(".", 1)[0])


def test_mediapipe_contains_no_telemetry() -> None:
    import mediapipe

    folder = Path(mediapipe.__file__).parent
    for library in folder.rglob("*.so"):
        assert b"clearcut" not in library.read_bytes().lower()


def run_python(code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_QPA")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def test_engine_import_is_lightweight() -> None:
    heavy = ("torch", "transformers", "mediapipe", "cv2", "scenedetect", "PySide6")
    code = f"import sys, clipgen_engine.cli.main; print([name for name in {heavy} if name in sys.modules])"
    assert run_python(code) == "[]\n"


def test_analysis_runs_without_mediapipe() -> None:
    """Its package is the reference of the tests; what runs are the networks of its model file."""
    code = (
        "import sys; from clipgen_engine.faces.model_files import load_face_model; "
        "from clipgen_engine.faces.tracker import FaceTracker; FaceTracker(load_face_model()); "
        "print([name for name in ('mediapipe', 'matplotlib', 'google.protobuf') if name in sys.modules])"
    )
    assert run_python(code) == "[]\n"


def test_analysis_import_affects_neither_qt_nor_torch() -> None:
    code = (
        "import os, sys, clipgen_engine; clipgen_engine.analyze_video; "
        "print([name for name in os.environ if name.startswith('QT_QPA')], 'torch' in sys.modules)"
    )
    assert run_python(code) == "[] False\n"
