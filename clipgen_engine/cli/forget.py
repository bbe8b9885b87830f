"""`clipgen-engine forget VIDEO ...` or `--all`: erase what clipgen keeps of videos on this computer."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from clipgen_engine.cli.flags import DONE, HelpfulParser, add_flag
from clipgen_engine.errors import SettingError
from clipgen_engine.projects.forgetting import forget_everything, forget_video
from clipgen_engine.untrusted import is_sha256
from clipgen_engine.video.container import fingerprint


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine forget",
        description="Erase cached analyses, tokens and thumbnails of videos, and their decisions in the unnamed "
        "project and in backups. Videos, exports and projects that you saved yourself are not touched.",
    )
    made.add_argument("videos", nargs="*", metavar="VIDEO", help="a video, or its fingerprint where the file is gone")
    add_flag(made, "all", action="store_true", help="erase everything that clipgen keeps, of all videos, and the logs")
    return made


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    if bool(options.videos) == options.all:
        raise SettingError("forget needs either videos or --all", "Name the videos to forget")
    if options.all:
        removed = forget_everything()
        print("\n".join(f"removed {name}" for name in removed) or "There is nothing to forget.")
        return DONE
    for name in options.videos:
        erased = forget_video(name if is_sha256(name) else fingerprint(Path(name)))
        print(f"{name}: {', '.join(erased) or 'nothing is kept of it'}")
    return DONE
