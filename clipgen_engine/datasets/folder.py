"""The folder that an export writes to: everything is made aside in it, then comes into place all at once.

What is made lies under `.clipgen_export/` until then, named after the hash of all that it depends on: an export after
one that was killed finds it there and goes on. The change itself is renames only, and a plan of it is written down
before, so that the next export knows what is its own whenever the last one ended. Documents that list files are taken
away before any of these changes and come back after all of them.
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
_NAMED = 5  # files in a sentence
_PLAN = "plan.json"
_PART = ".part"  # not complete yet
_FACTS = ".facts"  # what is known of the encoded clip of the same name: the last that is written of it


@dataclass(frozen=True)
class _Output:
    """A file as it shall be after the change."""

    content: Path
    stored: StoredFile


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
        try:
            existed = root.exists()
            if self._staging.is_symlink():
                raise OutputError(f"{self._staging} is a link to another folder", "Remove it, or choose another folder")
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
        self._staged: dict[str, Path] = {}  # whole files made aside, by key
        for path in self._staging.iterdir():
            if not is_sha256(path.stem) or path.is_symlink():
                continue
            if path.suffix != _FACTS:
                self._staged[path.stem] = path
            else:
                with suppress(ValueError):  # a damaged one: its clip is encoded again
                    facts = parse_json(path.read_bytes())
                    self.media |= {path.stem: facts} if is_media(facts) else {}
        self.left_alone: list[str] = []  # what an export wrote, but is not as it wrote it: not removed

    @staticmethod
    def _read(path: Path) -> Manifest:
        try:
            return read_manifest(path)
        except FileNotFoundError:
            return Manifest()

    def _clear_strays(self) -> None:
        """Half-written files go, and everything that is not named after a hash; whole files stay to be used."""
        for path in self._staging.iterdir():
            whole = is_sha256(path.stem) and path.suffix != _PART
            if not whole and path.name not in (_LOCK, _PLAN):
                remove(path)

    # What there is

    def is_foreign(self, path: str) -> bool:
        """Whether something is at this path that no export wrote: then it must not be touched."""
        return self._inventory.is_foreign(path)

    def adopt(self, paths: Iterable[str]) -> None:
        """Count files as written by an export although no manifest lists them; with a manifest it alone counts."""
        if not (self.root / MANIFEST_NAME).exists():
            self._inventory.adopt(paths)

    def is_unchanged(self, path: str) -> bool:
        """Whether the file at this path is as an export wrote it."""
        return self._inventory.unchanged(path) is not None

    def text_of(self, path: str) -> str:
        """The text that an export wrote to this path; empty where it does not stand."""
        return (self.root / path).read_text(encoding="utf-8") if self.is_unchanged(path) else ""

    def find(self, key: str) -> Path | None:
        """Where the content of this key lies, as it was written; None: nowhere."""
        return self._staged.get(key) or self._inventory.find(key)

    def has_clip(self, key: str) -> bool:
        """Whether the encoded clip of this key lies somewhere here, in a file of its own or in an archive."""
        return key in self.media and (self.find(key) is not None or self._inventory.find_in_archive(key) is not None)

    def clip(self, key: str) -> Path:
        """The encoded clip of this key, which must be here; taken out of its archive where it has no file."""
        found = self.find(key)
        if found is not None:
            return found
        place = self._inventory.find_in_archive(key)
        assert place is not None
        name, member = place

        def take_out(path: Path) -> None:
            with tarfile.open(self.root / name) as archive:
                try:
                    file = archive.extractfile(member)
                except KeyError:
                    file = None
                if file is None:
                    raise OutputError(f"{name} does not hold {member}", "Choose another folder")
                with path.open("wb") as copy:
                    shutil.copyfileobj(file, copy)
            if content_sha256(path) != self.media[key]["sha256"]:
                raise OutputError(f"{name} does not hold the clip that it lists", "Choose another folder")

        return self.make(key, Path(member).suffix, take_out)

    # What shall be

    def make(self, key: str, suffix: str, write: Callable[[Path], object]) -> Path:
        """Make the content of this key aside, unless it lies there already.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        if key not in self._staged:
            place = self.staging_path(key, suffix)
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
            remove(part)

    def staging_path(self, key: str, suffix: str) -> Path:
        """Where the content of this key is made."""
        return self._staging / f"{key}{suffix}"

    def record_clip(self, key: str, place: Path, facts: Mapping[str, Any]) -> None:
        """An encoded clip is complete at its place: keep what is known of it.

        Raises:
            OutputError: the folder cannot be written, or the disk is full.
        """
        text = strict_json(dict(facts))
        self._write_whole(self._staging / f"{key}{_FACTS}", lambda path: path.write_text(text, encoding="utf-8"))
        self._staged[key] = place
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
        """Let the file at this path have this content after the change."""
        stored = StoredFile(self._inventory.sha256(content), content_size(content), key, layout, role, members or {})
        self._outputs[path] = _Output(content, stored)

    def keep(self, path: str) -> None:
        """Let a file of an earlier export stand as it is, if it is intact."""
        stored = self._inventory.unchanged(path)
        if stored is not None and path not in self._outputs:
            self._outputs[path] = _Output(self.root / path, stored)

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
        # one that will read as before goes away as well meanwhile, and comes back
        moves = {**{path: self._outputs[path] for path in stale if path in self._outputs}, **moves}
        ready = {}
        for number, (path, output) in enumerate(moves.items()):
            ready[path] = self._staging / f"ready-{number}"
            link_or_copy(output.content, ready[path])
        plan = self._staging / _PLAN
        part = plan.with_name(_PLAN + _PART)
        final = self._staging / "manifest"
        for place, content in ((final, text), (part, self._plan_text(text))):
            with place.open("w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        part.replace(plan)  # from here on there are only renames: a disk that is full hurts nothing any more
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
        """The manifest to come. What the one before lists is known from that until it is replaced; what an export that
        was killed had planned is listed here, as it may stand there now."""
        coming = json.loads(text)
        for path, stored in self._planned.files.items():
            coming["files"].setdefault(path, vars(stored))
        return strict_json(coming) + "\n"

    def _stale_documents(self, moves: Mapping[str, _Output], gone: set[str]) -> list[str]:
        """Documents of earlier exports that list files which are about to change."""
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
        if ready.is_dir() or target.is_dir():  # a folder cannot be replaced by a rename
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
        """A sentence for the entries that were not believed, and one for the files that were not removed."""
        found = []
        distrusted = list(dict.fromkeys((*self.manifest.distrusted, *self._planned.distrusted)))
        if distrusted:
            found.append(
                f"{MANIFEST_NAME} has entries that no export writes, which were ignored: {_enumerated(distrusted)}."
            )
        if self.left_alone:
            found.append(
                f"These files are not as an export wrote them and were left in place: {_enumerated(self.left_alone)}."
            )
        return found

    def finish(self) -> None:
        """The export is complete: nothing that was made aside is needed any more."""
        for path in self._staging.iterdir():
            if path.name != _LOCK:
                remove(path)
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


def _enumerated(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
