"""The plain layout: numbered clips, their metadata and a summary in `clips/`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, ClipFile, Document, Layout, text_document
from clipgen_engine.datasets.reports import summary
from clipgen_engine.files import strict_json
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.untrusted import parse_json

METADATA_NAME = "clip_metadata.json"
SUMMARY_NAME = "extraction_summary.txt"
# Clip names of runs without a manifest; the hash disambiguates equal names of several videos.
_EARLIER_NAME = re.compile(r"clip_\d{3,}_frames_\d{6,}_\d{6,}(_[0-9a-f]{8})?\.[a-z0-9]{2,4}\Z")

_log = logging.getLogger(__name__)


class PlainLayout(Layout):
    frame_folders = True

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        return [ClipFile(f"clips/{_file_name(clip)}", clip.media_key)]

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        records = [{"clip_number": clip.record["rank"], "clip_path": _file_name(clip), **clip.record} for clip in clips]
        metadata = strict_json({"extraction_info": {**info, "total_clips": len(clips)}, "clips": records}, indent=2)
        return [
            text_document(f"clips/{METADATA_NAME}", metadata + "\n"),
            text_document(f"clips/{SUMMARY_NAME}", summary([(_file_name(clip), clip.record) for clip in clips])),
        ]

    def files_of_earlier_run(self, root: Path) -> Sequence[str]:
        path = root / "clips" / METADATA_NAME
        try:
            clips = parse_json(path.read_bytes())["clips"]
            names = [name for name in (Path(clip["clip_path"]).name for clip in clips) if _EARLIER_NAME.match(name)]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            _log.warning("Cannot read %s; clips of an earlier run are left in place", path)
            return []
        return [f"clips/{name}" for name in (*names, METADATA_NAME, SUMMARY_NAME)]


def _file_name(clip: Clip) -> str:
    return clip.name + clip.suffix


def load(settings: ExportSettings, dataset: DatasetSettings) -> PlainLayout:
    return PlainLayout(settings, dataset)
