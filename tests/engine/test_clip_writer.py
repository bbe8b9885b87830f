from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clipgen_engine.clip_writer import write_clip
from clipgen_engine.errors import OutputError, VideoError
from clipgen_engine.settings import ExportSettings
from clipgen_engine.video import decode, probe
from tests.engine.test_video import UNEVEN_PTS
from tests.videos import read_code, write_coded_video

RATE_HZ = 44100


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = float(((first.astype(float) - second.astype(float)) ** 2).mean())
    return 10 * np.log10(255**2 / error) if error else np.inf


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_a_clip_holds_exactly_its_frames_upright(tmp_path: Path, rotation_deg: int) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 60, rotation_deg=rotation_deg))
    write_clip(source, 17, 42, tmp_path / "clip.mp4", ExportSettings())
    clip = probe(tmp_path / "clip.mp4")
    assert [read_code(picture.pixels) for picture in decode(clip)] == list(range(17, 42))
    assert (clip.width_px, clip.height_px, clip.rotation_deg) == (160, 96, 0)
    assert clip.codec == "h264"
    assert clip.average_rate == 30
    for picture, original in zip(decode(clip), decode(source, 17, 42), strict=True):
        assert psnr(picture.pixels, original.pixels) > 35


def test_uneven_time_stamps_are_kept(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "s.mp4", 60, pts=UNEVEN_PTS, time_base=Fraction(1, 120)))
    write_clip(source, 20, 50, tmp_path / "clip.mp4", ExportSettings())
    expected = source.times_s[20:50] - source.times_s[20]
    np.testing.assert_allclose(probe(tmp_path / "clip.mp4").times_s, expected, atol=2e-4)


def test_an_odd_size_loses_its_last_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    write_coded_video(path, 12, size=(161, 97), codec="libx264rgb", options={"qp": "0"}, pix_fmt="rgb24")
    write_clip(probe(path), 2, 8, tmp_path / "clip.mp4", ExportSettings())
    clip = probe(tmp_path / "clip.mp4")
    assert (clip.width_px, clip.height_px) == (160, 96)
    assert [read_code(picture.pixels) for picture in decode(clip)] == list(range(2, 8))


def test_sound_is_cut_to_the_sample(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = np.convolve(rng.normal(0, 0.2, RATE_HZ * 2), np.hanning(9) / 4, "same").astype(np.float32)
    source = write_coded_video(tmp_path / "source.mp4", 60, sound=sound)
    write_clip(probe(source), 20, 50, tmp_path / "clip.mp4", ExportSettings())
    heard = decoded_sound(tmp_path / "clip.mp4")
    assert len(heard) == pytest.approx(RATE_HZ, abs=1024)
    original = decoded_sound(source)
    begin = round(20 / 30 * RATE_HZ)
    shifts = range(-400, 401)
    match = [float(np.dot(heard[2000:20000], original[begin + 2000 + n : begin + 20000 + n])) for n in shifts]
    assert abs(shifts[int(np.argmax(match))]) / RATE_HZ < 0.001


def decoded_sound(path: Path) -> np.ndarray:
    """Mono samples (N,) from time 0 on."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    samples = np.zeros(sum(frame.samples for frame in frames) + 4096, np.float32)
    end = 0
    for frame in frames:
        first = round(float(frame.pts * frame.time_base) * frame.sample_rate)
        part = frame.to_ndarray()[0][max(0, -first) :]
        samples[max(0, first) : max(0, first) + len(part)] = part
        end = max(0, first) + len(part)
    return samples[:end]


def test_a_video_without_sound_gives_a_clip_without(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 30))
    write_clip(source, 0, 10, tmp_path / "clip.mp4", ExportSettings())
    assert not probe(tmp_path / "clip.mp4").has_audio


def test_nothing_is_left_of_a_clip_that_fails(tmp_path: Path) -> None:
    path = write_coded_video(tmp_path / "source.mp4", 30)
    source = probe(path)
    write_coded_video(path, 12)  # the file loses its tail behind our back
    out = tmp_path / "out"
    with pytest.raises(VideoError, match="changed since the analysis"):
        write_clip(source, 5, 25, out / "clip.mp4", ExportSettings())
    assert list(out.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 30))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not be written to"):
        write_clip(source, 0, 10, tmp_path / "file" / "clip.mp4", ExportSettings())


@pytest.mark.parametrize("name", ["WolfgangLanger_Pexels.mp4", "d10.mp4", "face_noface.mov", "s32.mp4"])
def test_real_clips_are_cut_exactly(real_clip, tmp_path: Path, name: str) -> None:
    source = probe(real_clip(name))
    write_clip(source, 31, 61, tmp_path / "clip.mp4", ExportSettings())
    clip = [picture.pixels for picture in decode(probe(tmp_path / "clip.mp4"))]
    around = [picture.pixels for picture in decode(source, 30, 62)]
    assert len(clip) == 30
    for number, picture in enumerate(clip):
        before, own, after = (psnr(picture, around[number + step]) for step in range(3))
        assert own > 35
        for neighbour, pixels in ((before, around[number]), (after, around[number + 2])):
            if not np.array_equal(pixels, around[number + 1]):
                assert own > neighbour
