"""Run the command line as a subprocess."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def engine(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clipgen_engine", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        check=False,
    )
