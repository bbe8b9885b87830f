"""The plain run folder: numbered clips, their metadata and a summary in `clips/`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clipgen_engine.datasets.layouts.layout import Clip, ClipFile, Document, Layout, text_document
from clipgen_engine.datasets.reports import summary
from clipgen_engine.files import strict_json
from clipgen_engine.settings import DatasetSettings, ExportSettings

METADATA_NAME = "clip_metadata.json"
SUMMARY_NAME = "extraction_summary.txt"

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
            clips = json.loads(path.read_text(encoding="utf-8"))["clips"]
            names = [Path(clip["clip_path"]).name for clip in clips]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            _log.warning("%s cannot be read; clips of an earlier run stay where they are", path)
            return []
        return [f"clips/{name}" for name in (*names, METADATA_NAME, SUMMARY_NAME)]


def _file_name(clip: Clip) -> str:
    return clip.name + clip.suffix


def load(settings: ExportSettings, dataset: DatasetSettings) -> PlainLayout:
    return PlainLayout(settings, dataset)
