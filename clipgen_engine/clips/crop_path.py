"""Face crops: a square window, either smoothed along a face track or static."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.opencv import cv2
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import FaceTrack, Float64Array, UInt8Array, VideoInfo, read_only
from clipgen_engine.video.decoding import decode

_SMOOTHING_S = 0.15  # heads nod once or twice a second; anything faster is jitter
_STEADY_CHANGE = 1.25  # below this face-size ratio within a clip, the side is constant
_SIDE_SMOOTHING_S = 1.0


@dataclass(frozen=True, eq=False)
class CropPath:
    """A square crop window per frame of a span, in px of the upright source frame."""

    start_frame: int
    center_xy: Float64Array  # (N, 2) float64, px
    side_px: Float64Array  # (N,) float64
    roll_deg: Float64Array  # (N,) float64, clockwise roll to remove; 0 without alignment

    @property
    def stop_frame(self) -> int:
        """Exclusive."""
        return self.start_frame + len(self.side_px)

    def as_dict(self) -> dict[str, Any]:
        """Per-frame values for JSON, rounded to 0.001."""
        return {
            "start_frame": self.start_frame,
            "center_xy": np.round(self.center_xy, 3).tolist(),
            "side_px": np.round(self.side_px, 3).tolist(),
            "roll_deg": np.round(self.roll_deg, 3).tolist(),
        }

    def cut(self, pixels: UInt8Array, frame: int, size: int) -> UInt8Array:
        """Crop an upright frame to (size, size, 3) uint8, replicating its border pixels.

        Args:
            pixels: (H, W, 3) uint8.
            frame: index within the span.
        """
        row = frame - self.start_frame
        if not 0 <= row < len(self.side_px):
            raise IndexError(frame)
        side = float(self.side_px[row])
        fine = max(1, math.ceil(side / size))  # oversample large crops, then average, to avoid aliasing
        step = side / (size * fine)
        angle = math.radians(float(self.roll_deg[row]))
        across = np.array([math.cos(angle), math.sin(angle)]) * step
        down = np.array([-math.sin(angle), math.cos(angle)]) * step
        # pixel centres are at integers in cv2, at .5 in boxes
        corner = self.center_xy[row] - 0.5 + (across + down) * (0.5 - size * fine / 2)
        crop: UInt8Array = cv2.warpAffine(
            pixels,
            np.column_stack([across, down, corner]),
            (size * fine, size * fine),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return crop if fine == 1 else cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def face_crop_path(
    video: VideoInfo, track: FaceTrack, start_frame: int, stop_frame: int, settings: ExportSettings
) -> CropPath | None:
    """Crop path of a track over a span; None if the settings ask for full frames.

    Frames without a face are interpolated.
    """
    if settings.crop == "whole":
        return None
    rate = float(video.average_rate)
    reach = math.ceil(4 * _SIDE_SMOOTHING_S * rate)  # context beyond the span, stabilises its ends
    first = min(start_frame, max(start_frame - reach, int(track.frame_index[0])))
    last = max(stop_frame - 1, min(stop_frame - 1 + reach, int(track.frame_index[-1])))
    span = slice(start_frame - first, stop_frame - first)

    def column(values: NDArray[np.float32]) -> Float64Array:
        filled: Float64Array = np.interp(np.arange(first, last + 1), track.frame_index, values.astype(np.float64))
        return filled

    left, top, width, height = (column(values) for values in track.box_xywh.T)
    box_center = np.column_stack([left + width / 2, top + height / 2])
    steady = np.column_stack([column(values) for values in track.center_xy.T])
    size = np.maximum(width, height)
    roll = column(track.head_pose_deg[:, 2])
    # An opening mouth moves the box but not the stable landmarks, so anchor the box centre to those.
    offset = np.median(_turned((box_center - steady) / size[:, np.newaxis], -roll)[span], axis=0)
    slow_size, slow_roll = (
        _smoothed(values, seconds * rate)[span] for values, seconds in ((size, _SIDE_SMOOTHING_S), (roll, _SMOOTHING_S))
    )
    if slow_size.max() < _STEADY_CHANGE * slow_size.min():
        slow_size = np.full(len(slow_size), np.median(size[span]))
    center = (
        _smoothed(steady, _SMOOTHING_S * rate)[span]
        + _turned(np.tile(offset, (len(slow_roll), 1)), slow_roll) * slow_size[:, np.newaxis]
    )
    roll = slow_roll if settings.align_roll == "on" else np.zeros(len(slow_roll))
    side = slow_size * (1 + 2 * settings.margin)
    if settings.crop == "face_still":
        low, high = center.min(axis=0), center.max(axis=0)
        center = np.tile((low + high) / 2, (len(side), 1))
        side = np.full(len(side), side.max() + (high - low).max())  # preserves the margin at every position
        roll = np.full(len(side), np.median(roll))
    return CropPath(start_frame, read_only(center), read_only(side), read_only(roll))


def cropped_frames(video: VideoInfo, path: CropPath, size: int) -> Iterator[tuple[int, UInt8Array]]:
    """Decode the crops of a path: frame index, (size, size, 3) uint8 RGB. Undecodable frames are skipped.

    Raises:
        VideoError: the file cannot be opened.
    """
    with closing(decode(video, path.start_frame, path.stop_frame)) as pictures:
        for picture in pictures:
            yield picture.index, path.cut(picture.pixels, picture.index, size)


def _turned(vectors: Float64Array, angle_deg: Float64Array) -> Float64Array:
    """Rotate each vector (N, 2) clockwise in the image by its angle (N,)."""
    angle = np.radians(angle_deg)
    x, y = vectors.T
    turned: Float64Array = np.column_stack(
        [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)]
    )
    return turned


def _smoothed(values: Float64Array, sigma: float) -> Float64Array:
    """Zero-phase smoothing along the first axis with a fourth-order Gaussian kernel.

    The kernel, (3 - x^2) / 2 times a Gaussian (Wand & Schucany, Canadian Journal of Statistics 1990), preserves
    parabolas, so fast head turns are not flattened. Ends are padded by odd reflection, which preserves straight lines.

    Args:
        values: (N,) or (N, K).
        sigma: of the Gaussian, frames.
    """
    reach = math.ceil(4 * sigma)
    x = np.arange(-reach, reach + 1) / sigma
    kernel = (3 - x**2) / 2 * np.exp(-(x**2) / 2)
    kernel /= kernel.sum()
    columns = values.reshape(len(values), -1)
    padded = np.pad(columns, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    smooth = np.column_stack([np.convolve(column, kernel, "valid") for column in padded.T])
    return smooth.reshape(values.shape)
