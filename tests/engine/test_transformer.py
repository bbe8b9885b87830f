"""Expression Transformer checkpoints against an independent forward pass, written straight from the definition."""

from __future__ import annotations

import json
import logging
import math
import os
import pickle
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402
from torch.nn import functional  # noqa: E402
from transformers import Dinov2Config, Dinov2Model  # noqa: E402

from clipgen_engine.blendshape_channels import BLENDSHAPE_REGIONS  # noqa: E402
from clipgen_engine.errors import Cancelled, ModelFileError, SettingError  # noqa: E402
from clipgen_engine.expression_tokens import backend_names, load_backend  # noqa: E402
from clipgen_engine.expression_tokens.checkpoint import PATCHES, read_checkpoint  # noqa: E402
from clipgen_engine.expression_tokens.dinov2 import load_backbone  # noqa: E402
from clipgen_engine.expression_tokens.expression_transformer import build_transformer  # noqa: E402
from clipgen_engine.expression_tokens.transformer import choose_device, face_crop, load  # noqa: E402
from clipgen_engine.settings import TokenSettings  # noqa: E402
from clipgen_engine.types import Analysis  # noqa: E402
from tests.conftest import SAMPLE  # noqa: E402
from tests.engine.test_cli import engine  # noqa: E402
from tests.videos import join_spans  # noqa: E402

WIDTH, HIDDEN, LAYERS, SUBJECTS = 384, 512, 2, 7
LAYOUTS = ("decoder with subjects", "decoder without subjects", "cross-attention")
State = dict[str, Any]


def attention_tensors(prefix: str, make) -> State:
    return {
        f"{prefix}in_proj_weight": make(3 * WIDTH, WIDTH),
        f"{prefix}in_proj_bias": make(3 * WIDTH),
        f"{prefix}out_proj.weight": make(WIDTH, WIDTH),
        f"{prefix}out_proj.bias": make(WIDTH),
    }


def linear_tensors(prefix: str, inputs: int, outputs: int, make) -> State:
    return {f"{prefix}weight": make(outputs, inputs), f"{prefix}bias": make(outputs)}


def made_state(layout: str, seed: int = 0) -> State:
    """Seeded random tensors of a layout."""
    generator = torch.Generator().manual_seed(seed)

    def make(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator) * (0.05 if len(shape) > 1 else 0.2)

    state = {"expression_query": make(1, 1, WIDTH)}
    state |= linear_tensors("output_proj.", WIDTH, WIDTH, make) | linear_tensors("layer_norm.", 1, WIDTH, make)
    state["layer_norm.weight"] = make(WIDTH) + 1
    if layout == "decoder without subjects":
        state["pos_base"] = make(PATCHES, WIDTH)
    else:
        state["subject_embeddings.weight"] = make(SUBJECTS, WIDTH)
    if layout != "cross-attention":
        state["delta_pos_embed"] = make(1, PATCHES, WIDTH)
    for number in range(LAYERS):
        if layout == "cross-attention":
            state |= attention_tensors(f"cross_attention_layers.{number}.", make)
            state |= linear_tensors(f"ffn_layers.{number}.0.", WIDTH, HIDDEN, make)
            state |= linear_tensors(f"ffn_layers.{number}.3.", HIDDEN, WIDTH, make)
            state |= {f"query_norms.{number}.weight": make(WIDTH) + 1, f"query_norms.{number}.bias": make(WIDTH)}
        else:
            layer = f"decoder.layers.{number}."
            state |= attention_tensors(f"{layer}self_attn.", make) | attention_tensors(f"{layer}multihead_attn.", make)
            state |= linear_tensors(f"{layer}linear1.", WIDTH, HIDDEN, make)
            state |= linear_tensors(f"{layer}linear2.", HIDDEN, WIDTH, make)
            for norm in ("norm1", "norm2", "norm3"):
                state |= {f"{layer}{norm}.weight": make(WIDTH) + 1, f"{layer}{norm}.bias": make(WIDTH)}
    return state


