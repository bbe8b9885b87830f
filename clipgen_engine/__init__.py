"""clipgen's engine: finds the moments of a video in which a face changes expression while staying in place.

A run has three steps: `analyze_video` (models, slow), `rank_sequences` (arrays, milliseconds), `extract_clips`
(files). They are imported lazily, because importing MediaPipe and OpenCV takes about a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from clipgen_engine.version import __version__ as __version__

if TYPE_CHECKING:
    from clipgen_engine.analysis.analyzer import analyze_video as analyze_video
    from clipgen_engine.datasets.extraction import extract_clips as extract_clips
    from clipgen_engine.ranking.ranker import rank_sequences as rank_sequences

_LAZY = {
    "analyze_video": "clipgen_engine.analysis.analyzer",
    "rank_sequences": "clipgen_engine.ranking.ranker",
    "extract_clips": "clipgen_engine.datasets.extraction",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
