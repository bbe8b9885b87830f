"""Write clips of coded videos and read them back."""

from __future__ import annotations

from pathlib import Path

from clipgen_engine.clips.writer import ClipJob, ClipOutcome, write_clips
from clipgen_engine.opencv import cv2
from clipgen_engine.settings import ExportSettings
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe
from tests.support.videos import read_code

QUICK = ExportSettings(encoder_preset="ultrafast")


def outcomes(video: VideoInfo, jobs: list[ClipJob], settings: ExportSettings = QUICK) -> dict[str, ClipOutcome]:
    """Write clips and return their outcomes by clip name."""
    reported: dict[str, ClipOutcome] = {}

    def note(job: ClipJob, outcome: ClipOutcome) -> None:
        assert job.path.name not in reported
        reported[job.path.name] = outcome

    write_clips(video, jobs, settings, on_clip=note)
    return reported


def shown(path: Path) -> list[int]:
    """The number coded in each frame of a clip."""
    if path.is_dir():
        return [read_code(cv2.imread(str(file))) for file in sorted(path.iterdir())]
    return [read_code(picture.pixels) for picture in decode(probe(path))]
