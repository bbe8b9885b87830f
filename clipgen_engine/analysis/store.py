"""Analysis on disk: complete in `analysis.npz`; tokens for use by other tools in `expression_tokens.npz`."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.errors import StoredAnalysisError
from clipgen_engine.faces.tracklets import COLUMNS
from clipgen_engine.files import SCHEMA_VERSION, replacing, strict_json
from clipgen_engine.types import Analysis, BoolArray, ExpressionTokens, FaceTrack, VideoInfo, read_only
from clipgen_engine.untrusted import is_sha256, parse_json

_STORE = "analysis.npz"
_TOKENS = "expression_tokens.npz"
_TRACK_ARRAYS = tuple(item.name for item in fields(FaceTrack) if item.name != "track_id")
_RERUN = "Run the analysis again, without --skip_analysis"


def save_analysis(analysis: Analysis, folder: Path, *, private: bool = False) -> None:
    """Write `analysis.npz` and `expression_tokens.npz` into the folder; raises OutputError."""
    video = analysis.video
    header = {
        "schema_version": SCHEMA_VERSION,
        "video": {
            "path": str(video.path.resolve()),
            "codec": video.codec,
            "width_px": video.width_px,
            "height_px": video.height_px,
            "rotation_deg": video.rotation_deg,
            "time_base": str(video.time_base),
            "start_pts": video.start_pts,
            "average_rate": str(video.average_rate),
            "has_audio": video.has_audio,
            "fingerprint": video.fingerprint,
            "lost_packets": video.lost_packets,
        },
        "settings": dict(analysis.settings),
        "model_sha256": dict(analysis.model_sha256),
        "analyzed_frames": analysis.analyzed_frames,
        "undecodable_frames": analysis.undecodable_frames,
        "track_ids": [track.track_id for track in analysis.tracks],
        "tokens": [
            {
                "channel_names": tokens.channel_names,
                "channel_regions": tokens.channel_regions,
                "backend": tokens.backend,
                "checkpoint_sha256": tokens.checkpoint_sha256,
            }
            for tokens in analysis.tokens
        ],
    }
    arrays: dict[str, np.ndarray] = {"pts": video.pts, "keyframe_pts": video.keyframe_pts, "shots": analysis.shots}
    if analysis.exact is not None:
        header["rounds"] = analysis.rounds
        arrays["exact"] = analysis.exact
    for number, (track, tokens) in enumerate(zip(analysis.tracks, analysis.tokens, strict=True)):
        arrays |= {f"track_{number}_{name}": getattr(track, name) for name in _TRACK_ARRAYS}
        arrays[f"track_{number}_tokens"] = tokens.values
        if tokens.interpolated is not None:
            arrays[f"track_{number}_interpolated"] = tokens.interpolated
    _write_npz(folder / _STORE, private, header=np.array(strict_json(header)), **arrays)
    _write_npz(folder / _TOKENS, private, **_token_arrays(analysis))


def load_analysis(folder: Path) -> Analysis:
    """Read an analysis written by `save_analysis`.

    Raises:
        StoredAnalysisError: the analysis is missing, damaged, or in a different format version.
    """
    path = folder / _STORE
    if not path.is_file():
        raise StoredAnalysisError(f"There is no stored analysis in {folder}", _RERUN)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = parse_json(str(stored["header"]))
            if header["schema_version"] != SCHEMA_VERSION:
                raise StoredAnalysisError(
                    f"The analysis in {folder} has format version {header['schema_version']}, not {SCHEMA_VERSION}",
                    _RERUN,
                )
            arrays = {name: read_only(stored[name]) for name in stored.files if name != "header"}
        analysis = _restored(header, arrays)
        _check_shapes(analysis)
        return analysis
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise StoredAnalysisError(f"The analysis in {folder} is damaged ({error})", _RERUN) from error


def _check_shapes(analysis: Analysis) -> None:
    """Raise ValueError if the arrays are inconsistent; later code does not check them again."""
    pts = analysis.video.pts
    fits = (
        is_sha256(analysis.video.fingerprint)
        and pts.ndim == analysis.video.keyframe_pts.ndim == 1
        and pts.dtype == analysis.video.keyframe_pts.dtype == np.int64
        and len(pts) > 0
        and bool((np.diff(pts) > 0).all())
        and 0 <= analysis.analyzed_frames <= len(pts)
        and analysis.shots.dtype == np.int64
        and analysis.shots.ndim == 2
        and analysis.shots.shape[1] == 2
        and all(isinstance(track.track_id, int) for track in analysis.tracks)
        and isinstance(analysis.rounds, int)
        and (analysis.exact is None or (analysis.exact.shape == pts.shape and analysis.exact.dtype == np.bool_))
    )
    for track, tokens in zip(analysis.tracks, analysis.tokens, strict=True):
        frames, count = track.frame_index, len(track.frame_index)
        fits = fits and all(
            getattr(track, name).shape == (count, *shape) and getattr(track, name).dtype == dtype
            for name, (dtype, shape) in COLUMNS.items()
            if name in _TRACK_ARRAYS
        )
        fits = fits and bool((np.diff(frames) > 0).all()) and (count == 0 or 0 <= frames[0] <= frames[-1] < len(pts))
        fits = fits and tokens.values.shape == (count, len(tokens.channel_names)) and tokens.values.dtype == np.float32
        fits = fits and len(tokens.channel_regions) == len(tokens.channel_names)
        fits = fits and (tokens.interpolated is None or tokens.interpolated.shape == (count,))
    if not fits:
        raise ValueError("inconsistent arrays")


def _token_arrays(analysis: Analysis) -> dict[str, np.ndarray]:
    tokens, tracks = analysis.tokens, analysis.tracks
    first = tokens[0] if tokens else None
    names = first.channel_names if first else ()
    return {
        "schema_version": np.array(SCHEMA_VERSION),
        "tokens": np.concatenate([item.values for item in tokens]) if tokens else np.zeros((0, 0), np.float32),
        "frame_idx": np.concatenate([track.frame_index for track in tracks]) if tracks else np.zeros(0, np.int64),
        "track_id": np.repeat(
            np.array([track.track_id for track in tracks], np.int64), [len(track.frame_index) for track in tracks]
        ),
        "interpolated": np.concatenate([np.zeros(0, np.bool_), *map(_interpolated, tokens)]),
        "channel_names": np.array(names, np.str_),
        "backend": np.array(first.backend if first else ""),
        "checkpoint_sha256": np.array(first.checkpoint_sha256 if first else ""),
        "settings": np.array(strict_json(dict(analysis.settings))),
        "model_sha256": np.array(strict_json(dict(analysis.model_sha256))),
    }


def _interpolated(tokens: ExpressionTokens) -> BoolArray:
    none = np.zeros(len(tokens.values), np.bool_)
    return none if tokens.interpolated is None else tokens.interpolated


def _write_npz(path: Path, private: bool, **arrays: np.ndarray) -> None:
    with replacing(path, private=private) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub mistakes a keyword for a flag


def _restored(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Analysis:
    video = header["video"]
    return Analysis(
        video=VideoInfo(
            path=Path(video["path"]),
            codec=video["codec"],
            width_px=video["width_px"],
            height_px=video["height_px"],
            rotation_deg=video["rotation_deg"],
            time_base=Fraction(video["time_base"]),
            start_pts=video["start_pts"],
            average_rate=Fraction(video["average_rate"]),
            pts=arrays["pts"],
            keyframe_pts=arrays["keyframe_pts"],
            has_audio=video["has_audio"],
            fingerprint=video["fingerprint"],
            lost_packets=video.get("lost_packets", 0),  # missing in older files
        ),
        settings=header["settings"],
        model_sha256=header["model_sha256"],
        shots=arrays["shots"],
        tracks=tuple(
            FaceTrack(track_id, **{name: arrays[f"track_{number}_{name}"] for name in _TRACK_ARRAYS})
            for number, track_id in enumerate(header["track_ids"])
        ),
        tokens=tuple(
            ExpressionTokens(
                arrays[f"track_{number}_tokens"],
                tuple(entry["channel_names"]),
                tuple(entry["channel_regions"]),
                entry["backend"],
                entry["checkpoint_sha256"],
                arrays.get(f"track_{number}_interpolated"),
            )
            for number, entry in enumerate(header["tokens"])
        ),
        analyzed_frames=header["analyzed_frames"],
        undecodable_frames=header["undecodable_frames"],
        exact=arrays.get("exact"),
        rounds=header.get("rounds", 0),
    )