def attend(state: State, prefix: str, query: Any, context: Any, heads: int) -> Any:
    """Multi-head attention of one query (1, D) over a context (N, D)."""
    q, k, v = (
        source @ weight.T + bias
        for source, weight, bias in zip(
            (query, context, context),
            state[f"{prefix}in_proj_weight"].chunk(3),
            state[f"{prefix}in_proj_bias"].chunk(3),
            strict=True,
        )
    )
    outputs = []
    for head in range(heads):
        part = slice(head * WIDTH // heads, (head + 1) * WIDTH // heads)
        share = torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(WIDTH // heads), dim=-1)
        outputs.append(share @ v[:, part])
    return torch.cat(outputs, dim=1) @ state[f"{prefix}out_proj.weight"].T + state[f"{prefix}out_proj.bias"]


def norm(state: State, prefix: str, values: Any) -> Any:
    centred = values - values.mean(dim=-1, keepdim=True)
    scaled = centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + 1e-5)
    return scaled * state[f"{prefix}weight"] + state[f"{prefix}bias"]


def linear(state: State, prefix: str, values: Any) -> Any:
    return values @ state[f"{prefix}weight"].T + state[f"{prefix}bias"]


def plain_token(state: State, layout: str, patches: Any, positions: Any, subject: int, heads: int) -> Any:
    """The token of one face from the definition in words; patches (1369, D)."""
    query = state["expression_query"][0]
    if layout == "cross-attention":
        context = torch.cat([state["subject_embeddings.weight"][subject : subject + 1], patches + positions])
        for number in range(LAYERS):
            query = query + attend(state, f"cross_attention_layers.{number}.", query, context, heads)
            query = norm(state, f"query_norms.{number}.", query)
            inner = linear(state, f"ffn_layers.{number}.0.", query)
            inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
            query = query + linear(state, f"ffn_layers.{number}.3.", inner)
    else:
        if layout == "decoder with subjects":
            placed = patches + positions + state["delta_pos_embed"][0]
            context = torch.cat([state["subject_embeddings.weight"][subject : subject + 1], placed])
        else:
            context = patches + state["pos_base"] + state["delta_pos_embed"][0]
        for number in range(LAYERS):
            layer = f"decoder.layers.{number}."
            query = norm(state, f"{layer}norm1.", query + attend(state, f"{layer}self_attn.", query, query, heads))
            attended = attend(state, f"{layer}multihead_attn.", query, context, heads)
            query = norm(state, f"{layer}norm2.", query + attended)
            inner = linear(state, f"{layer}linear2.", linear(state, f"{layer}linear1.", query).clamp(min=0))
            query = norm(state, f"{layer}norm3.", query + inner)
    token = norm(state, "layer_norm.", linear(state, "output_proj.", query))[0]
    return token / token.norm()


def saved(path: Path, state: State, *, wrapped: bool, config: dict[str, Any] | None = None) -> Path:
    content: Any = {"expression_transformer_state_dict": state} if wrapped else state
    if config is not None:
        content["config"] = {"expression_model": config}
    torch.save(content, path)
    return path


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "bare"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tokens_equal_the_definition(tmp_path: Path, layout: str, wrapped: bool, caplog) -> None:
    state = made_state(layout)
    heads = 6 if wrapped else 4
    config = {"embed_dim": WIDTH, "num_heads": heads, "num_layers": LAYERS, "dropout": 0.1} if wrapped else None
    with caplog.at_level(logging.WARNING):
        checkpoint = read_checkpoint(saved(tmp_path / "c.pt", state, wrapped=wrapped, config=config))
    assert ("4 are assumed" in caplog.text) == (not wrapped)
    assert (checkpoint.width, checkpoint.layers, checkpoint.heads) == (WIDTH, LAYERS, heads)
    assert checkpoint.feed_forward == HIDDEN
    assert checkpoint.subjects == (0 if layout == "decoder without subjects" else SUBJECTS)
    generator = torch.Generator().manual_seed(9)
    patches = torch.randn(3, PATCHES, WIDTH, generator=generator)
    positions = torch.randn(PATCHES, WIDTH, generator=generator)
    with torch.inference_mode():
        got = build_transformer(checkpoint)(patches, positions, 3)
    for token, one in zip(got, patches, strict=True):
        torch.testing.assert_close(token, plain_token(state, layout, one, positions, 3, heads), atol=1e-5, rtol=0)
        assert float(token.norm()) == pytest.approx(1, abs=1e-5)


def test_the_user_may_know_the_heads_better(tmp_path: Path, caplog) -> None:
    path = saved(tmp_path / "c.pt", made_state(LAYOUTS[0]), wrapped=False)
    with caplog.at_level(logging.WARNING):
        assert read_checkpoint(path, heads=8).heads == 8
    assert "assumed" not in caplog.text
    with pytest.raises(ModelFileError, match="5 attention heads do not divide the width 384"):
        read_checkpoint(path, heads=5)


def test_safetensors_are_read(tmp_path: Path) -> None:
    state = made_state(LAYOUTS[2])
    save_file(state, tmp_path / "c.safetensors")
    checkpoint = read_checkpoint(tmp_path / "c.safetensors")
    assert checkpoint.layout == "cross_attention"
    assert all(torch.equal(checkpoint.tensors[key], state[key]) for key in state)


class Bomb:
    """Pickled code that would make a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def without(state: State, key: str) -> State:
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("old bomb", "holds more than tensors, or is no checkpoint; nothing of it was run"),
        ("bomb", "holds more than tensors, or is no checkpoint; nothing of it was run"),
        ("text", "c.pt"),
        ("empty", "c.pt cannot be read as a checkpoint: it is damaged"),
        ("cut", "c.pt cannot be read as a checkpoint"),
        ("missing key", "c.pt lacks the key 'output_proj.bias' (expected shape (384,))"),
        ("extra key", "c.pt has the key 'classifier.weight', which no Expression Transformer has"),
        ("wrong shape", "'decoder.layers.1.linear2.weight' in c.pt has the shape (384, 5), expected (384, 512)"),
        ("other model", "is no Expression Transformer"),
        ("no query", "c.pt lacks the key 'expression_query'"),
        ("list", "c.pt holds no dictionary of tensors"),
        ("no tensor", "'expression_query' in c.pt is no tensor but str"),
        ("lost layer", "c.pt lacks the key 'decoder.layers.0.norm3.weight'"),
        ("absent", "does not exist"),
    ],
)
def test_broken_checkpoints_are_one_sentence(tmp_path: Path, damage: str, says: str) -> None:
    state = made_state(LAYOUTS[0])
    path = tmp_path / "c.pt"
    torch.save(state, path)
    content = path.read_bytes()
    replaced: dict[str, Any] = {
        "missing key": without(state, "output_proj.bias"),
        "extra key": state | {"classifier.weight": torch.zeros(2)},
        "wrong shape": state | {"decoder.layers.1.linear2.weight": torch.zeros(WIDTH, 5)},
        "other model": {"conv1.weight": torch.zeros(3)},
        "no query": without(state, "expression_query"),
        "list": [1, 2, 3],
        "no tensor": state | {"expression_query": "hello"},
        "lost layer": without(state, "decoder.layers.0.norm3.weight"),
    }
    if damage == "bomb":
        torch.save({"expression_transformer_state_dict": Bomb(tmp_path / "exploded")}, path)
    elif damage == "old bomb":
        with path.open("wb") as file:
            pickle.dump({"expression_transformer_state_dict": Bomb(tmp_path / "exploded")}, file)
    elif damage == "text":
        path.write_text("no checkpoint\n" * 50)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "absent":
        path.unlink()
    else:
        torch.save(replaced[damage], path)
    with pytest.raises(ModelFileError, match=re.escape(says)) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()


@pytest.fixture(scope="module")
def small_dinov2() -> Any:
    """A seeded DINOv2 of the real geometry with two layers."""
    torch.manual_seed(5)
    config = Dinov2Config(
        hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=6, mlp_ratio=2, image_size=518, patch_size=14
    )
    model = Dinov2Model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model.eval()


def original_names(model: Any) -> State:
    """The weights under the key names of the original repository."""
    own = dict(model.named_parameters())
    state = {
        "cls_token": own["embeddings.cls_token"],
        "mask_token": own["embeddings.mask_token"],
        "pos_embed": own["embeddings.position_embeddings"],
        "patch_embed.proj.weight": own["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": own["embeddings.patch_embeddings.projection.bias"],
        "norm.weight": own["layernorm.weight"],
        "norm.bias": own["layernorm.bias"],
    }
    for number, layer in enumerate(model.encoder.layer):
        block = f"blocks.{number}."
        projections = {name.rsplit(".", 2)[-2]: part for name, part in layer.attention.named_parameters()}
        assert len(projections) >= 4
        parts = {name: one for name, one in layer.attention.named_modules() if isinstance(one, torch.nn.Linear)}
        query, key, value, out = parts.values()
        for kind in ("weight", "bias"):
            state[f"{block}attn.qkv.{kind}"] = torch.cat([getattr(one, kind) for one in (query, key, value)])
            state[f"{block}attn.proj.{kind}"] = getattr(out, kind)
            for name in ("norm1", "norm2"):
                state[f"{block}{name}.{kind}"] = getattr(getattr(layer, name), kind)
            for name in ("fc1", "fc2"):
                state[f"{block}mlp.{name}.{kind}"] = getattr(getattr(layer.mlp, name), kind)
        state[f"{block}ls1.gamma"] = layer.layer_scale1.lambda1
        state[f"{block}ls2.gamma"] = layer.layer_scale2.lambda1
    return {name: tensor.detach().clone() for name, tensor in state.items()}


@pytest.mark.parametrize("form", ["folder", "hugging face file", "original file"])
def test_the_backbone_is_the_same_under_all_names(tmp_path: Path, small_dinov2: Any, form: str) -> None:
    path = tmp_path / "dinov2"
    small_dinov2.save_pretrained(path)
    if form == "hugging face file":
        path = path / "model.safetensors"
    elif form == "original file":
        path = tmp_path / "dinov2_vits14.pth"
        torch.save(original_names(small_dinov2), path)
    backbone = load_backbone(path, allow_download=False)
    pictures = torch.randn(1, 3, 518, 518, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = small_dinov2(pixel_values=pictures).last_hidden_state[:, 1:]
        torch.testing.assert_close(backbone.patch_tokens(pictures), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(backbone.positions, small_dinov2.embeddings.position_embeddings[0, 1:].detach())


def test_without_a_backbone_the_sentence_names_three_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelFileError, match=r"--dinov2, or run once with a network connection, or copy"):
        load_backbone(allow_download=False)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ModelFileError, match="lacks 'pos_embed'"):
        load_backbone(tmp_path / "other.pth")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, small_dinov2: Any) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    small_dinov2.save_pretrained(folder / "dinov2")
    config = {"num_heads": 4}
    return {
        "dinov2": folder / "dinov2",
        "checkpoint": saved(folder / "c.pt", made_state(LAYOUTS[0]), wrapped=True, config=config),
    }


def loaded(files: dict[str, Path], **settings: Any) -> Any:
    chosen = {"expression_transformer_checkpoint": files["checkpoint"], "dinov2": files["dinov2"], "device": "cpu"}
    return load(TokenSettings(**(chosen | settings)))


def few_frames(analysis: Analysis, count: int) -> list[Any]:
    """The first track cut down to some frames."""
    from dataclasses import fields, replace

    track = analysis.tracks[0]
    arrays = {item.name: getattr(track, item.name)[:count] for item in fields(track) if item.name != "track_id"}
    return [replace(track, **arrays)]


def test_batches_change_nothing_and_memory_halves_them(
    files: dict[str, Path], sample_analysis: Analysis, small_dinov2: Any, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    video, tracks = sample_analysis.video, few_frames(sample_analysis, 9)
    one = loaded(files, subject_id=3, token_batch=1)
    eight = loaded(files, subject_id=3, token_batch=8)
    (alone,) = one.tokens(video, tracks)
    (batched,) = eight.tokens(video, tracks)
    assert alone.values.shape == (9, WIDTH)
    np.testing.assert_allclose(batched.values, alone.values, atol=1e-4)
    assert len(alone.checkpoint_sha256) == 64

    from clipgen_engine.video import FrameReader

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

    forward = type(eight)._forward
    sizes: list[int] = []

    def narrow(self: Any, crops: Any) -> Any:
        sizes.append(len(crops))
        if len(crops) > 2:
            raise torch.OutOfMemoryError("made up")
        return forward(self, crops)

    monkeypatch.setattr(type(eight), "_forward", narrow)
    with caplog.at_level(logging.WARNING):
        (halved,) = eight.tokens(video, tracks)
    np.testing.assert_allclose(halved.values, alone.values, atol=1e-4)
    assert sizes == [8, 4, 2, 2, 4, 2, 2, 1]
    assert "halved" in caplog.text


def test_a_subject_out_of_range_names_the_range(files: dict[str, Path]) -> None:
    with pytest.raises(SettingError, match="Give a number from 0 to 6"):
        loaded(files, subject_id=7)


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(SettingError, match="There is no device 'cuda:99'"):
        choose_device("cuda:99")


def test_crops_at_the_edge_stay_inside_the_picture() -> None:
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


def test_the_command_line_uses_the_checkpoint(files: dict[str, Path], tmp_path: Path) -> None:
    clip = join_spans(tmp_path / "short.mp4", [(SAMPLE, 45, 65)], (320, 180))
    out = tmp_path / "out"
    arguments = [
        "--video_path", clip, "--output_dir", out, "--expression_transformer_checkpoint", files["checkpoint"],
        "--dinov2", files["dinov2"], "--subject_id", "2", "--device", "cpu", "--sequence_length", "8", "--gate",
        "face_confidence=0",
    ]  # fmt: skip
    done = engine(*arguments)
    assert done.returncode == 0, done.stderr
    with np.load(out / "analysis" / "expression_tokens.npz") as stored:
        assert stored["tokens"].shape == (20, WIDTH)
        assert stored["backend"] == "transformer"
        assert len(str(stored["checkpoint_sha256"])) == 64
        np.testing.assert_allclose(np.linalg.norm(stored["tokens"], axis=1), 1, atol=1e-5)
    sequences = json.loads((out / "analysis" / "sequences.json").read_text())
    assert len(sequences) == 2
    assert sequences[0]["top_channels"][0]["channel"] in BLENDSHAPE_REGIONS
    assert sequences[0]["mouth_activity"] > 0


def test_a_cancelled_run_ends_its_threads(files: dict[str, Path], sample_analysis: Analysis) -> None:
    backend = loaded(files, token_batch=1)
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        backend.tokens(
            sample_analysis.video, sample_analysis.tracks, progress=lambda progress: cancel.set(), cancel=cancel
        )
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("clipgen")]


@pytest.mark.parametrize("name", backend_names())
def test_contract_of_token_backends(files: dict[str, Path], sample_analysis: Analysis, name: str) -> None:
    settings = TokenSettings(
        expression_transformer_checkpoint=files["checkpoint"], dinov2=files["dinov2"], device="cpu"
    )
    backend = load_backend(name, settings)
    tracks = few_frames(sample_analysis, 2)
    (tokens,) = backend.tokens(sample_analysis.video, tracks)
    assert tokens.values.dtype == np.float32
    assert tokens.values.shape == (2, len(tokens.channel_names)) == (2, len(tokens.channel_regions))
    assert len(set(tokens.channel_names)) == len(tokens.channel_names)
    assert not tokens.values.flags.writeable
    assert np.isfinite(tokens.values).all()
    assert tokens.backend == name
    json.dumps(dict(backend.provenance))
    np.testing.assert_array_equal(backend.tokens(sample_analysis.video, tracks)[0].values, tokens.values)


def test_an_unknown_backend_names_the_known() -> None:
    with pytest.raises(SettingError, match="blendshapes, transformer"):
        load_backend("magic")
