"""Learned expression tokens: batches of face crops through DINOv2 and the Expression Transformer.

Frames are decoded a second time, at full resolution, after face tracking: decoding is cheap compared with the backbone,
and a stored analysis can get the tokens of another checkpoint without tracking the faces again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from clipgen_engine.errors import ModelFileError, SettingError
from clipgen_engine.expression_tokens.checkpoint import read_checkpoint
from clipgen_engine.expression_tokens.dinov2 import IMAGE_SIDE_PX, Backbone, load_backbone
from clipgen_engine.expression_tokens.transformer_network import ExpressionTransformer, build_transformer
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import Float32Array, ProgressCallback, UInt8Array

_MARGIN = 0.1  # on each side, relative to the shorter side of the face box
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet
_BATCH = {"cpu": 2, "mps": 16, "cuda": 64}

_log = logging.getLogger(__name__)


class TransformerBackend:
    """A checkpoint and a backbone, loaded on a device."""

    name = "transformer"

    def __init__(
        self,
        transformer: ExpressionTransformer,
        backbone: Backbone,
        checkpoint_sha256: str,
        device: torch.device,
        provenance: Mapping[str, Any],
        batch_size: int,
    ) -> None:
        """
        Args:
            provenance: see `TokenBackend`; its `subject_id` is the row of the subject embedding.
        """
        self._transformer = transformer
        self._backbone = backbone
        self._device = device
        self._subject_id = int(provenance["subject_id"])
        self._batch_size = batch_size
        self._precision = torch.bfloat16 if provenance["precision"] == "bfloat16" else torch.float32
        self.provenance = provenance
        self.checkpoint_sha256 = checkpoint_sha256
        self.channel_names = tuple(f"token_{number}" for number in range(backbone.width))
        self.channel_regions = ("face",) * backbone.width

    @property
    def batch_size(self) -> int:
        return self._batch_size

    @property
    def device_name(self) -> str:
        return self._device.type

    def crop(self, pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
        return face_crop(pixels, box_xywh)

    def embed(self, crops: UInt8Array) -> Float32Array:
        """Return tokens (B, width); on an out-of-memory error, halve the batch size permanently."""
        parts = []
        first = 0
        while first < len(crops):
            part = crops[first : first + self._batch_size]
            try:
                parts.append(self._forward(part))
                first += len(part)
                continue
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
            if len(part) == 1:
                raise ModelFileError(
                    f"A single face does not fit in the memory of {self._device}", "Run with --device cpu"
                )
            _log.warning("A batch of %d faces does not fit in the memory of %s: halved", len(part), self._device)
            self._batch_size = len(part) // 2
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
        return np.concatenate(parts)

    @torch.inference_mode()
    def _forward(self, crops: UInt8Array) -> Float32Array:
        pictures = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(_MEAN, device=self._device).view(1, 3, 1, 1)
        deviation = torch.tensor(_DEVIATION, device=self._device).view(1, 3, 1, 1)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision is torch.bfloat16):
            patches = self._backbone.patch_tokens((pictures - mean) / deviation)
            tokens = self._transformer(patches, self._backbone.positions, self._subject_id)
        result: Float32Array = functional.normalize(tokens.float(), dim=-1).cpu().numpy()
        return result


def _is_out_of_memory(error: RuntimeError) -> bool:
    """CUDA raises a dedicated error; MPS and the CPU only report it in the message."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text


def load(
    settings: TokenSettings, progress: ProgressCallback | None = None, cancel: threading.Event | None = None
) -> TransformerBackend:
    """Load the checkpoint and the backbone onto the device.

    Raises:
        Cancelled: `cancel` was set during a download.
        ModelFileError: see `read_checkpoint` and `load_backbone`; or their widths differ.
        SettingError: no checkpoint is specified, or the subject or device does not exist.
    """
    path = settings.expression_transformer_checkpoint
    if path is None:
        raise SettingError("The transformer backend needs a checkpoint", "Set --expression_transformer_checkpoint")
    read = read_checkpoint(path, settings.num_heads)
    transformer = build_transformer(read)
    transformer.check_subject(settings.subject_id)
    device = choose_device(settings.device)
    backbone = load_backbone(settings.dinov2, allow_download=settings.allow_download, progress=progress, cancel=cancel)
    if backbone.width != read.width:
        raise ModelFileError(
            f"{path.name} has width {read.width}, but the DINOv2 backbone has width {backbone.width}",
            "Specify the backbone it was trained with: --dinov2",
        )
    automatic = "bfloat16" if device.type == "cuda" else "float32"
    provenance = {
        "subject_id": settings.subject_id,
        "num_heads": read.heads,
        "dinov2_sha256": backbone.sha256,
        "precision": automatic if settings.token_precision == "auto" else settings.token_precision,
    }
    backbone.to(device)
    batch_size = settings.token_batch or _BATCH[device.type]
    return TransformerBackend(transformer.to(device), backbone, read.sha256, device, provenance, batch_size)


def choose_device(name: str) -> torch.device:
    """Resolve `auto`, `cpu`, `cuda`, `cuda:N` or `mps` to an available device.

    Raises:
        SettingError: the device is not available on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    available = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}
    if not available.get(kind, False) or (number and int(number) >= torch.cuda.device_count()):
        raise SettingError(f"Device {name!r} is not available on this machine", "Choose auto or cpu")
    return torch.device(name)


def face_crop(pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
    """Crop a face (518, 518, 3): its box grown by 10 % of the shorter side, clipped to the picture, resized."""
    height, width = pixels.shape[:2]
    x, y, w, h = (float(value) for value in box_xywh)
    margin = _MARGIN * min(w, h)
    left, top = max(0, round(x - margin)), max(0, round(y - margin))
    right, bottom = min(width, round(x + w + margin)), min(height, round(y + h + margin))
    crop = pixels[min(top, height - 1) : max(bottom, top + 1), min(left, width - 1) : max(right, left + 1)]
    side = (IMAGE_SIDE_PX, IMAGE_SIDE_PX)
    shrinks = crop.shape[0] > IMAGE_SIDE_PX and crop.shape[1] > IMAGE_SIDE_PX
    resized: UInt8Array = cv2.resize(crop, side, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized
