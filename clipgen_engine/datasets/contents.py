"""Hash, measure, link and remove export content: files and flat folders of frames."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.files import sha256_of


def content_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file, or of the names and hashes of a folder's files."""
    if not path.is_dir():
        return sha256_of(path)
    names = sorted(item.name for item in path.iterdir())
    return key_of([[name, sha256_of(path / name)] for name in names])


def content_size(path: Path) -> int:
    """Size in bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(item.stat().st_size for item in path.iterdir())
    return path.stat().st_size


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file or folder to another path, or copy it where hard links are not supported."""
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
        shutil.copyfile(source, target)  # hard links not supported, or link limit reached


def remove(path: Path) -> None:
    """Remove a file, folder or symlink. Never follows links."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
