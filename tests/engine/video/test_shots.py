"""Hard cuts: no misses, no false positives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from clipgen_engine.video.decoding import DecodedFrame, PictureConverter
from clipgen_engine.video.index import probe
from clipgen_engine.video.shots import tag_shots
from tests.support import composed
from tests.support.paths import SAMPLE

SIZE = (320, 240)
WITHOUT_CUT = ("d10.mp4", "d19.mp4", "d20.mp4", "s20.mp4", "s32.mp4", "single_face.mp4", "WolfgangLanger_Pexels.mp4")


def shot_starts(pictures: Iterable[composed.Picture]) -> list[int]:
    converter = PictureConverter(probe(SAMPLE), None, "rgb24")  # not used
    frames = (VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p") for pixels in pictures)
    tagged = tag_shots(DecodedFrame(index, frame, converter) for index, frame in enumerate(frames))
    return [frame.index for frame, starts in tagged if starts]


def test_every_join_is_detected(real_clip: Any, tmp_path: Path) -> None:
    stretches = []
    for name in WITHOUT_CUT[:6]:
        frames = composed.frames_of(real_clip(name), 0, 60)
        stretches += [[composed.fitted(picture, *SIZE) for picture in frames[start : start + 12]] for start in (0, 40)]
    order = np.random.default_rng(1).permutation(len(stretches)).tolist()
    chosen = [stretches[number] for number in order + order]
    chosen = [a for a, b in zip(chosen, [None, *chosen], strict=False) if a is not b]
    # join only stretches that differ visibly
    joined = [chosen[0]]
    for stretch in chosen[1:]:
        if np.abs(stretch[0].astype(int) - joined[-1][-1]).mean() > 25:
            joined.append(stretch)
    truth = np.cumsum([0, *(len(stretch) for stretch in joined)])[:-1].tolist()
    assert len(truth) > 20
    path = composed.write_video(tmp_path / "joined.mp4", [picture for stretch in joined for picture in stretch])
    assert shot_starts(composed.frames_of(path)) == truth


@pytest.mark.parametrize("name", WITHOUT_CUT)
def test_no_false_cuts(real_clip: Any, name: str) -> None:
    assert shot_starts(composed.frames_of(real_clip(name), max_side=640)) == [0]


@pytest.mark.parametrize("crossing_frames", [6, 10, 16])
def test_fast_hand_in_front_of_the_camera_is_not_a_cut(crossing_frames: int) -> None:
    pictures = composed.frames_of(SAMPLE, 0, 50)
    height, width = pictures[0].shape[:2]
    hand = np.full((height, width // 2, 3), (196, 148, 122), np.uint8)
    hand[::7] = (176, 128, 104)
    for number in range(crossing_frames):
        left = round(-hand.shape[1] + (width + hand.shape[1]) * (number + 0.5) / crossing_frames)
        pictures[20 + number] = composed.pasted(pictures[20 + number], hand, left, 0)
    assert shot_starts(pictures) == [0]
