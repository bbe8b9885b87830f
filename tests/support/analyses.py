"""Synthetic analyses from plain arrays, without video or model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.expression_tokens.backends import load_backend
from clipgen_engine.types import Analysis, FaceTrack, VideoInfo

_USUAL_MEASURES = {
    "face_share": 0.05,
    "inside_share": 1.0,
    "sharpness": 400.0,
    "brightness": 0.5,
    "mouth_open": 0.05,
}


@dataclass
class FakeTrack:
    """Specification of a track: blendshapes (N, 51), centre (N, 2) and visibility of the frames from `start` on."""

    start: int
    tokens: NDArray[np.float32]
    center: NDArray[np.float32]
    size: float = 100.0
    confidence: NDArray[np.float32] | None = None
    seen: NDArray[np.bool_] | None = None
    track_id: int = field(default=0)
    # per-frame values by measure; the defaults pass every gate
    measures: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


def random_track(
    rng: np.random.Generator, start: int, count: int, track_id: int = 0, missing: float = 0.0
) -> FakeTrack:
    """A track whose expression and position follow random walks; a fraction of its frames is missing."""
    steps = rng.normal(0, 0.05, (count, 51)).cumsum(axis=0)
    seen = rng.random(count) >= missing
    seen[[0, -1]] = True
    return FakeTrack(
        start=start,
        tokens=np.clip(0.3 + steps, 0, 1).astype(np.float32),
        center=(300 + rng.normal(0, 1, (count, 2)).cumsum(axis=0)).astype(np.float32),
        confidence=rng.uniform(0.6, 1, count).astype(np.float32),
        seen=seen,
        track_id=track_id,
    )


def make_analysis(*tracks: FakeTrack, frame_count: int | None = None, path: Path = Path("made.mp4")) -> Analysis:
    """Return an analysis of these tracks at 30 frames per second."""
    count = frame_count or max((track.start + len(track.tokens) for track in tracks), default=100)
    built = tuple(_build(track) for track in tracks)
    pts = np.arange(count, dtype=np.int64) * 512
    video = VideoInfo(
        path=path,
        codec="h264",
        width_px=640,
        height_px=360,
        rotation_deg=0,
        time_base=Fraction(1, 15360),
        start_pts=0,
        average_rate=Fraction(30),
        pts=pts,
        keyframe_pts=pts[::12],
        has_audio=False,
        fingerprint="0" * 64,
    )
    return Analysis(
        video=video,
        settings={},
        model_sha256={},
        shots=np.array([[0, count]], np.int64),
        tracks=built,
        tokens=load_backend("blendshapes").tokens(built),
        analyzed_frames=count,
    )


def _build(track: FakeTrack) -> FaceTrack:
    count = len(track.tokens)
    seen = np.ones(count, np.bool_) if track.seen is None else track.seen
    confidence = np.full(count, 0.9, np.float32) if track.confidence is None else track.confidence
    corner = track.center - track.size / 2
    box = np.concatenate([corner, np.full((count, 2), track.size)], axis=1).astype(np.float32)
    neutral = np.zeros((count, 1), np.float32)
    return FaceTrack(
        track_id=track.track_id,
        frame_index=np.flatnonzero(seen) + track.start,
        box_xywh=box[seen],
        confidence=confidence[seen],
        center_xy=track.center.astype(np.float32)[seen],
        head_pose_deg=np.zeros((int(seen.sum()), 3), np.float32),
        blendshapes=np.concatenate([neutral, track.tokens], axis=1)[seen],
        **{
            name: np.asarray(track.measures.get(name, np.full(count, usual)), np.float32)[seen]
            for name, usual in _USUAL_MEASURES.items()
        },
    )


def two_people(seed: int) -> Analysis:
    rng = np.random.default_rng(seed)
    return make_analysis(
        random_track(rng, 3, 90, track_id=0, missing=0.02), random_track(rng, 20, 120, track_id=1, missing=0.01)
    )
