"""A summary of an export for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from clipgen_engine.score_terms import TERMS

_TOP = 5


def summary(clips: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Totals, scores, the best clips and a list of all.

    Args:
        clips: file name and record of each clip, in the order of the export.
    """
    records = [record for _, record in clips]
    sources = list(dict.fromkeys(record["source"] for record in records))
    rates = ", ".join(sorted({f"{record['fps']:.3f}" for record in records}))
    frames = sum(record["frame_count"] for record in records)
    lines = [
        f"Clips of {sources[0] if len(sources) == 1 else f'{len(sources)} videos'}",
        "",
        f"{len(records)} clips, {frames} frames, at {rates or 'no'} frames a second",
    ]
    if records:
        lines += ["", "Scores, mean ± standard deviation"]
        names = {name: term.label for name, term in TERMS.items()} | {"combined_score": "Combined score"}
        for name, label in names.items():
            values = [record[name] for record in records if record[name] is not None]
            if values:
                lines.append(f"  {label:<22}{fmean(values):.3f} ± {pstdev(values):.3f}")
        best = sorted(clips, key=lambda clip: -clip[1]["combined_score"])[:_TOP]
        lines += ["", f"Top {len(best)}", *(_line(record, len(sources) > 1) for _, record in best)]
        lines += ["", "All clips", *(f"  {name}" for name, _ in clips)]
    return "\n".join(lines) + "\n"


def _line(record: Mapping[str, Any], several: bool) -> str:
    scores = "  ".join(f"{name} {record[name]:.3f}" for name in TERMS if record[name] is not None)
    return (
        f"  {record['rank']:>3}  {record['source'] + '  ' if several else ''}"
        f"frames {record['start_frame']}-{record['end_frame']}  "
        f"{record['start_time_s']:.2f}-{record['end_time_s']:.2f} s  combined {record['combined_score']:.3f}  {scores}"
    )
