"""`clipgen-engine info VIDEO ...`: what the index of each video knows."""

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
    parser = HelpfulParser(prog="clipgen-engine info", description="Print what the index of a video knows.")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    return parser


def run(options: Namespace, cancel: threading.Event) -> int:
    """Print what is known of each video; one that cannot be read does not keep the others from it."""
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
        turned = f", turned by {video.rotation_deg}°" if video.rotation_deg else ""
        steps = np.diff(video.pts)
        pace = "constant" if len(steps) < 2 or steps.max() - steps.min() <= 1 else "variable"
        print(path)
        for label, value in {
            "frames": f"{video.frame_count}, {len(video.keyframe_pts)} keyframes",
            "picture": f"{video.width_px}x{video.height_px}{turned}, {video.codec}",
            "rate": f"{float(video.average_rate):.3f} frames/s, {pace}",
            "time": f"{video.duration_s:.3f} s, time base {video.time_base}, starts at PTS {video.start_pts}",
            "sound": "yes" if video.has_audio else "no",
            "damage": f"{video.lost_packets} packets of pictures cannot be read" if video.lost_packets else "none seen",
            "fingerprint": video.fingerprint,
            "analysis": _what_is_stored(video),
        }.items():
            print(f"  {label:<12}{value}")
    return code


def _what_is_stored(video: VideoInfo) -> str:
    """What the cache knows of this video, analysed as it is without flags."""
    analysis = AnalysisCache().load(video, AnalysisSettings(), {"face_landmarker": FACE_MODEL_SHA256})
    if analysis is None:
        return "none stored"
    return (
        f"{len(analysis.tracks)} face tracks in {len(analysis.shots)} shots, "
        f"{analysis.undecodable_frames} undecodable frames, "
        f"channels that never leave zero: {', '.join(analysis.dead_channels) or 'none'}"
    )
