"""The version of clipgen."""

__version__ = "0.1.0"
