"""The transformer backend: crops, batches, devices, command line; and the contract of all token backends."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from clipgen_engine import analyze_video  # noqa: E402
from clipgen_engine.cli.run_folder import write_analysis  # noqa: E402
from clipgen_engine.errors import Cancelled, ModelFileError, SettingError, VideoError  # noqa: E402
from clipgen_engine.expression_tokens.backends import backend_names, load_backend  # noqa: E402
from clipgen_engine.expression_tokens.filling import TokenFilling  # noqa: E402
from clipgen_engine.expression_tokens.priorities import rows_in_time  # noqa: E402
from clipgen_engine.expression_tokens.transformer import choose_device, face_crop, load  # noqa: E402
from clipgen_engine.faces.blendshape_channels import BLENDSHAPE_REGIONS  # noqa: E402
from clipgen_engine.settings import AnalysisSettings, TokenSettings  # noqa: E402
from clipgen_engine.types import Analysis, ExpressionTokens  # noqa: E402
from clipgen_engine.video.decoding import FrameReader  # noqa: E402
from tests.support.checkpoints import LAYOUTS, WIDTH, made_state, plain_token  # noqa: E402
from tests.support.command_line import engine  # noqa: E402
from tests.support.paths import SAMPLE  # noqa: E402
from tests.support.videos import join_spans  # noqa: E402


def loaded(model_paths: dict[str, Path], **settings: Any) -> Any:
    paths = {"expression_transformer_checkpoint": model_paths["checkpoint"], "dinov2": model_paths["dinov2"]}
    return load(TokenSettings(**(paths | {"device": "cpu"} | settings)))


def tokens_of(backend: Any, analysis: Analysis, **options: Any) -> ExpressionTokens:
    """Tokens of the first track, from any backend."""
    if backend.name == "blendshapes":
        return backend.tokens(analysis.tracks)[0]
    filling = TokenFilling(analysis, backend)
    filling.run(lambda: rows_in_time(analysis.tracks), **options)
    return filling.result().tokens[0]


def few_frames(analysis: Analysis, count: int) -> list[Any]:
    """The first track, truncated to some frames."""
    track = analysis.tracks[0]
    arrays = {item.name: getattr(track, item.name)[:count] for item in fields(track) if item.name != "track_id"}
    return [replace(track, **arrays)]


def test_tokens_are_independent_of_the_batch_size(
    model_paths: dict[str, Path], sample_analysis: Analysis, small_dinov2: Any
) -> None:
    video, tracks = sample_analysis.video, few_frames(sample_analysis, 9)
    analysis = replace(sample_analysis, tracks=tuple(tracks))
    one = loaded(model_paths, subject_id=3, token_batch=1)
    eight = loaded(model_paths, subject_id=3, token_batch=8)
    alone, batched = tokens_of(one, analysis), tokens_of(eight, analysis)
    assert alone.values.shape == (9, WIDTH)
    np.testing.assert_allclose(batched.values, alone.values, atol=1e-4)
    assert len(alone.checkpoint_sha256) == 64

    with FrameReader(video) as reader:
        picture = reader.read(4)
    assert picture is not None
    crop = torch.from_numpy(face_crop(picture.pixels, tracks[0].box_xywh[4])).permute(2, 0, 1).float() / 255
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    normal = (crop - mean) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        patches = small_dinov2(pixel_values=normal[None]).last_hidden_state[0, 1:]
        positions = small_dinov2.embeddings.position_embeddings[0, 1:]
        expected = plain_token(made_state(LAYOUTS[0]), LAYOUTS[0], patches, positions, 3, 4)
    np.testing.assert_allclose(alone.values[4], expected.numpy(), atol=1e-5)


def test_batch_size_is_halved_permanently_on_out_of_memory(
    model_paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backend = loaded(model_paths, token_batch=8)
    sizes: list[int] = []
    room = 2

    def limited_forward(self: Any, crops: Any) -> Any:
        sizes.append(len(crops))
        if len(crops) > room:
            raise RuntimeError("MPS backend out of memory") if len(sizes) > 1 else torch.OutOfMemoryError("made up")
        return crops[:, 0, 0].astype(np.float32)

    monkeypatch.setattr(type(backend), "_forward", limited_forward)
    crops = np.arange(9, dtype=np.uint8)[:, np.newaxis, np.newaxis, np.newaxis].repeat(3, axis=3)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(backend.embed(crops)[:, 0], np.arange(9))
        assert sizes == [8, 4, 2, 2, 2, 2, 1]
        assert backend.batch_size == 2
        assert caplog.text.count("halved") == 2
        room = 0
        with pytest.raises(ModelFileError, match="does not fit in the memory of cpu"):
            backend.embed(crops)


def test_subject_out_of_range_names_the_range(model_paths: dict[str, Path]) -> None:
    with pytest.raises(SettingError, match="Choose a number from 0 to 6"):
        loaded(model_paths, subject_id=7)


def test_unavailable_device_raises_an_error() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(SettingError, match="Device 'cuda:99' is not available"):
        choose_device("cuda:99")


def test_crops_are_clipped_to_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    whole = face_crop(picture, np.array([50, 20, 40, 60], np.float32))
    assert whole.shape == (518, 518, 3)
    inner = picture[16:84, 46:94].astype(np.float32)  # grown by 4 px, a tenth of the shorter side
    expected = functional.interpolate(
        torch.from_numpy(inner).permute(2, 0, 1)[None], (518, 518), mode="bilinear", align_corners=False
    )[0].permute(1, 2, 0)
    np.testing.assert_allclose(whole, expected.numpy(), atol=1.01)
    for box in ([-30, -20, 60, 60], [180, 80, 60, 60], [300, 300, 10, 10], [-90, 10, 20, 20]):
        assert face_crop(picture, np.array(box, np.float32)).shape == (518, 518, 3)


def test_command_line_uses_the_checkpoint(
    model_paths: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    clip = join_spans(tmp_path / "short.mp4", [(SAMPLE, 45, 65)], (320, 180))
    out = tmp_path / "out"
    write_analysis(analyze_video(clip, AnalysisSettings(workers=1)), out)
    arguments = [
        "--video_path", clip, "--output_dir", out, "--expression_transformer_checkpoint", model_paths["checkpoint"],
        "--dinov2", model_paths["dinov2"], "--subject_id", "2", "--device", "cpu", "--sequence_length", "8", "--gate",
        "face_confidence=0", "--token_stride", "3", "--skip_extraction", "--skip_analysis",
    ]  # fmt: skip
    done = engine(*arguments)
    assert done.returncode == 0, done.stderr
    assert "8 learned tokens to compute: about" in done.stdout
    with np.load(out / "analysis" / "expression_tokens.npz") as stored:
        tokens = stored["tokens"]
        assert tokens.shape == (20, WIDTH)
        assert stored["backend"] == "transformer"
        assert len(str(stored["checkpoint_sha256"])) == 64
        assert np.flatnonzero(~stored["interpolated"]).tolist() == [0, 3, 6, 9, 12, 15, 18, 19]
        np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), 1, atol=1e-5)
    sequences = json.loads((out / "analysis" / "sequences.json").read_text())
    assert len(sequences) == 2
    assert sequences[0]["top_channels"][0]["channel"] in BLENDSHAPE_REGIONS
    assert sequences[0]["mouth_activity"] > 0
    assert sequences[0]["scored_by"] == "transformer"
    assert sequences[0]["learned_variation"] == sequences[0]["expression_variation"]


def test_cancel_stops_the_threads(model_paths: dict[str, Path], sample_analysis: Analysis) -> None:
    backend = loaded(model_paths, token_batch=1)
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        tokens_of(backend, sample_analysis, progress=lambda progress: cancel.set(), cancel=cancel)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("clipgen")]


def test_changed_video_raises_an_error(model_paths: dict[str, Path], sample_analysis: Analysis) -> None:
    (track,) = few_frames(sample_analysis, 1)
    gone = replace(track, frame_index=track.frame_index + sample_analysis.video.frame_count)
    with pytest.raises(VideoError, match="has changed since its analysis"):
        tokens_of(loaded(model_paths), replace(sample_analysis, tracks=(gone,)))


@pytest.mark.parametrize("name", backend_names())
def test_contract_of_token_backends(model_paths: dict[str, Path], sample_analysis: Analysis, name: str) -> None:
    backend: Any = loaded(model_paths) if name == "transformer" else load_backend("blendshapes")
    assert backend.name == name
    assert len(set(backend.channel_names)) == len(backend.channel_names) == len(backend.channel_regions)
    json.dumps(dict(backend.provenance))
    analysis = replace(sample_analysis, tracks=tuple(few_frames(sample_analysis, 2)))
    made = [tokens_of(backend, analysis) for _ in range(2)]
    for tokens in made:
        assert tokens.values.dtype == np.float32
        assert tokens.values.shape == (2, len(backend.channel_names))
        assert not tokens.values.flags.writeable
        assert tokens.known.all()
        assert (tokens.backend, tokens.checkpoint_sha256) == (name, backend.checkpoint_sha256)
        assert tokens.channel_names == backend.channel_names
        assert tokens.channel_regions == backend.channel_regions
    np.testing.assert_array_equal(made[0].values, made[1].values)


def test_unknown_backend_names_the_available_ones() -> None:
    with pytest.raises(SettingError, match="blendshapes, transformer"):
        load_backend("magic")  # type: ignore[call-overload]
