"""`clipgen-engine info VIDEO ...`: print the indexed properties of videos."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from pathlib import Path

import numpy as np

from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.flags import DONE, WRONG_INPUT, HelpfulParser
from clipgen_engine.errors import Cancelled, ClipgenError
from clipgen_engine.faces.model_files import FACE_MODEL_SHA256
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo
from clipgen_engine.video.index import probe


def parser() -> HelpfulParser:
    parser = HelpfulParser(prog="clipgen-engine info", description="Print the indexed properties of videos.")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    return parser


def run(options: Namespace, cancel: threading.Event) -> int:
    """Print the properties of each video. Unreadable videos are reported and skipped."""
    code = DONE
    for path in options.videos:
        if cancel.is_set():
            raise Cancelled
        try:
            video = probe(path)
        except ClipgenError as error:
            print(f"clipgen-engine: {error}", file=sys.stderr)
            code = WRONG_INPUT
            continue
        turned = f", rotated by {video.rotation_deg}°" if video.rotation_deg else ""
        steps = np.diff(video.pts)
        pace = "constant" if len(steps) < 2 or steps.max() - steps.min() <= 1 else "variable"
        print(path)
        for label, value in {
            "frames": f"{video.frame_count}, {len(video.keyframe_pts)} keyframes",
            "picture": f"{video.width_px}x{video.height_px}{turned}, {video.codec}",
            "rate": f"{float(video.average_rate):.3f} frames/s, {pace}",
            "time": f"{video.duration_s:.3f} s, time base {video.time_base}, starts at PTS {video.start_pts}",
            "sound": "yes" if video.has_audio else "no",
            "damage": f"{video.lost_packets} unreadable video packets" if video.lost_packets else "none found",
            "fingerprint": video.fingerprint,
            "analysis": _stored_summary(video),
        }.items():
            print(f"  {label:<12}{value}")
    return code


def _stored_summary(video: VideoInfo) -> str:
    """Summarize the cached analysis of this video under default settings."""
    analysis = AnalysisCache().load(video, AnalysisSettings(), {"face_landmarker": FACE_MODEL_SHA256}, drafts=True)
    if analysis is None:
        return "none stored"
    exact = "" if analysis.exact is None else f"a draft, {analysis.exact.mean():.0%} of the frames exact; "
    return (
        f"{exact}{len(analysis.tracks)} face tracks in {len(analysis.shots)} shots, "
        f"{analysis.undecodable_frames} undecodable frames, "
        f"inactive channels: {', '.join(analysis.dead_channels) or 'none'}"
    )
