"""Files of earlier exports that are still present and unmodified."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clipgen_engine.datasets.contents import content_sha256, content_size
from clipgen_engine.datasets.manifest import Manifest, StoredFile
from clipgen_engine.untrusted import leads_through_link


@dataclass
class ListedFile:
    """A file in a manifest, or in the plan of a killed export."""

    path: str
    stored: StoredFile
    intact: bool | None = None  # None: hash not checked yet


class Inventory:
    """Index of exported files. Hashes are checked on first access."""

    def __init__(self, root: Path, manifests: Iterable[Manifest]) -> None:
        """
        Args:
            manifests: latest first.
        """
        self._root = root
        self.files = [ListedFile(path, stored) for manifest in manifests for path, stored in manifest.files.items()]
        self.owned = {file.path for file in self.files}
        self._adopted: set[str] = set()
        self._hashes: dict[Path, str] = {}
        self._by_key: dict[str, list[ListedFile]] = {}
        self._in_archives: dict[str, list[tuple[ListedFile, str]]] = {}
        for file in self.files:
            self._by_key.setdefault(file.stored.key, []).append(file)
            for key, member in file.stored.members.items():
                self._in_archives.setdefault(key, []).append((file, member))

    def adopt(self, paths: Iterable[str]) -> None:
        """Treat files not listed in a manifest as written by an export. Folders and links are ignored."""
        mine = {path for path in paths if not leads_through_link(self._root, path) and not (self._root / path).is_dir()}
        self._adopted |= mine
        self.owned |= mine

    def is_foreign(self, path: str) -> bool:
        """Whether something exists at this path that no export wrote. It must not be touched."""
        if leads_through_link(self._root, path):
            return True
        target = self._root / path
        return os.path.lexists(target) and (
            path not in self.owned or (target.is_dir() and self.unchanged(path) is None)
        )

    def unchanged(self, path: str) -> StoredFile | None:
        """Return the entry of the file at this path, if it is unmodified since its export."""
        return next((file.stored for file in self.files if file.path == path and self._is_intact(file)), None)

    def is_removable(self, path: str) -> bool:
        """Whether an export wrote this file and it is unmodified since."""
        return path in self._adopted or self.unchanged(path) is not None

    def matches(self, path: Path, stored: StoredFile) -> bool:
        """Whether a file or folder has the recorded size and hash. False if missing or unreadable."""
        try:
            return path.exists() and content_size(path) == stored.size_bytes and self.sha256(path) == stored.sha256
        except OSError:
            return False

    def sha256(self, path: Path) -> str:
        """SHA-256 (hex) of a file or folder, cached."""
        if path not in self._hashes:
            self._hashes[path] = content_sha256(path)
        return self._hashes[path]

    def find(self, key: str) -> Path | None:
        """Return the path of the intact content with this key, if any."""
        return next((self._root / file.path for file in self._by_key.get(key, ()) if self._is_intact(file)), None)

    def find_in_archive(self, key: str) -> tuple[str, str] | None:
        """Return an intact archive with the clip of this key, and its member name, if any."""
        pairs = self._in_archives.get(key, ())
        return next(((file.path, member) for file, member in pairs if self._is_intact(file)), None)

    def _is_intact(self, file: ListedFile) -> bool:
        if file.intact is None:
            inside = not leads_through_link(self._root, file.path)
            file.intact = inside and self.matches(self._root / file.path, file.stored)
        return file.intact
