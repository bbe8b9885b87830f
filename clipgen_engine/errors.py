"""Errors that a person reads: one sentence that says what is wrong, one that says what to do."""

from __future__ import annotations


class ClipgenError(Exception):
    """Something outside the program is wrong, and a person can mend it.

    Args:
        message: what is wrong, a sentence without its full stop.
        hint: what to do about it, a sentence without its full stop; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}." if self.hint else f"{self.message}."


class VideoError(ClipgenError):
    """The file cannot be read as a video."""


class SettingError(ClipgenError):
    """A setting has a value that it cannot have."""


class ModelFileError(ClipgenError):
    """A model file is missing, is not the expected one, or cannot be opened."""


class ModelMissingError(ModelFileError):
    """A model file is nowhere on this machine, and nobody said that it may be downloaded."""


class StoredAnalysisError(ClipgenError):
    """A stored analysis is missing, damaged, or of another version."""


class ProjectError(ClipgenError):
    """A project cannot be opened or written."""


class DamagedProjectError(ProjectError):
    """The file of a project cannot be read to its end."""


class OutputError(ClipgenError):
    """A file or folder cannot be written."""


class Cancelled(Exception):
    """The caller's cancel event was set; nothing half-written was left behind."""
