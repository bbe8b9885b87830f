"""Analyses that were made before, in the user's cache folder: nothing is analysed twice, nor lost half-way.

An entry is a folder named after all that the result depends on: the video's fingerprint, the settings that matter, the
models and the format. Finished segments are stored as they end and give way to the whole analysis at the end.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.analysis.segments import SegmentResult
from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.errors import OutputError, StoredAnalysisError
from clipgen_engine.expression_tokens.store import TokenStore
from clipgen_engine.faces.tracklets import COLUMNS, TrackletSummary
from clipgen_engine.files import SCHEMA_VERSION, private_folder, replacing, strict_json
from clipgen_engine.settings import AnalysisSettings
from clipgen_engine.types import Analysis, VideoInfo
from clipgen_engine.user_folders import analyses_folder

_METHOD_VERSION = 5  # to be raised when the same video and settings give another result
_MAX_BYTES = 4 << 30
_DAMAGED = ".damaged"
_SOURCE = "source"
_ENTRY_NAME = re.compile(r"[0-9a-f]{40}\Z")

_log = logging.getLogger(__name__)


class AnalysisCache:
    """Stored analyses by what made them. Where the folder cannot be written, a log line says so and work goes on."""

    def __init__(self, folder: Path | None = None, max_bytes: int = _MAX_BYTES) -> None:
        """Args:
        folder: where the entries lie; else the user's cache folder.
        max_bytes: entries that were not used for longest are removed beyond this.
        """
        self.folder = folder or analyses_folder()
        self._max_bytes = max_bytes

    def load(self, video: VideoInfo, settings: AnalysisSettings, model_sha256: Mapping[str, str]) -> Analysis | None:
        """The finished analysis of this video, or None. A damaged one is set aside."""
        entry = self._entry(video, settings.as_dict(), model_sha256)
        if not (entry / "analysis.npz").is_file():
            return None
        try:
            analysis = load_analysis(entry)
            if analysis.video.fingerprint != video.fingerprint:
                raise StoredAnalysisError(f"The analysis in {entry} is of another video", "Remove that folder")
        except StoredAnalysisError as error:
            _log.warning("%s It is set aside and made anew.", error)
            self._set_aside(entry)
            return None
        _touch(entry)
        return replace(analysis, video=video)  # the file may have moved

    def name_of(self, analysis: Analysis) -> str:
        """Name of the entry in which this analysis is kept, for `open`."""
        return self._entry(analysis.video, analysis.settings, analysis.model_sha256).name

    def open(self, name: str, path: Path) -> Analysis | None:
        """The finished analysis of an entry, without a look into the video, which lies at this path by now; or None.

        Raises:
            StoredAnalysisError: it is damaged.
        """
        entry = self.folder / (name if _ENTRY_NAME.match(name) else "none")
        if not (entry / "analysis.npz").is_file():
            return None
        analysis = load_analysis(entry)
        _touch(entry)
        return replace(analysis, video=replace(analysis.video, path=path))

    def store(self, analysis: Analysis) -> None:
        """Keep a finished analysis; its segments are not needed any more."""
        entry = self._entry(analysis.video, analysis.settings, analysis.model_sha256)

        def write() -> None:
            private_folder(self.folder)
            save_analysis(analysis, entry, private=True)
            _note_source(entry, analysis.video.fingerprint)
            for path in entry.glob("segment_*.npz"):
                path.unlink()

        self._written(write)
        self._shrink(keep=entry)

    def load_segments(
        self, video: VideoInfo, settings: AnalysisSettings, model_sha256: Mapping[str, str]
    ) -> dict[int, SegmentResult]:
        """The finished segments of an analysis that was interrupted, by number."""
        entry = self._entry(video, settings.as_dict(), model_sha256)
        results = {}
        for path in sorted(entry.glob("segment_*.npz")):
            try:
                results[int(path.stem.removeprefix("segment_"))] = _read_segment(path)
            except (
                OSError,
                EOFError,
                ValueError,
                KeyError,
                IndexError,
                TypeError,
                zipfile.BadZipFile,
                zlib.error,
            ) as error:
                _log.warning("The stored segment %s is damaged (%s) and is made anew", path, error)
                path.unlink(missing_ok=True)
        return results

    def store_segment(
        self,
        video: VideoInfo,
        settings: AnalysisSettings,
        model_sha256: Mapping[str, str],
        number: int,
        result: SegmentResult,
    ) -> None:
        """Keep a finished segment until the analysis is whole."""
        path = self._entry(video, settings.as_dict(), model_sha256) / f"segment_{number:06d}.npz"

        def write() -> None:
            private_folder(self.folder)
            with replacing(path, private=True) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **_segment_arrays(result))
            _note_source(path.parent, video.fingerprint)

        self._written(write)

    def token_store(self, made_by: Mapping[str, Any]) -> TokenStore:
        """Where learned tokens are kept as they are made, by all that they depend on."""
        entry = self._folder_of({"schema": [SCHEMA_VERSION, "tokens"], **made_by})
        store = TokenStore(entry / "tokens.sqlite")
        if entry.is_dir():
            self._written(lambda: _note_source(entry, made_by.get("fingerprint", "")))
            _touch(entry)
            self._shrink(keep=entry)
        return store

    def size_bytes(self) -> int:
        """Room that all entries take up."""
        return sum(_size(entry) for entry in self._entries())

    def forget(self, fingerprint: str) -> int:
        """Remove every entry that was made from this video; returns how many.

        Segments and tokens that 0.1.0 wrote do not say what they were made from and stay, until `clear`.
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

    def _set_aside(self, entry: Path) -> None:
        aside = entry.with_name(entry.name + _DAMAGED)
        shutil.rmtree(aside, ignore_errors=True)
        self._written(lambda: entry.rename(aside))

    def _shrink(self, keep: Path) -> None:
        """Remove what was not used for longest, until the rest fits."""
        entries = sorted((entry.stat().st_mtime, entry) for entry in self._entries())
        sizes = {entry: _size(entry) for _, entry in entries}
        total = sum(sizes.values())
        for _, entry in entries:
            if total <= self._max_bytes:
                break
            if entry != keep:
                shutil.rmtree(entry, ignore_errors=True)
                total -= sizes[entry]

    def _written(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OutputError, OSError) as error:
            _log.warning("The analysis is not kept for the next time: %s", error)


