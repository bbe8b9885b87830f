"""`clipgen-engine`: arguments -> one of the verbs -> exit codes."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clipgen_engine.cli_flags import BUG, DONE, INTERRUPTED, WRONG_INPUT, HelpfulParser
from clipgen_engine.cli_progress import interrupts_set
from clipgen_engine.errors import Cancelled, ClipgenError
from clipgen_engine.model_files import FACE_MODEL_SHA256
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import VideoInfo

_COMMANDS = {
    "export": "clipgen_engine.cli_export",
    "import": "clipgen_engine.cli_import",
    "rank": "clipgen_engine.cli_rank",
}
_RUN = "clipgen_engine.cli_run"

_log = logging.getLogger("clipgen")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["info"]:
        return _info(given[1:])
    named = given[:1] and given[0] in _COMMANDS
    command = importlib.import_module(_COMMANDS[given[0]] if named else _RUN)  # each loads what it needs, no more
    options = command.parser().parse_args(given[1:] if named else given)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    cancel = threading.Event()
    try:
        with interrupts_set(cancel):
            code: int = command.run(options, cancel)
            return code
    except Cancelled:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return INTERRUPTED
    except ClipgenError as error:
        print(f"clipgen-engine: {error}", file=sys.stderr)
        return WRONG_INPUT
    except Exception:
        _log.exception("This is a bug in clipgen; please report it with these lines")
        return BUG


def _info(arguments: Sequence[str]) -> int:
    """`clipgen-engine info VIDEO ...`: what the index of each video knows."""
    parser = HelpfulParser(prog="clipgen-engine info", description="Print what the index of a video knows.")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    from clipgen_engine.video import probe

    code = DONE
    for path in parser.parse_args(arguments).videos:
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
    from clipgen_engine.analysis_cache import AnalysisCache

    analysis = AnalysisCache().load(video, AnalysisSettings(), {"face_landmarker": FACE_MODEL_SHA256})
    if analysis is None:
        return "none stored"
    return (
        f"{len(analysis.tracks)} face tracks in {len(analysis.shots)} shots, "
        f"{analysis.undecodable_frames} undecodable frames, "
        f"channels that never leave zero: {', '.join(analysis.dead_channels) or 'none'}"
    )
