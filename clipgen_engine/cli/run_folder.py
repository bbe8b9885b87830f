"""The `analysis/` folder of a run: per-frame data, sequences, and the arrays needed for re-ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.analysis.store import load_analysis, save_analysis
from clipgen_engine.files import SCHEMA_VERSION, replacing, strict_json, write_json
from clipgen_engine.ranking.effective import effective_regions, effective_thresholds, effective_weights
from clipgen_engine.ranking.ranker import Ranking
from clipgen_engine.ranking.records import sequence_record
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Analysis, FaceTrack, Float32Array, Int64Array

_FOLDER = "analysis"
_Curves = Mapping[int, tuple[Int64Array, Mapping[str, Float32Array]]]  # track id -> (frames, term name -> values)


def write_analysis(analysis: Analysis, output_dir: Path) -> None:
    """Write the analysis arrays. Raises OutputError."""
    save_analysis(analysis, output_dir / _FOLDER)


def read_analysis(output_dir: Path) -> Analysis:
    """Read the analysis arrays. Raises StoredAnalysisError."""
    return load_analysis(output_dir / _FOLDER)


def write_ranking(analysis: Analysis, ranking: Ranking, output_dir: Path) -> None:
    """Write `frame_data.json` and `sequences.json`. Raises OutputError."""
    folder = output_dir / _FOLDER
    _write_frame_data(analysis, ranking, folder / "frame_data.json")
    write_json(folder / "sequences.json", [sequence_record(analysis.video, sequence) for sequence in ranking.sequences])


def provenance(analysis: Analysis, settings: RankingSettings) -> dict[str, Any]:
    """Return the source, settings and model hashes of the output."""
    return {
        "schema_version": SCHEMA_VERSION,
        "source": analysis.video.path.name,
        "source_fingerprint": analysis.video.fingerprint,
        "settings": {
            "analysis": dict(analysis.settings),
            "ranking": settings.as_dict()
            | {
                "weights": effective_weights(settings),
                "gates": effective_thresholds(settings),
                "regions": effective_regions(settings),
            },
        },
        "model_sha256": dict(analysis.model_sha256),
        "token_backend": analysis.tokens[0].backend if analysis.tokens else None,
    }


def _write_frame_data(analysis: Analysis, ranking: Ranking, path: Path) -> None:
    """Write row by row; a long video has a million rows."""
    head = provenance(analysis, ranking.settings) | {
        "shots": [{"start_frame": start, "end_frame": stop - 1} for start, stop in analysis.shots.tolist()],
        "undecodable_frames": analysis.undecodable_frames,
        "lost_packets": analysis.video.lost_packets,
        "dead_channels": list(analysis.dead_channels),
        "exact_frames": analysis.analyzed_frames if analysis.exact is None else int(analysis.exact.sum()),
        "refinement_rounds": analysis.rounds,
    }
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(strict_json(head)[:-1] + ', "frames": [')
        separator = "\n"
        for row in _frame_rows(analysis, ranking):
            file.write(separator + strict_json(row))
            separator = ",\n"
        file.write("\n]}\n")


def _frame_rows(analysis: Analysis, ranking: Ranking) -> Iterator[dict[str, Any]]:
    """Yield a row per face per frame; frames without a face get one row of nulls."""
    video = analysis.video
    curves: _Curves = {
        track.track_id: (
            ranking.curve(next(iter(TERMS)), track.track_id)[0],
            {name: ranking.curve(name, track.track_id)[1] for name in TERMS},
        )
        for track in analysis.tracks
    }
    rows_of_frame: dict[int, list[tuple[FaceTrack, int]]] = {}
    for track in analysis.tracks:
        for row, frame in enumerate(track.frame_index.tolist()):
            rows_of_frame.setdefault(frame, []).append((track, row))
    missing = dict.fromkeys(("track_id", "bbox", "confidence", "face_center", "head_pose_deg", *TERMS))
    for frame in range(analysis.analyzed_frames):
        frame_info = {
            "frame_idx": frame,
            "pts": int(video.pts[frame]),
            "time_s": round(float(video.times_s[frame]), 6),
            "exact": analysis.exact is None or bool(analysis.exact[frame]),
        }
        faces = rows_of_frame.get(frame)
        if not faces:
            yield frame_info | missing
            continue
        for track, row in faces:
            yield frame_info | {
                "track_id": track.track_id,
                "bbox": _rounded(track.box_xywh[row]),
                "confidence": round(float(track.confidence[row]), 4),
                "face_center": _rounded(track.center_xy[row]),
                "head_pose_deg": _rounded(track.head_pose_deg[row]),
                **_values_at(curves[track.track_id], frame),
            }


def _values_at(curve: tuple[Int64Array, Mapping[str, Float32Array]], frame: int) -> dict[str, float | None]:
    """Return the scores of the window centred on this frame, or None values."""
    frames, values = curve
    position = frame - int(frames[0]) if len(frames) else -1
    if not 0 <= position < len(frames):
        return dict.fromkeys(values)
    return {
        name: None if np.isnan(column[position]) else round(float(column[position]), 6)
        for name, column in values.items()
    }


def _rounded(values: Float32Array) -> list[float]:
    return [round(value, 3) for value in values.tolist()]
