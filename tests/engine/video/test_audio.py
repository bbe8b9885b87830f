"""Sound is in sync at every speed, with constant pitch and exact length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clipgen_engine.errors import VideoError
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.audio import sound_between
from clipgen_engine.video.index import probe
from tests.support.videos import RATE, tone_bursts, write_coded_video

OUT = 48_000
SECONDS = 4
BURSTS = (1.0, 2.0, 3.0)  # start times (s) of 0.1 s bursts at 440 Hz


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    path = tmp_path_factory.mktemp("sound") / "bursts.mp4"
    return probe(write_coded_video(path, SECONDS * RATE, sound=tone_bursts(SECONDS, BURSTS)))


def heard(video: VideoInfo, start_s: float, stop_s: float, speed: float) -> NDArray[np.float32]:
    blocks = list(sound_between(video, start_s, stop_s, speed, OUT))
    assert all(block.dtype == np.float32 and block.shape[1] == 2 for block in blocks)
    samples = np.concatenate(blocks)
    assert len(samples) == round((stop_s - start_s) / speed * OUT)
    return samples[:, 0]


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0])
def test_stretched_burst_stays_in_sync_and_keeps_its_pitch(video: VideoInfo, speed: float) -> None:
    start_s = 0.5
    samples = heard(video, start_s, SECONDS, speed)
    energy = samples.astype(np.float64) ** 2
    for burst in BURSTS:
        first, last = (int((burst - start_s + shift) / speed * OUT) for shift in (-0.2, 0.3))
        middle = np.average(np.arange(first, last), weights=energy[first:last]) / OUT
        # tolerance from the 50 ms stretching window
        assert middle == pytest.approx((burst + 0.05 - start_s) / speed, abs=0.001 + 0.013 / speed)
        tone = samples[round(middle * OUT) - 1200 : round(middle * OUT) + 1200]
        spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), OUT))
        assert spectrum.argmax() == pytest.approx(440, abs=6)


def test_span_is_sample_exact(video: VideoInfo) -> None:
    whole = heard(video, 0.0, SECONDS, 1.0)
    part = heard(video, 1.013, 2.09, 1.0)
    first = round(1.013 * OUT)
    np.testing.assert_allclose(part, whole[first : first + len(part)], atol=0.02)
    assert np.abs(part).max() > 0.3


def test_missing_sound_becomes_silence(video: VideoInfo, tmp_path: Path) -> None:
    silent = probe(write_coded_video(tmp_path / "silent.mp4", 12))
    assert not heard(silent, 0.0, 0.4, 0.5).any()
    # The video may continue after the sound ends and start before it begins.
    assert not heard(video, SECONDS + 0.5, SECONDS + 1.0, 1.0).any()
    late = replace(video, start_pts=video.start_pts - round(0.5 / video.time_base))
    samples = heard(late, 0.0, 2.0, 1.0)
    begin = np.flatnonzero(np.abs(samples) > 0.1)[0] / OUT
    assert begin == pytest.approx(1.5, abs=0.01)


def test_damaged_file_yields_silence_and_missing_file_raises(video: VideoInfo, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    data = bytearray(video.path.read_bytes())
    data[len(data) // 3 : 2 * len(data) // 3] = bytes(len(data) // 3)
    path.write_bytes(data)
    heard(replace(video, path=path), 0.0, SECONDS, 1.0)
    path.unlink()
    with pytest.raises(VideoError, match="does not exist"):
        next(sound_between(replace(video, path=path), 0.0, 1.0, 1.0, OUT))
