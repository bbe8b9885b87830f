"""Every clip format, from every kind of source, has exact frames, PTS and sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from clipgen_engine.clips.crop_path import CropPath, cropped_frames
from clipgen_engine.clips.formats import FORMATS
from clipgen_engine.clips.pictures import numbers
from clipgen_engine.clips.verification import psnr_db
from clipgen_engine.clips.writer import ClipJob, ClipOutcome, WrittenClip, clip_suffix, write_clip, write_clips
from clipgen_engine.declared_settings import declarations
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import ExportSettings
from clipgen_engine.video.decoding import decode, decode_raw
from clipgen_engine.video.index import probe
from tests.support.clips import QUICK, outcomes, shown
from tests.support.videos import KINDS, RATE, UNEVEN_PTS, coded_picture, write_coded_video

COUNT = 60
RATE_HZ = 44100
SOURCES: dict[str, dict[str, Any]] = {
    **{
        name: KINDS[name]
        for name in ("b_frames.mp4", "uneven.mp4", "stream.ts", "hevc.mp4", "open_gop.mp4", "turned_90.mp4")
    },
    "late.mkv": {"pts": [100 + number for number in range(COUNT)]},
    "labelled_120.mkv": {"pts": [4 * number for number in range(COUNT)], "time_base": Fraction(1, 120), "rate": 120},
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_hundred_random_windows_are_frame_exact(tmp_path: Path, name: str) -> None:
    video = probe(write_coded_video(tmp_path / name, COUNT, **SOURCES[name]))
    rng = np.random.default_rng(len(name))
    jobs = []
    for number in range(100):
        start = int(rng.integers(0, COUNT - 1))
        stop = int(rng.integers(start + 1, min(COUNT, start + 12) + 1))
        jobs.append(ClipJob(start, stop, tmp_path / "clips" / f"{number}.mp4"))
    reported = outcomes(video, jobs)
    for job in jobs:
        outcome = reported[job.path.name]
        assert isinstance(outcome, WrittenClip), outcome
        assert shown(job.path) == list(range(job.start_frame, job.stop_frame))
        assert outcome.frame_count == job.stop_frame - job.start_frame
    assert {path.name for path in (tmp_path / "clips").iterdir()} == reported.keys()


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty coded frames, rotated by 90 degrees, with two seconds of noise."""
    sound = np.random.default_rng(0).normal(0, 0.2, RATE_HZ * 2)
    smooth = np.convolve(sound, np.hanning(9) / 4, "same").astype(np.float32)
    path = tmp_path_factory.mktemp("noisy") / "source.mp4"
    return write_coded_video(path, COUNT, rotation_deg=90, sound=smooth)


