"""Face crops: path smoothing and resampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from clipgen_engine.clips.crop_path import CropPath, face_crop_path
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import FaceTrack
from tests.support.analyses import FakeTrack, make_analysis

COUNT = 300
FACE = ExportSettings(crop="face")
ANALYSIS = make_analysis(FakeTrack(0, np.zeros((COUNT, 51), np.float32), np.zeros((COUNT, 2), np.float32)))


def track_along(center: NDArray[np.float64], size: NDArray[np.float64], jitter_px: float = 0.0) -> FaceTrack:
    """A track with this path and size; white noise on the box, half as much on the landmark centre."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, jitter_px, (len(center), 2))
    width = size * 0.8
    box = np.column_stack([center[:, 0] - width / 2, center[:, 1] - size / 2, width, size])
    box[:, :2] += noise
    return replace(
        ANALYSIS.tracks[0],
        frame_index=np.arange(len(center)),
        box_xywh=box.astype(np.float32),
        center_xy=(center - [0, 0.1 * size.mean()] + rng.normal(0, jitter_px / 2, center.shape)).astype(np.float32),
        head_pose_deg=np.zeros((len(center), 3), np.float32),
    )


def nodding() -> NDArray[np.float64]:
    """A head swaying by 1/4 of its size every two seconds and nodding by 1/10 every second."""
    seconds = np.arange(COUNT) / 30
    return np.column_stack([320 + 25 * np.sin(np.pi * seconds), 180 + 10 * np.sin(2 * np.pi * seconds) + 2 * seconds])


def test_crop_follows_face_without_jitter() -> None:
    center = nodding()
    track = track_along(center, np.full(COUNT, 100.0), jitter_px=0.7)
    path = face_crop_path(ANALYSIS.video, track, 100, 220, FACE)
    assert path is not None
    assert np.abs(path.center_xy - center[100:220]).max() < 0.03 * path.side_px[0]
    box_center = track.box_xywh[100:220, :2] + track.box_xywh[100:220, 2:] / 2
    jerk, raw = (np.abs(np.diff(way, 2, axis=0)) for way in (path.center_xy, box_center))
    assert jerk.mean() < raw.mean() / 4
    assert jerk.max() < raw.max() / 4


def test_side_ignores_mouth_motion_but_tracks_an_approaching_face() -> None:
    seconds = np.arange(COUNT) / 30
    center = np.tile([320.0, 180.0], (COUNT, 1))
    talking = face_crop_path(ANALYSIS.video, track_along(center, 100 + 5 * np.sin(9 * seconds)), 100, 220, FACE)
    assert talking is not None
    assert np.ptp(talking.side_px) == 0
    assert talking.side_px[0] == pytest.approx(150, rel=0.03)
    assert np.ptp(talking.center_xy, axis=0).max() < 0.5
    coming = face_crop_path(ANALYSIS.video, track_along(center, np.linspace(60, 160, COUNT)), 0, COUNT, FACE)
    assert coming is not None
    np.testing.assert_allclose(coming.side_px, np.linspace(60, 160, COUNT) * 1.5, rtol=0.05)


def test_static_crop_contains_the_face_throughout() -> None:
    center = nodding()
    track = track_along(center, np.full(COUNT, 100.0))
    path = face_crop_path(ANALYSIS.video, track, 100, 220, replace(FACE, crop="face_still", margin=0.1))
    assert path is not None
    assert np.ptp(path.center_xy, axis=0).max() == np.ptp(path.side_px) == 0
    corner = path.center_xy - path.side_px[:, np.newaxis] / 2
    box = track.box_xywh[100:220]
    assert (box[:, :2] >= corner).all()
    assert (box[:, :2] + box[:, 2:] <= corner + path.side_px[:, np.newaxis]).all()


def test_missing_faces_are_interpolated() -> None:
    track = track_along(nodding(), np.full(COUNT, 100.0))
    seen = np.delete(np.arange(COUNT), [110, 111, 112])
    holes = replace(
        track,
        **{name: getattr(track, name)[seen] for name in ("frame_index", "box_xywh", "center_xy", "head_pose_deg")},
    )
    whole, mended = (face_crop_path(ANALYSIS.video, one, 100, 220, FACE) for one in (track, holes))
    assert whole is not None
    assert mended is not None
    np.testing.assert_allclose(mended.center_xy, whole.center_xy, atol=1.0)
    assert face_crop_path(ANALYSIS.video, holes, 109, 114, FACE) is not None


def path_of(center: tuple[float, float], side: float, roll: float = 0.0) -> CropPath:
    return CropPath(7, np.array([center]), np.array([side]), np.array([roll]))


def test_integer_aligned_crop_is_exact() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    np.testing.assert_array_equal(path_of((50, 40), 64).cut(picture, 7, 64), picture[8:72, 18:82])
    halved = path_of((50, 40), 64).cut(picture, 7, 32)
    means = picture[8:72, 18:82].reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - means).max() <= 1


def test_crop_beyond_the_edge_replicates_border_pixels() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    crop = path_of((16, 80), 64).cut(picture, 7, 64)
    np.testing.assert_array_equal(crop, np.pad(picture, ((0, 22), (16, 0), (0, 0)), mode="edge")[48:112, :64])


def test_clockwise_roll_is_corrected() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    angle = np.radians(30)
    for along in range(-40, 41):  # eye line with its right end lower, i.e. clockwise roll
        x, y = 100 + along * np.cos(angle), 100 + along * np.sin(angle)
        picture[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
    crop = path_of((100, 100), 100, 30).cut(picture, 7, 100)
    assert crop[47:53, 15:85].min() > 100
    assert crop[:40].max() == crop[60:].max() == 0


def test_frame_outside_the_path_raises() -> None:
    with pytest.raises(IndexError):
        path_of((5, 5), 4).cut(np.zeros((9, 9, 3), np.uint8), 8, 4)


def test_full_frames_have_no_crop_path() -> None:
    assert face_crop_path(ANALYSIS.video, ANALYSIS.tracks[0], 0, 10, ExportSettings()) is None
