"""Draw resources/docs/expression_variation.svg: the expression variation of a labelled clip by two metrics.

The clip is one of the truth bench, whose recorded analysis stands in tests/truth/recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipgen_engine.analysis.store import load_analysis
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "truth" / "recorded" / "WolfgangLanger_Pexels.mp4"
TARGET = ROOT / "resources" / "docs" / "expression_variation.svg"
WIDTH, HEIGHT, LEFT, TOP, PLOT = 860, 330, 44, 58, 200
# what happens, seconds, as seen by eye
SPANS = (
    ("weeps", 0.0, 5.2),
    ("looks up", 5.2, 6.7),
    ("looks aside", 6.7, 9.2),
    ("smiles, is surprised", 9.2, 12.8),
    ("holds the smile", 12.8, 16.0),
    ("tilts the head", 16.0, 19.6),
)
METRICS = (
    ("token_spread", "#8a8f98", "distance of all 51 blendshapes"),
    ("actions", "#e8833a", "facial actions (the default)"),
)


def curve(analysis: Analysis, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Times (N,) s of the middle of each window, and its expression variation (N,)."""
    ranking = rank_sequences(analysis, RankingSettings(variation_metric=metric))
    frames, values = ranking.curve("expression_variation", analysis.tracks[0].track_id)
    return analysis.video.times_s[frames], values


def drawing() -> str:
    """Return the SVG."""
    analysis = load_analysis(RECORDED)
    end = analysis.video.duration_s
    scale = (WIDTH - LEFT - 12) / end

    def x(time_s: float) -> float:
        return LEFT + time_s * scale

    def y(value: float) -> float:
        return TOP + PLOT * (1 - value)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fbfaf8"/>',
    ]
    parts += [
        f'<line x1="{LEFT}" x2="{WIDTH - 12}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#d9d6d0"/>'
        f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#555">{value:g}</text>'
        for value in (0.0, 0.5, 1.0)
    ]
    for number, (name, start, stop) in enumerate(SPANS):
        shade = "#efece6" if number % 2 else "#f5f2ec"
        parts.append(
            f'<rect x="{x(start):.1f}" y="{TOP + PLOT + 8}" width="{(stop - start) * scale:.1f}" height="24" '
            f'fill="{shade}"/><text x="{x((start + stop) / 2):.1f}" y="{TOP + PLOT + 25}" text-anchor="middle" '
            f'fill="#333">{name}</text>'
        )
    parts += [
        f'<text x="{x(second):.1f}" y="{TOP + PLOT + 52}" text-anchor="middle" fill="#555">{second} s</text>'
        for second in range(0, int(end) + 1, 5)
    ]
    for number, (metric, color, name) in enumerate(METRICS):
        points = " ".join(f"{x(t):.1f},{y(float(v)):.1f}" for t, v in zip(*curve(analysis, metric), strict=True))
        width = 2.4 if metric == "actions" else 1.4
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"/>')
        left = LEFT + 250 * number
        parts.append(
            f'<line x1="{left}" x2="{left + 22}" y1="38" y2="38" stroke="{color}" stroke-width="{width}"/>'
            f'<text x="{left + 30}" y="42" fill="#333">{name}</text>'
        )
    parts.append(
        f'<text x="{LEFT}" y="20" fill="#222" font-weight="bold">Expression variation E of windows of 30 frames</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    TARGET.write_text(drawing(), "utf-8")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)} drawn\n")
