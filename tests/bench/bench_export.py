"""Speed of the export compared with ffmpeg cutting the same windows one by one, and its memory use.

Both use the same codec settings. ffmpeg is found on the PATH or in the package imageio-ffmpeg. clipgen's time includes
the verification, which decodes every clip.
"""

from __future__ import annotations

import importlib
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from clipgen_engine.clips.writer import ClipJob, ClipOutcome, WrittenClip, write_clips
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.index import probe
from tests.bench.bench_analysis import SAMPLE, repeated
from tests.bench.memory import peak_mb

_MINUTES = 5
_WINDOWS = 20
_LENGTH = 30
_ROUNDS = 3
_RATE_HZ = 48000
_SETTINGS = ExportSettings()


def measure(rounds: int = _ROUNDS) -> dict[str, float]:
    """Seconds for twenty windows, as the median of interleaved rounds; their ratio; peak memory of fresh processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = probe(five_minutes(folder))
        jobs = windows(video, _WINDOWS, folder / "clips")
        ways: dict[str, Callable[[], None]] = {"clipgen": lambda: export(video, jobs)}
        ffmpeg = find_ffmpeg()
        if ffmpeg is None:
            print("  ffmpeg not found: no comparison", flush=True)
        else:
            ways["ffmpeg"] = lambda: cut_one_by_one(ffmpeg, video, jobs, folder / "cuts")
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, work in ways.items():
                begun = time.perf_counter()
                work()
                seconds[way].append(time.perf_counter() - begun)
        taken = {way: statistics.median(values) for way, values in seconds.items()}
        figures = {f"{way}, {_WINDOWS} windows of {_LENGTH} frames, s": value for way, value in taken.items()}
        if ffmpeg is not None:
            figures["export speed / ffmpeg one by one (bar: 1.0)"] = taken["ffmpeg"] / taken["clipgen"]
        peaks = {count: _peak_of_fresh_mb(video, count, folder / "memory") for count in (_WINDOWS, 5 * _WINDOWS)}
        figures |= {f"peak memory of {count} windows, MB": peak for count, peak in peaks.items()}
        figures[f"peak memory, {5 * _WINDOWS} windows / {_WINDOWS}"] = peaks[5 * _WINDOWS] / peaks[_WINDOWS]
        return figures


def find_ffmpeg() -> str | None:
    """Path of an ffmpeg executable; None if there is none."""
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        return on_path
    try:
        found: str = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None
    return found


def five_minutes(folder: Path) -> Path:
    """The repeated sample, with noise as sound."""
    sample_s = probe(SAMPLE).duration_s
    silent = repeated(SAMPLE, folder / "silent.mp4", round(_MINUTES * 60 / sample_s + 0.5))
    path = folder / "five_minutes.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(silent)) as source, av.open(str(path), "w") as output:
        pictures = source.streams.video[0]
        stream = output.add_stream_from_template(pictures)
        sound = output.add_stream("aac", rate=_RATE_HZ, layout="stereo")
        heard = 0
        for packet in source.demux(pictures):
            if packet.dts is None or packet.pts is None:
                continue
            while packet.time_base is not None and heard < packet.pts * packet.time_base * _RATE_HZ:
                block = rng.normal(0, 0.1, (2, _RATE_HZ)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
                frame.sample_rate, frame.pts, frame.time_base = _RATE_HZ, heard, Fraction(1, _RATE_HZ)
                output.mux(sound.encode(frame))
                heard += _RATE_HZ
            packet.stream = stream
            output.mux(packet)
        output.mux(sound.encode())
    return path


def windows(video: VideoInfo, count: int, folder: Path) -> list[ClipJob]:
    """Non-overlapping windows at random positions."""
    slots = np.sort(np.random.default_rng(1).choice(video.frame_count // _LENGTH - 1, count, replace=False))
    return [
        ClipJob(int(slot) * _LENGTH + 7, int(slot) * _LENGTH + 7 + _LENGTH, folder / f"{number:03d}.mp4")
        for number, slot in enumerate(slots)
    ]


def export(video: VideoInfo, jobs: list[ClipJob]) -> None:
    def written(job: ClipJob, outcome: ClipOutcome) -> None:
        assert isinstance(outcome, WrittenClip), outcome

    write_clips(video, jobs, _SETTINGS, on_clip=written)


def cut_one_by_one(ffmpeg: str, video: VideoInfo, jobs: list[ClipJob], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for job in jobs:
        start_s, length_s = video.times_s[job.start_frame], _LENGTH * video.frame_duration_s
        subprocess.run(
            [
                *(ffmpeg, "-v", "error", "-y", "-ss", f"{start_s:.6f}", "-i", str(video.path), "-t", f"{length_s:.6f}"),
                *("-c:v", "libx264", "-crf", str(_SETTINGS.crf), "-preset", _SETTINGS.encoder_preset),
                *("-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", str(folder / job.path.name)),
            ],
            check=True,
        )


def _peak_of_fresh_mb(video: VideoInfo, count: int, folder: Path) -> float:
    """Peak resident memory of a fresh process that exports this many windows."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_export_and_measure, (video.path, count, folder))


def _export_and_measure(path: Path, count: int, folder: Path) -> float:
    video = probe(path)
    export(video, windows(video, count, folder))
    return peak_mb()


if __name__ == "__main__":
    for name, value in measure(int(sys.argv[1]) if len(sys.argv) > 1 else _ROUNDS).items():
        print(f"{name:<60} {value:10.3f}")
