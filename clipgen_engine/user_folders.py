"""Locations of clipgen's own files on this computer; all are private to the user."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Reproducible data: analyses, learned tokens, thumbnails, downloaded models."""
    return Path(platformdirs.user_cache_dir("clipgen", appauthor=False))


def analyses_folder() -> Path:
    return cache_folder() / "analyses"


def thumbnails_folder() -> Path:
    """One JPEG per video, named by its fingerprint."""
    return cache_folder() / "thumbnails"


def data_folder() -> Path:
    """Irreplaceable data: the unnamed project, and backups of all projects."""
    return Path(platformdirs.user_data_dir("clipgen", appauthor=False))


def unnamed_project() -> Path:
    """The project used if the user names none."""
    return data_folder() / "unnamed.clipgen"


def backups_folder() -> Path:
    return data_folder() / "backups"


def log_folder() -> Path:
    return Path(platformdirs.user_log_dir("clipgen", appauthor=False))
