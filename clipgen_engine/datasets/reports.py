"""Human-readable reports of an export: a self-contained HTML contact sheet and a plain-text summary."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from statistics import fmean, pstdev
from typing import Any

from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.types import UInt8Array, VideoInfo
from clipgen_engine.untrusted import printable
from clipgen_engine.video.decoding import decode

_THUMBNAIL_SIDE_PX = 240
_SHOWN = {"combined_score": "combined", "expression_variation": "expression", "position_stability": "position"}
_PICTURE = re.compile(r'data-key="([0-9a-f]{64})" src="data:image/jpeg;base64,([^"]+)"')
_STYLE = """
:root { color-scheme: dark; }
body { margin: 2rem; background: #16181d; color: #e8e8ea; font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 .2rem; }
p { color: #9a9ca5; margin: 0 0 1.5rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1rem; }
figure { margin: 0; background: #1f2229; border-radius: 8px; overflow: hidden; }
figure > div { height: 180px; background: #0e0f12; display: flex; justify-content: center; }
img { height: 100%; max-width: 100%; object-fit: contain; }
figcaption { padding: .6rem .8rem .8rem; overflow-wrap: anywhere; }
.place, .note { color: #9a9ca5; font-size: 12px; }
.scores { display: flex; flex-wrap: wrap; gap: 0 .9rem; margin: .3rem 0; font-variant-numeric: tabular-nums; }
.combined_score { color: #5aa2ff; } .expression_variation { color: #ff9f43; } .position_stability { color: #a98bff; }
.tag { background: #2d313b; border-radius: 4px; padding: 0 .4rem; margin-right: .3rem; font-size: 12px; }
"""


def contact_sheet(clips: Sequence[tuple[str, Mapping[str, Any], str, str]], title: str) -> str:
    """Render a self-contained HTML page.

    Args:
        clips: name, record, picture key and `thumbnail` picture of each clip.
    """
    frames = sum(record["frame_count"] for _, record, _, _ in clips)
    sources = len({record["source_fingerprint"] for _, record, _, _ in clips})
    total = f"{_counted(len(clips), 'clip')} of {_counted(sources, 'video')}, {_counted(frames, 'frame')}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(printable(title))}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(printable(title))}</h1><p>{total}</p><main>",
            *(_figure(*clip) for clip in clips),
            "</main></body></html>",
            "",
        ]
    )


def _figure(name: str, record: Mapping[str, Any], key: str, picture: str) -> str:
    numbers = "".join(
        f'<span class="{name}">{label} {record[name]:.3f}</span>'
        for name, label in _SHOWN.items()
        if record[name] is not None
    )
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in record["tags"])
    note = f'<div class="note">{escape(record["note"])}</div>' if record["note"] else ""
    return (
        f'<figure><div><img alt="" data-key="{key}" src="data:image/jpeg;base64,{picture}"></div><figcaption>'
        f"<b>{escape(name)}</b>"
        f'<span class="scores">{numbers}</span>'
        f'<div class="place">{escape(printable(record["source"]))}, '
        f"frames {record['start_frame']} to {record['end_frame']}, "
        f"{record['start_time_s']:.2f} to {record['stop_time_s']:.2f} s, "
        f"subject {escape(str(record['subject_id']))}</div>"
        f"{tags}{note}</figcaption></figure>"
    )


def pictures_of(page: str) -> dict[str, str]:
    """Return the pictures of a page made by `contact_sheet`, by key."""
    return dict(_PICTURE.findall(page))


def thumbnail(video: VideoInfo, frame: int) -> str:
    """Return a frame as a small base64 JPEG; empty if it cannot be decoded.

    Raises:
        VideoError: the file can no longer be opened.
    """
    for picture in decode(video, frame, frame + 1, max_side=_THUMBNAIL_SIDE_PX):
        return base64.b64encode(_jpeg(picture.pixels)).decode()
    return ""


def _jpeg(pixels: UInt8Array) -> bytes:
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    frame = VideoFrame.from_ndarray(pixels[:height, :width].copy(), format="rgb24")
    encoder = VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    encoder.options = {"qscale": "5"}
    packets = [*encoder.encode(frame.reformat(format="yuvj420p")), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_TOP = 5


def summary(clips: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Format totals, scores, the best clips and a list of all clips.

    Args:
        clips: file name and record of each clip, in export order.
    """
    records = [record for _, record in clips]
    sources = list(dict.fromkeys(printable(record["source"]) for record in records))
    rates = ", ".join(sorted({f"{record['fps']:.3f}" for record in records}))
    frames = sum(record["frame_count"] for record in records)
    lines = [
        f"Clips of {sources[0] if len(sources) == 1 else f'{len(sources)} videos'}",
        "",
        f"{len(records)} clips, {frames} frames, at {rates or 'no'} frames a second",
    ]
    if records:
        lines += ["", "Scores, mean ± standard deviation"]
        names = {name: term.label for name, term in TERMS.items()} | {"combined_score": "Combined score"}
        for name, label in names.items():
            values = [record[name] for record in records if record[name] is not None]
            if values:
                lines.append(f"  {label:<22}{fmean(values):.3f} ± {pstdev(values):.3f}")
        best = sorted(clips, key=lambda clip: -clip[1]["combined_score"])[:_TOP]
        lines += ["", f"Top {len(best)}", *(_line(record, len(sources) > 1) for _, record in best)]
        lines += ["", "All clips", *(f"  {name}" for name, _ in clips)]
    return "\n".join(lines) + "\n"


def _line(record: Mapping[str, Any], several: bool) -> str:
    scores = "  ".join(f"{name} {record[name]:.3f}" for name in TERMS if record[name] is not None)
    return (
        f"  {record['rank']:>3}  {printable(record['source']) + '  ' if several else ''}"
        f"frames {record['start_frame']}-{record['end_frame']}  "
        f"{record['start_time_s']:.2f}-{record['end_time_s']:.2f} s  combined {record['combined_score']:.3f}  {scores}"
    )
