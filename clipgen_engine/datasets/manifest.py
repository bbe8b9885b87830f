"""The manifest of an export folder: what clipgen wrote there, from what, and which decisions stood behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from clipgen_engine.errors import OutputError
from clipgen_engine.files import SCHEMA_VERSION, strict_json

MANIFEST_NAME = "clipgen_export.json"

Role = Literal["clip", "made", "document"]  # a written clip; a file that is made of clips; what lists the others


@dataclass(frozen=True)
class StoredFile:
    """A file, or a folder of frames, that an export wrote."""

    sha256: str  # hex; of a folder: of the names and hashes of what is in it
    size_bytes: int
    key: str  # hex; of everything that the content depends on
    layout: str  # empty: of the export as a whole
    role: Role
    members: Mapping[str, str] = field(default_factory=dict)  # of an archive: name of the member by key of the clip


@dataclass(frozen=True)
class Manifest:
    """What stands in an export folder. Paths are relative to the folder, with slashes."""

    layouts: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()  # name, path, fingerprint, subjects and windows of each video
    clips: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # name, media key and facts by identity
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # facts of the encoded clip by its key
    files: Mapping[str, StoredFile] = field(default_factory=dict)  # by path

    def text(self) -> str:
        """Strict JSON, the same for the same content."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "kind": "clipgen export",
            "layouts": self.layouts,
            "settings": self.settings,
            "sources": self.sources,
            "clips": self.clips,
            "media": {key: self.media[key] for key in sorted(self.media)},
            "files": {path: asdict(self.files[path]) for path in sorted(self.files)},
        }
        return strict_json(content, indent=1) + "\n"


def is_export(path: Path) -> bool:
    """Whether this is an export folder, or its manifest. What may not be looked into is none."""
    try:
        return (path / MANIFEST_NAME).is_file() or (path.name == MANIFEST_NAME and path.is_file())
    except OSError:
        return False


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        OutputError: the file is damaged, is none, or a newer clipgen wrote it.
        FileNotFoundError: there is none.
    """
    text = path.read_bytes()
    try:
        content = json.loads(text)
        if content["kind"] != "clipgen export":
            raise KeyError("kind")
        if content["schema_version"] > SCHEMA_VERSION:
            raise OutputError(f"{path} was written by a newer clipgen", "Install the newest clipgen")
        return Manifest(
            layouts=tuple(content["layouts"]),
            settings=content["settings"],
            sources=tuple(content["sources"]),
            clips=content["clips"],
            media=content["media"],
            files={name: StoredFile(**entry) for name, entry in content["files"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path} is damaged or no manifest of an export", "Choose another folder, or move that file away"
        ) from error


def key_of(*parts: Any) -> str:
    """SHA-256 (hex) of plain JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()
