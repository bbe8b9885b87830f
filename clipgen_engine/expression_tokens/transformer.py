"""The learned expression token: face crops through DINOv2 and the Expression Transformer, in batches.

It looks at the frames with faces once more, at full size, after the faces are known: decoding costs a fraction of what
the backbone costs, and a stored analysis gets tokens of another checkpoint without finding its faces again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from clipgen_engine.errors import Cancelled, ModelFileError, SettingError, VideoError
from clipgen_engine.expression_tokens.checkpoint import read_checkpoint
from clipgen_engine.expression_tokens.dinov2 import IMAGE_SIDE_PX, Backbone, load_backbone
from clipgen_engine.expression_tokens.expression_transformer import ExpressionTransformer, build_transformer
from clipgen_engine.opencv import cv2
from clipgen_engine.read_ahead import read_ahead
from clipgen_engine.settings import TokenSettings
from clipgen_engine.types import (
    ExpressionTokens,
    FaceTrack,
    Float32Array,
    Progress,
    ProgressCallback,
    UInt8Array,
    VideoInfo,
    read_only,
)
from clipgen_engine.video import decode

_MARGIN = 0.1  # of the shorter side of the face box, on each side
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet
_BATCH = {"cpu": 4, "mps": 16, "cuda": 64}
_QUEUED_CROPS = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TransformerBackend:
    """A checkpoint and a backbone, ready to run on a device."""

    transformer: ExpressionTransformer
    backbone: Backbone
    checkpoint_sha256: str
    device: torch.device
    subject_id: int
    batch_size: int

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Subject and backbone, which change the tokens as well."""
        return {"subject_id": self.subject_id, "dinov2": self.backbone.source}

    def tokens(
        self,
        video: VideoInfo,
        tracks: Sequence[FaceTrack],
        *,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[ExpressionTokens, ...]:
        """Tokens (N, width) of every frame of every track.

        Raises:
            VideoError: the video cannot be opened any more, or does not give all frames any more.
            ModelFileError: not even one crop fits into the device's memory.
            Cancelled: `cancel` was set.
        """
        values = [np.zeros((len(track.frame_index), self.backbone.width), np.float32) for track in tracks]
        total = sum(len(track.frame_index) for track in tracks)
        done = 0
        cancelled = cancel or threading.Event()
        with read_ahead(_crops(video, tracks), cancelled, _QUEUED_CROPS) as crops:
            while batch := list(islice(crops, self.batch_size)):
                tokens = self._run(np.stack([crop for _, crop in batch]))
                for ((track, row), _), token in zip(batch, tokens, strict=True):
                    values[track][row] = token
                done += len(batch)
                if progress:
                    progress(Progress("tokens", done, total))
        if cancelled.is_set():
            raise Cancelled
        if done != total:
            raise VideoError(f"{video.path.name} changed since its faces were found", "Analyse it again")
        names = tuple(f"token_{number}" for number in range(self.backbone.width))
        return tuple(
            ExpressionTokens(read_only(one), names, ("face",) * len(names), "transformer", self.checkpoint_sha256)
            for one in values
        )

    def _run(self, crops: UInt8Array) -> Float32Array:
        """Tokens (B, width); a batch that does not fit into memory is halved."""
        try:
            return self._forward(crops)
        except torch.OutOfMemoryError:
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            if len(crops) == 1:
                raise ModelFileError(
                    f"One face does not fit into the memory of {self.device}", "Run with --device cpu"
                ) from None
            half = len(crops) // 2
            _log.warning("A batch of %d faces does not fit into the memory of %s: halved", len(crops), self.device)
            return np.concatenate([self._run(crops[:half]), self._run(crops[half:])])

    @torch.inference_mode()
    def _forward(self, crops: UInt8Array) -> Float32Array:
        pictures = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(_MEAN, device=self.device).view(1, 3, 1, 1)
        deviation = torch.tensor(_DEVIATION, device=self.device).view(1, 3, 1, 1)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            patches = self.backbone.patch_tokens((pictures - mean) / deviation)
            tokens = self.transformer(patches, self.backbone.positions, self.subject_id)
        result: Float32Array = tokens.float().cpu().numpy()
        return result


def load(settings: TokenSettings) -> TransformerBackend:
    """Load the checkpoint and the backbone onto the device.

    Raises:
        ModelFileError: see `read_checkpoint` and `load_backbone`; or the two do not fit together.
        SettingError: no checkpoint is given, or the subject or the device does not exist.
    """
    path = settings.expression_transformer_checkpoint
    if path is None:
        raise SettingError("The transformer backend needs a checkpoint", "Give --expression_transformer_checkpoint")
    read = read_checkpoint(path, settings.num_heads)
    transformer = build_transformer(read)
    transformer.check_subject(settings.subject_id)
    device = choose_device(settings.device)
    backbone = load_backbone(settings.dinov2, allow_download=settings.allow_download)
    if backbone.width != read.width:
        raise ModelFileError(
            f"{path.name} has tokens of {read.width} numbers, the DINOv2 backbone of {backbone.width}",
            "Name the backbone that it was trained on with --dinov2",
        )
    backbone.model.to(device)
    backbone.positions = backbone.positions.to(device)
    batch_size = settings.token_batch or _BATCH[device.type]
    return TransformerBackend(transformer.to(device), backbone, read.sha256, device, settings.subject_id, batch_size)


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu`, `cuda`, `cuda:N` or `mps` as a device that is there.

    Raises:
        SettingError: there is no such device on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    there = {"cpu": True, "mps": torch.backends.mps.is_available(), "cuda": torch.cuda.is_available()}.get(kind, False)
    if not there or (number and int(number) >= torch.cuda.device_count()):
        raise SettingError(f"There is no device {name!r} on this machine", "Choose auto or cpu")
    return torch.device(name)


def face_crop(pixels: UInt8Array, box_xywh: Float32Array) -> UInt8Array:
    """The face (518, 518, 3): its box grown by 10 % of the shorter side, clipped to the picture, resized."""
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


def _crops(video: VideoInfo, tracks: Sequence[FaceTrack]) -> Generator[tuple[tuple[int, int], UInt8Array], None, None]:
    """Every face of every frame in order, with its track's place among the tracks and its row."""
    if not any(len(track.frame_index) for track in tracks):
        return
    start = min(int(track.frame_index[0]) for track in tracks if len(track.frame_index))
    stop = 1 + max(int(track.frame_index[-1]) for track in tracks if len(track.frame_index))
    for picture in decode(video, start, stop):
        for place, track in enumerate(tracks):
            row = track.row_of(picture.index)
            if row is not None:
                yield (place, row), face_crop(picture.pixels, track.box_xywh[row])