def _touch(entry: Path) -> None:
    """Mark an entry as used; where that is not permitted it only ages faster."""
    with suppress(OSError):
        os.utime(entry)


def _note_source(entry: Path, fingerprint: str) -> None:
    """Let an entry say which video it was made from; its name is a hash, from which that cannot be told."""
    path = entry / _SOURCE
    if not path.exists():
        with replacing(path, private=True) as temporary:
            temporary.write_text(fingerprint, encoding="ascii")


def _source_of(entry: Path) -> str:
    """Fingerprint of the video that an entry was made from; empty where it does not say."""
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


def _segment_arrays(result: SegmentResult) -> dict[str, Any]:
    tracklets = result.tracklets
    nowhere = np.full(4, np.nan, np.float32)
    return {f"row_{name}": values for name, values in result.rows.items()} | {
        "decoded": np.array(result.decoded),
        "shot_starts": np.array(result.shot_starts, np.int64),
        "number": np.array([tracklet.number for tracklet in tracklets], np.int64),
        "continues": np.array([-1 if item.continues is None else item.continues for item in tracklets], np.int64),
        "near": np.array([tracklet.near for tracklet in tracklets], np.bool_),
        "described": np.array([tracklet.described for tracklet in tracklets], np.int64),
        "descriptor": np.array([tracklet.descriptor for tracklet in tracklets], np.float32),
        "entry_box": np.array(
            [nowhere if item.entry_box is None else item.entry_box for item in tracklets], np.float32
        ),
    }


def _read_segment(path: Path) -> SegmentResult:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    count = len(arrays["row_frame_index"])
    if any(
        arrays[f"row_{name}"].shape != (count, *shape) or arrays[f"row_{name}"].dtype != dtype
        for name, (dtype, shape) in COLUMNS.items()
    ):
        raise ValueError("its arrays do not fit each other")
    return SegmentResult(
        decoded=int(arrays["decoded"]),
        shot_starts=tuple(arrays["shot_starts"].tolist()),
        rows={name: arrays[f"row_{name}"] for name in COLUMNS},
        tracklets=tuple(
            TrackletSummary(
                number=int(number),
                continues=None if arrays["continues"][row] < 0 else int(arrays["continues"][row]),
                near=bool(arrays["near"][row]),
                descriptor=arrays["descriptor"][row],
                described=int(arrays["described"][row]),
                entry_box=None if np.isnan(arrays["entry_box"][row]).any() else arrays["entry_box"][row],
            )
            for row, number in enumerate(arrays["number"])
        ),
    )
