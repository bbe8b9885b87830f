"""`make bench`: run the benchmarks and print the results, as ratios if the same run includes a baseline.

Each benchmark runs in its own process, so that memory measurements are independent.
"""

from __future__ import annotations

import importlib
import subprocess
import sys

_PARTS = (
    "bench_analysis",
    "bench_effort",
    "bench_waiting",
    "bench_ranking",
    "bench_export",
    "bench_gui",
    "bench_review",
    "bench_project",
    "bench_player",
    "bench_transformer",
)


def _main(names: list[str]) -> int:
    if len(names) == 1:
        for name, value in importlib.import_module(f"tests.bench.{names[0]}").measure().items():
            print(f"  {name:<60} {value:10.3f}", flush=True)
        return 0
    failed = 0
    for name in names or _PARTS:
        print(f"\n{name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", "tests.bench", name], check=False).returncode != 0
    return min(failed, 1)


sys.exit(_main(sys.argv[1:]))
