"""`make truth`: what the expression variation is worth, measured; `python -m tests.truth record` records the clips."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.analysis.store import save_analysis
from tests.support.paths import REAL_CLIPS, ROOT
from tests.truth import campaign
from tests.truth.labels import HERE, load_labels

RESULT = ROOT / "build" / "truth.json"


def main(names: list[str]) -> int:
    """Run the named parts, or all of them, and print their tables."""
    if names == ["record"]:
        record()
        return 0
    parts: dict[str, Callable[[], Any]] = {
        "labels": lambda: campaign.labelled(with_landmarks=REAL_CLIPS.is_dir()),
        "agreement": campaign.agreement,
        "expressions": campaign.planted_expressions,
        "nothing": campaign.planted_nothing,
        "recall": campaign.planted_recall,
        "noise": campaign.noise_floor,
        "rate": campaign.half_the_rate,
        "heads": campaign.turned_heads,
        "stability": campaign.stabilities,
        "stacks": campaign.stacks,
        "efforts": campaign.efforts,
    }
    found = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else {}
    for name in names or parts:
        print(f"\n{name}", flush=True)
        found[name] = parts[name]()
        show(found[name])
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1, default=float) + "\n", "utf-8")
    print(f"\nwritten to {RESULT.relative_to(ROOT)}")
    return 0


def show(result: Any) -> None:
    """Print a table with a row per entry."""
    if isinstance(result, list):
        for row in result:
            print("  " + "  ".join(f"{key} {_text(value)}" for key, value in row.items()))
    elif isinstance(result, dict):
        for name, value in result.items():
            if isinstance(value, dict):
                print(f"  {name:<32} " + "  ".join(f"{key} {_text(one)}" for key, one in value.items()))
            elif isinstance(value, list):
                print(f"  {name}")
                show(value)
            else:
                print(f"  {name:<32} {_text(value)}")
    else:
        print(f"  {_text(result)}")


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def record() -> None:
    """Record the analyses of the labelled clips, without their paths."""
    for video in sorted({label.video for label in load_labels()}):
        analysis = analyze_video(REAL_CLIPS / video)
        nameless = replace(analysis, video=replace(analysis.video, path=Path(video)))
        folder = HERE / "recorded" / video
        save_analysis(nameless, folder)
        (folder / "expression_tokens.npz").unlink()  # the same blendshapes again


sys.exit(main(sys.argv[1:]))
