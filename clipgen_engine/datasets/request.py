"""The input of an export: reviewed windows, their sources and the record of each clip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from clipgen_engine.clips.crop_path import CropPath
from clipgen_engine.clips.writer import WrittenClip
from clipgen_engine.datasets.manifest import key_of
from clipgen_engine.files import SCHEMA_VERSION
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.projects.store import Project
from clipgen_engine.ranking.effective import effective_regions, effective_thresholds, effective_weights
from clipgen_engine.ranking.ranker import combined_score
from clipgen_engine.ranking.records import movements_record, scored_by_record, scores_record, sequence_record
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import DatasetSettings, ExportSettings, RankingSettings
from clipgen_engine.types import Analysis, Decision, FaceTrack, Sequence, VideoInfo
from clipgen_engine.version import __version__

_CLIP_VERSION = 1  # bump when the same window and settings produce a different file
_CROP_ONLY = ("size", "margin", "align_roll")


@dataclass(frozen=True, eq=False)
class ExportSource:
    """A video and its reviewed windows, of which the accepted ones are exported."""

    path: Path
    fingerprint: str
    windows: tuple[WindowReview, ...]
    subjects: Mapping[int, str] = field(default_factory=dict)  # track id -> name

    def accepted(self) -> list[WindowReview]:
        """Return accepted windows, best first. Assigns ranks unless some are set."""
        windows = [window for window in self.windows if window.decision is Decision.ACCEPTED]
        if any(window.sequence.rank for window in windows):
            return sorted(windows, key=lambda window: window.sequence.rank)
        windows.sort(key=lambda window: (-window.sequence.combined_score, window.sequence.key))
        return [replace(one, sequence=replace(one.sequence, rank=rank)) for rank, one in enumerate(windows, start=1)]


@dataclass(frozen=True, eq=False)
class ExportRequest:
    """All inputs of an export."""

    sources: tuple[ExportSource, ...]
    output_dir: Path
    layouts: tuple[str, ...] = ("plain",)
    export: ExportSettings = field(default_factory=ExportSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    ranking: RankingSettings = field(default_factory=RankingSettings)

    @cached_property
    def weights(self) -> dict[str, float]:
        return effective_weights(self.ranking)

    @cached_property
    def ranking_record(self) -> dict[str, Any]:
        """The ranking settings with every weight, threshold and multiplier."""
        return self.ranking.as_dict() | {
            "weights": self.weights,
            "gates": effective_thresholds(self.ranking),
            "regions": effective_regions(self.ranking),
        }

    @property
    def details(self) -> dict[str, Any]:
        """What a project records about the export, plain JSON values."""
        return {"layouts": list(self.layouts), "settings": self.export.as_dict()}

    def items(self) -> Iterator[ExportItem]:
        """Yield the accepted windows of all sources, in order."""
        number = 0
        for source in self.sources:
            for window in source.accepted():
                number += 1
                yield ExportItem(self, source, window, number)


@dataclass(frozen=True, eq=False)
class ExportItem:
    """A window to be exported as a clip."""

    request: ExportRequest
    source: ExportSource
    window: WindowReview
    number: int  # 1-based, across the whole export

    @property
    def sequence(self) -> Sequence:
        return self.window.sequence

    @property
    def identity(self) -> str:
        """Stable id of the window and its video."""
        start, stop, track_id = self.sequence.key
        return f"{self.source.fingerprint}:{start}:{stop}:{track_id}"

    @property
    def subject_named(self) -> bool:
        return self.sequence.track_id in self.source.subjects

    @property
    def follows_face(self) -> bool:
        return self.request.export.crop != "whole"

    def media_key(self, analysis_key: str) -> str:
        """Hash of all inputs of the encoded clip."""
        settings = self.request.export.as_dict()
        del settings["subject_id"]
        face: tuple[Any, ...] = ()
        if self.follows_face:
            face = self.sequence.track_id, analysis_key
        else:
            settings = {name: value for name, value in settings.items() if name not in _CROP_ONLY}
        span = self.sequence.start_frame, self.sequence.stop_frame
        return key_of("clip", _CLIP_VERSION, self.source.fingerprint, span, face, settings)

    @cached_property
    def decided(self) -> dict[str, Any]:
        """The part of the record available without the source: decision, scores and ranking settings."""
        window, sequence, weights = self.window, self.sequence, self.request.weights
        complete = all(name in sequence.terms for name, weight in weights.items() if weight)
        return {
            "rank": sequence.rank,
            "number": self.number,
            "start_frame": sequence.start_frame,
            "end_frame": sequence.stop_frame - 1,
            "frame_count": sequence.frame_count,
            "track_id": sequence.track_id,
            "subject_id": self.source.subjects.get(sequence.track_id, self.request.export.subject_id),
            "tags": list(window.tags),
            "note": window.note,
            "decision": window.decision.value,
            "decided_at": window.decided_at,
            "decided_by": window.decided_by,
            "reason": window.reason,
            "by_hand": window.manual,
            **{name: sequence.terms.get(name) for name in TERMS},
            # windows may have been reviewed under other weights: recompute the score with the current ones
            "combined_score": combined_score(sequence.terms, weights) if complete else sequence.combined_score,
            **movements_record(sequence),
            "weights": weights,
            **scored_by_record(sequence),
            "token_backend": sequence.scored_by or None,
            # the terms may have been computed under earlier settings
            "ranking_settings": self.request.ranking_record | dict(sequence.term_settings),
        }


def project_sources(project: Project) -> tuple[ExportSource, ...]:
    """Return the videos of a project that have reviews, in list order."""
    sources = []
    for video in project.videos():
        windows = tuple(project.windows(video.video_id).values())
        if windows and video.fingerprint:
            sources.append(ExportSource(video.path, video.fingerprint, windows, project.subjects(video.video_id)))
    return tuple(sources)


_SOURCE_FACTS = {
    "source",
    "source_fingerprint",
    "model_sha256",
    "token_backend",
    "analysis_settings",
    "time_base",
    "fps",
}


def source_facts(video: VideoInfo, sequence: Sequence, analysis: Analysis | None) -> dict[str, Any]:
    """The part of the record from the source and its analysis. Analysis fields are null without one."""
    steps = np.diff(video.pts)
    stop = sequence.stop_frame
    stop_time = video.times_s[stop] if stop < video.frame_count else video.times_s[-1] + video.frame_duration_s
    track = track_of(analysis, sequence)
    rows = (
        [] if track is None else [row for frame in range(*sequence.key[:2]) if (row := track.row_of(frame)) is not None]
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "source": video.path.name,
        "source_fingerprint": video.fingerprint,
        **sequence_record(video, sequence),
        "stop_time_s": round(float(stop_time), 6),
        "time_base": str(video.time_base),
        "fps": float(video.average_rate),
        "source_rate": str(video.average_rate),
        "source_variable_rate": bool(len(steps) > 1 and steps.max() - steps.min() > 1),
        "source_has_audio": video.has_audio,
        "source_width_px": video.width_px,
        "source_height_px": video.height_px,
        "box_xywh_px": (
            None if track is None or not rows else np.median(track.box_xywh[rows], axis=0).round(2).tolist()
        ),
        "analysis_settings": None if analysis is None else dict(analysis.settings),
        "model_sha256": None if analysis is None else dict(analysis.model_sha256),
        "token_backend": analysis.tokens[0].backend if analysis is not None and analysis.tokens else None,
    }


def has_source_facts(facts: Any) -> bool:
    """Whether these facts, read from a manifest, have all the fields of `source_facts`."""
    return isinstance(facts, dict) and facts.keys() >= _SOURCE_FACTS


def track_of(analysis: Analysis | None, sequence: Sequence) -> FaceTrack | None:
    """Return the track of a sequence, if the analysis has it."""
    tracks = () if analysis is None else analysis.tracks
    return next((track for track in tracks if track.track_id == sequence.track_id), None)


def media_facts(item: ExportItem, written: WrittenClip, crop: CropPath | None) -> dict[str, Any]:
    """The part of the record that describes the encoded clip."""
    import av

    return {
        "sha256": written.sha256,
        "size_bytes": written.size_bytes,
        "frame_count": written.frame_count,
        "width_px": written.width_px,
        "height_px": written.height_px,
        "fps": written.frames_per_s,
        # null: bit-identical, PSNR is infinite
        "psnr_db": None if written.psnr_db is None else [_finite(value) for value in written.psnr_db],
        "sound_s": written.sound_s,
        "crop": None if crop is None else crop.as_dict(),
        "export_settings": item.request.export.as_dict(),
        "versions": {"clipgen": __version__, "av": av.__version__},
    }


def window_record(window: WindowReview) -> dict[str, Any]:
    """Return a window as stored in the manifest for re-import."""
    sequence = window.sequence
    return {
        "start_frame": sequence.start_frame,
        "end_frame": sequence.stop_frame - 1,
        "track_id": sequence.track_id,
        "decision": window.decision.value,
        "by_hand": window.manual,
        "decided_at": window.decided_at,
        "decided_by": window.decided_by,
        "reason": window.reason,
        "tags": list(window.tags),
        "note": window.note,
        **scores_record(sequence),
    }


def _finite(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
