"""Batched embedding of the faces of a video; decoding is prefetched while a batch is computed."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Sequence
from itertools import islice

import numpy as np

from clipgen_engine.errors import ModelFileError, VideoError
from clipgen_engine.expression_tokens.backends import FaceEmbedder
from clipgen_engine.read_ahead import read_ahead
from clipgen_engine.types import FaceTrack, Float32Array, UInt8Array, VideoInfo
from clipgen_engine.video.decoding import FrameReader

FaceRow = tuple[int, int]  # index of the track, row within the track
_SLOW_S = 0.25  # above this time per face, timing a batch is not worthwhile


def embedded(
    embedder: FaceEmbedder,
    video: VideoInfo,
    tracks: Sequence[FaceTrack],
    rows: Iterable[FaceRow],
    cancel: threading.Event,
    depth: int,
) -> Generator[tuple[list[FaceRow], Float32Array], None, None]:
    """Yield the faces and tokens (B, D) of each batch, in the order of `rows`.

    Ends early once `cancel` is set. Close the generator to stop its thread.

    Args:
        rows: iterated in another thread, `depth` crops ahead; consecutive frames decode fastest.

    Raises:
        VideoError: the video can no longer be opened, or a frame can no longer be decoded.
        ModelFileError: not even a single crop fits into memory, or a token is non-finite.
    """
    with read_ahead(_crops(embedder, video, tracks, rows), cancel, depth) as crops:
        while batch := list(islice(crops, embedder.batch_size)):
            tokens = embedder.embed(np.stack([crop for _, crop in batch]))
            if not np.isfinite(tokens).all():
                raise ModelFileError("The checkpoint produces non-finite values", "Choose another checkpoint")
            yield [row for row, _ in batch], tokens


def _crops(
    embedder: FaceEmbedder, video: VideoInfo, tracks: Sequence[FaceTrack], rows: Iterable[FaceRow]
) -> Generator[tuple[FaceRow, UInt8Array], None, None]:
    last = None
    with FrameReader(video) as reader:
        for place, row in rows:
            frame = int(tracks[place].frame_index[row])
            if last is None or last.index != frame:  # faces of the same frame are usually consecutive
                last = reader.read(frame) if frame < video.frame_count else None
            if last is None:
                raise VideoError(f"{video.path.name} has changed since its analysis", "Analyse it again")
            yield (place, row), embedder.crop(last.pixels, tracks[place].box_xywh[row])


def seconds_per_face(embedder: FaceEmbedder) -> float:
    """Measure the time per face on this machine: with a single face, then with a batch if that is fast."""
    crop = embedder.crop(np.zeros((64, 64, 3), np.uint8), np.array([16, 16, 32, 32], np.float32))[np.newaxis]
    seconds = _timed(embedder, crop)
    if seconds > _SLOW_S:
        return seconds
    count = embedder.batch_size
    return min(_timed(embedder, np.repeat(crop, count, axis=0)) / count for _ in range(2))


def _timed(embedder: FaceEmbedder, crops: UInt8Array) -> float:
    begun = time.perf_counter()
    embedder.embed(crops)
    return time.perf_counter() - begun
