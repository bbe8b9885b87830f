"""Hugging Face VideoFolder: one folder per split, with its clips and a `metadata.jsonl` keyed by `file_name`.

`datasets` infers column types from the values of each split separately. So every column has one type and no nulls;
nested values are stored as JSON text in `provenance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clipgen_engine.clips.writer import clip_suffix
from clipgen_engine.datasets.layouts.base import Clip, ClipFile, Document, Layout, text_document
from clipgen_engine.errors import SettingError
from clipgen_engine.files import strict_json
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import DatasetSettings, ExportSettings

_SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".mpeg")  # recognised as video by VideoFolder
_TEXTS = ("source", "source_fingerprint", "subject_id", "note", "decided_at", "sha256")
_COUNTS = ("rank", "start_frame", "end_frame", "frame_count", "start_pts", "end_pts", "track_id")
_NUMBERS = ("start_time_s", "end_time_s", "fps", *TERMS, "combined_score")


class VideoFolderLayout(Layout):
    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        return [ClipFile(f"videofolder/{clip.split}/{clip.name}{clip.suffix}", clip.media_key)]

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        # windows reviewed before a score was introduced lack it: omit that column
        numbers = [name for name in _NUMBERS if all(clip.record[name] is not None for clip in clips)]
        rows: dict[str, list[str]] = {}
        for clip in clips:
            rows.setdefault(clip.split, []).append(strict_json(_row(clip, numbers)))
        return [
            text_document(f"videofolder/{split}/metadata.jsonl", "\n".join(lines) + "\n")
            for split, lines in rows.items()
        ]


def _row(clip: Clip, numbers: Sequence[str]) -> dict[str, Any]:
    record = clip.record
    return {
        "file_name": clip.name + clip.suffix,
        **{name: str(record[name]) for name in _TEXTS},
        "tags": ", ".join(record["tags"]),
        **{name: int(record[name]) for name in _COUNTS},
        **{name: float(record[name]) for name in numbers},
        "provenance": strict_json(dict(record)),
    }


def load(settings: ExportSettings, dataset: DatasetSettings) -> VideoFolderLayout:
    if clip_suffix(settings) and clip_suffix(settings) not in _SUFFIXES:
        raise SettingError(f"VideoFolder does not support {settings.clip_format} videos", "Choose the clip format mp4")
    return VideoFolderLayout(settings, dataset)
