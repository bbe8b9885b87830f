"""Progress and results of an export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clipgen_engine.datasets.assembly import INDEX_NAME, ClipState


@dataclass(frozen=True)
class ExportStep:
    """A progress update."""

    stage: Literal["analysis", "clips", "files"]  # counts frames, frames, files
    done: int
    total: int
    source: str = ""  # file name of the current video
    clip: str = ""  # name of the clip that just finished
    state: ClipState = "waiting"  # of that clip
    sentence: str = ""  # why it failed


@dataclass(frozen=True)
class ExportedClip:
    """The result of one clip."""

    name: str
    fingerprint: str  # of its source
    state: ClipState
    files: tuple[Path, ...]  # in all layouts, excluding shared files
    sentence: str = ""  # why it failed, or why an older version was kept

    @property
    def listed(self) -> bool:
        """Whether the clip is in the dataset."""
        return self.state in ("written", "unchanged", "kept")


@dataclass(frozen=True)
class ExportResult:
    """The result of an export."""

    output_dir: Path
    clips: tuple[ExportedClip, ...]
    failures: tuple[str, ...]  # one message per failure
    changed_files: int  # new or changed
    removed_files: int
    cancelled: bool  # clips finished by then are complete and listed

    @property
    def index(self) -> Path:
        return self.output_dir / INDEX_NAME


ExportCallback = Callable[[ExportStep], None]
