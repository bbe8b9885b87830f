"""Crops and frames for thumbnails. No Qt here."""

from __future__ import annotations

from math import ceil

import numpy as np

from clipgen_engine.ranking.expression.actions import action_values, expression_values
from clipgen_engine.types import BLENDSHAPES, Analysis, ExpressionTokens, FaceTrack, VideoInfo
from clipgen_gui.document.windows import Key

Rect = tuple[int, int, int, int]  # x, y, width, height; upright source px
_MARGIN = 0.35  # of the face size, on each side


def full_frame(video: VideoInfo) -> Rect:
    return 0, 0, video.width_px, video.height_px


def face_crop(analysis: Analysis, key: Key, aspect: float) -> Rect:
    """Return a crop that contains the face in every frame of a window, with a margin.

    The crop is fixed throughout the window so that face movement stays visible.

    Args:
        aspect: requested width / height; not met if it would cut off the face.
    """
    video = analysis.video
    start, stop, track_id = key
    found = _track(analysis, track_id)
    rows = slice(*np.searchsorted(found[0].frame_index, (start, stop))) if found else slice(0, 0)
    if found is None or rows.start == rows.stop:
        return full_frame(video)
    track = found[0]
    boxes = track.box_xywh[rows].astype(np.float64)
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    margin = 2 * _MARGIN * float(np.median(track.size_px[rows]))
    width = max(right - left + margin, (bottom - top + margin) * aspect)
    height = width / aspect
    scale = min(1.0, video.width_px / width, video.height_px / height)
    if width * scale >= right - left and height * scale >= bottom - top:
        width, height = width * scale, height * scale
    width, height = min(round(width), video.width_px), min(round(height), video.height_px)
    x = min(max(round((left + right - width) / 2), 0), video.width_px - width)
    y = min(max(round((top + bottom - height) / 2), 0), video.height_px - height)
    return x, y, width, height


def fit_size(crop: Rect, width: int, height: int) -> tuple[int, int]:
    """Return the largest size for a crop that fits into `width` x `height` and keeps its aspect ratio."""
    scale = min(width / crop[2], height / crop[3])
    return max(1, round(crop[2] * scale)), max(1, round(crop[3] * scale))


def sampled_frames(start: int, stop: int, at_most: int) -> tuple[int, ...]:
    """Return at most `at_most` evenly spaced frames of a half-open span, starting with the first."""
    return tuple(range(start, stop, ceil((stop - start) / at_most)))


def representative_frames(analysis: Analysis, key: Key) -> tuple[int, int, int]:
    """Return the first frame, the frame whose expression is farthest from the window's mean, and the last frame."""
    start, stop, track_id = key
    farthest = (start + stop) // 2
    found = _track(analysis, track_id)
    if found is not None:
        track, tokens = found
        rows = slice(*np.searchsorted(track.frame_index, (start, stop)))
        learned = tokens.backend != BLENDSHAPES and tokens.known[rows].all()
        values = tokens.values[rows] if learned else expression_values(action_values(track.blendshapes[rows, 1:]))
        if len(values):
            distance = np.linalg.norm(values - values.mean(axis=0), axis=1)
            farthest = int(track.frame_index[rows][distance.argmax()])
    return start, farthest, stop - 1


def _track(analysis: Analysis, track_id: int) -> tuple[FaceTrack, ExpressionTokens] | None:
    both = zip(analysis.tracks, analysis.tokens, strict=True)
    return next(((track, tokens) for track, tokens in both if track.track_id == track_id), None)
