"""Analysis cache on disk: finished analyses are reused, interrupted ones are resumed.

An entry is a folder whose name hashes everything the result depends on: video fingerprint, settings, models and format.
Finished parts are stored immediately and replaced by the analysis once every frame is exact.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.analysis.stored_parts import StoredParts, remove_parts
from clipgen_engine.errors import OutputError, StoredAnalysisError
from clipgen_engine.expression_tokens.store import TokenStore
from clipgen_engine.faces.tracklets import COLUMNS
from clipgen_engine.files import SCHEMA_VERSION, private_folder, replacing, strict_json
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_engine.user_folders import analyses_folder

_METHOD_VERSION = 6  # increment if the same video and settings yield a different result
_MAX_BYTES = 4 << 30
_DAMAGED = ".damaged"
_SOURCE = "source"
_ENTRY_NAME = re.compile(r"[0-9a-f]{40}\Z")

_log = logging.getLogger(__name__)


class AnalysisCache:
    """Stored analyses, keyed by their inputs. Write failures are logged as warnings and otherwise ignored."""

    def __init__(self, folder: Path | None = None, max_bytes: int = _MAX_BYTES) -> None:
        """
        Args:
            folder: location of the entries; None: the user's cache folder.
            max_bytes: size limit, beyond which the least recently used entries are evicted.
        """
        self.folder = folder or analyses_folder()
        self._max_bytes = max_bytes

    def load(
        self, video: VideoInfo, settings: AnalysisSettings, model_sha256: Mapping[str, str], *, drafts: bool = False
    ) -> Analysis | None:
        """Return the analysis of this video if every frame is exact, or None. A damaged entry is quarantined.

        Args:
            drafts: also return an analysis of which only some frames are exact.
        """
        entry = self._entry(video, settings.as_dict(), model_sha256)
        if not (entry / "analysis.npz").is_file():
            return None
        try:
            analysis = load_analysis(entry)
            if analysis.video.fingerprint != video.fingerprint:
                raise StoredAnalysisError(f"The analysis in {entry} belongs to another video", "Remove that folder")
        except StoredAnalysisError as error:
            _log.warning("%s The entry is quarantined; the video is analysed again.", error)
            self._quarantine(entry)
            return None
        _touch(entry)
        if analysis.exact is not None and not drafts:
            return None
        return replace(analysis, video=video)  # the file may have moved

    def name_of(self, analysis: Analysis) -> str:
        """Name of the cache entry of this analysis, for `open`."""
        return self._entry(analysis.video, analysis.settings, analysis.model_sha256).name

    def open(self, name: str, path: Path) -> Analysis | None:
        """Return the analysis of an entry, which may be a draft, or None, without reading the video.

        Args:
            path: current location of the video.

        Raises:
            StoredAnalysisError: the entry is damaged.
        """
        entry = self.folder / (name if _ENTRY_NAME.match(name) else "none")
        if not (entry / "analysis.npz").is_file():
            return None
        analysis = load_analysis(entry)
        _touch(entry)
        return replace(analysis, video=replace(analysis.video, path=path))

    def store(self, analysis: Analysis) -> None:
        """Store a finished analysis; if every frame is exact, delete what it was made of."""
        entry = self._entry(analysis.video, analysis.settings, analysis.model_sha256)

        def write() -> None:
            private_folder(self.folder)
            save_analysis(analysis, entry, private=True)
            _record_source(entry, analysis.video.fingerprint)
            if analysis.exact is None:
                remove_parts(entry)

        self._try(write)
        self._evict(keep=entry)

    def parts(self, video: VideoInfo, settings: AnalysisSettings, model_sha256: Mapping[str, str]) -> StoredParts:
        """The finished parts of an unfinished analysis."""
        entry = self._entry(video, settings.as_dict(), model_sha256)

        def write(store: Callable[[], None]) -> None:
            def in_entry() -> None:
                private_folder(self.folder)
                store()
                _record_source(entry, video.fingerprint)

            self._try(in_entry)

        return StoredParts(entry, write)

    def token_store(self, made_by: Mapping[str, Any]) -> TokenStore:
        """Open the learned-token store; `made_by` holds everything the tokens depend on."""
        entry = self._folder_of({"schema": [SCHEMA_VERSION, "tokens"], **made_by})
        store = TokenStore(entry / "tokens.sqlite")
        if entry.is_dir():
            self._try(lambda: _record_source(entry, made_by.get("fingerprint", "")))
            _touch(entry)
            self._evict(keep=entry)
        return store

    def size_bytes(self) -> int:
        """Total size of all entries in bytes."""
        return sum(_size(entry) for entry in self._entries())

    def forget(self, fingerprint: str) -> int:
        """Remove all entries of this video and return their number.

        Segments and tokens written by 0.1.0 do not record their source and remain until `clear`.
        """
        entries = [entry for entry in self._entries() if _source_of(entry) == fingerprint]
        for entry in entries:
            shutil.rmtree(entry)
        return len(entries)

    def clear(self) -> None:
        """Remove all entries."""
        for entry in self._entries():
            shutil.rmtree(entry, ignore_errors=True)

    def _entry(self, video: VideoInfo, settings: Mapping[str, Any], model_sha256: Mapping[str, str]) -> Path:
        return self._folder_of(
            {
                "schema": [SCHEMA_VERSION, _METHOD_VERSION, *COLUMNS],
                "fingerprint": video.fingerprint,
                "settings": dict(sorted(settings.items())),
                "models": dict(sorted(model_sha256.items())),
            }
        )

    def _folder_of(self, made_by: Mapping[str, Any]) -> Path:
        return self.folder / hashlib.sha256(strict_json(made_by).encode()).hexdigest()[:40]

    def _entries(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []

    def _quarantine(self, entry: Path) -> None:
        aside = entry.with_name(entry.name + _DAMAGED)
        shutil.rmtree(aside, ignore_errors=True)
        self._try(lambda: entry.rename(aside))

    def _evict(self, keep: Path) -> None:
        """Remove the least recently used entries until the size limit is met."""
        entries = sorted((entry.stat().st_mtime, entry) for entry in self._entries())
        sizes = {entry: _size(entry) for _, entry in entries}
        total = sum(sizes.values())
        for _, entry in entries:
            if total <= self._max_bytes:
                break
            if entry != keep:
                shutil.rmtree(entry, ignore_errors=True)
                total -= sizes[entry]

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OutputError, OSError) as error:
            _log.warning("The analysis is not cached: %s", error)


def _touch(entry: Path) -> None:
    """Mark an entry as recently used, if permitted."""
    with suppress(OSError):
        os.utime(entry)


def _record_source(entry: Path, fingerprint: str) -> None:
    """Store the fingerprint of an entry's video, which cannot be recovered from the entry's hashed name."""
    path = entry / _SOURCE
    if not path.exists():
        with replacing(path, private=True) as temporary:
            temporary.write_text(fingerprint, encoding="ascii")


def _source_of(entry: Path) -> str:
    """Fingerprint of an entry's video; empty if not recorded."""
    try:
        return (entry / _SOURCE).read_text(encoding="ascii")
    except (OSError, ValueError):
        pass
    try:
        return load_analysis(entry).video.fingerprint
    except StoredAnalysisError:
        return ""


def _size(entry: Path) -> int:
    return sum(path.stat().st_size for path in entry.iterdir())
