"""Expression Transformer checkpoints: loaded without executing code, identified by keys and shapes.

The number of layers, width, feed-forward width and number of subjects follow from the tensor shapes. The number of
heads does not: it is set by the user, else read from the checkpoint's config, else four.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from clipgen_engine.errors import ModelFileError

Layout = Literal["decoder", "cross_attention"]
TensorDict = dict[str, torch.Tensor]

PATCHES = 37 * 37
_STATE_KEY = "expression_transformer_state_dict"
_DEFAULT_HEADS = 4
_SIZED = {  # tensors that determine sizes; D: width, S: subjects, F: feed-forward width
    "expression_query": "(1, 1, D)",
    "subject_embeddings.weight": "(S, D)",
    "decoder.layers.0.linear1.weight": "(F, D)",
    "ffn_layers.0.0.weight": "(F, D)",
}
_HINT = "Choose another checkpoint, or omit it to use blendshapes"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A validated Expression Transformer: exactly the expected tensors, with the expected shapes."""

    layout: Layout
    width: int  # of a token
    layers: int
    heads: int
    feed_forward: int
    subjects: int  # rows of the subject embedding; 0: the layout has no subject embedding
    tensors: TensorDict  # float32 by key
    sha256: str  # hex, of the file


def read_checkpoint(path: Path, heads: int | None = None) -> Checkpoint:
    """Read and validate a checkpoint.

    Args:
        path: a `.pt` file (a state dict, bare or under `expression_transformer_state_dict`) or `.safetensors`.
        heads: number of attention heads; overrides the checkpoint's config.

    Raises:
        ModelFileError: the file is missing, is not a checkpoint, contains code, has missing or unexpected keys, or a
            tensor has the wrong shape.
    """
    content = read_tensor_file(path)
    state, config = _unwrapped(content, path)
    layout, shapes = _expected_shapes(state, path)
    _compare(state, shapes, path)
    width = state["expression_query"].shape[-1]
    chosen = _heads(config, heads, width, path)
    feed_forward = next(
        state[key].shape[0] for key in ("decoder.layers.0.linear1.weight", "ffn_layers.0.0.weight") if key in state
    )
    subjects = state["subject_embeddings.weight"].shape[0] if "subject_embeddings.weight" in state else 0
    return Checkpoint(
        layout=layout,
        width=width,
        layers=_layer_count(state, layout),
        heads=chosen,
        feed_forward=feed_forward,
        subjects=subjects,
        tensors={key: tensor.float() for key, tensor in state.items()},
        sha256=file_sha256(path),
    )


def read_tensor_file(path: Path, hint: str = _HINT) -> Mapping[str, Any]:
    """Read the dictionary in a `.pt`/`.pth` or `.safetensors` file; pickled code is never executed.

    Args:
        hint: hint of the error raised for an unusable file; see `ClipgenError`.

    Raises:
        ModelFileError: the file is missing, cannot be read, or contains anything but plain tensors and numbers.
    """
    if not path.is_file():
        raise ModelFileError(f"The model file {path} does not exist", hint)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about old pickles; `weights_only` rejects anything but tensors
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelFileError(
            f"{path.name} contains more than tensors, or is not a checkpoint; no code was executed", hint
        ) from error
    except Exception as error:  # torch and safetensors have no common error for a damaged file
        raise ModelFileError(
            f"{path.name} cannot be read as a checkpoint: it is damaged or in another format", hint
        ) from error
    if not isinstance(content, Mapping):
        raise ModelFileError(f"{path.name} does not contain a dictionary of tensors", hint)
    return content


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unwrapped(content: Mapping[str, Any], path: Path) -> tuple[TensorDict, Mapping[str, Any]]:
    """Return the state dict, and the config of the expression model if present."""
    config = content.get("config")
    model = config.get("expression_model", {}) if isinstance(config, Mapping) else {}
    state = content.get(_STATE_KEY, content)
    if not isinstance(state, Mapping):
        raise ModelFileError(f"{_STATE_KEY} in {path.name} is not a dictionary of tensors", _HINT)
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ModelFileError(f"{key!r} in {path.name} is not a tensor but {type(value).__name__}", _HINT)
        if not value.is_floating_point() or value.layout is not torch.strided:
            raise ModelFileError(
                f"{key!r} in {path.name} is a {value.dtype} tensor, expected dense floating-point numbers", _HINT
            )
        if not torch.isfinite(value.float()).all():
            raise ModelFileError(f"{key!r} in {path.name} contains non-finite values", _HINT)
    return dict(state), model if isinstance(model, Mapping) else {}


