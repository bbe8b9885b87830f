"""Strategy for computing learned tokens on the available hardware: all faces in one pass, or the best windows first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from clipgen_engine.expression_tokens.backends import FrameBackend
from clipgen_engine.expression_tokens.batches import seconds_per_face
from clipgen_engine.expression_tokens.filling import TokenFilling
from clipgen_engine.expression_tokens.priorities import rows_by_urgency, rows_in_time, rows_of_windows
from clipgen_engine.expression_tokens.store import TokenStore
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.settings import RankingSettings, TokenSettings
from clipgen_engine.types import BLENDSHAPES, Analysis, Progress, ProgressCallback

_FEW_MINUTES_S = 180.0
_SLOW_STRIDE = 4
_CANDIDATES = 3  # windows that get learned tokens, per requested window


@dataclass(frozen=True)
class Pace:
    """Measured cost of learned tokens, and the resulting stride."""

    seconds_per_face: float
    slow: bool  # all faces would take more than a few minutes
    stride: int  # a token is computed on every `stride`-th frame


def choose_pace(
    backend: FrameBackend, analysis: Analysis, settings: TokenSettings, seconds: float | None = None
) -> Pace:
    """Choose the stride by the cost of a token. On a GPU, the default is every frame.

    Args:
        seconds: time per face, if known; otherwise it is measured on a few faces.
    """
    seconds = seconds_per_face(backend) if seconds is None else seconds
    slow = backend.device_name == "cpu" and seconds * _face_count(analysis) > _FEW_MINUTES_S
    return Pace(seconds, slow, settings.token_stride or (_SLOW_STRIDE if slow else 1))


def fill_tokens(
    analysis: Analysis,
    backend: FrameBackend,
    settings: TokenSettings | None = None,
    ranking: RankingSettings | None = None,
    *,
    store: TokenStore | None = None,
    say: Callable[[str], None] | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """Return the analysis with the learned tokens of a backend.

    Args:
        ranking: determines the best windows, if they are computed first or exclusively.
        store: provides tokens computed earlier and receives new ones; see `made_by`.
        say: receives a message that describes the plan and the estimated time.

    Raises:
        VideoError, ModelFileError, Cancelled: see `TokenFilling.run`.
    """
    settings, ranking = settings or TokenSettings(), ranking or RankingSettings()
    pace = choose_pace(backend, analysis, settings)
    filling = TokenFilling(analysis, backend, pace.stride, store)
    by_blendshapes = replace(ranking, token_source=BLENDSHAPES)
    top = settings.token_scope == "top" or (settings.token_scope == "auto" and pace.slow)
    if top:
        more = replace(by_blendshapes, num_sequences=_CANDIDATES * ranking.num_sequences)
        best = rank_sequences(analysis, more).sequences
        order = rows_of_windows(analysis.tracks, [sequence.key for sequence in best], pace.stride)
        which = f"in the best {len(best)} windows by blendshapes"
    elif pace.slow:
        order = rows_by_urgency(analysis.tracks, rank_sequences(analysis, by_blendshapes), pace.stride)
        which = "the best windows first"
    else:
        order, which = rows_in_time(analysis.tracks), ""
    missing = len(filling.missing(order))
    if say is not None:
        say(_plan_message(pace, backend, _face_count(analysis), missing, which))

    def report(one: Progress) -> None:
        if progress is not None:
            progress(replace(one, done=missing - len(filling.missing(order)), total=missing))

    filling.run(lambda: order, report, cancel)
    return filling.result()


def _face_count(analysis: Analysis) -> int:
    return sum(len(track.frame_index) for track in analysis.tracks)


def _plan_message(pace: Pace, backend: FrameBackend, faces: int, missing: int, which: str) -> str:
    if not missing:
        return "All requested learned tokens are already computed."
    own = f"{missing:,} learned tokens to compute: about {_duration(missing * pace.seconds_per_face)}"
    if not pace.slow:
        return f"{own} on the {backend.device_name}."
    every = "every frame" if pace.stride == 1 else f"one frame in {pace.stride}"
    return (
        f"All {faces:,} faces would take about {_duration(faces * pace.seconds_per_face)} on the "
        f"{backend.device_name}. Computing {every}, {which}. {own}. Change this with --token_scope and --token_stride. "
        "Computed tokens are cached for the next run."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
