"""Seconds as a person reads them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """`00:04.88`, with hours in front where there are any."""
    hundredths = round(max(0.0, seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{tail}" if hours else tail


def axis_label(seconds: float, step_s: float) -> str:
    """`0:02.0`: as many decimals as the distance between two ticks needs."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    minutes, rest = divmod(round(max(0.0, seconds), decimals), 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 3 + decimals if decimals else 2
    tail = f"{rest:0{width}.{decimals}f}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def remaining(seconds: float) -> str:
    """`3 s left`, `2 min left`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{seconds / 3600:.1f} h left"
