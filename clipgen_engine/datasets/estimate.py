"""Estimate the size and duration of an export before it starts.

Sizes are based on clips already in the folder with the same settings, else on measurements of real face clips (H.264
at CRF 16: 0.010 to 0.024 bytes per pixel, median 0.016; halved every 6 CRF). Times are based on CPU time for the same
clips. Both are order-of-magnitude estimates; a busy or slow machine takes longer.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clipgen_engine.datasets.analyses import Analyses
from clipgen_engine.datasets.layouts.registry import load_layout
from clipgen_engine.datasets.manifest import MANIFEST_NAME, Manifest, read_manifest
from clipgen_engine.datasets.request import ExportItem, ExportRequest
from clipgen_engine.errors import ClipgenError, OutputError
from clipgen_engine.settings import ExportSettings
from clipgen_engine.video.index import picture_size

_BYTES_PER_PX = 0.016  # H.264 at CRF 16
_CRF_HALVES = 6
_FORMAT_BYTES_PER_PX = {"png": 1.2, "jpeg": 0.25, "ffv1": 0.8}  # formats without CRF, or with a different scale
_NS_PER_PX = 100.0  # CPU time: decode, encode at preset medium, verify
_PRESET_FACTOR = {
    "ultrafast": 0.25, "superfast": 0.35, "veryfast": 0.5, "faster": 0.7, "fast": 0.85, "medium": 1.0, "slow": 1.6,
    "slower": 3.0, "veryslow": 5.0,
}  # fmt: skip
_LAYOUT_FRAME_BYTES = {"hdf5": 518 * 518 * 3 * 0.5, "features": 478 * 3 * 4 + 110 * 4}
_LAYOUT_FRAME_S = {"hdf5": 0.03, "features": 0.02}
_CLIP_BYTES = 20_000  # records, contact sheet thumbnail
_USUAL_PX = 1280 * 720  # fallback for unreadable sources


@dataclass(frozen=True)
class ExportEstimate:
    """Estimated size and duration of an export."""

    clips: int  # accepted windows
    new_clips: int  # clips to encode
    new_frames: int  # frames to encode
    size_bytes: int  # to be written
    free_bytes: int  # on the target disk
    seconds: float

    @property
    def fits(self) -> bool:
        return self.size_bytes <= self.free_bytes

    def check(self, folder: Path) -> None:
        """Raise OutputError if the disk has too little free space."""
        if not self.fits:
            raise OutputError(
                f"About {readable_size(self.size_bytes)} is needed, but {folder} has only "
                f"{readable_size(self.free_bytes)} free",
                "Free some space, or choose another folder",
            )


def estimate_export(request: ExportRequest, analyses: Analyses) -> ExportEstimate:
    """Estimate an export. Reads only the source headers and the folder's manifest.

    Raises:
        SettingError: a layout or setting is invalid.
    """
    manifest = _manifest_of(request.output_dir)
    layouts = [load_layout(name, request.export, request.dataset) for name in request.layouts]
    encodes = any(layout.needs_clips for layout in layouts)
    per_frame = sum(_LAYOUT_FRAME_BYTES.get(name, 0.0) for name in request.layouts)
    seconds_per_frame = sum(_LAYOUT_FRAME_S.get(name, 0.0) for name in request.layouts)
    known = _known_bytes_per_px(manifest, request.export)
    sizes: dict[Path, int] = {}
    clips = new_clips = new_frames = 0
    size = pixels = frames_made = 0.0
    for item in request.items():
        clips += 1
        frames = item.sequence.frame_count
        key = item.media_key(analyses.key(item.source.fingerprint) if item.follows_face else "")
        here = manifest.clips.get(item.identity, {})
        if encodes and key not in manifest.media:
            new_clips += 1
            new_frames += frames
            clip_pixels = frames * _frame_px(item, sizes)
            pixels += clip_pixels
            # archives hold a second copy of each clip; other layouts share one file
            size += clip_pixels * known * (2 if "webdataset" in request.layouts else 1)
        files = here.get("files", {})
        if not here or any(name in _LAYOUT_FRAME_BYTES and name not in files for name in request.layouts):
            size += frames * per_frame + _CLIP_BYTES
            frames_made += frames
    encoding = pixels * _NS_PER_PX * 1e-9 * _PRESET_FACTOR[request.export.encoder_preset] / (os.cpu_count() or 1)
    return ExportEstimate(
        clips=clips,
        new_clips=new_clips,
        new_frames=new_frames,
        size_bytes=round(size),
        free_bytes=_free_bytes(request.output_dir),
        seconds=encoding + frames_made * seconds_per_frame,
    )


def readable_size(size_bytes: float) -> str:
    """Format a size for display: 340 MB, 1.2 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if size_bytes >= 10 or unit == "bytes" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def _manifest_of(folder: Path) -> Manifest:
    try:
        return read_manifest(folder / MANIFEST_NAME)
    except (OSError, OutputError):  # reported by the export itself
        return Manifest()


def _known_bytes_per_px(manifest: Manifest, settings: ExportSettings) -> float:
    """Measure clips already written with the same settings, else derive the value from the settings."""
    same = [media for media in manifest.media.values() if media["export_settings"] == settings.as_dict()]
    if same:
        return float(sum(media["size_bytes"] for media in same) / sum(_media_px(media) for media in same))
    if settings.clip_format in _FORMAT_BYTES_PER_PX:
        return _FORMAT_BYTES_PER_PX[settings.clip_format]
    return _BYTES_PER_PX * math.exp2((16 - settings.crf) / _CRF_HALVES)


def _media_px(media: Mapping[str, int]) -> int:
    return media["width_px"] * media["height_px"] * media["frame_count"]


def _frame_px(item: ExportItem, sizes: dict[Path, int]) -> int:
    if item.follows_face:
        return item.request.export.size**2
    path = item.source.path
    if path not in sizes:
        try:
            width, height = picture_size(path)
        except ClipgenError:
            width, height = _USUAL_PX, 1
        sizes[path] = width * height
    return sizes[path]


def _free_bytes(folder: Path) -> int:
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
