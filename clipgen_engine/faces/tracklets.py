"""Storage format of tracked faces: one row per observation, one summary per tracklet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.types import Float32Array

# Columns of an observation: name, dtype, shape. Lengths are in px of the source.
COLUMNS: Mapping[str, tuple[Any, tuple[int, ...]]] = {
    "frame_index": (np.int64, ()),
    "tracklet": (np.int64, ()),
    "box_xywh": (np.float32, (4,)),
    "confidence": (np.float32, ()),
    "center_xy": (np.float32, (2,)),
    "head_pose_deg": (np.float32, (3,)),
    "blendshapes": (np.float32, (52,)),
    "face_share": (np.float32, ()),
    "inside_share": (np.float32, ()),
    "sharpness": (np.float32, ()),
    "brightness": (np.float32, ()),
    "mouth_open": (np.float32, ()),
    "region": (np.float32, (4,)),  # px of the analysed picture, see `FaceRegion`; NaN between two looks
}
Rows = Mapping[str, NDArray[Any]]  # (N, ...) by column name


@dataclass(frozen=True, eq=False)
class TrackletSummary:
    """Summary of a tracklet; see `tracker.Tracklet`."""

    number: int  # within its segment
    continues: int | None  # preceding tracklet of the same landmarker, split where faces met or parted
    near: bool
    descriptor: Float32Array  # (D,) float32
    described: int
    entry_box: Float32Array | None  # (4,) float32, px, in the last look before the segment
