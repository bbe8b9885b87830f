"""Face tracking on composites with known ground truth."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clipgen_engine
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.search import View, search_tiles
from clipgen_engine.faces.smoothing import smoothed
from clipgen_engine.faces.tracker import FaceTracker
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, FaceTrack
from tests.support import composed
from tests.support.paths import SAMPLE

FRAMES = 90
CANVAS = (960, 400)
Place = Callable[[int], tuple[int, int] | None]  # left and top in a frame; None: absent


def faces(path: Path, width: int, height: int) -> list[composed.Picture]:
    stretch = [composed.fitted(picture, width, height) for picture in composed.frames_of(path, 0, FRAMES)]
    return list(composed.there_and_back(stretch, FRAMES))


def two_people(path: Path, people: list[tuple[list[composed.Picture], Place]]) -> Path:
    canvas = composed.background(*CANVAS)
    pictures = []
    for number in range(FRAMES):
        picture = canvas
        for portraits, place in people:
            if (corner := place(number)) is not None:
                picture = composed.pasted(picture, portraits[number], *corner)
        pictures.append(picture)
    return composed.write_video(path, pictures)


def people_of(track: FaceTrack, people: list[tuple[list[composed.Picture], Place]]) -> set[int]:
    """People whose portrait contains the track's face centre; where they overlap, the one in front."""
    seen = set()
    for frame, (x, y) in zip(track.frame_index.tolist(), track.center_xy.tolist(), strict=True):
        for number in reversed(range(len(people))):
            portraits, place = people[number]
            corner = place(frame)
            height, width = portraits[0].shape[:2]
            if corner and 0 <= x - corner[0] < width and 0 <= y - corner[1] < height:
                seen.add(number)
                break
    return seen


def test_two_people_side_by_side(real_clip: Any, tmp_path: Path) -> None:
    people: list[tuple[list[composed.Picture], Place]] = [
        (faces(real_clip("d10.mp4"), 300, 300), lambda _: (60, 50)),
        (faces(real_clip("d19.mp4"), 300, 300), lambda _: (600, 50)),
    ]
    analysis = clipgen_engine.analyze_video(two_people(tmp_path / "v.mp4", people))
    assert sorted(len(track.frame_index) for track in analysis.tracks) == [FRAMES, FRAMES]
    assert sorted(map(tuple, (people_of(track, people) for track in analysis.tracks))) == [(0,), (1,)]


@pytest.mark.parametrize(("behind", "before"), [("d19.mp4", "d10.mp4"), ("s32.mp4", "d19.mp4")])
def test_crossing_people_keep_their_ids(real_clip: Any, tmp_path: Path, behind: str, before: str) -> None:
    people: list[tuple[list[composed.Picture], Place]] = [
        (faces(real_clip(behind), 240, 240), lambda number: (660 - 7 * number, 80)),
        (faces(real_clip(before), 240, 240), lambda number: (30 + 7 * number, 60)),
    ]
    analysis = clipgen_engine.analyze_video(two_people(tmp_path / "v.mp4", people))
    assert sorted(map(tuple, (people_of(track, people) for track in analysis.tracks))) == [(0,), (1,)]
    assert all(track.frame_index[-1] == FRAMES - 1 for track in analysis.tracks)


def test_people_who_touch_and_part_keep_their_ids(real_clip: Any, tmp_path: Path) -> None:
    people: list[tuple[list[composed.Picture], Place]] = [
        (faces(real_clip("d19.mp4"), 160, 240), lambda number: (250 + 5 * min(number, 89 - number), 80)),
        (faces(real_clip("d20.mp4"), 160, 240), lambda number: (650 - 5 * min(number, 89 - number), 80)),
    ]
    analysis = clipgen_engine.analyze_video(two_people(tmp_path / "v.mp4", people))
    assert sorted(map(tuple, (people_of(track, people) for track in analysis.tracks))) == [(0,), (1,)]


def test_one_person_leaves_and_another_enters(real_clip: Any, tmp_path: Path) -> None:
    people: list[tuple[list[composed.Picture], Place]] = [
        (faces(real_clip("d10.mp4"), 300, 300), lambda number: (60 - max(0, number - 20) * 14, 50)),
        (faces(real_clip("d19.mp4"), 300, 300), lambda number: (600 + max(0, 60 - number) * 14, 50)),
    ]
    analysis = clipgen_engine.analyze_video(two_people(tmp_path / "v.mp4", people))
    first, second = analysis.tracks
    assert people_of(first, people) == {0}
    assert people_of(second, people) == {1}
    assert first.frame_index[0] == 0
    assert first.inside_share.min() < 0.9
    assert second.frame_index[-1] == FRAMES - 1


