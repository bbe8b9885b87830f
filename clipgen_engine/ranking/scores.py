"""Scores of all windows of one length, computed lazily and cached while valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from clipgen_engine.ranking.frame_series import FrameSeries
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.terms import TERMS, blendshape_variation, by_learned_tokens, learned_variation
from clipgen_engine.ranking.windows import Windows, in_chunks
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import BoolArray, Float32Array, Float64Array, VariationPair, read_only


def _depends_on(name: str) -> tuple[str, ...]:
    if name in _VARIATIONS:
        return TERMS["expression_variation"].depends_on
    return TERMS[name].depends_on if name in TERMS else GATES[name].depends_on


LEARNED, BY_BLENDSHAPES = learned_variation.__name__, blendshape_variation.__name__
_VARIATIONS = {LEARNED: learned_variation, BY_BLENDSHAPES: blendshape_variation}  # curves, not score terms

SCORE_SETTINGS = tuple(sorted({setting for name in (*TERMS, *GATES) for setting in _depends_on(name)}))


def _share_below(ascending: Float32Array, value: float) -> float:
    """Fraction of values below this one; ties count half."""
    below, up_to = (int(np.searchsorted(ascending, np.float32(value), side)) for side in ("left", "right"))
    return (below + up_to) / 2 / max(1, len(ascending))


class WindowScores:
    """Scores of all windows for one set of score settings.

    Windows are indexed by row; see `FrameSeries`. Values are undefined for windows that are not `complete`.
    """

    def __init__(self, series: FrameSeries, settings: RankingSettings, before: WindowScores | None = None) -> None:
        """
        Args:
            before: scores of the same series, to reuse all values that the new settings do not affect.
        """
        self.settings = settings
        self._series = series
        self._values: dict[str, Float32Array] = {}
        self._terms_of: dict[int, dict[str, float]] = {}
        self.windows = series.windows(settings.sequence_length)
        self.start_frame = series.start_frame(self.windows)  # (W,) int64
        self.track_id = series.track_id[: len(self.windows)]  # (W,) int64
        self.inside: BoolArray  # (W,) bool: within one track
        self.complete: BoolArray  # (W,) bool: within one track, without missing frames
        if before is not None and before.windows == self.windows:
            self.inside, self.complete = before.inside, before.complete
            for name, values in before._values.items():
                if all(getattr(settings, one) == getattr(before.settings, one) for one in _depends_on(name)):
                    self._values[name] = values
        else:
            self.inside = read_only(series.inside_track(self.windows))
            self.complete = read_only(self.inside & (series.missing_frames(self.windows) == 0))

    def term(self, name: str) -> Float32Array:
        """(W,) float32: values of a score term, or of the variation by one token backend."""
        if name not in self._values:
            self._values[name] = self._computed(_VARIATIONS[name] if name in _VARIATIONS else TERMS[name].compute)
        return self._values[name]

    @cached_property
    def learned(self) -> BoolArray:
        """(W,) bool: the expression variation is computed from learned tokens."""
        if not by_learned_tokens(self._series, self.settings):
            return read_only(np.zeros(len(self.start_frame), np.bool_))
        return read_only(self._series.unknown_tokens(self.windows) == 0)

    @cached_property
    def exact(self) -> BoolArray:
        """(W,) bool: the scores are final, not those of a draft."""
        return read_only(self._series.exact(self.windows))

    @property
    def mixed(self) -> bool:
        """Whether learned tokens are available for some, but not all windows."""
        return not self._series.all_known and bool(self.learned.any())

    def variations(self, windows: Windows) -> VariationPair | None:
        """Return both variations of one window of any length, and their disagreement; None without learned tokens.

        Values of different backends are not comparable, so ranks are compared: the disagreement is the fraction of
        windows ranked below this one by the learned tokens, minus the fraction ranked below it by blendshapes.
        """
        if not self._series.has_learned or self._series.unknown_tokens(windows)[0]:
            return None
        by = {name: float(compute(self._series, windows, self.settings)[0]) for name, compute in _VARIATIONS.items()}
        shares = {name: _share_below(self._in_order[name], value) for name, value in by.items()}
        return VariationPair(by[BY_BLENDSHAPES], by[LEARNED], shares[LEARNED] - shares[BY_BLENDSHAPES])

    @cached_property
    def _in_order(self) -> dict[str, Float32Array]:
        """Sorted values of the windows that have both variations."""
        both = self.complete & (self._series.unknown_tokens(self.windows) == 0)
        return {name: np.sort(self.term(name)[both]) for name in _VARIATIONS}

    def gate(self, name: str) -> Float32Array:
        """(W,) float32: measured values of a gate."""
        if name not in self._values:
            self._values[name] = self._computed(GATES[name].measure)
        return self._values[name]

    def terms_of(self, row: int) -> dict[str, float]:
        """Return all terms of one window; unweighted terms are computed for this window only."""
        if row not in self._terms_of:  # dragging a slider requests the same windows repeatedly
            alone = Windows(self.windows.length, row, row + 1)
            self._terms_of[row] = {
                name: float(
                    self._values[name][row]
                    if name in self._values
                    else term.compute(self._series, alone, self.settings)[0]
                )
                for name, term in TERMS.items()
            }
        return self._terms_of[row]

    def combined(self, weights: Mapping[str, float]) -> Float64Array:
        """(W,) float64: sum of weight * term over the terms with a weight, in registry order."""
        used = [(self.term(name), weight) for name, weight in weights.items() if weight]

        def total(chunk: Windows) -> Float64Array:
            summed = np.zeros(len(chunk))
            for values, weight in used:
                summed += np.multiply(values[chunk.first_row : chunk.stop_row], weight, dtype=np.float64)
            return summed

        return in_chunks(self.windows, total, np.float64)

    def _computed(self, compute: Callable[[FrameSeries, Windows, RankingSettings], Float32Array]) -> Float32Array:
        first = Windows(self.windows.length, 0, min(1, len(self.windows)))
        compute(self._series, first, self.settings)  # initialises the prefix sums before the threads use them
        return read_only(in_chunks(self.windows, lambda chunk: compute(self._series, chunk, self.settings), np.float32))
