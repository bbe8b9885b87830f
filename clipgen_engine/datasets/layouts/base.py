"""What all dataset layouts have in common.

A layout writes nothing by itself. It says which files there shall be, of which key (the hash of all that the content
depends on) and how each is made; the export makes only those whose key is not there yet, and puts them into place.
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
    """What the source says about a clip, for layouts that make files of their own of it."""

    video: VideoInfo
    analysis: Analysis
    track: FaceTrack
    tokens: ExpressionTokens


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip of an export."""

    name: str  # of its files, without suffix or dot; unique in the export, safe in every file system
    split: str  # train, validation or test
    record: Mapping[str, Any]  # its provenance, plain JSON values
    media_key: str  # of the encoded clip; empty where no layout needs one
    suffix: str  # of the encoded clip: .mp4, or nothing for a folder of frames
    source_path: Path
    footage_key: str  # hash of what `footage` depends on

    @property
    def frame_count(self) -> int:
        return int(self.record["frame_count"])

    @property
    def own_record(self) -> dict[str, Any]:
        """The record without its place among the other clips, which decisions on these may change."""
        return {name: value for name, value in self.record.items() if name not in ("rank", "number")}


@dataclass(frozen=True)
class ClipFile:
    """A file of one clip."""

    path: str  # relative to the export folder, with slashes
    key: str  # the clip's media key: its encoded file
    write: Callable[[Path, Footage], None] | None = None  # None: the encoded clip itself


@dataclass(frozen=True)
class Document:
    """A file that is made of several clips."""

    path: str  # relative to the export folder, with slashes
    key: str
    write: Callable[[Path, Callable[[str], Path]], object]  # gets where to write, and where a media key's clip lies
    role: Role = "document"
    members: Mapping[str, str] = field(default_factory=dict)  # media key: name in the archive


class Layout(Closing):
    """A layout, loaded and ready."""

    needs_clips = True  # encoded clips, a file each
    frame_folders = False  # also takes clips that are folders of pictures
    needs_analysis = False

    def __init__(self, settings: ExportSettings, dataset: DatasetSettings) -> None:
        self.settings, self.dataset = settings, dataset

    def close(self) -> None:
        """Nothing is held, but for layouts that say so."""

    def clip_files(self, clip: Clip) -> Sequence[ClipFile]:
        """The files of one clip. The record lacks here what is known of the encoded clip only."""
        return ()

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        """What is made of all clips whose files are there.

        Args:
            clips: in the order of the export.
            info: about the export as a whole, plain JSON values.
        """
        return ()

    def files_of_earlier_run(self, root: Path) -> Sequence[str]:
        """Files in this layout that clipgen wrote where there is no manifest."""
        return ()


def text_document(path: str, text: str) -> Document:
    """A document that is a text."""
    return Document(path, key_of(text), lambda place, _: place.write_text(text, encoding="utf-8", newline=""))


def by_source(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """The clips of each source, under a file name that is made of the source's and of nothing that can change."""
    parts: dict[str, list[Clip]] = {}
    for clip in clips:
        parts.setdefault(clip.record["source_fingerprint"], []).append(clip)
    names = unique_names({key: safe_name(part[0].source_path.stem) for key, part in parts.items()})
    return {names[key]: part for key, part in parts.items()}
