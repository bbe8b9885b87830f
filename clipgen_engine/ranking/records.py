"""A selected sequence as the files have it."""

from __future__ import annotations

from typing import Any

from clipgen_engine.types import Sequence, VideoInfo


def sequence_record(video: VideoInfo, sequence: Sequence) -> dict[str, Any]:
    """A sequence as the files have it: the span inclusive, time in seconds and PTS, every score."""
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
        **_scored_by(sequence),
        "top_channels": [{"channel": name, "change": round(change, 4)} for name, change in sequence.top_channels],
    }


def _scored_by(sequence: Sequence) -> dict[str, Any]:
    """The token backend behind the expression variation; where there are two, what both say."""
    pair = sequence.variations
    both = {} if pair is None else {"blendshape_variation": pair.blendshapes, "learned_variation": pair.learned}
    return {"scored_by": sequence.scored_by, **both}
