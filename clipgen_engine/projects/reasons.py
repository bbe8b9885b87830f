"""Why a window was rejected: the reasons that every project offers. Others are free text."""

from __future__ import annotations

REASONS = ("blurred", "wrong person", "talking", "cut", "hands", "duplicate")
MAX_REASON = 60  # characters


def as_reason(text: str) -> str:
    """The text as a reason: on one line, trimmed and not too long."""
    return " ".join(text.split())[:MAX_REASON].strip()
