"""The DINOv2 backbone, loaded from a local folder or file, the Hugging Face cache, or the hub."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import constants, hf_hub_download
from tqdm import tqdm
from transformers import Dinov2Config, Dinov2Model
from transformers.utils.logging import disable_progress_bar

from clipgen_engine.errors import Cancelled, ModelFileError, ModelMissingError
from clipgen_engine.expression_tokens.checkpoint import PATCHES, TensorDict, read_tensor_file
from clipgen_engine.types import Progress, ProgressCallback

HUB_NAME = "facebook/dinov2-small"
IMAGE_SIDE_PX = 518
_PATCH_PX = 14
_HEAD_WIDTH = 64  # of every DINOv2
_HUB_FILES = ("config.json", "model.safetensors")
_HINT = (
    f"Specify its folder or file with --dinov2, or run once with a network connection, or copy {HUB_NAME} into the "
    "Hugging Face cache"
)
# Keys of the original repository -> keys of the published Hugging Face weights, which every transformers version reads.
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
disable_progress_bar()  # for loading weights from disk, which is fast
# Restrict network access to the announced download. Without this, building a request header fetches a list from the
# hub, even if the request is then answered from the cache.
constants.HF_HUB_DISABLE_TELEMETRY = True
constants.HF_HUB_DISABLE_XET = True  # plain HTTP reports every chunk and can be cancelled


class Backbone:
    """A frozen DINOv2 that computes patch tokens of pictures."""

    def __init__(self, model: Any, source: str) -> None:
        self.model = model.eval().requires_grad_(False)
        self.source = source
        self.width: int = model.config.hidden_size
        self.positions: torch.Tensor = model.embeddings.position_embeddings[0, 1:].detach()  # (1369, width)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) of the weights, independent of file format and key names."""
        digest = hashlib.sha256()
        for _, parameter in sorted(self.model.named_parameters()):
            digest.update(parameter.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: torch.device) -> None:
        """Move the model to a device, in place."""
        self.model.to(device)
        self.positions = self.positions.to(device)

    def patch_tokens(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return patch tokens (B, 1369, width) after the last layer norm, of normalised pictures (B, 3, 518, 518)."""
        tokens: torch.Tensor = self.model(pixel_values=pictures).last_hidden_state[:, 1:]
        return tokens


def load_backbone(
    named: Path | None = None,
    *,
    allow_download: bool = True,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Backbone:
    """Find and load the backbone.

    Args:
        named: a folder in Hugging Face format, or a weights file with the key names of Hugging Face or of the original
            repository.
        allow_download: whether to download it from the hub if there is no local copy.
        progress: receives the progress of a download in bytes.
        cancel: cancels a download, which can be resumed later.

    Raises:
        ModelMissingError: there is no local copy and downloading is not allowed.
        ModelFileError: the download failed, or the named backbone is invalid.
        Cancelled: `cancel` was set.
    """
    if named is None:
        return _from_hub(allow_download, progress, cancel or threading.Event())
    if named.is_dir():
        return _checked(_opened(str(named)), str(named))
    return _checked(_from_file(named), str(named))


def _opened(source: str) -> Any:
    """Load a model from a folder, or by name from the Hugging Face cache."""
    try:
        return Dinov2Model.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelFileError(f"{source} does not contain a readable DINOv2", _HINT) from error


def _from_hub(allow_download: bool, progress: ProgressCallback | None, cancel: threading.Event) -> Backbone:
    try:
        return _checked(_opened(HUB_NAME), HUB_NAME)
    except ModelFileError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        if not allow_download:
            raise ModelMissingError("The DINOv2 backbone is not on this machine", _HINT) from error
    _download(progress, cancel)
    return _checked(_opened(HUB_NAME), HUB_NAME)


def _download(progress: ProgressCallback | None, cancel: threading.Event) -> None:
    class Bar(tqdm):  # type: ignore[type-arg]
        """Replaces the hub's progress bar, to report progress and to cancel the download."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options | {"disable": True})
            self._done, self._total = int(options.get("initial") or 0), int(options.get("total") or 0)

        def update(self, count: float | None = 1) -> bool | None:
            if cancel.is_set():
                raise Cancelled
            self._done += int(count or 0)
            if progress:
                progress(Progress("download", self._done, max(self._done, self._total)))
            return None

    _log.info("Downloading %s from the Hugging Face hub (once)", HUB_NAME)
    try:
        for name in _HUB_FILES:
            hf_hub_download(HUB_NAME, name, tqdm_class=Bar)
    except OSError as error:
        raise ModelFileError("The DINOv2 backbone could not be downloaded", _HINT) from error


def _from_file(path: Path) -> Any:
    content = read_tensor_file(path, _HINT)
    tensors = {key: value.float() for key, value in content.items() if isinstance(value, torch.Tensor)}
    state = _hugging_face_names(tensors)
    position = state.get("embeddings.position_embeddings")
    numbers = [int(found[1]) for key in state if (found := re.match(r"encoder\.layer\.(\d+)\.", key))]
    if position is None or position.ndim != 3 or not numbers:
        raise ModelFileError(f"{path.name} is not a DINOv2: it lacks 'pos_embed' or its blocks", _HINT)
    width = int(position.shape[-1])
    config = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=len(set(numbers)),
        num_attention_heads=max(1, width // _HEAD_WIDTH),
        mlp_ratio=_mlp_ratio(state, width),
        image_size=IMAGE_SIDE_PX,
        patch_size=_PATCH_PX,
    )
    try:
        loaded: Any = Dinov2Model.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"The tensors of {path.name} do not have the shapes of DINOv2", _HINT) from error
    model, report = loaded
    for key in sorted(report["missing_keys"]):
        raise ModelFileError(f"{path.name} lacks the key {key!r} of DINOv2", _HINT)
    return model


def _hugging_face_names(state: Mapping[str, torch.Tensor]) -> TensorDict:
    """Rename tensors to Hugging Face's published key names and split the joint query/key/value tensors."""
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
            _HINT,
        )
    return Backbone(model, source)
