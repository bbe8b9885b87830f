"""Files and flat folders of frames as the content of an export: hashed, measured, linked and removed alike."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.files import sha256_of


def content_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file; of a folder, of the names and hashes of the files in it."""
    if not path.is_dir():
        return sha256_of(path)
    names = sorted(item.name for item in path.iterdir())
    return key_of([[name, sha256_of(path / name)] for name in names])


def content_size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return sum(item.stat().st_size for item in path.iterdir())
    return path.stat().st_size


def link_or_copy(source: Path, target: Path) -> None:
    """Make the content appear at another path, without copying where the file system has hard links."""
    if source.is_dir():
        target.mkdir()
        for item in source.iterdir():
            link_or_copy(item, target / item.name)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        shutil.copyfile(source, target)  # no hard links here, or too many of this file


def remove(path: Path) -> None:
    """Remove a file, a folder or a link; never what a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