def _expected_shapes(state: TensorDict, path: Path) -> tuple[Layout, dict[str, tuple[int, ...]]]:
    """Infer the layout from the keys and return its expected shapes; variable sizes are read from the tensors."""
    layout: Layout
    if any(key.startswith("decoder.layers.") for key in state):
        layout = "decoder"
    elif any(key.startswith("cross_attention_layers.") for key in state):
        layout = "cross_attention"
    else:
        raise ModelFileError(
            f"{path.name} is not an Expression Transformer: it has neither 'decoder.layers.0' nor "
            "'cross_attention_layers.0'",
            _HINT,
        )
    width = _size(state, "expression_query", 2, path)
    shapes: dict[str, tuple[int, ...]] = {
        "expression_query": (1, 1, width),
        "output_proj.weight": (width, width),
        "output_proj.bias": (width,),
        "layer_norm.weight": (width,),
        "layer_norm.bias": (width,),
    }
    if layout == "decoder":
        shapes["delta_pos_embed"] = (1, PATCHES, width)
        if "pos_base" in state and "subject_embeddings.weight" not in state:
            shapes["pos_base"] = (PATCHES, width)
        else:
            shapes["subject_embeddings.weight"] = (_size(state, "subject_embeddings.weight", 0, path), width)
        hidden = _size(state, "decoder.layers.0.linear1.weight", 0, path)
        for number in range(_layer_count(state, layout)):
            layer = f"decoder.layers.{number}."
            for attention in ("self_attn", "multihead_attn"):
                shapes |= _attention_shapes(f"{layer}{attention}.", width)
            shapes |= _linear_shapes(f"{layer}linear1.", width, hidden)
            shapes |= _linear_shapes(f"{layer}linear2.", hidden, width)
            for norm in ("norm1", "norm2", "norm3"):
                shapes |= {f"{layer}{norm}.{part}": (width,) for part in ("weight", "bias")}
        return layout, shapes
    shapes["subject_embeddings.weight"] = (_size(state, "subject_embeddings.weight", 0, path), width)
    hidden = _size(state, "ffn_layers.0.0.weight", 0, path)
    for number in range(_layer_count(state, layout)):
        shapes |= _attention_shapes(f"cross_attention_layers.{number}.", width)
        shapes |= _linear_shapes(f"ffn_layers.{number}.0.", width, hidden)
        shapes |= _linear_shapes(f"ffn_layers.{number}.3.", hidden, width)
        shapes |= {f"query_norms.{number}.{part}": (width,) for part in ("weight", "bias")}
    return layout, shapes


def _attention_shapes(prefix: str, width: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{prefix}in_proj_weight": (3 * width, width),
        f"{prefix}in_proj_bias": (3 * width,),
        **_linear_shapes(f"{prefix}out_proj.", width, width),
    }


def _linear_shapes(prefix: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}weight": (outputs, inputs), f"{prefix}bias": (outputs,)}


def _size(state: TensorDict, key: str, axis: int, path: Path) -> int:
    """Read a variable size from a tensor: the one along `axis` of its shape in `_SIZED`."""
    expected = _SIZED[key]
    if key not in state:
        raise ModelFileError(f"{path.name} lacks the key {key!r} (expected shape {expected})", _HINT)
    shape = state[key].shape
    if len(shape) != expected.count(",") + 1 or not shape[axis]:
        raise ModelFileError(f"{key!r} in {path.name} has shape {tuple(shape)}, expected {expected}", _HINT)
    return int(shape[axis])


def _layer_count(state: TensorDict, layout: Layout) -> int:
    """Number of distinct layers; unlike the highest index, it is not inflated by a bogus index in a key."""
    pattern = re.compile(r"(?:decoder\.layers|cross_attention_layers)\.(\d+)\.")
    return len({int(found[1]) for key in state if (found := pattern.match(key))})


def _compare(state: TensorDict, shapes: Mapping[str, tuple[int, ...]], path: Path) -> None:
    for key, shape in shapes.items():
        if key not in state:
            raise ModelFileError(f"{path.name} lacks the key {key!r} (expected shape {shape})", _HINT)
        if tuple(state[key].shape) != shape:
            raise ModelFileError(f"{key!r} in {path.name} has shape {tuple(state[key].shape)}, expected {shape}", _HINT)
    for key in state:
        if key not in shapes:
            raise ModelFileError(f"{path.name} has an unexpected key {key!r}", _HINT)


def _heads(config: Mapping[str, Any], given: int | None, width: int, path: Path) -> int:
    heads = given if given is not None else config.get("num_heads")
    if heads is None:
        heads = _DEFAULT_HEADS
        _log.warning(
            "%s does not specify the number of attention heads; assuming %d. If this is wrong, so are the tokens: "
            "set --num_heads.",
            path.name,
            heads,
        )
    if not isinstance(heads, int) or heads < 1 or width % heads:
        raise ModelFileError(
            f"{heads} attention heads do not divide the width {width} of {path.name}", "Set --num_heads"
        )
    return heads
