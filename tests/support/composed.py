"""Composites of other clips, with per-frame ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from clipgen_engine.opencv import cv2
from clipgen_engine.video.decoding import decode
from clipgen_engine.video.index import probe

Picture = NDArray[np.uint8]
RATE = 30


def frames_of(path: Path, start: int = 0, stop: int | None = None, *, max_side: int | None = None) -> list[Picture]:
    """RGB frames (H, W, 3) of a span of a video."""
    return [picture.pixels for picture in decode(probe(path), start, stop, max_side=max_side)]


def write_video(
    path: Path,
    pictures: Iterable[Picture],
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, RATE),
    rotation_deg: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB frames as H.264.

    Args:
        pts: of each frame, in `time_base`; default 0, 1, 2, ...
        rotation_deg: clockwise display rotation; frames are stored counter-rotated.
    """
    turns = rotation_deg // 90
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=options or {"crf": "14", "preset": "veryfast"})
        stream.codec_context.time_base = time_base
        stream.pix_fmt = "yuv420p"
        if rotation_deg:
            stream.set_display_rotation(-rotation_deg)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.rot90(picture, turns)), format="rgb24")
            if number == 0:
                stream.width, stream.height = frame.width, frame.height
            frame.pts, frame.time_base = (number if pts is None else pts[number]), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def fitted(picture: Picture, width: int, height: int) -> Picture:
    """Scale and centre-crop an image to a size."""
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def pasted(canvas: Picture, picture: Picture, left: int, top: int) -> Picture:
    """Paste an image onto a canvas, clipped at the edges."""
    result = canvas.copy()
    height, width = canvas.shape[:2]
    rows = slice(max(0, top), max(0, min(height, top + picture.shape[0])))
    columns = slice(max(0, left), max(0, min(width, left + picture.shape[1])))
    if rows.stop > rows.start and columns.stop > columns.start:
        result[rows, columns] = picture[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return result


def there_and_back(pictures: Sequence[Picture], count: int) -> Iterator[Picture]:
    """Yield `count` frames, playing forwards and backwards in a seamless loop."""
    period = max(1, 2 * (len(pictures) - 1))
    for number in range(count):
        place = number % period
        yield pictures[min(place, period - place)]


def background(width: int, height: int, seed: int = 0) -> Picture:
    """A smooth image without a face."""
    noise = np.random.default_rng(seed).integers(60, 180, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
