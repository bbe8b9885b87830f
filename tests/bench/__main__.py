"""`make bench`: prints what was measured, as ratios where a baseline exists in the same run."""

from __future__ import annotations

import importlib

_PARTS = (
    "bench_analysis",
    "bench_waiting",
    "bench_ranking",
    "bench_export",
    "bench_gui",
    "bench_review",
    "bench_project",
    "bench_player",
    "bench_transformer",
)

for part in _PARTS:
    print(f"\n{part}", flush=True)
    for name, value in importlib.import_module(f"tests.bench.{part}").measure().items():
        print(f"  {name:<60} {value:10.3f}", flush=True)
