"""How many cores there are to work on."""

from __future__ import annotations

import os


def core_count() -> int:
    """Cores that this process may use, as its CPU affinity says where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
