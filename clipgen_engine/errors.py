"""Errors shown to the user: one sentence for what is wrong, one for what to do."""

from __future__ import annotations

from clipgen_engine.untrusted import printable


class ClipgenError(Exception):
    """An error that is not a bug and that the user can fix.

    Args:
        message: what is wrong; a sentence without the final period.
        hint: what to do about it; a sentence without the final period, may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        # A file name may contain line breaks; this is one line all the same.
        return printable(f"{self.message}. {self.hint}." if self.hint else f"{self.message}.")


class VideoError(ClipgenError):
    """The file cannot be read as a video."""


class SettingError(ClipgenError):
    """A setting has an invalid value."""


class ModelFileError(ClipgenError):
    """A model file is missing, has unexpected content, or cannot be opened."""


class ModelMissingError(ModelFileError):
    """A model file is not on this machine, and downloading is not allowed."""


class StoredAnalysisError(ClipgenError):
    """A stored analysis is missing, damaged, or from an incompatible version."""


class ProjectError(ClipgenError):
    """A project cannot be opened or written."""


class DamagedProjectError(ProjectError):
    """A project file is corrupt."""


class OutputError(ClipgenError):
    """A file or folder cannot be written."""


class Cancelled(Exception):
    """The caller's cancel event was set; no partial output was left behind."""
