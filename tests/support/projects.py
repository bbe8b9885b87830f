"""Projects of many analysed videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.projects.store import Project
from clipgen_engine.types import Analysis
from clipgen_engine.video.container import fingerprint
from clipgen_engine.video.index import probe


def copies(folder: Path, video: Path, count: int) -> Iterator[Path]:
    """Write files with the same frames and different fingerprints."""
    folder.mkdir(exist_ok=True)
    content = video.read_bytes()
    for number in range(count):
        path = folder / f"video {number:0{len(str(count - 1))}}.mp4"
        path.write_bytes(content + b"\x00\x00\x00\x10free" + number.to_bytes(8, "big"))  # an empty box
        yield path


def varied(analysis: Analysis, number: int) -> Analysis:
    """The analysis with weaker expressions at other times, so that the windows of copies differ."""

    def changed(values: np.ndarray) -> np.ndarray:
        return np.roll(values, 7 * number, axis=0) * np.float32(0.5 + 0.5 / (1 + number % 5))

    return replace(
        analysis,
        tracks=tuple(replace(track, blendshapes=changed(track.blendshapes)) for track in analysis.tracks),
        tokens=tuple(replace(tokens, values=changed(tokens.values)) for tokens in analysis.tokens),
    )


def make_project(folder: Path, video: Path, analysis: Analysis, count: int, kinds: int | None = None) -> list[Path]:
    """Make `work.clipgen` with copies of a video and `cache` with an analysis of each.

    Args:
        kinds: how many analyses differ; None: all.
    """
    paths = list(copies(folder / "videos", video, count))
    info, cache = probe(video), AnalysisCache(folder / "cache")
    with Project(folder / "work.clipgen") as project:
        for number, (path, stored) in enumerate(zip(paths, project.add_videos(paths), strict=True)):
            different = varied(analysis, number % (kinds or count))
            own = replace(different, video=replace(info, path=path, fingerprint=fingerprint(path)))
            cache.store(own)
            project.identify(stored.video_id, own.video.fingerprint)
            project.describe_video(
                stored.video_id,
                state="done",
                window_count=1,
                duration_s=info.duration_s,
                analysis=cache.name_of(own),
            )
    return paths
