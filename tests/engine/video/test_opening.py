"""Only the named file is opened: playlists, protocol-like names and claimed sizes are not trusted."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clipgen_engine.clips.sound import clip_sound
from clipgen_engine.errors import VideoError
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.audio import sound_between
from clipgen_engine.video.container import open_container
from clipgen_engine.video.decoding import FrameReader, decode, glance
from clipgen_engine.video.index import picture_size, probe
from tests.support.command_line import engine
from tests.support.videos import read_code, write_coded_video

COUNT = 12
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:full:2011">'
    "<Period><AdaptationSet><Representation><BaseURL>{other}</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2.4,\n{other}\n#EXT-X-ENDLIST\n",
    "list.mp4": "ffconcat version 1.0\nfile '{other}'\n",
    "bom.mp4": "\ufeff#EXTM3U\n#EXTINF:2.4,\n{other}\n",
    "upper.mov": "#EXTM3U\r\n#EXTINF:1,\r\n{other}\r\n",
    "session.mp4": SDP,
    "manifest.mpd": MPD,
    "manifest.mp4": MPD,
    "stations.mp4": "[playlist]\nFile1={other}\n",
    "reference.mov": "RTSPtext\nrtsp://127.0.0.1/{other}\n",
    "shows.asx": '<asx version="3.0"><entry><ref href="{other}"/></entry></asx>',
    "shows.smil": '<smil><body><video src="{other}"/></body></smil>',
}
# Playlists after binary data that FFmpeg still detects.
DISGUISED = {"hidden.mp4": b"\0\1\2\3" + SDP.encode(), "hidden.mpd": b"\0\0<MPD dash:profile " + MPD.encode()}
NAMES = (
    "2024-05-01T12:30:00.mp4",
    "12:30 interview.mp4",
    "file:x.mp4",
    "http:x.mp4",
    "http://127.0.0.1:9",
    "pipe:0",
    "data:x.mp4",
    "concat:a|b.mp4",
    "crypto:x.mp4",
    "subfile,,start,0,end,9,,:x.mp4",
    "%03d.mp4",
    "-i.mp4",
)


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound = np.sin(np.arange(44100) / 20).astype(np.float32)
    return write_coded_video(tmp_path_factory.mktemp("coded") / "coded.mp4", COUNT, sound=sound)


@pytest.fixture
def bait(tmp_path: Path) -> Iterator[Path]:
    """A named pipe that detects being opened for reading."""
    path = tmp_path / "other.ts"
    os.mkfifo(path)
    opened = threading.Event()

    def watch() -> None:
        with path.open("wb"):
            opened.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield path
    caught = opened.wait(0.2)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb"):
        watcher.join(5)
    assert not caught, "a file listed in the playlist was opened"


@pytest.mark.parametrize("name", [*PLAYLISTS, *DISGUISED])
def test_playlists_are_rejected(tmp_path: Path, bait: Path, name: str) -> None:
    path = tmp_path / name
    content = PLAYLISTS[name].replace("{other}", bait.name).encode() if name in PLAYLISTS else DISGUISED[name]
    path.write_bytes(content.replace(b"{other}", bait.name.encode()))
    for read in (probe, open_container, picture_size, lambda path: glance(path, 64)):
        with pytest.raises(VideoError, match=r"is a playlist|is a text file|is not a readable video"):
            read(path)


def test_command_line_reports_a_playlist_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "list.m3u8").write_text(PLAYLISTS["list.m3u8"])
    done = engine("--video_path", "list.m3u8", "--output_dir", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "clipgen-engine: list.m3u8 is a playlist, not a video file. Open the files that it lists.\n"


@pytest.mark.parametrize("name", NAMES)
def test_file_names_are_never_parsed_as_protocols(
    tmp_path: Path, coded: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Relative paths, as on a command line."""
    if "//" in name:
        (tmp_path / name).parent.mkdir(parents=True)
    shutil.copy(coded, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", None)
    video = probe(Path(name))
    assert video.frame_count == COUNT
    with FrameReader(video) as reader:
        picture = reader.read(7)
        assert picture is not None
        assert read_code(picture.pixels) == 7
    assert sum(len(samples) for samples in sound_between(video, 0, 0.2, 1.0, 8000)) == 1600
    assert list(clip_sound(video, Fraction(0), Fraction(1, 5)))


def test_protocol_prefix_does_not_open_another_file(
    tmp_path: Path, coded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`file:x.mp4` must not resolve to a neighbouring `x.mp4`."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(coded, tmp_path / "file:x.mp4")
    write_coded_video(tmp_path / "x.mp4", 5)
    assert probe("file:x.mp4").frame_count == COUNT
    (tmp_path / "file:x.mp4").unlink()
    with pytest.raises(VideoError, match="does not exist"):
        probe("file:x.mp4")


def test_pipes_devices_folders_and_broken_links_are_rejected(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for path, message in {
        tmp_path / "pipe.mp4": "is a pipe or a device",
        Path("/dev/zero"): "is a pipe or a device",
        tmp_path: "is a folder",
        tmp_path / "link.mp4": "is a link to a file that does not exist",
        tmp_path / "loop.mp4": "cannot be read",
        tmp_path / ("x" * 300): "cannot be read",
    }.items():
        with pytest.raises(VideoError, match=message):
            probe(path)


# Limits


def resized(path: Path, width: int, height: int) -> Path:
    """Patch the frame size in the track header and sample entry."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = struct.pack(">HH", width, height)
    header = data.index(b"tkhd") + 4
    data[header + 76 : header + 84] = struct.pack(">II", width << 16, height << 16)
    path.write_bytes(data)
    return path


def test_huge_size_in_the_header_is_ignored(tmp_path: Path, coded: Path) -> None:
    path = resized(Path(shutil.copy(coded, tmp_path / "huge.mp4")), 30000, 30000)
    video = probe(path)
    assert (video.width_px, video.height_px) == (160, 96), "size must come from the decoder"
    assert [read_code(picture.pixels) for picture in decode(video)] == list(range(COUNT))


def test_huge_frames_are_rejected(tmp_path: Path) -> None:
    """The PPM header alone determines the size."""
    path = tmp_path / "huge.ppm"
    path.write_bytes(b"P6\n30000 30000\n255\n" + bytes(1 << 16))
    with pytest.raises(VideoError, match=r"too large to decode|cannot be decoded|but no frames"):
        probe(path)


def test_hundreds_of_streams_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "many.ts"
    path.write_bytes(transport_stream(range(0x100, 0x100 + 500)))
    with pytest.raises(VideoError, match=r"has \d+ streams, more than 128|is not a video|no video stream"):
        probe(path)


def transport_stream(pids: range) -> bytes:
    """MPEG-TS tables declaring one empty H.264 stream per PID."""
    packets = [_section(0, b"\x00\x01\xe0\x20")]
    # a program map holds about 200 streams, so use several programs
    programs = [list(pids)[start : start + 180] for start in range(0, len(pids), 180)]
    pat = b"".join(struct.pack(">HH", number + 1, 0xE000 | (0x20 + number)) for number in range(len(programs)))
    packets = [_section(0, pat, table=0, pid=0)]
    for number, members in enumerate(programs):
        body = struct.pack(">HH", 0xE000 | members[0], 0xF000)
        body += b"".join(struct.pack(">BHH", 0x1B, 0xE000 | pid, 0xF000) for pid in members)
        packets.append(_section(number + 1, body, table=2, pid=0x20 + number))
    return b"".join(packets) * 5


def _section(identifier: int, body: bytes, table: int = 0, pid: int = 0) -> bytes:
    section = struct.pack(">BHHBBB", table, 0xB000 | (len(body) + 9), identifier, 0xC1, 0, 0) + body
    section += struct.pack(">I", _crc(section))
    payload = b"\0" + section
    packets = []
    for counter, start in enumerate(range(0, len(payload), 184)):
        first = 0x40 if start == 0 else 0
        chunk = payload[start : start + 184]
        packets.append(
            struct.pack(">BBBB", 0x47, first | pid >> 8, pid & 255, 0x10 | counter & 15) + chunk.ljust(184, b"\xff")
        )
    return b"".join(packets)


def _crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
    return crc


def test_playlist_sound_is_not_opened(tmp_path: Path, coded: Path, bait: Path) -> None:
    """The video is replaced by a playlist after analysis."""
    path = Path(shutil.copy(coded, tmp_path / "video.mp4"))
    video: VideoInfo = probe(path)
    path.write_text(PLAYLISTS["list.mp4"].replace("{other}", bait.name))
    with pytest.raises(VideoError, match="is a playlist"):
        list(sound_between(video, 0, 0.2, 1.0, 8000))
    with pytest.raises(VideoError, match="is a playlist"):
        list(clip_sound(video, Fraction(0), Fraction(1, 5)))


def test_too_many_frames_are_rejected(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipgen_engine.video.index._MAX_FRAMES", COUNT - 1)
    with pytest.raises(VideoError, match=r"coded\.mp4 has more than 11 frames"):
        probe(coded)
    monkeypatch.setattr("clipgen_engine.video.index._MAX_FRAMES", COUNT)
    assert probe(coded).frame_count == COUNT


def test_implausible_frame_rate_is_replaced_by_the_measured_one(tmp_path: Path) -> None:
    """Declared as 60,000 frames per second, with timestamps at 30."""
    video = probe(
        write_coded_video(
            tmp_path / "fast.mkv",
            COUNT,
            rate=60_000,
            pts=[1000 * n // 30 for n in range(COUNT)],
            time_base=Fraction(1, 1000),
        )
    )
    assert 25 <= video.average_rate <= 1000
    assert video.frame_count == COUNT
