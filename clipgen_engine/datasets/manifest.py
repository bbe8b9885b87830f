"""The manifest of an export folder: exported files, their sources and the review decisions behind them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from clipgen_engine.errors import OutputError
from clipgen_engine.files import SCHEMA_VERSION, strict_json
from clipgen_engine.untrusted import is_relative_path, is_sha256, parse_json

MANIFEST_NAME = "clipgen_export.json"
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?\Z")

Role = Literal["clip", "made", "document"]  # encoded clip; derived file; document listing the others


@dataclass(frozen=True)
class StoredFile:
    """A file, or a folder of frames, that an export wrote."""

    sha256: str  # hex; for a folder, of the names and hashes of its files
    size_bytes: int
    key: str  # hex; hash of all inputs of the content
    layout: str  # empty: belongs to the export as a whole
    role: Role
    members: Mapping[str, str] = field(default_factory=dict)  # archives: clip key -> member name


@dataclass(frozen=True)
class Manifest:
    """Contents of an export folder. Paths are relative to the folder, with forward slashes."""

    layouts: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()  # per video: name, path, fingerprint, subjects, windows
    clips: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # identity -> name, media key, facts
    media: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # media key -> facts of the encoded clip
    files: Mapping[str, StoredFile] = field(default_factory=dict)  # path -> file
    distrusted: tuple[str, ...] = ()  # rejected entries that no export can have written

    def text(self) -> str:
        """Serialize to strict, deterministic JSON."""
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
    """Whether this is an export folder or its manifest. False if access is denied."""
    try:
        return (path / MANIFEST_NAME).is_file() or (path.name == MANIFEST_NAME and path.is_file())
    except OSError:
        return False


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        OutputError: the file is damaged, is not a manifest, or was written by a newer clipgen.
        FileNotFoundError: the file does not exist.
    """
    text = path.read_bytes()
    try:
        content = parse_json(text)
        if content["kind"] != "clipgen export":
            raise KeyError("kind")
        if content["schema_version"] > SCHEMA_VERSION:
            raise OutputError(f"{path} was written by a newer clipgen", "Install the newest clipgen")
        files = {path: _stored_file(path, entry) for path, entry in content["files"].items()}
        clips = {identity: entry for identity, entry in content["clips"].items() if _is_clip(entry)}
        media = {key: facts for key, facts in content["media"].items() if is_sha256(key) and is_media(facts)}
        return Manifest(
            layouts=tuple(content["layouts"]),
            settings=content["settings"],
            sources=tuple(content["sources"]),
            clips=clips,
            media=media,
            files={path: stored for path, stored in files.items() if stored is not None},
            distrusted=(
                *(path for path, stored in files.items() if stored is None),
                *(content["clips"].keys() - clips.keys()),
                *(content["media"].keys() - media.keys()),
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path} is damaged or not an export manifest", "Choose another folder, or move that file"
        ) from error


def _stored_file(path: str, entry: Any) -> StoredFile | None:
    """Parse a file entry. None if no export writes such a file to this path."""
    stored = StoredFile(**entry)
    members = stored.members
    believable = (
        is_relative_path(path)
        and isinstance(stored.layout, str)
        and (path.split("/")[0] == _folder_of(stored.layout) if stored.layout else "/" not in path)
        and is_sha256(stored.sha256)
        and is_sha256(stored.key)
        and type(stored.size_bytes) is int
        and stored.size_bytes >= 0
        and stored.role in get_args(Role)
        and isinstance(members, dict)
        and all(is_sha256(key) and is_relative_path(name) for key, name in members.items())
    )
    return stored if believable else None


def is_media(facts: Any) -> bool:
    """Whether these are valid facts of an encoded clip."""
    return (
        isinstance(facts, dict)
        and is_sha256(facts.get("sha256"))
        and all(type(facts.get(name)) is int for name in ("size_bytes", "frame_count", "width_px", "height_px"))
    )


def _folder_of(layout: str) -> str:
    """Return the subfolder of a layout."""
    return "clips" if layout == "plain" else layout


def _is_clip(entry: Any) -> bool:
    """Whether this is a valid clip entry."""
    return (
        isinstance(entry["name"], str)
        and (entry["media_key"] == "" or is_sha256(entry["media_key"]))
        and isinstance(entry["suffix"], str)
        and _SUFFIX.match(entry["suffix"]) is not None
        and (entry["facts"] is None or isinstance(entry["facts"], dict))
        and all(is_relative_path(path) for paths in entry["files"].values() for path in paths)
    )


def key_of(*parts: Any) -> str:
    """SHA-256 (hex) of plain JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()
