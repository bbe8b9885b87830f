"""Common interface of all dataset layouts.

A layout writes nothing itself. It declares files, each with a key (the hash of all its inputs) and a writer. The export
makes only files whose key does not exist yet, and commits them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipgen_engine.closing import Closing
from clipgen_engine.datasets.manifest import Role, key_of
from clipgen_engine.datasets.names import safe_name, unique_names
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.types import Analysis, ExpressionTokens, FaceTrack, VideoInfo


@dataclass(frozen=True, eq=False)
class Footage:
    """A clip's source and analysis, for layouts that derive their own files from them."""

    video: VideoInfo
    analysis: Analysis
    track: FaceTrack
    tokens: ExpressionTokens


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip to be exported."""

    name: str  # file stem without dots; unique in the export, portable
    split: str  # train, validation or test
    record: Mapping[str, Any]  # provenance, plain JSON values
    media_key: str  # key of the encoded clip; empty if no layout needs one
    suffix: str  # of the encoded clip: .mp4, or empty for a folder of frames
    source_path: Path
    footage_key: str  # hash of the inputs of `Footage`

    @property
    def frame_count(self) -> int:
        return int(self.record["frame_count"])

    @property
    def own_record(self) -> dict[str, Any]:
        """The record without rank and number, which depend on other clips."""
        return {name: value for name, value in self.record.items() if name not in ("rank", "number")}


@dataclass(frozen=True)
class ClipFile:
    """A file belonging to one clip."""

    path: str  # relative to the export folder, with slashes
    key: str  # the media key, for the encoded clip
    write: Callable[[Path, Footage], None] | None = None  # None: the encoded clip itself


@dataclass(frozen=True)
class Document:
    """A file made from several clips."""

    path: str  # relative to the export folder, with slashes
    key: str
    write: Callable[[Path, Callable[[str], Path]], object]  # (target, media key -> clip path)
    role: Role = "document"
    members: Mapping[str, str] = field(default_factory=dict)  # media key -> name in the archive


class Layout(Closing):
    """Base class of all layouts."""

    needs_clips = True  # encoded clips, one file each
    frame_folders = False  # also accepts clips that are folders of frames
    needs_analysis = False

    def __init__(self, settings: ExportSettings, dataset: DatasetSettings) -> None:
        self.settings, self.dataset = settings, dataset

    def close(self) -> None:
        """Release resources. Does nothing by default."""

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        """Return the files of one clip. Its record does not contain facts of the encoded clip yet."""
        return ()

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        """Return the documents made from all complete clips.

        Args:
            clips: in export order.
            info: export-wide information, plain JSON values.
        """
        return ()

    def files_of_earlier_run(self, root: Path) -> Sequence[str]:
        """Return files in this layout written by clipgen versions without a manifest."""
        return ()


def text_document(path: str, text: str) -> Document:
    """Return a document with fixed text content."""
    return Document(path, key_of(text), lambda target, _: target.write_text(text, encoding="utf-8", newline=""))


def by_source(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Group clips by source, under a stable file name derived from the source alone."""
    parts: dict[str, list[Clip]] = {}
    for clip in clips:
        parts.setdefault(clip.record["source_fingerprint"], []).append(clip)
    names = unique_names({key: safe_name(part[0].source_path.stem) for key, part in parts.items()})
    return {names[key]: part for key, part in parts.items()}
