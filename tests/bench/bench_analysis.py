"""Speed of the analysis compared with a naive loop, in the same run, on the repeated sample.

Run it alone on an idle machine: `python tests/bench/bench_analysis.py`.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import mediapipe as mp

import clipgen_engine
from clipgen_engine.faces.landmarker import FaceLandmarker
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.region import FaceRegion
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from tests.support.mediapipe_landmarker import video_landmarker

SAMPLE = Path(__file__).parents[2] / "resources" / "sample.mp4"
_REPEATED = 6  # three minutes of video
_ROUNDS = 3
_PLAIN, _ONE, _TWO = "plain loop (cv2 read, FaceLandmarker)", "clipgen, one worker", "clipgen, two workers"


def measure(rounds: int = _ROUNDS) -> dict[str, float]:
    """Frames per second, as the median of interleaved rounds, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        video = repeated(SAMPLE, Path(folder) / "long.mp4", _REPEATED)
        frames = probe(video).frame_count
        jobs: dict[str, Callable[[], object]] = {
            _PLAIN: lambda: plain_loop(video, landmarks=True),
            _ONE: lambda: clipgen_engine.analyze_video(video, AnalysisSettings(workers=1)),
            _TWO: lambda: clipgen_engine.analyze_video(video, AnalysisSettings(workers=2)),
            "clipgen, decode alone": lambda: sum(1 for _ in decode(probe(video))),
            "cv2, decode alone": lambda: plain_loop(video, landmarks=False),
        }
        wall, used_s = interleaved(jobs, rounds)
        landmark_s = _landmark_s_a_frame(video)
    rates = {f"{name}, frames/s": frames / seconds for name, seconds in wall.items()}
    return rates | {
        "clipgen, landmark alone, frames/s": 1 / landmark_s,
        "analysis speed / plain loop, one worker (bar: 0.95)": wall[_PLAIN] / wall[_ONE],
        "analysis speed / plain loop, two workers (bar: 1.75)": wall[_PLAIN] / wall[_TWO],
        "parallel efficiency, one to two workers (bar: 0.85)": wall[_ONE] / wall[_TWO] / 2,
        "processor seconds, plain loop / one worker": used_s[_PLAIN] / used_s[_ONE],
        "processor seconds, one worker / two workers": used_s[_ONE] / used_s[_TWO],
    }


def interleaved(jobs: Mapping[str, Callable[[], object]], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Wall and processor seconds of each job by name, as the medians of interleaved rounds."""
    walls: dict[str, list[float]] = {name: [] for name in jobs}
    processor: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            begun, used = time.perf_counter(), processor_s()
            job()
            walls[name].append(time.perf_counter() - begun)
            processor[name].append(processor_s() - used)
    wall, used_s = ({name: statistics.median(one) for name, one in all_.items()} for all_ in (walls, processor))
    return wall, used_s


def repeated(path: Path, target: Path, times: int) -> Path:
    """Concatenate a video with itself, without re-encoding."""
    with av.open(str(target), "w") as output:
        stream, offset = None, 0
        for _ in range(times):
            with av.open(str(path)) as source:
                video = source.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    output.mux(packet)
                assert video.duration is not None
                offset += video.duration
    return target


def processor_s() -> float:
    """CPU seconds of this process and of its terminated child processes."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def plain_loop(path: Path, *, landmarks: bool) -> None:
    capture = cv2.VideoCapture(str(path))
    with video_landmarker() as landmarker:
        number = 0
        while (read := capture.read())[0]:
            if landmarks:
                picture = cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
                landmarker.detect_for_video(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture), number * 33)
            number += 1
    capture.release()


def _landmark_s_a_frame(path: Path, count: int = 300) -> float:
    pictures = [picture.pixels for picture in decode(probe(path), 0, count)]
    landmarker = FaceLandmarker(load_face_model())
    height, width = pictures[0].shape[:2]
    region = FaceRegion(width / 2, height / 2, height, 0.0)
    begun = time.perf_counter()
    for pixels in pictures:
        found = landmarker.find(pixels, region)
        region = found.region if found else region
    return (time.perf_counter() - begun) / count


if __name__ == "__main__":
    for name, value in measure(int(sys.argv[1]) if len(sys.argv) > 1 else _ROUNDS).items():
        print(f"{name:<60} {value:10.3f}")
