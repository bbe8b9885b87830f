"""What the ranking is set to, in a few words."""

from __future__ import annotations

from clipgen_engine.ranking.effective import effective_regions, effective_thresholds, effective_weights
from clipgen_engine.ranking.presets import PRESETS, with_preset
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import RankingSettings

CUSTOM = "Custom"


def preset_of(settings: RankingSettings) -> str | None:
    """The preset that matches these gates and regions, if any."""
    now = effective_thresholds(settings), effective_regions(settings)
    for name in PRESETS:
        preset = with_preset(settings, name)
        if (effective_thresholds(preset), effective_regions(preset)) == now:
            return name
    return None


def summary(settings: RankingSettings) -> str:
    """`Strict frontal · changed weights`"""
    preset = preset_of(settings)
    weights = {name: term.weight.default for name, term in TERMS.items()}
    changed = " · changed weights" if effective_weights(settings) != weights else ""
    return (PRESETS[preset].label if preset else CUSTOM) + changed


def weights_in_words(settings: RankingSettings) -> str:
    """`Expression variation 0.70 · Position stability 0.30`, without the terms that have no weight."""
    weights = effective_weights(settings).items()
    return " · ".join(f"{TERMS[name].label} {weight:.2f}" for name, weight in weights if weight)
