"""The thumbnail decoder: correct frames, request order, memory budget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from clipgen_engine.types import VideoInfo
from clipgen_engine.video.index import probe
from clipgen_gui.review.thumbnail_crops import face_crop, fit_size, full_frame, representative_frames, sampled_frames
from clipgen_gui.review.thumbnails import ClipRequest, ClipServer
from clipgen_gui.support.threads import end_threads
from tests.support.analyses import FakeTrack, make_analysis
from tests.support.videos import read_code, write_coded_video

_CLIP_BYTES = 160 * 96 * 4 * 5


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return probe(write_coded_video(tmp_path_factory.mktemp("coded") / "coded.mp4", 60))


@pytest.fixture
def server(qtbot: QtBot) -> Iterator[ClipServer]:
    server = ClipServer(3 * _CLIP_BYTES)
    yield server
    assert end_threads(server, 5000)


def request(video: VideoInfo, start: int, count: int = 5) -> ClipRequest:
    return ClipRequest(video, tuple(range(start, start + count)), full_frame(video), (160, 96))


def pixels(image: QImage) -> np.ndarray:
    buffer = np.frombuffer(image.constBits(), np.uint8)
    return buffer.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width(), :3]


def test_pictures_match_their_frames(qtbot: QtBot, server: ClipServer, coded: VideoInfo) -> None:
    wanted = [request(coded, 40), ClipRequest(coded, (3, 17, 59), full_frame(coded), (160, 96)), request(coded, 0)]
    server.set_requests(wanted)
    qtbot.waitUntil(lambda: all(server.get(one) for one in wanted))
    for one in wanted:
        clip = server.get(one)
        assert clip is not None
        assert tuple(read_code(pixels(picture)) for picture in clip.pictures) == one.frames


def test_a_crop_is_extracted_and_scaled(qtbot: QtBot, server: ClipServer, coded: VideoInfo) -> None:
    right_half = ClipRequest(coded, (31,), (80, 0, 80, 96), (40, 48))
    server.set_requests([right_half])
    qtbot.waitUntil(lambda: server.get(right_half) is not None)
    clip = server.get(right_half)
    assert clip is not None
    (picture,) = clip.pictures
    assert (picture.width(), picture.height()) == (40, 48)
    blocks = pixels(picture)[12, 4::8].mean(axis=1) > 128
    assert blocks.tolist() == [True] * 5  # 31: the five low bits, on the right


def test_requests_are_served_in_order_within_the_budget(qtbot: QtBot, server: ClipServer, coded: VideoInfo) -> None:
    served: list[int] = []
    server.ready.connect(lambda one: served.append(one.frames[0]))
    server.set_requests([request(coded, start) for start in (30, 0, 10, 20)])
    qtbot.waitUntil(lambda: len(served) == 3)
    assert served == [30, 0, 10]
    server.set_requests([request(coded, start) for start in (0, 40)])
    qtbot.waitUntil(lambda: served[-1] == 40)
    assert server.cached_bytes <= 3 * _CLIP_BYTES
    assert server.get(request(coded, 30)) is None, "the least recently used clip is evicted first"
    assert server.get(request(coded, 0)) is not None
    assert served.count(0) == 1, "a cached clip is not decoded again"


def test_a_missing_file_is_reported(qtbot: QtBot, server: ClipServer, coded: VideoInfo, tmp_path: Path) -> None:
    gone = probe(write_coded_video(tmp_path / "gone.mp4", 12))
    gone.path.unlink()
    server.set_requests([request(gone, 0), request(coded, 0)])
    qtbot.waitUntil(lambda: server.get(request(coded, 0)) is not None)
    clip = server.get(request(gone, 0))
    assert clip is not None
    assert not clip.pictures
    assert "gone.mp4 does not exist" in clip.problem


def test_the_crop_contains_the_face_in_every_frame_and_keeps_the_aspect() -> None:
    tokens = np.full((30, 51), 0.2, np.float32)
    tokens[19] = 0.9
    center = np.stack([np.linspace(200, 260, 30), np.full(30, 180)], axis=1).astype(np.float32)
    analysis = make_analysis(FakeTrack(start=10, tokens=tokens, center=center, size=80.0))
    x, y, width, height = face_crop(analysis, (10, 40, 0), 1.5)
    assert width / height == pytest.approx(1.5, abs=0.02)
    assert x <= 160
    assert x + width >= 300
    assert y <= 140
    assert y + height >= 220
    assert representative_frames(analysis, (10, 40, 0)) == (10, 29, 39)
    close = make_analysis(FakeTrack(start=0, tokens=tokens, center=np.full((30, 2), 180, np.float32), size=340.0))
    assert face_crop(close, (0, 30, 0), 1.0) == (0, 0, 360, 360), "clamped to the frame"
    assert face_crop(close, (0, 30, 7), 1.0) == (0, 0, 640, 360), "unknown track: the whole frame"
    assert fit_size((0, 0, 640, 360), 100, 100) == (100, 56)


def test_long_windows_are_sampled_evenly() -> None:
    assert sampled_frames(5, 9, 10) == (5, 6, 7, 8)
    assert sampled_frames(0, 100, 48) == tuple(range(0, 100, 3))