def test_max_faces_limits_the_number_of_tracks(real_clip: Any, tmp_path: Path) -> None:
    people: list[tuple[list[composed.Picture], Place]] = [
        (faces(real_clip("d10.mp4"), 300, 300), lambda _: (60, 50)),
        (faces(real_clip("d19.mp4"), 300, 300), lambda _: (600, 50)),
    ]
    path = two_people(tmp_path / "v.mp4", people)
    assert len(clipgen_engine.analyze_video(path, AnalysisSettings(max_faces=1)).tracks) == 1


@pytest.mark.parametrize("name", ["sample.mp4", "d19.mp4"])
def test_small_face_yields_the_blendshapes_of_a_large_one(real_clip: Any, tmp_path: Path, name: str) -> None:
    near = composed.frames_of(SAMPLE if name == SAMPLE.name else real_clip(name), 100, 150)
    tracker = FaceTracker(load_face_model())
    seen = [tracker.track(pixels, n, starts_shot=n == 0)[0] for n, pixels in enumerate(near)]
    width = np.median([face.measures.box_xywh[2] for face in seen])
    scale = 0.04 * 1280 / width
    canvas = composed.background(1280, 720, seed=3)
    small = [cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for picture in near]
    pictures = [composed.pasted(canvas, picture, 900, 420) for picture in small]
    # light compression, so that codec loss does not affect the result
    path = composed.write_video(tmp_path / "far.mp4", pictures, options={"crf": "6", "preset": "veryfast"})
    (track,) = clipgen_engine.analyze_video(path).tracks
    assert len(track.frame_index) >= 0.98 * len(near)
    assert np.median(track.box_xywh[:, 2]) == pytest.approx(0.04 * 1280, rel=0.05)
    blendshapes = smoothed(np.array([face.mesh.blendshapes for face in seen]), np.arange(len(near)) / 30)[
        track.frame_index
    ]
    difference = np.abs(track.blendshapes - blendshapes).mean()
    assert difference <= 0.02


@pytest.mark.parametrize("name", ["no_face.mp4"])
def test_no_face_is_detected_in_a_faceless_video(real_clip: Any, name: str) -> None:
    assert clipgen_engine.analyze_video(real_clip(name)).tracks == ()


def test_search_tiles_cover_the_picture() -> None:
    for width, height in ((1280, 720), (480, 908), (64, 64), (1000, 100)):
        covered = np.zeros((height, width), np.bool_)
        tiles = search_tiles(width, height)
        for tile in tiles[1:]:
            covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] = True
        assert covered.all()
        assert tiles[0] == View(0, 0, width, height)


def boxes_by_frame(analysis: Analysis) -> np.ndarray:
    (track,) = analysis.tracks
    return np.concatenate([track.frame_index[:, np.newaxis], track.box_xywh], axis=1)


@pytest.fixture(scope="module")
def moving() -> list[composed.Picture]:
    return composed.frames_of(SAMPLE, 540, 564)  # fast face motion


@pytest.fixture(scope="module")
def plain_boxes(moving: list[composed.Picture], tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = composed.write_video(tmp_path_factory.mktemp("plain") / "plain.mkv", moving)
    return boxes_by_frame(clipgen_engine.analyze_video(path))


@pytest.mark.parametrize(
    "kind",
    [
        {"rotation_deg": 90},
        {"rotation_deg": 180},
        {"rotation_deg": 270},
        {"pts": [1000 + 7 * number + number % 3 for number in range(24)], "time_base": Fraction(1, 240)},
        {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3", "crf": "14"}},
    ],
    ids=["rotated 90", "rotated 180", "rotated 270", "variable rate, late start", "open gop"],
)
def test_boxes_are_independent_of_the_video_encoding(
    moving: list[composed.Picture], plain_boxes: np.ndarray, tmp_path: Path, kind: dict[str, Any]
) -> None:
    analysis = clipgen_engine.analyze_video(composed.write_video(tmp_path / "other.mp4", moving, **kind))
    assert analysis.video.frame_count == len(moving)
    np.testing.assert_allclose(boxes_by_frame(analysis), plain_boxes, atol=4)
