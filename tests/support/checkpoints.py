"""Seeded Expression Transformers of all layouts, and an independent reference implementation of the forward pass."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import Dinov2Config, Dinov2Model

from clipgen_engine.expression_tokens.checkpoint import PATCHES

torch.set_num_threads(1)  # two threads contend on a busy machine: four times slower

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
    """Reference implementation: the token of one face from patches (1369, D)."""
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


def made_dinov2(layers: int = 2, mlp_ratio: int = 2) -> Any:
    """A seeded DINOv2 with the real geometry; twelve layers and a ratio of 4 give a ViT-S/14."""
    torch.manual_seed(5)
    config = Dinov2Config(
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=6,
        mlp_ratio=mlp_ratio,
        image_size=518,
        patch_size=14,
    )
    model = Dinov2Model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model.eval()
