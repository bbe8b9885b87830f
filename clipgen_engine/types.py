"""The values that everything shares. Arrays are read-only; shape, dtype and unit stand beside each field.

Frames are counted in presentation order from 0. Spans are half-open in code (`start_frame`, `stop_frame`)
and inclusive in files. Pixels are those of the upright source picture, whatever size was analysed.
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


BLENDSHAPES = "blendshapes"  # the token backend that is always there

Scalar = TypeVar("Scalar", bound=np.generic)


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return the array with its write flag cleared (in place, no copy)."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class VideoInfo:
    """What the index of a video knows without decoding a picture."""

    path: Path
    codec: str
    width_px: int  # upright
    height_px: int  # upright
    rotation_deg: int  # clockwise turn that makes a decoded picture upright: 0, 90, 180 or 270
    time_base: Fraction  # seconds a tick
    start_pts: int  # PTS of frame 0, ticks
    average_rate: Fraction  # frames a second
    pts: Int64Array  # (T,) int64, ticks, strictly increasing
    keyframe_pts: Int64Array  # (K,) int64, ticks, sorted; keyframes of discarded packets included (for seeking)
    has_audio: bool
    fingerprint: str  # hex; of size, head and tail of the file
    lost_packets: int = 0  # packets of pictures without a frame in the index: unreadable, or with another's time stamp

    @property
    def frame_count(self) -> int:
        return len(self.pts)

    @cached_property
    def times_s(self) -> Float64Array:
        """(T,) float64, seconds since frame 0."""
        return read_only((self.pts - self.start_pts).astype(np.float64) * np.float64(self.time_base))

    @property
    def frame_duration_s(self) -> float:
        """Nominal length of one frame in seconds."""
        return float(1 / self.average_rate)

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        return float(self.times_s[-1]) + self.frame_duration_s if len(self.pts) else 0.0


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face followed through one shot. Frames without the face have no row: they are missing, never zero."""

    track_id: int
    frame_index: Int64Array  # (N,) int64, strictly increasing
    box_xywh: Float32Array  # (N, 4) float32, px
    confidence: Float32Array  # (N,) float32, 0..1, the face detector's
    center_xy: Float32Array  # (N, 2) float32, px; mean of mesh points that the expression does not move
    head_pose_deg: Float32Array  # (N, 3) float32, degrees: yaw, pitch, roll
    blendshapes: Float32Array  # (N, 52) float32, 0..1, in MediaPipe's order
    face_share: Float32Array  # (N,) float32, box area / picture area
    inside_share: Float32Array  # (N,) float32, 0..1, share of the box inside the picture
    sharpness: Float32Array  # (N,) float32, variance of the Laplacian (grey 0..255) of the face at 64 x 64 px
    brightness: Float32Array  # (N,) float32, 0..1, mean luma of the face
    mouth_open: Float32Array  # (N,) float32, gap between the inner lips / face size

    @property
    def size_px(self) -> Float32Array:
        """(N,) float32, px: sqrt(box width * box height)."""
        size: Float32Array = np.sqrt(self.box_xywh[:, 2] * self.box_xywh[:, 3])
        return size

    def row_of(self, frame: int) -> int | None:
        """Row of this frame index, or None where the face is missing."""
        row = int(np.searchsorted(self.frame_index, frame))
        return row if row < len(self.frame_index) and self.frame_index[row] == frame else None


@dataclass(frozen=True, eq=False)
class ExpressionTokens:
    """One expression vector a frame of a track, row by row as in its `frame_index`."""

    values: Float32Array  # (N, D) float32; a learned token has length 1, and is NaN while it is not known
    channel_names: tuple[str, ...]  # D names
    channel_regions: tuple[str, ...]  # D region names (brows, eyelids, gaze, cheeks_nose, mouth, jaw, or face)
    backend: str
    checkpoint_sha256: str  # hex
    interpolated: BoolArray | None = None  # (N,) bool: put between two tokens that were computed; None: none was

    @cached_property
    def known(self) -> BoolArray:
        """(N,) bool: there is a token."""
        known: BoolArray = np.all(np.isfinite(self.values), axis=1)
        return read_only(known)


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that the models found in a video; ranking needs nothing else.

    A partial analysis (while one runs) covers the frames below `analyzed_frames` only.
    """

    video: VideoInfo
    settings: Mapping[str, Any]  # the analysis settings that made it, by name
    model_sha256: Mapping[str, str]  # hex by model name
    shots: Int64Array  # (S, 2) int64, half-open frame spans that tile the analysed frames
    tracks: tuple[FaceTrack, ...]
    tokens: tuple[ExpressionTokens, ...]  # one for each track, in the same order
    analyzed_frames: int
    undecodable_frames: int = 0  # frames of the index that no decoder returned

    @cached_property
    def dead_channels(self) -> tuple[str, ...]:
        """Names of the token channels that never leave zero (stay below 0.001) in this video."""
        if not self.tokens:
            return ()
        peaks = np.max([np.abs(one.values[one.known]).max(axis=0, initial=0) for one in self.tokens], axis=0)
        return tuple(name for name, peak in zip(self.tokens[0].channel_names, peaks, strict=True) if peak < 0.001)


@dataclass(frozen=True)
class VariationPair:
    """Expression variation of one window, and how two token backends disagree about it."""

    blendshapes: float
    learned: float
    disagreement: float  # -1..1: the window's place among all by the learned tokens less that by the blendshapes


@dataclass(frozen=True)
class Sequence:
    """A window that was selected: what a curator sees and decides on."""

    rank: int  # 1 is best
    start_frame: int
    stop_frame: int  # half-open
    track_id: int
    terms: Mapping[str, float]  # value of each score term by name
    combined_score: float  # exactly the sum of weight * term over the used terms
    top_channels: tuple[tuple[str, float], ...] = ()  # channels that moved most: name, signed change
    scored_by: str = BLENDSHAPES  # the token backend behind the expression variation; empty: not recorded
    variations: VariationPair | None = None  # where learned tokens are known
    # the settings that the terms depend on, plain JSON values; empty where that was not recorded (0.1.0)
    term_settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, int]:
        """What a decision hangs on: start frame, stop frame, track id."""
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
    """How far a long verb has come. `partial` builds the result so far; call it only where it is wanted."""

    stage: Literal["analysis", "download", "tokens", "clips"]
    done: int
    total: int
    partial: Callable[[], Analysis] | None = field(default=None, compare=False)


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Setting:
    """Declaration of one setting, from which flags, panels and checks are generated."""

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
    pattern: str = ""  # regular expression that a text must match
    expected: str = ""  # what to give instead of a wrong value, where bounds and choices do not say it
    zero: str = ""  # what 0 stands for, where it is the lowest value and no number of its own
