"""ProjectStorage of a process that measures itself."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Largest resident memory of this process so far, MB.

    Linux counts the peak of `getrusage` on from the process that started this one; the one in /proc begins anew.
    """
    if _STATUS.is_file():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
