"""Validation of data read from files: JSON, hashes and relative paths."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MAX_BYTES = 4096  # PATH_MAX on Linux
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')


def parse_json(text: str | bytes) -> Any:
    """Parse strict JSON.

    Raises:
        ValueError: not UTF-8, not JSON, contains NaN or infinity, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def as_text(value: object) -> str:
    """The value, which must be text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError("it holds something else than text")
    return value


def is_sha256(value: object) -> bool:
    """Whether this is a SHA-256 in lower-case hex, and thus also safe as a file name."""
    return isinstance(value, str) and _SHA256.match(value) is not None


def is_relative_path(value: object) -> bool:
    """Whether this is a relative path as clipgen writes it: with forward slashes, without `.` and `..`."""
    if not isinstance(value, str) or _UNSAFE_IN_NAME.search(value):
        return False
    if len(value.encode("utf-8", "replace")) > _MAX_BYTES:
        return False
    parts = value.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not PurePosixPath(value).is_absolute()


def leads_through_link(root: Path, relative: str) -> bool:
    """Whether a path below a folder is, or passes through, a symbolic link."""
    path = root
    for part in PurePosixPath(relative).parts:
        path = path / part
        if path.is_symlink():
            return True
    return False


def printable(text: str) -> str:
    """The text on one line: bytes of a file name that are not UTF-8, and control characters, become `\ufffd`."""
    return _UNPRINTABLE.sub("\ufffd", text)
