"""The folder that an export writes to: everything is made aside in it, then comes into place all at once.

What is made lies under `.clipgen_export/` until then, named after the hash of all that it depends on: an export after
one that was killed finds it there and goes on. The change itself is renames only, and a plan of it is written down
before, so that the next export knows what is its own whenever the last one ended. Documents that list files are taken
away before any of these changes and come back after all of them.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from clipgen_engine.closing import Closing
from clipgen_engine.datasets.manifest import MANIFEST_NAME, Manifest, Role, StoredFile, key_of, read_manifest
from clipgen_engine.errors import OutputError
from clipgen_engine.files import locked_file, output_error, sha256_of, strict_json

_STAGING = ".clipgen_export"
_LOCK = "lock"
_PLAN = "plan.json"
_KEY_LENGTH = 64
_PART = ".part"  # not complete yet
_FACTS = ".facts"  # what is known of the encoded clip of the same name: the last that is written of it


@dataclass(frozen=True)
class _Output:
    """A file as it shall be after the change."""

    content: Path
    stored: StoredFile


@dataclass
class _Known:
    """A file that an export before this one wrote, or was about to write."""

    path: str
    stored: StoredFile
    intact: bool | None = field(default=None)  # None: nobody looked yet


class ExportFolder(Closing):
    """An export folder, held by one export at a time."""

    def __init__(self, root: Path) -> None:
        """Make or open the folder, and clear away what a killed export left that is of no use.

        Raises:
            OutputError: it cannot be written, another export writes to it, or its manifest is damaged.
        """
        self.root = root
        self._staging = root / _STAGING
        self._lock: IO[bytes] | None = None
        self._outputs: dict[str, _Output] = {}
        self._hashes: dict[Path, str] = {}
        try:
            existed = root.exists()
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
        self._known = [
            _Known(path, stored)
            for manifest in (self._planned, self.manifest)
            for path, stored in manifest.files.items()
        ]
        self._owned = {known.path for known in self._known}
        self._by_key: dict[str, list[_Known]] = {}
        self._in_archives: dict[str, list[tuple[_Known, str]]] = {}
        for known in self._known:
            self._by_key.setdefault(known.stored.key, []).append(known)
            for key, member in known.stored.members.items():
                self._in_archives.setdefault(key, []).append((known, member))
        self.media: dict[str, Mapping[str, Any]] = {**self.manifest.media, **self._planned.media}
        self._staged: dict[str, Path] = {}  # whole files made aside, by key
        for path in self._staging.iterdir():
            if path.suffix == _FACTS:
                self.media[path.stem] = json.loads(path.read_bytes())
            elif len(path.stem) == _KEY_LENGTH:
                self._staged[path.stem] = path

    @staticmethod
    def _read(path: Path) -> Manifest:
        try:
            return read_manifest(path)
        except FileNotFoundError:
            return Manifest()

    def _clear_strays(self) -> None:
        """Half-written files go, and everything that is not named after a hash; whole files stay to be used."""
        for path in self._staging.iterdir():
            whole = len(path.stem) == _KEY_LENGTH and path.suffix != _PART
            if not whole and path.name not in (_LOCK, _PLAN):
                _remove(path)

    # What there is

    def is_foreign(self, path: str) -> bool:
        """Whether something stands at this path that no export wrote."""
        return path not in self._owned and os.path.lexists(self.root / path)

    def adopt(self, paths: Iterable[str]) -> None:
        """Count files as written by an export, although no manifest says so."""
        self._owned |= set(paths)

    def stands(self, path: str) -> bool:
        """Whether a file that an export wrote stands at this path, as it was written."""
        return any(known.path == path and self._is_intact(known) for known in self._known)

    def text_of(self, path: str) -> str:
        """The text that an export wrote to this path; empty where it does not stand."""
        return (self.root / path).read_text(encoding="utf-8") if self.stands(path) else ""

    def find(self, key: str) -> Path | None:
        """Where the content of this key lies, as it was written; None: nowhere."""
        if key in self._staged:
            return self._staged[key]
        for known in self._by_key.get(key, ()):
            if self._is_intact(known):
                return self.root / known.path
        return None

    def has_clip(self, key: str) -> bool:
        """Whether the encoded clip of this key lies somewhere here, in a file of its own or in an archive."""
        return key in self.media and (
            self.find(key) is not None or any(self._is_intact(known) for known, _ in self._in_archives.get(key, ()))
        )

    def clip(self, key: str) -> Path:
        """The encoded clip of this key, which must be here; taken out of its archive where it has no file."""
        found = self.find(key)
        if found is not None:
            return found
        known, member = next(pair for pair in self._in_archives[key] if self._is_intact(pair[0]))

        def take_out(path: Path) -> None:
            with tarfile.open(self.root / known.path) as archive:
                file = archive.extractfile(member)
                assert file is not None
                with path.open("wb") as copy:
                    shutil.copyfileobj(file, copy)

        return self.make(key, Path(member).suffix, take_out)

    def _is_intact(self, known: _Known) -> bool:
        if known.intact is None:
            path = self.root / known.path
            try:
                known.intact = (
                    path.exists() and _size(path) == known.stored.size_bytes and self._hash(path) == known.stored.sha256
                )
            except OSError:
                known.intact = False
        return known.intact

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            self._hashes[path] = content_sha256(path)
        return self._hashes[path]

    # What shall be

    def make(self, key: str, suffix: str, write: Callable[[Path], object]) -> Path:
        """Make the content of this key aside, unless it lies there already.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        if key not in self._staged:
            place = self.place_of(key, suffix)
            self._write_whole(place, write)
            self._staged[key] = place
        return self._staged[key]

    def _write_whole(self, place: Path, write: Callable[[Path], object]) -> None:
        part = place.with_name(place.name + _PART)
        try:
            write(part)
            part.replace(place)
        except OSError as error:
            raise output_error(self.root, error) from error
        finally:
            _remove(part)

    def place_of(self, key: str, suffix: str) -> Path:
        """Where the content of this key is made."""
        return self._staging / f"{key}{suffix}"

    def note_clip(self, key: str, place: Path, facts: Mapping[str, Any]) -> None:
        """An encoded clip is complete at its place: keep what is known of it.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        text = strict_json(dict(facts))
        self._write_whole(self._staging / f"{key}{_FACTS}", lambda path: path.write_text(text, encoding="utf-8"))
        self._staged[key] = place
        self.media[key] = facts

    def put(
        self,
        path: str,
        content: Path,
        key: str,
        *,
        layout: str,
        role: Role,
        members: Mapping[str, str] | None = None,
    ) -> None:
        """Let the file at this path have this content after the change."""
        stored = StoredFile(self._hash(content), _size(content), key, layout, role, members or {})
        self._outputs[path] = _Output(content, stored)

    def leave(self, path: str) -> None:
        """Let a file of an earlier export stand as it is, if it is intact."""
        for known in self._known:
            if known.path == path and path not in self._outputs and self._is_intact(known):
                self._outputs[path] = _Output(self.root / path, known.stored)

    # The change

    def commit(self, manifest: Manifest) -> tuple[int, int]:
        """Bring everything into place and take away what is no longer wanted. Where nothing differs nothing is touched.

        Args:
            manifest: its files and media are filled in.

        Returns:
            Files that are new or other than before, and files that were taken away.

        Raises:
            OutputError: the folder cannot be written; what could not be changed is mended by the next export.
        """
        files = {path: output.stored for path, output in self._outputs.items()}
        media = {
            key: self.media[key]
            for stored in files.values()
            for key in (stored.key, *stored.members)
            if key in self.media
        }
        text = replace(manifest, files=files, media=media).text()
        moves = {path: output for path, output in self._outputs.items() if not self._stands(path, output)}
        gone = {path for path in self._owned - self._outputs.keys() if os.path.lexists(self.root / path)}
        try:
            if moves or gone or not self._same_manifest(text):
                self._change(moves, gone, text)
        except OSError as error:
            raise output_error(self.root, error) from error
        return len(moves), len(gone)

    def _stands(self, path: str, output: _Output) -> bool:
        target = self.root / path
        return target == output.content or (
            path in self._owned
            and target.exists()
            and _size(target) == output.stored.size_bytes
            and self._hash(target) == output.stored.sha256
        )

    def _same_manifest(self, text: str) -> bool:
        try:
            return (self.root / MANIFEST_NAME).read_text(encoding="utf-8") == text
        except FileNotFoundError:
            return False

    def _change(self, moves: Mapping[str, _Output], gone: set[str], text: str) -> None:
        untrue = self._untrue_documents(moves, gone)
        # one that will read as before goes away as well meanwhile, and comes back
        moves = {**{path: self._outputs[path] for path in untrue if path in self._outputs}, **moves}
        ready = {}
        for number, (path, output) in enumerate(moves.items()):
            ready[path] = self._staging / f"ready-{number}"
            _link_or_copy(output.content, ready[path])
        plan = self._staging / _PLAN
        part = plan.with_name(_PLAN + _PART)
        final = self._staging / "manifest"
        for place, content in ((final, text), (part, self._plan_text(text))):
            with place.open("w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        part.replace(plan)  # from here on there are only renames: a disk that is full hurts nothing any more
        for path in untrue:
            _remove(self.root / path)
        documents = [path for path in moves if moves[path].stored.role == "document"]
        others = [path for path in moves if moves[path].stored.role != "document"]
        for path in others:
            self._replace(ready[path], self.root / path)
        for path in gone:
            _remove(self.root / path)
        for path in documents:
            self._replace(ready[path], self.root / path)
        for path in self._owned - self._outputs.keys():
            self._remove_empty_folders((self.root / path).parent)
        final.replace(self.root / MANIFEST_NAME)

    def _plan_text(self, text: str) -> str:
        """The manifest to come. What the one before lists is known from that until it is replaced; what an export that
        was killed had planned is listed here, as it may stand there now."""
        coming = json.loads(text)
        for path, stored in self._planned.files.items():
            coming["files"].setdefault(path, vars(stored))
        return strict_json(coming) + "\n"

    def _untrue_documents(self, moves: Mapping[str, _Output], gone: set[str]) -> list[str]:
        """Documents of earlier exports that list files which are about to change."""
        roles = {known.path: known.stored for known in reversed(self._known)}
        touched = {
            roles[path].layout
            for path in (*moves, *gone)
            if path in roles and roles[path].role != "document" and os.path.lexists(self.root / path)
        }
        return [
            path
            for path, stored in roles.items()
            if stored.role == "document" and touched and (stored.layout in touched or not stored.layout)
        ]

    def _replace(self, ready: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if ready.is_dir() or target.is_dir():  # a folder cannot be replaced by a rename
            _remove(target)
        ready.replace(target)

    def _remove_empty_folders(self, folder: Path) -> None:
        while folder != self.root and folder.is_relative_to(self.root):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def finish(self) -> None:
        """The export is complete: nothing that was made aside is needed any more."""
        for path in self._staging.iterdir():
            if path.name != _LOCK:
                _remove(path)
        self.close()

    def close(self) -> None:
        """Let the folder go. Files that were made aside and never came into place stay for the next export."""
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
            pass  # it is cleared away by the next export
        finally:
            lock.close()


def content_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file; of a folder, of the names and hashes of the files in it."""
    if not path.is_dir():
        return sha256_of(path)
    names = sorted(item.name for item in path.iterdir())
    return key_of([[name, sha256_of(path / name)] for name in names])


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(item.stat().st_size for item in path.iterdir())
    return path.stat().st_size


def _link_or_copy(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for item in source.iterdir():
            _link_or_copy(item, target / item.name)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        shutil.copyfile(source, target)  # this file system knows no hard links, or has no room for one more


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
