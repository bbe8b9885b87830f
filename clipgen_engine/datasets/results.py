"""How far an export has come, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clipgen_engine.datasets.assembly import INDEX_NAME, ClipState


@dataclass(frozen=True)
class ExportStep:
    """How far an export has come."""

    stage: Literal["analysis", "clips", "files"]  # frames to analyse, frames to encode, files to make of clips
    done: int
    total: int
    source: str = ""  # file name of the video that is worked on
    clip: str = ""  # name of the clip that came to an end
    state: ClipState = "waiting"  # of that clip
    sentence: str = ""  # why it failed


@dataclass(frozen=True)
class ExportedClip:
    """How one clip ended."""

    name: str
    fingerprint: str  # of its source
    state: ClipState
    files: tuple[Path, ...]  # in all layouts, of this clip alone
    sentence: str = ""  # why it failed, or why an older version was kept

    @property
    def listed(self) -> bool:
        """Whether the clip is in the dataset."""
        return self.state in ("written", "unchanged", "kept")


@dataclass(frozen=True)
class ExportResult:
    """How an export ended."""

    output_dir: Path
    clips: tuple[ExportedClip, ...]
    failures: tuple[str, ...]  # a sentence for each thing that could not be done
    changed_files: int  # new, or other than before
    removed_files: int
    cancelled: bool  # what was finished by then is complete and listed

    @property
    def index(self) -> Path:
        return self.output_dir / INDEX_NAME


ExportCallback = Callable[[ExportStep], None]
