"""Where clipgen keeps its own files on this computer; all of them are for their owner alone."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """What can be computed again: analyses, learned tokens, thumbnails, downloaded models."""
    return Path(platformdirs.user_cache_dir("clipgen", appauthor=False))


def analyses_folder() -> Path:
    return cache_folder() / "analyses"


def thumbnails_folder() -> Path:
    """One JPEG for each video, named by its fingerprint."""
    return cache_folder() / "thumbnails"


def data_folder() -> Path:
    """What cannot be computed again: the unnamed project, and backups of every project."""
    return Path(platformdirs.user_data_dir("clipgen", appauthor=False))


def unnamed_project() -> Path:
    """The project that is used where the user names none."""
    return data_folder() / "unnamed.clipgen"


def backups_folder() -> Path:
    return data_folder() / "backups"


def log_folder() -> Path:
    return Path(platformdirs.user_log_dir("clipgen", appauthor=False))
