"""Serialisation of sequences in output files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.types import Sequence, VariationPair, VideoInfo


def sequence_record(video: VideoInfo, sequence: Sequence) -> dict[str, Any]:
    """Return the record of a sequence: inclusive span, times in seconds and PTS, all scores."""
    last = sequence.stop_frame - 1
    return {
        "start_frame": sequence.start_frame,
        "end_frame": last,
        "start_time_s": round(float(video.times_s[sequence.start_frame]), 6),
        "end_time_s": round(float(video.times_s[last]), 6),
        "start_pts": int(video.pts[sequence.start_frame]),
        "end_pts": int(video.pts[last]),
        "track_id": sequence.track_id,
        **sequence.terms,
        "combined_score": sequence.combined_score,
        **scored_by_record(sequence),
        **movements_record(sequence),
    }


def scored_by_record(sequence: Sequence) -> dict[str, Any]:
    """Return what the expression variation was made by, its noise floor, whether it is final, and both variations."""
    pair = sequence.variations
    both = {} if pair is None else {"blendshape_variation": pair.blendshapes, "learned_variation": pair.learned}
    return {
        "scored_by": sequence.scored_by or None,
        "variation_metric": sequence.term_settings.get("variation_metric"),
        "variation_version": sequence.term_settings.get("variation_version"),
        "noise_floor": sequence.noise_floor,
        "exact": sequence.exact,
        **both,
    }


def movements_record(sequence: Sequence) -> dict[str, Any]:
    """Return what moves most, in words and as blendshapes."""
    return {
        "movements": [
            {"movement": movement_words(name, change), "action": name, "change": round(change, 4)}
            for name, change in sequence.movements
        ],
        "top_channels": [{"channel": name, "change": round(change, 4)} for name, change in sequence.top_channels],
    }


def scores_record(sequence: Sequence) -> dict[str, Any]:
    """Return the scores of a window and their provenance, for storage; `scored_sequence` restores them."""
    return {
        "terms": dict(sequence.terms),
        "combined_score": sequence.combined_score,
        "top_channels": [list(channel) for channel in sequence.top_channels],
        "movements": [list(movement) for movement in sequence.movements],
        "noise_floor": sequence.noise_floor,
        "exact": sequence.exact,
        "scored_by": sequence.scored_by,
        "variations": None if sequence.variations is None else asdict(sequence.variations),
        "term_settings": dict(sequence.term_settings),
    }


def scored_sequence(key: tuple[int, int, int], record: Mapping[str, Any]) -> Sequence:
    """Restore a window from its key (start frame, stop frame, track id) and its stored scores.

    Raises:
        ValueError, KeyError, TypeError or AttributeError: the record is damaged.
    """
    start, stop, track_id = map(int, key)
    pair, noise = record.get("variations"), record.get("noise_floor")
    return Sequence(
        rank=0,
        start_frame=start,
        stop_frame=stop,
        track_id=track_id,
        terms={str(name): float(value) for name, value in record["terms"].items()},
        combined_score=float(record["combined_score"]),
        top_channels=tuple((str(name), float(change)) for name, change in record["top_channels"]),
        movements=tuple((str(name), float(change)) for name, change in record.get("movements", ())),
        noise_floor=None if noise is None else float(noise),
        exact=bool(record.get("exact", True)),  # there were no drafts in 0.1.0
        scored_by=str(record.get("scored_by", "")),
        variations=None if pair is None else VariationPair(**{name: float(value) for name, value in pair.items()}),
        term_settings=dict(record.get("term_settings", {})),
    )
