from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clipgen_engine.errors import VideoError
from clipgen_engine.video import decoding
from clipgen_engine.video.container import fingerprint
from clipgen_engine.video.decoding import FrameReader, analysis_size, decode
from clipgen_engine.video.index import probe
from tests.support.videos import COUNT, KINDS, UNEVEN_PTS, read_code, write_coded_video


@pytest.fixture(scope="module", params=KINDS)
def coded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coded_video(tmp_path_factory.mktemp("video") / request.param, COUNT, **KINDS[request.param])


def test_index_and_sequential_decode_agree(coded: Path) -> None:
    video = probe(coded)
    pictures = list(decode(video))
    assert video.frame_count == COUNT
    assert (video.width_px, video.height_px) == (160, 96)
    assert [picture.index for picture in pictures] == list(range(COUNT))
    assert [read_code(picture.pixels) for picture in pictures] == list(range(COUNT))


def test_random_access_is_frame_exact(coded: Path) -> None:
    wanted = [0, COUNT - 1, 30, 31, 30, 5, 4, 47, 12, 11, 13, 0]
    with FrameReader(probe(coded), picture_format="bgra") as reader:
        pictures = [reader.read(index) for index in wanted]
    assert [picture and read_code(picture.pixels) for picture in pictures] == wanted
    assert [picture and picture.index for picture in pictures] == wanted


def test_decode_is_limited_to_the_span(coded: Path) -> None:
    assert [picture.index for picture in decode(probe(coded), 17, 23)] == [17, 18, 19, 20, 21, 22]


def test_times_come_from_pts(tmp_path: Path) -> None:
    video = probe(write_coded_video(tmp_path / "v.mp4", COUNT, pts=UNEVEN_PTS, time_base=Fraction(1, 120)))
    expected = (np.array(UNEVEN_PTS) - UNEVEN_PTS[0]) / 120
    np.testing.assert_allclose(video.times_s, expected, atol=1e-4)


def test_max_side_limits_the_longer_side(tmp_path: Path) -> None:
    video = probe(write_coded_video(tmp_path / "v.mp4", 3, rotation_deg=90))
    assert next(decode(video, max_side=80)).pixels.shape == (48, 80, 3)
    assert analysis_size(160, 96, 1280) == (160, 96)


def test_reading_past_the_end_raises(tmp_path: Path) -> None:
    with FrameReader(probe(write_coded_video(tmp_path / "v.mp4", 3))) as reader, pytest.raises(IndexError):
        reader.read(3)


def test_discarded_packets_are_not_indexed(real_clip) -> None:
    video = probe(real_clip("no_face.mp4"))  # 98 packets, 3 of them marked discard
    assert video.frame_count == 95
    assert [picture.index for picture in decode(video)] == list(range(95))


def test_fingerprint_of_unreadable_file_raises(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone.mp4 cannot be read \(No such file or directory\)\. Check the path\."):
        fingerprint(tmp_path / "gone.mp4")


def test_fingerprint_depends_on_content_only(tmp_path: Path) -> None:
    first = write_coded_video(tmp_path / "a.mp4", 5)
    moved = tmp_path / "ünï 漢.mp4"
    moved.write_bytes(first.read_bytes())
    assert fingerprint(moved) == fingerprint(first)
    moved.write_bytes(first.read_bytes()[:-1] + b"x")
    assert fingerprint(moved) != fingerprint(first)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.mp4", b"no video at all\n" * 50, "is a text file, not a video"),
        ("noise.mp4", bytes(range(256)) * 40, "is not a readable video"),
        ("empty.mp4", b"", "is empty"),
        ("missing.mp4", None, "does not exist"),
    ],
)
def test_invalid_video_raises_a_one_line_error(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError, match=message) as caught:
        probe(path)
    assert "\n" not in str(caught.value)


def test_truncated_file_is_rejected(tmp_path: Path) -> None:
    whole = write_coded_video(tmp_path / "whole.mp4", COUNT)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(VideoError, match="cut off"):
        probe(cut)


def test_audio_only_file_is_rejected(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 8000)
    with pytest.raises(VideoError, match="no video stream"):
        probe(path)


def test_mid_stream_size_change_is_scaled_to_the_first_size(tmp_path: Path) -> None:
    parts = [write_coded_video(tmp_path / f"{width}.ts", 20, size=(width, width * 3 // 5)) for width in (160, 320)]
    joined = tmp_path / "joined.ts"
    with av.open(str(joined), "w") as output, av.open(str(parts[0])) as first, av.open(str(parts[1])) as second:
        stream = output.add_stream_from_template(first.streams.video[0])
        for offset, source in ((0, first), (90_000, second)):
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None and packet.pts is not None:
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
    pictures = list(decode(probe(joined)))
    assert {picture.pixels.shape for picture in pictures} == {(96, 160, 3)}
    assert [read_code(picture.pixels) for picture in pictures] == [*range(20), *range(20)]


def test_unreadable_packets_are_counted(tmp_path: Path) -> None:
    whole = write_coded_video(tmp_path / "whole.mp4", COUNT)
    assert probe(whole).lost_packets == 0
    with av.open(str(whole)) as container:
        packets = list(container.demux(container.streams.video[0]))
        cut = sorted(packet.pos for packet in packets if packet.size)[40]
    moved = tmp_path / "moved.mp4"  # index at the front, so truncation keeps it intact
    with av.open(str(whole)) as source, av.open(str(moved), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    moved.write_bytes(moved.read_bytes()[: cut + moved.stat().st_size - whole.stat().st_size])
    damaged = probe(moved)
    assert 0 < damaged.lost_packets < COUNT
    assert damaged.frame_count + damaged.lost_packets == COUNT


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_corrupt_bytes_lose_frames_or_raise_video_error(tmp_path: Path, suffix: str) -> None:
    whole = write_coded_video(tmp_path / f"whole{suffix}", COUNT, options={"g": "12", "bf": "2", "crf": "30"})
    content = np.frombuffer(whole.read_bytes(), np.uint8)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        damaged = content.copy()
        places = rng.integers(0, len(content), 1 + 3 * seed)
        damaged[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
        path = tmp_path / f"{seed}{suffix}"
        path.write_bytes(damaged.tobytes())
        try:
            video = probe(path)
        except VideoError:
            continue
        indices = [picture.index for picture in decode(video)]
        assert indices == sorted(set(indices))
        assert len(indices) <= video.frame_count


def test_reader_does_not_seek_without_a_keyframe_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[int] = []
    seek = decoding._OpenVideo.frames_up_to
    monkeypatch.setattr(
        decoding._OpenVideo, "frames_up_to", lambda self, start: (sought.append(start), seek(self, start))[1]
    )
    options = {"g": "60", "keyint_min": "60", "sc_threshold": "0", "bf": "2"}
    video = probe(write_coded_video(tmp_path / "sparse.mp4", 120, options=options))
    with FrameReader(video) as reader:
        for index in (0, 50, 100, 10):  # a keyframe is at 60
            picture = reader.read(index)
            assert picture is not None
            assert read_code(picture.pixels) == index
    assert sought == [0, 100, 10]
