"""Portable clip file names from a pattern, and the split of each clip."""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from clipgen_engine.errors import SettingError
from clipgen_engine.settings import DatasetSettings

PROJECT_NAME_PATTERN = "{source}_{rank:03d}_frames_{start_frame:06d}_{end_frame:06d}"  # for exports of several videos
_EXAMPLE: dict[str, Any] = {
    "source": "video",
    "rank": 1,
    "number": 1,
    "start_frame": 0,
    "end_frame": 29,
    "track_id": 0,
    "subject_id": "0",
    "score": 0.5,
}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*.\ud800-\udfff]+')  # a dot would end the WebDataset sample key
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_MAX_BYTES = 200  # of 255 in most file systems; leaves room for suffixes and temporary names
_Key = TypeVar("_Key", bound=Hashable)


def check_pattern(pattern: str) -> None:
    """Raise SettingError if a pattern is malformed or uses an unknown field."""
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
        unknown = fields - _EXAMPLE.keys()
        filled = "" if unknown else pattern.format(**_EXAMPLE)
    except (ValueError, IndexError, KeyError, AttributeError):
        raise SettingError(f"Invalid name_pattern {pattern!r}", "Use a pattern such as {source}_{rank:03d}") from None
    if unknown or not filled.strip():
        what = f"Unknown field {{{min(unknown)}}}" if unknown else "name_pattern is empty"
        raise SettingError(what, "Use the fields " + ", ".join(_EXAMPLE))


def pattern_fields(record: Mapping[str, Any], source_stem: str) -> dict[str, Any]:
    """Return the values of all pattern fields for a record."""
    return {**{name: record.get(name) for name in _EXAMPLE}, "source": source_stem, "score": record["combined_score"]}


def safe_name(text: str) -> str:
    """Make text a portable file name without dots. Keeps letters of all scripts."""
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip(" ")
    while len(name.encode()) > _MAX_BYTES:
        name = name[:-1]
    name = name.rstrip(" ")
    return f"_{name}" if not name or name.lower() in _RESERVED else name


def unique_names(names: Mapping[_Key, str]) -> dict[_Key, str]:
    """Disambiguate names that are equal up to case, each with a suffix derived from its key alone."""
    count = Counter(name.casefold() for name in names.values())
    return {
        key: name if count[name.casefold()] == 1 else f"{name}_{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"
        for key, name in names.items()
    }


def split_of(record: Mapping[str, Any], subject_named: bool, settings: DatasetSettings) -> str:
    """Return train, validation or test. Clips of one group always share a split, whatever else is exported.

    The hash of each subject or video is a point in [0, 1), and each split is a sub-interval. With few groups the shares
    are only approximate, but existing clips never move when others are added.
    """
    by_subject = settings.split_by == "subject" and subject_named
    group = f"subject {record['subject_id']}" if by_subject else f"video {record['source_fingerprint']}"
    digest = hashlib.sha256(f"{settings.split_seed} {group}".encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64
    if point < settings.test_share:
        return "test"
    return "validation" if point < settings.test_share + settings.validation_share else "train"
