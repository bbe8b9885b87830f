"""Checkpoints of all layouts against a reference implementation; errors for invalid checkpoints."""

from __future__ import annotations

import logging
import math
import os
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from clipgen_engine.errors import ModelFileError  # noqa: E402
from clipgen_engine.expression_tokens.checkpoint import PATCHES, read_checkpoint  # noqa: E402
from clipgen_engine.expression_tokens.transformer_network import build_transformer  # noqa: E402
from tests.support.checkpoints import (  # noqa: E402
    HIDDEN,
    LAYERS,
    LAYOUTS,
    SUBJECTS,
    WIDTH,
    State,
    made_state,
    plain_token,
    saved,
)


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "bare"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tokens_equal_the_reference_implementation(tmp_path: Path, layout: str, wrapped: bool, caplog) -> None:
    state = made_state(layout)
    heads = 6 if wrapped else 4
    config = {"embed_dim": WIDTH, "num_heads": heads, "num_layers": LAYERS, "dropout": 0.1} if wrapped else None
    with caplog.at_level(logging.WARNING):
        checkpoint = read_checkpoint(saved(tmp_path / "c.pt", state, wrapped=wrapped, config=config))
    assert ("assuming 4" in caplog.text) == (not wrapped)
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


def test_num_heads_setting_overrides_the_default(tmp_path: Path, caplog) -> None:
    path = saved(tmp_path / "c.pt", made_state(LAYOUTS[0]), wrapped=False)
    with caplog.at_level(logging.WARNING):
        assert read_checkpoint(path, heads=8).heads == 8
    assert "assuming" not in caplog.text
    with pytest.raises(ModelFileError, match="5 attention heads do not divide the width 384"):
        read_checkpoint(path, heads=5)


def test_safetensors_file_is_read(tmp_path: Path) -> None:
    state = made_state(LAYOUTS[2])
    save_file(state, tmp_path / "c.safetensors")
    checkpoint = read_checkpoint(tmp_path / "c.safetensors")
    assert checkpoint.layout == "cross_attention"
    assert all(torch.equal(checkpoint.tensors[key], state[key]) for key in state)


class Bomb:
    """Pickled code that would create a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def without(state: State, key: str) -> State:
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("old bomb", "contains more than tensors, or is not a checkpoint; no code was executed"),
        ("bomb", "contains more than tensors, or is not a checkpoint; no code was executed"),
        ("text", "c.pt"),
        ("empty", "c.pt cannot be read as a checkpoint: it is damaged"),
        ("cut", "c.pt cannot be read as a checkpoint"),
        ("missing key", "c.pt lacks the key 'output_proj.bias' (expected shape (384,))"),
        ("extra key", "c.pt has an unexpected key 'classifier.weight'"),
        ("wrong shape", "'decoder.layers.1.linear2.weight' in c.pt has shape (384, 5), expected (384, 512)"),
        ("other model", "is not an Expression Transformer"),
        ("no query", "c.pt lacks the key 'expression_query' (expected shape (1, 1, D))"),
        ("flat query", "'expression_query' in c.pt has shape (384,), expected (1, 1, D)"),
        ("no context", "c.pt lacks the key 'subject_embeddings.weight' (expected shape (S, D))"),
        ("skipped layer", "c.pt lacks the key 'decoder.layers.2.self_attn.in_proj_weight'"),
        ("not finite", "'output_proj.bias' in c.pt contains non-finite values"),
        ("whole numbers", "'output_proj.bias' in c.pt is a torch.int64 tensor, expected dense floating-point numbers"),
        ("list", "c.pt does not contain a dictionary of tensors"),
        ("no tensor", "'expression_query' in c.pt is not a tensor but str"),
        ("lost layer", "c.pt lacks the key 'decoder.layers.0.norm3.weight'"),
        ("absent", "does not exist"),
    ],
)
def test_invalid_checkpoint_raises_a_one_line_error(tmp_path: Path, damage: str, message: str) -> None:
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
        "flat query": state | {"expression_query": torch.zeros(WIDTH)},
        "no context": without(state, "subject_embeddings.weight"),
        "skipped layer": state | {"decoder.layers.999999999.norm1.bias": torch.zeros(WIDTH)},
        "not finite": state | {"output_proj.bias": torch.full((WIDTH,), math.nan)},
        "whole numbers": state | {"output_proj.bias": torch.zeros(WIDTH, dtype=torch.int64)},
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
        path.write_text("not a checkpoint\n" * 50)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "absent":
        path.unlink()
    else:
        torch.save(replaced[damage], path)
    with pytest.raises(ModelFileError, match=re.escape(message)) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()
