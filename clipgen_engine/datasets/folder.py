"""The export folder: files are staged inside it, then committed together.

Staged files live in `.clipgen_export/`, named by the hash of their inputs, so an export can resume after one that was
killed. The commit consists of renames only. A plan of it is written first, so the next export knows which files are
its own, wherever the last one was interrupted. Documents that list files are removed before those files change and
written back last.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from clipgen_engine.closing import Closing
from clipgen_engine.datasets.contents import content_sha256, content_size, link_or_copy, remove
from clipgen_engine.datasets.inventory import Inventory
from clipgen_engine.datasets.manifest import MANIFEST_NAME, Manifest, Role, StoredFile, is_media, read_manifest
from clipgen_engine.errors import OutputError
from clipgen_engine.files import locked_file, output_error, strict_json
from clipgen_engine.untrusted import is_sha256, parse_json

_STAGING = ".clipgen_export"
_LOCK = "lock"
_NAMED = 5  # files listed in one message
_PLAN = "plan.json"
_PART = ".part"  # incomplete file
_FACTS = ".facts"  # facts of the encoded clip with the same stem, written after it


@dataclass(frozen=True)
class _Output:
    """The target state of a file."""

    content: Path
    stored: StoredFile


class ExportFolder(Closing):
    """An export folder, locked by one export at a time."""

    def __init__(self, root: Path) -> None:
        """Create or open and lock the folder, and clean up incomplete files of a killed export.

        Raises:
            OutputError: the folder cannot be written, another export holds it, or its manifest is damaged.
        """
        self.root = root
        self._staging = root / _STAGING
        self._lock: IO[bytes] | None = None
        self._outputs: dict[str, _Output] = {}
        try:
            existed = root.exists()
            if self._staging.is_symlink():
                raise OutputError(f"{self._staging} is a symbolic link", "Remove it, or choose another folder")
            self._staging.mkdir(parents=True, exist_ok=True)
            self._made = not existed
            self._lock = locked_file(self._staging / _LOCK)
        except OSError as error:
            raise output_error(root, error) from error
        if self._lock is None:
            raise OutputError(f"Another export is writing to {root}", "Wait for it, or choose another folder")
        try:
            self.manifest = self._read(root / MANIFEST_NAME)
            self._planned = self._read(self._staging / _PLAN)
            self._clear_strays()
        except OSError as error:
            self.close()
            raise output_error(root, error) from error
        except OutputError:
            self.close()
            raise
        self._inventory = Inventory(root, (self._planned, self.manifest))
        self.media: dict[str, Mapping[str, Any]] = {**self.manifest.media, **self._planned.media}
        self._staged: dict[str, Path] = {}  # key -> complete staged file
        for path in self._staging.iterdir():
            if not is_sha256(path.stem) or path.is_symlink():
                continue
            if path.suffix != _FACTS:
                self._staged[path.stem] = path
            else:
                with suppress(ValueError):  # damaged: the clip is encoded again
                    facts = parse_json(path.read_bytes())
                    self.media |= {path.stem: facts} if is_media(facts) else {}
        self.left_alone: list[str] = []  # obsolete files that were modified since their export: not removed

    @staticmethod
    def _read(path: Path) -> Manifest:
        try:
            return read_manifest(path)
        except FileNotFoundError:
            return Manifest()

    def _clear_strays(self) -> None:
        """Remove incomplete files and anything not named by a hash; keep complete files for reuse."""
        for path in self._staging.iterdir():
            whole = is_sha256(path.stem) and path.suffix != _PART
            if not whole and path.name not in (_LOCK, _PLAN):
                remove(path)

    # Queries

    def is_foreign(self, path: str) -> bool:
        """Whether something exists at this path that no export wrote. It must not be touched."""
        return self._inventory.is_foreign(path)

    def adopt(self, paths: Iterable[str]) -> None:
        """Treat files as written by an export. Has no effect if the folder has a manifest."""
        if not (self.root / MANIFEST_NAME).exists():
            self._inventory.adopt(paths)

    def is_unchanged(self, path: str) -> bool:
        """Whether the file at this path is unmodified since its export."""
        return self._inventory.unchanged(path) is not None

    def text_of(self, path: str) -> str:
        """Return the exported text at this path; empty if missing or modified."""
        return (self.root / path).read_text(encoding="utf-8") if self.is_unchanged(path) else ""

    def find(self, key: str) -> Path | None:
        """Return the path of the intact content with this key, if any."""
        return self._staged.get(key) or self._inventory.find(key)

    def has_clip(self, key: str) -> bool:
        """Whether the encoded clip with this key exists, as a file or in an archive."""
        return key in self.media and (self.find(key) is not None or self._inventory.find_in_archive(key) is not None)

    def clip(self, key: str) -> Path:
        """Return the encoded clip with this key, which must exist. Extracts it if it is only in an archive."""
        found = self.find(key)
        if found is not None:
            return found
        location = self._inventory.find_in_archive(key)
        assert location is not None
        name, member = location

        def extract(path: Path) -> None:
            with tarfile.open(self.root / name) as archive:
                try:
                    file = archive.extractfile(member)
                except KeyError:
                    file = None
                if file is None:
                    raise OutputError(f"{name} does not contain {member}", "Choose another folder")
                with path.open("wb") as copy:
                    shutil.copyfileobj(file, copy)
            if content_sha256(path) != self.media[key]["sha256"]:
                raise OutputError(f"{name} does not contain the clip that it lists", "Choose another folder")

        return self.make(key, Path(member).suffix, extract)

    # Staging

    def make(self, key: str, suffix: str, write: Callable[[Path], object]) -> Path:
        """Stage the content with this key, unless it is staged already.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        if key not in self._staged:
            path = self.staging_path(key, suffix)
            self._write_whole(path, write)
            self._staged[key] = path
        return self._staged[key]

    def _write_whole(self, target: Path, write: Callable[[Path], object]) -> None:
        part = target.with_name(target.name + _PART)
        try:
            write(part)
            part.replace(target)
        except OSError as error:
            raise output_error(self.root, error) from error
        finally:
            remove(part)

    def staging_path(self, key: str, suffix: str) -> Path:
        """Return the path at which the content with this key is staged."""
        return self._staging / f"{key}{suffix}"

    def record_clip(self, key: str, path: Path, facts: Mapping[str, Any]) -> None:
        """Record a complete clip in the staging directory, with its facts.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        text = strict_json(dict(facts))
        self._write_whole(self._staging / f"{key}{_FACTS}", lambda part: part.write_text(text, encoding="utf-8"))
        self._staged[key] = path
        self.media[key] = facts

    def stage(
        self,
        path: str,
        content: Path,
        key: str,
        *,
        layout: str,
        role: Role,
        members: Mapping[str, str] | None = None,
    ) -> None:
        """Stage this content for the file at this path."""
        stored = StoredFile(self._inventory.sha256(content), content_size(content), key, layout, role, members or {})
        self._outputs[path] = _Output(content, stored)

    def keep(self, path: str) -> None:
        """Keep a file of an earlier export, if it is unmodified."""
        stored = self._inventory.unchanged(path)
        if stored is not None and path not in self._outputs:
            self._outputs[path] = _Output(self.root / path, stored)

    # Commit

    def commit(self, manifest: Manifest) -> tuple[int, int]:
        """Move staged files to their paths and remove obsolete ones. Touches nothing if nothing changed.

        Args:
            manifest: `files` and `media` are filled in here.

        Returns:
            Numbers of new or changed files, and of removed files.

        Raises:
            OutputError: the folder cannot be written; the next export repairs an incomplete commit.
        """
        files = {path: output.stored for path, output in self._outputs.items()}
        media = {
            key: self.media[key]
            for stored in files.values()
            for key in (stored.key, *stored.members)
            if key in self.media
        }
        text = replace(manifest, files=files, media=media).text()
        moves = {path: output for path, output in self._outputs.items() if not self._is_current(path, output)}
        unwanted = {path for path in self._inventory.owned - self._outputs.keys() if os.path.lexists(self.root / path)}
        gone = {path for path in unwanted if self._inventory.is_removable(path)}
        self.left_alone = sorted(unwanted - gone)
        try:
            if moves or gone or not self._same_manifest(text):
                self._change(moves, gone, text)
        except OSError as error:
            raise output_error(self.root, error) from error
        return len(moves), len(gone)

    def _is_current(self, path: str, output: _Output) -> bool:
        target = self.root / path
        return target == output.content or (
            path in self._inventory.owned and self._inventory.matches(target, output.stored)
        )

    def _same_manifest(self, text: str) -> bool:
        try:
            return (self.root / MANIFEST_NAME).read_text(encoding="utf-8") == text
        except FileNotFoundError:
            return False

    def _change(self, moves: Mapping[str, _Output], gone: set[str], text: str) -> None:
        stale = self._stale_documents(moves, gone)
        # even documents that end up identical are removed meanwhile, then written back
        moves = {**{path: self._outputs[path] for path in stale if path in self._outputs}, **moves}
        ready = {}
        for number, (path, output) in enumerate(moves.items()):
            ready[path] = self._staging / f"ready-{number}"
            link_or_copy(output.content, ready[path])
        plan = self._staging / _PLAN
        part = plan.with_name(_PLAN + _PART)
        final = self._staging / "manifest"
        for target, content in ((final, text), (part, self._plan_text(text))):
            with target.open("w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        part.replace(plan)  # only renames from here on, so a full disk cannot interrupt the commit
        for path in stale:
            remove(self.root / path)
        documents = [path for path in moves if moves[path].stored.role == "document"]
        others = [path for path in moves if moves[path].stored.role != "document"]
        for path in others:
            self._replace(ready[path], self.root / path)
        for path in gone:
            remove(self.root / path)
        for path in documents:
            self._replace(ready[path], self.root / path)
        for path in self._inventory.owned - self._outputs.keys():
            self._remove_empty_folders((self.root / path).parent)
        final.replace(self.root / MANIFEST_NAME)

    def _plan_text(self, text: str) -> str:
        """Return the new manifest, plus the files planned by a killed export, which may already be in the folder."""
        coming = json.loads(text)
        for path, stored in self._planned.files.items():
            coming["files"].setdefault(path, vars(stored))
        return strict_json(coming) + "\n"

    def _stale_documents(self, moves: Mapping[str, _Output], gone: set[str]) -> list[str]:
        """Documents of earlier exports that list files about to change."""
        roles = {known.path: known.stored for known in reversed(self._inventory.files)}
        touched = {
            roles[path].layout
            for path in (*moves, *gone)
            if path in roles and roles[path].role != "document" and os.path.lexists(self.root / path)
        }
        return [
            path
            for path, stored in roles.items()
            if stored.role == "document"
            and touched
            and (stored.layout in touched or not stored.layout)
            and (path in self._outputs or self.is_unchanged(path))
        ]

    def _replace(self, ready: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if ready.is_dir() or target.is_dir():  # a rename cannot replace a folder
            remove(target)
        ready.replace(target)

    def _remove_empty_folders(self, folder: Path) -> None:
        while folder != self.root and folder.is_relative_to(self.root):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def complaints(self) -> list[str]:
        """Return messages about rejected manifest entries and about modified files that were not removed."""
        found = []
        distrusted = list(dict.fromkeys((*self.manifest.distrusted, *self._planned.distrusted)))
        if distrusted:
            found.append(
                f"{MANIFEST_NAME} has entries that no export writes; they were ignored: {_enumerated(distrusted)}."
            )
        if self.left_alone:
            found.append(
                f"These files were modified after their export and were left in place: {_enumerated(self.left_alone)}."
            )
        return found

    def finish(self) -> None:
        """Delete all staged files after a complete export, and close."""
        for path in self._staging.iterdir():
            if path.name != _LOCK:
                remove(path)
        self.close()

    def close(self) -> None:
        """Release the folder. Uncommitted staged files are kept for the next export."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        try:
            if all(path.name == _LOCK for path in self._staging.iterdir()):
                (self._staging / _LOCK).unlink(missing_ok=True)
                self._staging.rmdir()
                if self._made and not any(self.root.iterdir()):
                    self.root.rmdir()
        except OSError:
            pass  # cleaned up by the next export
        finally:
            lock.close()


def _enumerated(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
