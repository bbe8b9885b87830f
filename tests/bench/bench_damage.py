"""Clips with corrupted bytes: each must be analysed with missing frames or rejected with a VideoError, in bounded time.

Not part of `make bench`; run `python -m tests.bench.bench_damage [COPIES]`.
"""

from __future__ import annotations

import faulthandler
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import clipgen_engine
from clipgen_engine.errors import VideoError
from clipgen_engine.settings import AnalysisSettings
from tests.support import composed

SAMPLE = Path(__file__).parents[2] / "resources" / "sample.mp4"
_COPIES = 200
_LIMIT_S = 60


def measure(copies: int = _COPIES) -> dict[str, float]:
    """Number of copies by outcome, and the longest run time; other errors raise, a hang aborts the program."""
    ends: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        pictures = [composed.fitted(picture, 320, 180) for picture in composed.frames_of(SAMPLE, 540, 600)]
        options = {"g": "15", "bf": "2", "crf": "26"}
        whole = [
            composed.write_video(Path(folder) / f"whole{suffix}", pictures, options=options)
            for suffix in (".mp4", ".mkv", ".ts")
        ]
        for copy in range(copies):
            rng = np.random.default_rng(copy)
            source = whole[copy % len(whole)]
            content = np.frombuffer(source.read_bytes(), np.uint8).copy()
            places = rng.integers(0, len(content), 1 + copy % 50)
            content[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
            path = Path(folder) / f"copy{source.suffix}"
            path.write_bytes(content.tobytes())
            begun = time.monotonic()
            faulthandler.dump_traceback_later(_LIMIT_S, exit=True)
            try:
                analysis = clipgen_engine.analyze_video(path, AnalysisSettings(workers=1))
            except VideoError:  # a worker crash raises a different error
                ends["rejected with an error message"] += 1
            else:
                missing = analysis.undecodable_frames + analysis.video.lost_packets
                ends["analysed, frames missing" if missing else "analysed, no missing frames detected"] += 1
                assert all(np.isfinite(track.blendshapes).all() for track in analysis.tracks), f"copy {copy}"
            finally:
                faulthandler.cancel_dump_traceback_later()
            longest = max(longest, time.monotonic() - begun)
    return {**ends, "longest, s": longest}


if __name__ == "__main__":
    for name, value in measure(int(sys.argv[1]) if len(sys.argv) > 1 else _COPIES).items():
        print(f"{name:<60} {value:10.3f}")
