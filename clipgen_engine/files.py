"""Files that are whole or not there: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from clipgen_engine.errors import OutputError

SCHEMA_VERSION = 1  # of every file that clipgen writes


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path to write a file or folder to; on a good end it becomes `path`, on a bad one it is removed.

    Args:
        private: only the owner may read it.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _remove(temporary)  # of a run that was killed
            yield temporary
            if private:
                temporary.chmod(0o700 if temporary.is_dir() else 0o600)
            if temporary.is_dir() and path.exists():  # a folder does not replace another in one step
                old = path.with_name(f".{path.name}.old.part")
                _remove(old)
                path.replace(old)
                temporary.replace(path)
                _remove(old)
            else:
                temporary.replace(path)
        finally:
            _remove(temporary)
    except OSError as error:
        raise output_error(path.parent, error) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner may enter; one that exists is closed to others where that is possible.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):  # it belongs to somebody else, or the file system has no permissions
        folder.chmod(0o700)
    return folder


def private_file(path: Path) -> None:
    """Create an empty file that only its owner may read, unless there is one.

    Raises:
        OSError: it cannot be created.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def make_writable_folder(folder: Path) -> None:
    """Make the folder, or find out now, not after an hour's work, that nothing can be written there.

    Raises:
        OutputError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise output_error(folder, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (a NaN is a bug and raises ValueError); raises OutputError."""
    write_text(path, strict_json(value, indent=2) + "\n")


def strict_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent)


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def locked_file(path: Path) -> IO[bytes] | None:
    """An open file that nobody else can lock until it is closed, or None where somebody else has locked it."""
    file = path.open("ab")
    try:
        try:
            import fcntl
        except ImportError:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def output_error(folder: Path, error: OSError) -> OutputError:
    """The sentence for what the system answered when this folder was written to."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"The disk is full: nothing more fits into {folder}", "Free some space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{folder} may not be written to", "Choose another output folder")
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"{folder} could not be written to ({reason})", "Choose another output folder")