CODECS = {
    **dict.fromkeys(("mp4", "mov", "mkv"), ("h264", "yuv420p", "aac")),
    "avi": ("mpeg4", "yuv420p", "pcm_s16le"),
    "webm": ("vp9", "yuv420p", "opus"),
    "ffv1": ("ffv1", "yuv420p", "flac"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_upright_frames_and_sound(noisy: Path, tmp_path: Path, name: str) -> None:
    settings = ExportSettings(clip_format=name, encoder_preset="ultrafast")
    path = tmp_path / f"clip{clip_suffix(settings)}"
    source = probe(noisy)
    written = write_clip(source, 17, 47, path, settings)
    assert shown(path) == list(range(17, 47))
    assert (written.frame_count, written.width_px, written.height_px) == (30, 160, 96)
    assert (written.attempts, written.frames_per_s) == (1, 30)
    assert (written.psnr_db is None) == (name in ("ffv1", "png"))
    assert written.psnr_db is None or min(written.psnr_db) > 40
    if path.is_dir():
        assert [file.name for file in sorted(path.iterdir())][::29] == [
            f"frame_000000{FORMATS[name].suffix}",
            f"frame_000029{FORMATS[name].suffix}",
        ]
        return
    clip = probe(path)
    np.testing.assert_allclose(clip.times_s, np.arange(30) / 30, atol=1e-3)
    with av.open(str(path)) as container:
        codecs = container.streams.video[0].codec.canonical_name, container.streams.audio[0].codec.canonical_name
    frame = next(frame for _, frame in decode_raw(clip, 0, 1))
    assert (codecs[0], frame.format.name, codecs[1]) == CODECS[name]
    assert written.sound_s == pytest.approx(1, abs=0.05)
    assert abs(sound_shift_s(noisy, path, 17 / RATE)) < 0.001


def sound_shift_s(source: Path, clip: Path, begin_s: float) -> float:
    """Delay of a clip's sound, measured by cross-correlation with the source."""
    reach, first, last = 500, 3000, 30000
    own, original = decoded_sound(clip), decoded_sound(source)
    begin = round(begin_s * RATE_HZ)
    match = [
        float(np.dot(own[first:last], original[begin + first + shift : begin + last + shift]))
        for shift in range(-reach, reach + 1)
    ]
    assert max(match) > 0.8 * float(np.dot(own[first:last], own[first:last]))
    return (reach - int(np.argmax(match))) / RATE_HZ


def decoded_sound(path: Path) -> NDArray[np.float32]:
    """Mono samples (N,) at 44,100 Hz from time 0."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE_HZ)
        frames = [part for frame in [*container.decode(audio=0), None] for part in resampler.resample(frame)]
    samples = np.zeros(sum(frame.samples for frame in frames) + 4096, np.float32)
    end = 0
    for frame in frames:
        first = round(float(frame.pts * frame.time_base) * RATE_HZ)
        if end and abs(first - end) < 0.01 * RATE_HZ:
            first = end  # Matroska rounds to milliseconds
        part = frame.to_ndarray()[0][max(0, -first) :]
        samples[max(0, first) : max(0, first) + len(part)] = part
        end = max(0, first) + len(part)
    return samples[:end]


@pytest.mark.parametrize("name", ["late.mkv", "stream.ts", "uneven.mp4"])
def test_sound_stays_in_sync_for_every_time_base(tmp_path: Path, name: str) -> None:
    sound = np.random.default_rng(1).normal(0, 0.2, RATE_HZ * 7)
    smooth = np.convolve(sound, np.hanning(9) / 4, "same").astype(np.float32)
    path = write_coded_video(tmp_path / name, COUNT, **SOURCES[name], sound=smooth)
    video = probe(path)
    write_clip(video, 12, 59, tmp_path / "clip.mp4", QUICK)
    begin_s = float(video.pts[12] * video.time_base)
    assert abs(sound_shift_s(path, tmp_path / "clip.mp4", begin_s)) < 0.002


def test_uneven_timestamps_are_preserved(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "s.mp4", COUNT, pts=UNEVEN_PTS, time_base=Fraction(1, 120)))
    write_clip(source, 20, 50, tmp_path / "clip.mp4", QUICK)
    expected = source.times_s[20:50] - source.times_s[20]
    np.testing.assert_allclose(probe(tmp_path / "clip.mp4").times_s, expected, atol=2e-4)


def test_constant_rate_repeats_and_drops_frames(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "s.mp4", COUNT, pts=UNEVEN_PTS, time_base=Fraction(1, 120)))
    write_clip(source, 20, 50, tmp_path / "clip.mp4", ExportSettings(fps=60, encoder_preset="ultrafast"))
    clip = probe(tmp_path / "clip.mp4")
    np.testing.assert_allclose(np.diff(clip.times_s), 1 / 60, atol=1e-4)
    begun = source.times_s[20:50] - source.times_s[20]
    expected = [20 + int(np.flatnonzero(begun < time_s + 1 / 120 - 1e-6)[-1]) for time_s in clip.times_s]
    assert shown(tmp_path / "clip.mp4") == expected


def test_no_sound_if_absent_or_disabled(noisy: Path, tmp_path: Path) -> None:
    silent = probe(write_coded_video(tmp_path / "source.mp4", 30))
    assert write_clip(silent, 0, 10, tmp_path / "clip.mp4", QUICK).sound_s is None
    off = ExportSettings(sound="off", encoder_preset="ultrafast")
    assert write_clip(probe(noisy), 0, 10, tmp_path / "clip.mp4", off).sound_s is None
    assert not probe(tmp_path / "clip.mp4").has_audio


PIXELS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gray", "bgr0"]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180])
@pytest.mark.parametrize("pix_fmt", PIXELS)
def test_ffv1_is_bit_exact(tmp_path: Path, pix_fmt: str, rotation_deg: int) -> None:
    size = (161, 97)
    path = tmp_path / "source.mkv"
    write_coded_video(path, 6, size=size, codec="ffv1", options={"g": "1"}, pix_fmt=pix_fmt, rotation_deg=rotation_deg)
    source = probe(path)
    write_clip(source, 1, 5, tmp_path / "clip.mkv", ExportSettings(clip_format="ffv1"))
    clip = probe(tmp_path / "clip.mkv")
    assert (clip.width_px, clip.height_px, clip.rotation_deg) == (*size, 0)
    for (_, own), (_, original) in zip(decode_raw(clip, 0, 4), decode_raw(source, 1, 5), strict=True):
        assert own.format.is_rgb or own.color_range == original.color_range
        for plane, expected in zip(numbers(own), numbers(original), strict=True):
            np.testing.assert_array_equal(plane, np.rot90(expected, -rotation_deg // 90))
    if not rotation_deg:  # chroma upsampling to RGB is asymmetric
        for own, original in zip(decode(clip), decode(source, 1, 5), strict=True):
            np.testing.assert_array_equal(own.pixels, original.pixels)


def test_png_images_equal_the_decoded_frames(tmp_path: Path) -> None:
    source = probe(
        write_coded_video(
            tmp_path / "source.mp4", 12, size=(161, 97), codec="libx264rgb", pix_fmt="rgb24", rotation_deg=270
        )
    )
    write_clip(source, 2, 7, tmp_path / "clip", ExportSettings(clip_format="png"))
    for file, original in zip(sorted((tmp_path / "clip").iterdir()), decode(source, 2, 7), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(file))[:, :, ::-1], original.pixels)


def test_odd_size_drops_the_last_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    write_coded_video(path, 12, size=(161, 97), codec="libx264rgb", options={"qp": "0"}, pix_fmt="rgb24")
    written = write_clip(probe(path), 2, 8, tmp_path / "clip.mp4", QUICK)
    assert (written.width_px, written.height_px) == (160, 96)
    assert shown(tmp_path / "clip.mp4") == list(range(2, 8))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv444p"])
@pytest.mark.parametrize("crop", [False, True])
def test_colour_range_and_matrix_are_preserved(tmp_path: Path, pix_fmt: str, crop: bool) -> None:
    path = labelled_video(tmp_path / "source.mp4", pix_fmt, 7)
    source = probe(path)
    where = CropPath(0, np.full((6, 2), 48.0), np.full(6, 64.0), np.zeros(6)) if crop else None
    settings = ExportSettings(size=64, crf=4)
    write_clip(source, 0, 6, tmp_path / "clip.mp4", settings, where)
    frame, original = (
        next(frame for _, frame in decode_raw(probe(name), 0, 1)) for name in (tmp_path / "clip.mp4", path)
    )
    assert (frame.color_range, frame.colorspace) == (original.color_range, 7)
    assert (frame.color_primaries, frame.color_trc) == (original.color_primaries, original.color_trc) == (6, 7)


def labelled_video(path: Path, pix_fmt: str, colorspace: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, pix_fmt
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = colorspace, 6, 7
        context.color_range = 2 if "j" in pix_fmt else 1
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(coded_picture(number), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


def test_implied_matrix_becomes_explicit_when_the_size_changes(tmp_path: Path) -> None:
    path = write_coded_video(tmp_path / "hd.mp4", 3, size=(160, 720))  # no matrix: BT.709 implied by height
    where = CropPath(0, np.full((3, 2), 64.0), np.full(3, 96.0), np.zeros(3))
    write_clip(probe(path), 0, 3, tmp_path / "clip.mp4", ExportSettings(size=96, crf=4), where)
    assert next(frame for _, frame in decode_raw(probe(tmp_path / "clip.mp4"), 0, 1)).colorspace == 1
    for own, (_, expected) in zip(
        decode(probe(tmp_path / "clip.mp4")), cropped_frames(probe(path), where, 96), strict=True
    ):
        assert psnr_db(own.pixels, expected) > 38


@pytest.mark.parametrize("name", ["mp4", "ffv1", "png"])
def test_written_crop_matches_the_crop_path(tmp_path: Path, name: str) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 20, size=(320, 192)))
    center = np.column_stack([np.linspace(60, 20, 10), np.linspace(90, 100, 10)])
    where = CropPath(5, center, np.full(10, 120.0), np.linspace(0, 12, 10))
    settings = ExportSettings(clip_format=name, size=97, encoder_preset="ultrafast")
    path = tmp_path / f"clip{clip_suffix(settings)}"
    written = write_clip(source, 5, 15, path, settings, where)
    size = 98 if name == "mp4" else 97
    assert (written.width_px, written.height_px) == (size, size)
    expected = [pixels for _, pixels in cropped_frames(source, where, size)]
    own = (
        [cv2.imread(str(file))[:, :, ::-1] for file in sorted(path.iterdir())]
        if path.is_dir()
        else [p.pixels for p in decode(probe(path))]
    )
    for one, other in zip(own, expected, strict=True):
        assert psnr_db(one, other) > 38 if name == "mp4" else np.array_equal(one, other)


@pytest.mark.parametrize("name", ["mp4", "mkv", "webm", "ffv1", "avi"])
def test_output_is_reproducible(noisy: Path, tmp_path: Path, name: str) -> None:
    settings = ExportSettings(clip_format=name, encoder_preset="ultrafast")
    first, second = (
        write_clip(probe(noisy), 3, 13, tmp_path / f"{number}{clip_suffix(settings)}", settings) for number in (1, 2)
    )
    assert first.sha256 == second.sha256


def test_overlaps_may_exceed_the_open_clip_limit(tmp_path: Path) -> None:
    source = probe(write_coded_video(tmp_path / "source.mp4", 40))
    jobs = [ClipJob(10, 30 + number % 2, tmp_path / "clips" / f"{number}.mp4") for number in range(9)]
    progress: list[tuple[int, int]] = []
    reported: list[ClipOutcome] = []
    write_clips(
        source,
        jobs,
        QUICK,
        on_clip=lambda job, outcome: reported.append(outcome),
        progress=lambda at: progress.append((at.done, at.total)),
    )
    assert all(isinstance(outcome, WrittenClip) for outcome in reported)
    assert all(shown(job.path) == list(range(job.start_frame, job.stop_frame)) for job in jobs)
    assert [done for done, _ in progress] == list(range(1, 9 * 20 + 4 + 1))
    assert {total for _, total in progress} == {9 * 20 + 4}


def test_psnr_of_identical_frames_is_finite(tmp_path: Path) -> None:
    grey = [np.full((96, 160), 80, np.uint8)] * 3
    path = tmp_path / "source.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "gray"
        for plane in grey:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(plane, format="gray")))
        container.mux(stream.encode())
    written = write_clip(probe(path), 0, 3, tmp_path / "clip", ExportSettings(clip_format="jpeg", crf=0))
    assert written.psnr_db == (100.0, 100.0, 100.0)


def test_formats_match_the_setting_choices() -> None:
    choices = next(setting.choices for setting in declarations(ExportSettings) if setting.name == "clip_format")
    assert choices == tuple(FORMATS)


@pytest.mark.parametrize("name", ["WolfgangLanger_Pexels.mp4", "d10.mp4", "face_noface.mov", "s20.mp4"])
def test_real_clips_are_frame_exact(real_clip: Any, tmp_path: Path, name: str) -> None:
    source = probe(real_clip(name))
    written = write_clip(source, 31, 51, tmp_path / "clip.mp4", ExportSettings())
    clip = [picture.pixels for picture in decode(probe(tmp_path / "clip.mp4"))]
    around = [picture.pixels for picture in decode(source, 28, 54)]
    assert len(clip) == 20
    own = [psnr_db(picture, around[number + 3]) for number, picture in enumerate(clip)]
    assert np.mean(own) > 40
    assert written.psnr_db is not None
    np.testing.assert_allclose(written.psnr_db, [own[0], own[9], own[19]], atol=1e-6)
    for number, picture in enumerate(clip):
        for step in (0, 1, 2, 4, 5, 6):
            if (
                psnr_db(around[number + step], around[number + 3]) < own[number]
            ):  # otherwise indistinguishable after encoding
                assert psnr_db(picture, around[number + step]) < own[number]
    write_clip(source, 31, 51, tmp_path / "clip.mkv", ExportSettings(clip_format="ffv1"))
    for number, picture in enumerate(decode(probe(tmp_path / "clip.mkv"))):
        np.testing.assert_array_equal(picture.pixels, around[number + 3])
