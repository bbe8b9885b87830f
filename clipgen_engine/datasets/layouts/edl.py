"""Cut lists for editors: a CMX 3600 EDL a source. Its events stand in the order of the source, on end from 01:00:00:00.

Timecode counts frames of one of the usual rates, and an EDL has one rate. The rate here is the usual one nearest to the
source's: 23.976, 24, 25, 29.97, 30, 48, 50, 59.94 or 60. At 29.97 and 59.94 it is drop-frame, so that it keeps up with
the clock; at 23.976 it counts 24 a second and falls behind it by 3.6 s an hour, as editors do. A time stamp becomes the
frame of that rate nearest to it: of a source of constant rate this is the very frame; of a variable rate it is at most
half a frame of that rate away, and the EDL says so in a comment. Source timecode begins with 00:00:00:00 at the first
frame; a timecode that the file itself may carry is not looked at. An event number has three digits: beyond 999 events
another EDL begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, Document, Layout, by_source, text_document
from clipgen_engine.settings import DatasetSettings, ExportSettings

_NTSC = Fraction(1000, 1001)
_RATES = (24 * _NTSC, *map(Fraction, (24, 25)), 30 * _NTSC, *map(Fraction, (30, 48, 50)), 60 * _NTSC, Fraction(60))
_EVENTS = 999
_RECORD_START_H = 1


def usual_rate(rate: Fraction) -> Fraction:
    """The rate that editors know nearest to this one, frames a second."""
    return min(_RATES, key=lambda usual: abs(usual - rate))


def is_drop_frame(rate: Fraction) -> bool:
    """Whether timecode of this rate leaves out numbers: 30 and 60 frames a second at the NTSC pace."""
    return rate in (30 * _NTSC, 60 * _NTSC)


def timecode(frame: int, rate: Fraction) -> str:
    """Timecode of a frame, counted from 0, at one of the usual rates; drop-frame where that is usual (SMPTE ST 12-1).

    Drop-frame leaves out the first 2 (of 60: 4) numbers of each minute but every tenth.
    """
    base = round(rate)
    separator = ":"
    if is_drop_frame(rate):
        separator = ";"
        dropped = base // 15
        minute, ten_minutes = 60 * base - dropped, 600 * base - 9 * dropped
        tens, rest = divmod(frame, ten_minutes)
        frame += 9 * dropped * tens
        if rest >= 60 * base:
            frame += dropped * (1 + (rest - 60 * base) // minute)
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours % 24:02d}:{minutes:02d}:{seconds:02d}{separator}{frames:02d}"


class EdlLayout(Layout):
    needs_clips = False

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        documents = []
        for name, part in by_source(clips).items():
            events = sorted(part, key=lambda clip: int(clip.record["start_frame"]))
            for number, begin in enumerate(range(0, len(events), _EVENTS), start=1):
                title = name if number == 1 else f"{name}_{number}"
                text = "\n".join(_lines(title, events[begin : begin + _EVENTS])) + "\n"
                documents.append(text_document(f"edl/{title}.edl", text))
        return documents


def _lines(title: str, clips: Sequence[Clip]) -> Iterator[str]:
    record = clips[0].record
    rate = usual_rate(Fraction(record["source_rate"]))
    yield f"TITLE: {title}"
    yield f"FCM: {'DROP FRAME' if is_drop_frame(rate) else 'NON-DROP FRAME'}"
    if record["source_variable_rate"]:
        yield f"* VARIABLE FRAME RATE: TIMECODE AT {float(rate):.3f}, NEAREST FRAME TO EACH TIME STAMP"
    yield ""
    begin = _frames_in_hours(_RECORD_START_H, rate)
    channels = "AA/V" if record["source_has_audio"] else "V"
    for number, clip in enumerate(clips, start=1):
        first = round(clip.record["start_time_s"] * rate)
        stop = max(first + 1, round(clip.record["stop_time_s"] * rate))
        codes = [timecode(frame, rate) for frame in (first, stop, begin, begin + stop - first)]
        yield f"{number:03d}  {'AX':<8} {channels:<5} C        {' '.join(codes)}"
        yield f"* FROM CLIP NAME: {clip.record['source']}"
        yield f"* COMMENT: {clip.name}"
        begin += stop - first


def _frames_in_hours(hours: int, rate: Fraction) -> int:
    """How many frames lie before the timecode of a whole hour."""
    base = round(rate)
    dropped = base // 15 * 54 if is_drop_frame(rate) else 0
    return hours * (3600 * base - dropped)


def load(settings: ExportSettings, dataset: DatasetSettings) -> EdlLayout:
    return EdlLayout(settings, dataset)
