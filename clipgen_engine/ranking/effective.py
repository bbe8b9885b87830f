"""The ranking settings in effect: weights, thresholds and multipliers by name with their defaults, length in frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from clipgen_engine.declared_settings import checked_value, declarations
from clipgen_engine.errors import SettingError
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, TERMS, default_multipliers
from clipgen_engine.settings import MAX_LENGTH, RankingSettings
from clipgen_engine.types import Setting


def ranking_declarations() -> tuple[Setting, ...]:
    """Return the ranking settings that have their own flag; other gates and regions are set by name."""
    return (
        *declarations(RankingSettings),
        *(term.weight for term in TERMS.values()),
        GATES["face_confidence"].threshold,
    )


def effective_weights(settings: RankingSettings) -> dict[str, float]:
    """Return the weight of every term by name, defaults included.

    Raises:
        SettingError: unknown term, or weight out of bounds.
    """
    return _resolved(settings.weights, {name: term.weight for name, term in TERMS.items()}, "score term")


def effective_thresholds(settings: RankingSettings) -> dict[str, float]:
    """Return the threshold of every gate by name, defaults included.

    Raises:
        SettingError: unknown gate, or threshold out of bounds.
    """
    return _resolved(settings.gates, {name: gate.threshold for name, gate in GATES.items()}, "gate")


def effective_regions(settings: RankingSettings) -> dict[str, float]:
    """Return the multiplier of every region by name, defaults included.

    Raises:
        SettingError: unknown region, or multiplier out of bounds.
    """
    return _resolved(settings.regions, REGION_MULTIPLIERS, "region", default_multipliers(settings))


def _resolved(
    given: Mapping[str, float],
    declared: Mapping[str, Setting],
    what: str,
    defaults: Mapping[str, float] | None = None,
) -> dict[str, float]:
    for name in given:
        if name not in declared:
            raise SettingError(f"Unknown {what} {name!r}", "Choose one of " + ", ".join(declared))
    defaults = defaults or {name: setting.default for name, setting in declared.items()}
    return {
        name: checked_value(setting, given[name]) if name in given else defaults[name]
        for name, setting in declared.items()
    }


def in_frames(settings: RankingSettings, rate: Fraction) -> RankingSettings:
    """Return the settings with a window length in seconds converted to frames at this rate, at least two."""
    if not settings.sequence_seconds:
        return settings
    return replace(settings, sequence_length=min(max(2, round(settings.sequence_seconds * rate)), MAX_LENGTH))
