"""File names of clips from a pattern, safe in every file system, and the split that each clip belongs to."""

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

PROJECT_NAME_PATTERN = "{source}_{rank:03d}_frames_{start_frame:06d}_{end_frame:06d}"  # for several videos at once
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
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*.]+')  # a dot would end the key of a WebDataset sample
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_MAX_BYTES = 200  # file systems stop at 255; suffixes and temporary names need some
_Key = TypeVar("_Key", bound=Hashable)


def check_pattern(pattern: str) -> None:
    """Raises SettingError where a pattern has a field that there is not, or cannot be filled in."""
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
        unknown = fields - _EXAMPLE.keys()
        filled = "" if unknown else pattern.format(**_EXAMPLE)
    except (ValueError, IndexError, KeyError, AttributeError):
        raise SettingError(
            f"name_pattern cannot be {pattern!r}", "Give a pattern such as {source}_{rank:03d}"
        ) from None
    if unknown or not filled.strip():
        what = f"There is no field {{{min(unknown)}}}" if unknown else "name_pattern is empty"
        raise SettingError(what, "Use the fields " + ", ".join(_EXAMPLE))


def pattern_fields(record: Mapping[str, Any], source_stem: str) -> dict[str, Any]:
    """What a pattern may use of a record."""
    return {**{name: record.get(name) for name in _EXAMPLE}, "source": source_stem, "score": record["combined_score"]}


def safe_name(text: str) -> str:
    """The text as a file name that every file system takes, without dots; letters of all languages stay."""
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip(" ")
    while len(name.encode()) > _MAX_BYTES:
        name = name[:-1]
    name = name.rstrip(" ")
    return f"_{name}" if not name or name.lower() in _RESERVED else name


def unique_names(names: Mapping[_Key, str]) -> dict[_Key, str]:
    """The names by key; where several are alike, letter case aside, each gets a mark that its key alone decides."""
    count = Counter(name.casefold() for name in names.values())
    return {
        key: name if count[name.casefold()] == 1 else f"{name}_{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"
        for key, name in names.items()
    }


def split_of(record: Mapping[str, Any], subject_named: bool, settings: DatasetSettings) -> str:
    """train, validation or test: what belongs together always lands in the same one, whatever else is exported.

    Each subject or video is a point in [0, 1) by its hash; the splits are stretches of that line. So the shares are met
    only roughly where there are few, but nothing moves when others are added.
    """
    by_subject = settings.split_by == "subject" and subject_named
    group = f"subject {record['subject_id']}" if by_subject else f"video {record['source_fingerprint']}"
    digest = hashlib.sha256(f"{settings.split_seed} {group}".encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64
    if point < settings.test_share:
        return "test"
    return "validation" if point < settings.test_share + settings.validation_share else "train"
