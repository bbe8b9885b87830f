"""Computes the learned tokens of one video, the faces under review first. Qt-free."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from clipgen_engine.errors import Cancelled, ClipgenError, ModelMissingError
from clipgen_engine.expression_tokens.filling import TokenFilling, made_by
from clipgen_engine.expression_tokens.pacing import choose_pace
from clipgen_engine.expression_tokens.priorities import rows_by_urgency, rows_of_windows
from clipgen_engine.ranking.ranker import Ranker
from clipgen_engine.settings import RankingSettings, TokenSettings
from clipgen_engine.types import BLENDSHAPES, Analysis, Int64Array, Progress, ProgressCallback
from clipgen_gui.analysis.token_backend import Load, LoadedBackend
from clipgen_gui.document.windows import Key
from clipgen_gui.support.jobs import CacheFactory

_OFFER_INTERVAL_S = 1.0
_OFFER_SHARE = 0.1  # maximum share of time spent on ranking partial results


@dataclass(frozen=True)
class Focus:
    """Snapshot of the review state that determines the order of the faces."""

    settings: RankingSettings
    selected: tuple[Key, ...] = ()
    pinned: tuple[Key, ...] = ()
    blocked: tuple[Key, ...] = ()


@dataclass(frozen=True, eq=False)
class FilledTokens:
    """The analysis with the tokens so far, ranked once."""

    analysis: Analysis
    ranker: Ranker


@dataclass(frozen=True)
class BackendRefused:
    """The models cannot be used, for the reason in `sentence`."""

    sentence: str
    missing: bool  # the backbone is not on this machine but can be downloaded


def fill(
    base: Analysis,
    settings: TokenSettings,
    focus: Callable[[], Focus],
    loaded: LoadedBackend,
    load: Load,
    cache: CacheFactory | None,
    report: ProgressCallback,
    offer: Callable[[Any], None],
    cancel: threading.Event,
    abandoned: Callable[[], bool],
) -> FilledTokens | BackendRefused:
    """Compute the tokens that are not in the cache.

    Args:
        base: the analysis without learned tokens.
        focus: called for every batch.
        cache: creates the token store; None: tokens are not stored.
        offer: receives a `FilledTokens` periodically.
        cancel: stops early; the tokens so far are returned.
        abandoned: whether to discard the result on cancellation.

    Raises:
        Cancelled: `cancel` was set and the result is abandoned.
        ClipgenError: the video can no longer be read.
    """
    try:
        backend = loaded.get(settings, load, report, cancel)
    except ClipgenError as error:
        return BackendRefused(str(error), isinstance(error, ModelMissingError))
    pace = choose_pace(backend, base, settings, loaded.seconds_per_face)
    loaded.seconds_per_face = pace.seconds_per_face
    store = cache().token_store(made_by(base, backend)) if cache is not None else nullcontext()
    with store as opened:
        filling = TokenFilling(base, backend, pace.stride, opened)

        def result() -> FilledTokens:
            analysis = filling.result()
            ranker = Ranker(analysis)
            ranker.rank(focus().settings)
            return FilledTokens(analysis, ranker)

        next_offer_s = 0.0

        def progressed(progress: Progress) -> None:
            nonlocal next_offer_s
            report(progress)
            now = time.monotonic()
            if now >= next_offer_s:
                offer(result())
                cost_s = time.monotonic() - now
                next_offer_s = time.monotonic() + max(_OFFER_INTERVAL_S, cost_s * (1 / _OFFER_SHARE - 1))

        progressed(Progress("tokens", filling.done, filling.total))
        try:
            filling.run(_Order(base, focus, pace.stride, settings.token_scope), progressed, cancel)
        except Cancelled:
            if abandoned():
                raise
        return result()


class _Order:
    """Face rows, most urgent first; recomputed only when the focus changes."""

    def __init__(self, base: Analysis, focus: Callable[[], Focus], stride: int, scope: str) -> None:
        self._base, self._focus, self._stride, self._top = base, focus, stride, scope == "top"
        self._ranker = Ranker(base)
        self._made: tuple[Focus, Int64Array] | None = None

    def __call__(self) -> Int64Array:
        focus = self._focus()
        if self._made is None or self._made[0] != focus:
            settings = replace(focus.settings, token_source=BLENDSHAPES)
            ranking = self._ranker.rank(settings, pinned=focus.pinned, blocked=focus.blocked)
            tracks = self._base.tracks
            if self._top:
                keys = [*focus.selected, *(sequence.key for sequence in ranking.sequences)]
                self._made = focus, rows_of_windows(tracks, keys, self._stride)
            else:
                self._made = focus, rows_by_urgency(tracks, ranking, self._stride, focus.selected)
        return self._made[1]
