"""FiftyOne temporal detections: `labels.json` next to the clips in `data/`, or next to `data.json`, a list of sources.

Each window has one detection per tag, or a single one named `expression`. Frame numbers are 1-based, end inclusive.
With sources, each video carries all its windows and nothing is encoded: import with `data_path="data.json"`, then
`dataset.to_clips("ground_truth")` shows each window as a clip of its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, ClipFile, Document, Layout, by_source, text_document
from clipgen_engine.files import strict_json
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import DatasetSettings, ExportSettings

_UNTAGGED = "expression"
_ATTRIBUTES = ("source", "start_frame", "end_frame", "track_id", "subject_id", "note", *TERMS, "combined_score")


class FiftyOneLayout(Layout):
    """Uses the encoded clips as media."""

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        return [ClipFile(f"fiftyone/data/{clip.name}{clip.suffix}", clip.media_key)]

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        return [_labels({clip.name: _detections(clip, 1, clip.frame_count) for clip in clips})]


class FiftyOneSourcesLayout(Layout):
    """Uses the source videos as media."""

    needs_clips = False

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        sources = by_source(clips)
        media = {name: str(part[0].source_path) for name, part in sources.items()}
        labels = {
            name: [
                detection
                for clip in part
                for detection in _detections(clip, clip.record["start_frame"] + 1, clip.record["end_frame"] + 1)
            ]
            for name, part in sources.items()
        }
        return [text_document("fiftyone/data.json", strict_json(media, indent=1) + "\n"), _labels(labels)]


def _labels(labels: Mapping[str, Sequence[Mapping[str, Any]]]) -> Document:
    return text_document("fiftyone/labels.json", strict_json({"labels": labels}, indent=1) + "\n")


def _detections(clip: Clip, first: int, last: int) -> list[dict[str, Any]]:
    attributes = {name: clip.record[name] for name in _ATTRIBUTES}
    attributes |= {"subject_id": str(attributes["subject_id"]), "clip": clip.name, "split": clip.split}
    return [
        {"label": label, "support": [first, last], "attributes": attributes}
        for label in clip.record["tags"] or [_UNTAGGED]
    ]


def load(settings: ExportSettings, dataset: DatasetSettings) -> Layout:
    return (FiftyOneSourcesLayout if dataset.fiftyone_media == "sources" else FiftyOneLayout)(settings, dataset)
