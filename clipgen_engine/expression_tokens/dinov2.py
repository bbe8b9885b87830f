"""The DINOv2 backbone: from the user's folder or file, the Hugging Face cache, or the hub."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from clipgen_engine.errors import ModelFileError
from clipgen_engine.expression_tokens.checkpoint import PATCHES, TensorDict, read_tensor_file

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # nothing but the download that the user sees
from transformers import Dinov2Config, Dinov2Model

HUB_NAME = "facebook/dinov2-small"
IMAGE_SIDE_PX = 518
_PATCH_PX = 14
_HEAD_WIDTH = 64  # of every DINOv2
_THREE_WAYS = (
    f"Name a folder or file of it with --dinov2, or run once with a network connection, or copy {HUB_NAME} into the "
    "Hugging Face cache"
)
# Original repository -> names of the published Hugging Face weights, which transformers reads in every version.
_RENAMED = (
    (r"^cls_token$", "embeddings.cls_token"),
    (r"^mask_token$", "embeddings.mask_token"),
    (r"^pos_embed$", "embeddings.position_embeddings"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"^blocks\.(\d+)\.attn\.proj\.", r"encoder.layer.\1.attention.output.dense."),
    (r"^blocks\.(\d+)\.ls([12])\.gamma$", r"encoder.layer.\1.layer_scale\2.lambda1"),
    (r"^blocks\.(\d+)\.", r"encoder.layer.\1."),
    (r"^norm\.", "layernorm."),
)

_log = logging.getLogger(__name__)


class Backbone:
    """A frozen DINOv2 that turns pictures into patch tokens."""

    def __init__(self, model: Any, source: str) -> None:
        self.model = model.eval().requires_grad_(False)
        self.source = source
        self.width: int = model.config.hidden_size
        self.positions: torch.Tensor = model.embeddings.position_embeddings[0, 1:].detach()  # (1369, width)

    def patch_tokens(self, pictures: torch.Tensor) -> torch.Tensor:
        """Patch tokens (B, 1369, width) after the last layer norm, of normalised pictures (B, 3, 518, 518)."""
        tokens: torch.Tensor = self.model(pixel_values=pictures).last_hidden_state[:, 1:]
        return tokens


def load_backbone(named: Path | None = None, *, allow_download: bool = True) -> Backbone:
    """Find and load the backbone.

    Args:
        named: a folder in Hugging Face's form, or a file of weights under Hugging Face's or the original
            repository's key names.
        allow_download: whether it may be fetched from the hub (with a progress bar) where no copy is at hand.

    Raises:
        ModelFileError: none can be had, or the named one does not fit.
    """
    if named is None:
        return _from_hub(allow_download)
    if named.is_dir():
        try:
            return _checked(Dinov2Model.from_pretrained(named, local_files_only=True), str(named))
        except (OSError, ValueError, KeyError) as error:
            raise ModelFileError(f"{named} holds no DINOv2 that can be read", _THREE_WAYS) from error
    return _checked(_from_file(named), str(named))


def _from_hub(allow_download: bool) -> Backbone:
    try:
        return _checked(Dinov2Model.from_pretrained(HUB_NAME, local_files_only=True), HUB_NAME)
    except OSError as error:
        if not allow_download:
            raise ModelFileError("The DINOv2 backbone is not on this machine", _THREE_WAYS) from error
    try:
        _log.info("Downloading %s from the Hugging Face hub, once", HUB_NAME)
        return _checked(Dinov2Model.from_pretrained(HUB_NAME), HUB_NAME)
    except OSError as error:
        raise ModelFileError("The DINOv2 backbone is not here and could not be downloaded", _THREE_WAYS) from error


def _from_file(path: Path) -> Any:
    content = read_tensor_file(path)
    tensors = {key: value.float() for key, value in content.items() if isinstance(value, torch.Tensor)}
    state = _hugging_face_names(tensors)
    position = state.get("embeddings.position_embeddings")
    if position is None:
        raise ModelFileError(f"{path.name} is no DINOv2: it lacks 'pos_embed'", _THREE_WAYS)
    width = int(position.shape[-1])
    layers = 1 + max(int(found[1]) for key in state if (found := re.match(r"encoder\.layer\.(\d+)\.", key)))
    config = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // _HEAD_WIDTH),
        mlp_ratio=_mlp_ratio(state, width),
        image_size=IMAGE_SIDE_PX,
        patch_size=_PATCH_PX,
    )
    loaded: Any = Dinov2Model.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    model, report = loaded
    for key in sorted(report["missing_keys"]):
        raise ModelFileError(f"{path.name} lacks the key {key!r} of DINOv2", _THREE_WAYS)
    return model


def _hugging_face_names(state: Mapping[str, torch.Tensor]) -> TensorDict:
    """The tensors under Hugging Face's published names; query, key and value apart."""
    renamed: TensorDict = {}
    for key, tensor in state.items():
        joined = re.match(r"^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$", key)
        if joined:
            for name, part in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                renamed[f"encoder.layer.{joined[1]}.attention.attention.{name}.{joined[2]}"] = part.contiguous()
            continue
        for pattern, replacement in _RENAMED:
            changed = re.sub(pattern, replacement, key)
            if changed != key:
                key = changed
                break
        renamed[key] = tensor
    return renamed


def _mlp_ratio(state: Mapping[str, torch.Tensor], width: int) -> int:
    hidden = state.get("encoder.layer.0.mlp.fc1.weight")
    return 4 if hidden is None else int(hidden.shape[0]) // width


def _checked(model: Any, source: str) -> Backbone:
    positions = model.embeddings.position_embeddings.shape[1] - 1
    if positions != PATCHES or model.config.patch_size != _PATCH_PX:
        raise ModelFileError(
            f"The DINOv2 at {source} has {positions} patch positions, expected {PATCHES} (518 px, patches of 14)",
            _THREE_WAYS,
        )
    return Backbone(model, source)
