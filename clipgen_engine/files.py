"""Atomic file output: write under a temporary name in the same folder, then rename."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from clipgen_engine.errors import OutputError

_SURROGATE = re.compile("[\ud800-\udfff]")
SCHEMA_VERSION = 1  # of all files written by clipgen


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path for a file or folder; it is renamed to `path` on success and removed on failure.

    Args:
        private: restrict access to the owner.

    Raises:
        OutputError: the folder cannot be created or written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _remove(temporary)  # left by a killed process
            yield temporary
            if private:
                temporary.chmod(0o700 if temporary.is_dir() else 0o600)
            if temporary.is_dir() and path.exists():  # rename cannot replace a non-empty folder
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
    """Create a folder accessible only to its owner; restrict an existing one if possible.

    Raises:
        OSError: the folder cannot be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):  # owned by another user, or the file system has no permissions
        folder.chmod(0o700)
    return folder


def private_file(path: Path) -> None:
    """Create an empty file readable only by its owner, unless it exists.

    Raises:
        OSError: the file cannot be created.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def make_writable_folder(folder: Path) -> None:
    """Create the folder and check early that it is writable.

    Raises:
        OutputError: the folder cannot be created or is not writable.
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
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent)
    # Bytes of a file name that are not UTF-8 are lone surrogates in Python; escaped, they survive a round trip.
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def locked_file(path: Path) -> IO[bytes] | None:
    """Open a file and lock it exclusively until it is closed; None if another process holds the lock."""
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
    """Translate an OSError raised while writing to this folder."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"The disk is full: cannot write to {folder}", "Free some space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"No permission to write to {folder}", "Choose another output folder")
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"{folder} could not be written to ({reason})", "Choose another output folder")
