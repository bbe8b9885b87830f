"""Shared value types. Arrays are read-only; shape, dtype and unit are given beside each field.

Frames are numbered in presentation order from 0. Spans are half-open in code (`start_frame`, `stop_frame`) and
inclusive in files. Pixel coordinates refer to the upright source picture, independent of the analysis size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
UInt8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]


BLENDSHAPES = "blendshapes"  # the token backend that is always available

Scalar = TypeVar("Scalar", bound=np.generic)


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return the array with its write flag cleared (in place, no copy)."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class VideoInfo:
    """Stream properties and frame index of a video."""

    path: Path
    codec: str
    width_px: int  # upright
    height_px: int  # upright
    rotation_deg: int  # clockwise rotation that makes a decoded picture upright: 0, 90, 180 or 270
    time_base: Fraction  # seconds per tick
    start_pts: int  # PTS of frame 0, ticks
    average_rate: Fraction  # frames per second
    pts: Int64Array  # (T,) int64, ticks, strictly increasing
    keyframe_pts: Int64Array  # (K,) int64, ticks, sorted; includes discarded packets, which serve for seeking
    has_audio: bool
    fingerprint: str  # hex; hash of the file's size, head and tail
    lost_packets: int = 0  # picture packets without a frame in the index: unreadable, or with a duplicate PTS

    @property
    def frame_count(self) -> int:
        return len(self.pts)

    @cached_property
    def times_s(self) -> Float64Array:
        """(T,) float64, seconds since frame 0."""
        return read_only((self.pts - self.start_pts).astype(np.float64) * np.float64(self.time_base))

    @property
    def frame_duration_s(self) -> float:
        """Nominal duration of one frame in seconds."""
        return float(1 / self.average_rate)

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        return float(self.times_s[-1]) + self.frame_duration_s if len(self.pts) else 0.0


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face tracked through one shot. Frames without the face have no row."""

    track_id: int
    frame_index: Int64Array  # (N,) int64, strictly increasing
    box_xywh: Float32Array  # (N, 4) float32, px
    confidence: Float32Array  # (N,) float32, 0..1, of the face detector
    center_xy: Float32Array  # (N, 2) float32, px; mean of landmarks that are invariant to expression
    head_pose_deg: Float32Array  # (N, 3) float32, degrees: yaw, pitch, roll
    blendshapes: Float32Array  # (N, 52) float32, 0..1, in MediaPipe's order
    face_share: Float32Array  # (N,) float32, box area / picture area
    inside_share: Float32Array  # (N,) float32, 0..1, fraction of the box inside the picture
    sharpness: Float32Array  # (N,) float32, variance of the Laplacian (grey 0..255) of the face at 64 x 64 px
    brightness: Float32Array  # (N,) float32, 0..1, mean luma of the face
    mouth_open: Float32Array  # (N,) float32, gap between the inner lips / face size

    @property
    def size_px(self) -> Float32Array:
        """(N,) float32, px: sqrt(box width * box height)."""
        size: Float32Array = np.sqrt(self.box_xywh[:, 2] * self.box_xywh[:, 3])
        return size

    def row_of(self, frame: int) -> int | None:
        """Row of this frame index, or None if the face is missing."""
        row = int(np.searchsorted(self.frame_index, frame))
        return row if row < len(self.frame_index) and self.frame_index[row] == frame else None


@dataclass(frozen=True, eq=False)
class ExpressionTokens:
    """One expression vector per frame of a track; rows as in its `frame_index`."""

    values: Float32Array  # (N, D) float32; learned tokens have unit length, and are NaN until computed
    channel_names: tuple[str, ...]  # D names
    channel_regions: tuple[str, ...]  # D region names (brows, eyelids, gaze, cheeks_nose, mouth, jaw, or face)
    backend: str
    checkpoint_sha256: str  # hex
    interpolated: BoolArray | None = None  # (N,) bool: interpolated between computed tokens; None: all computed

    @cached_property
    def known(self) -> BoolArray:
        """(N,) bool: the token is available."""
        known: BoolArray = np.all(np.isfinite(self.values), axis=1)
        return read_only(known)


@dataclass(frozen=True, eq=False)
class Analysis:
    """The complete model output for a video, and the only input of the ranking.

    A partial analysis covers only the frames below `analyzed_frames`. A draft looks at every n-th of them and
    interpolates between; it becomes exact frame by frame.
    """

    video: VideoInfo
    settings: Mapping[str, Any]  # the analysis settings used, by name
    model_sha256: Mapping[str, str]  # hex by model name
    shots: Int64Array  # (S, 2) int64, half-open frame spans that tile the analysed frames
    tracks: tuple[FaceTrack, ...]
    tokens: tuple[ExpressionTokens, ...]  # one per track, in the same order
    analyzed_frames: int
    undecodable_frames: int = 0  # frames of the index that the decoder did not return
    exact: BoolArray | None = None  # (T,) bool: frames whose values are final; None: all analysed ones
    rounds: int = 0  # rounds of refinement after which the selection was exact; 0: not recorded

    @cached_property
    def dead_channels(self) -> tuple[str, ...]:
        """Names of the token channels that stay below 0.001 throughout this video."""
        if not self.tokens:
            return ()
        peaks = np.max([np.abs(one.values[one.known]).max(axis=0, initial=0) for one in self.tokens], axis=0)
        return tuple(name for name, peak in zip(self.tokens[0].channel_names, peaks, strict=True) if peak < 0.001)


@dataclass(frozen=True)
class VariationPair:
    """Expression variation of one window by both token backends, and their disagreement."""

    blendshapes: float
    learned: float
    disagreement: float  # -1..1: percentile rank of the window by learned tokens minus that by blendshapes


@dataclass(frozen=True)
class Sequence:
    """A selected window: the unit that a curator reviews."""

    rank: int  # 1 is best
    start_frame: int
    stop_frame: int  # half-open
    track_id: int
    terms: Mapping[str, float]  # value of each score term by name
    combined_score: float  # exactly the sum of weight * term over the terms with a weight
    top_channels: tuple[tuple[str, float], ...] = ()  # blendshapes with the largest variance: name, signed change
    movements: tuple[tuple[str, float], ...] = ()  # facial actions that move most: name, signed change in ranges
    noise_floor: float | None = None  # expression variation that jitter can cause, if estimated
    exact: bool = True  # whether the values are final, not those of a draft
    scored_by: str = BLENDSHAPES  # the token backend behind the expression variation; empty: not recorded
    variations: VariationPair | None = None  # if learned tokens are available
    # the settings that the terms depend on, plain JSON values; empty if not recorded (0.1.0)
    term_settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, int]:
        """The key of a decision: start frame, stop frame, track id."""
        return self.start_frame, self.stop_frame, self.track_id

    @property
    def frame_count(self) -> int:
        return self.stop_frame - self.start_frame


class Decision(StrEnum):
    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Progress:
    """Progress of a long operation. `partial` builds the result so far, on demand."""

    stage: Literal["analysis", "draft", "refinement", "download", "tokens", "clips"]
    done: int
    total: int
    partial: Callable[[], Analysis] | None = field(default=None, compare=False)


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Setting:
    """Declaration of one setting, from which flags, panels and validation are generated."""

    name: str
    label: str  # for a panel
    help: str  # a sentence
    default: Any
    kind: type  # int, float, str or Path
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""  # regular expression that text must match
    expected: str = ""  # valid values in words, if bounds and choices do not express them
    zero: str = ""  # meaning of 0, if it is a special value
