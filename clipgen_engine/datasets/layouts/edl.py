"""Cut lists for editing software: one CMX 3600 EDL per source, events in source order, back to back from 01:00:00:00.

An EDL has a single timecode rate: the standard rate nearest to the source's (23.976, 24, 25, 29.97, 30, 48, 50, 59.94
or 60). 29.97 and 59.94 use drop-frame timecode to stay in sync with real time; 23.976 counts 24 frames per second and
lags by 3.6 s per hour, as is customary. Time stamps are rounded to the nearest frame at that rate. This is exact for
constant frame rate sources. For variable frame rate the error is at most half a frame, noted in an EDL comment. Source
timecode starts at 00:00:00:00 on the first frame; timecode embedded in the file is ignored. Event numbers have three
digits, so a new EDL starts after 999 events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, Document, Layout, by_source, text_document
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.untrusted import printable

_NTSC = Fraction(1000, 1001)
_RATES = (24 * _NTSC, *map(Fraction, (24, 25)), 30 * _NTSC, *map(Fraction, (30, 48, 50)), 60 * _NTSC, Fraction(60))
_EVENTS = 999
_RECORD_START_H = 1


def usual_rate(rate: Fraction) -> Fraction:
    """Return the nearest standard rate, in frames per second."""
    return min(_RATES, key=lambda usual: abs(usual - rate))


def is_drop_frame(rate: Fraction) -> bool:
    """Whether timecode at this rate is drop-frame: 29.97 and 59.94 fps."""
    return rate in (30 * _NTSC, 60 * _NTSC)


def timecode(frame: int, rate: Fraction) -> str:
    """Format the timecode of a 0-based frame at a standard rate, drop-frame where applicable (SMPTE ST 12-1).

    Drop-frame skips the first 2 numbers (4 at 59.94) of each minute except every tenth.
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
        yield f"* FROM CLIP NAME: {printable(clip.record['source'])}"
        yield f"* COMMENT: {clip.name}"
        begin += stop - first


def _frames_in_hours(hours: int, rate: Fraction) -> int:
    """Return the number of frames before the timecode of a full hour."""
    base = round(rate)
    dropped = base // 15 * 54 if is_drop_frame(rate) else 0
    return hours * (3600 * base - dropped)


def load(settings: ExportSettings, dataset: DatasetSettings) -> EdlLayout:
    return EdlLayout(settings, dataset)
