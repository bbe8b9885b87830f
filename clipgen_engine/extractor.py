"""Sequences -> clips, their metadata, and a report for a person."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from clipgen_engine import __version__
from clipgen_engine.clip_writer import clip_suffix, write_clip
from clipgen_engine.errors import Cancelled, VideoError
from clipgen_engine.files import write_json, write_text
from clipgen_engine.run_folder import provenance, sequence_record
from clipgen_engine.score_terms import TERMS
from clipgen_engine.settings import ExportSettings, RankingSettings
from clipgen_engine.types import Analysis, Progress, ProgressCallback, Sequence, VideoInfo
from clipgen_engine.video import fingerprint

METADATA_NAME = "clip_metadata.json"
SUMMARY_NAME = "extraction_summary.txt"
_TOP_IN_SUMMARY = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractionResult:
    """What was written, and what could not be."""

    clips_dir: Path
    clips: tuple[Path, ...]
    failures: tuple[str, ...]  # a sentence for each clip that could not be written


class ClipExtractor:
    """Writes the clips of one analysis. Use `extract_clips` unless the parts are of interest."""

    def __init__(
        self, analysis: Analysis, output_dir: Path, ranking_settings: RankingSettings, settings: ExportSettings
    ) -> None:
        self._analysis = analysis
        self._ranking_settings = ranking_settings
        self._dir = output_dir / "clips"
        self._settings = settings

    def run(
        self, sequences: SequenceABC[Sequence], progress: ProgressCallback | None, cancel: threading.Event
    ) -> ExtractionResult:
        """Write one clip a sequence, numbered by rank, then the metadata of those that were written.

        Clips that an earlier run left in this folder and that are not among these are removed.

        Raises:
            VideoError: the source is gone or is another file now.
            OutputError: the folder cannot be written.
            Cancelled: `cancel` was set; finished clips stay and are listed in the metadata.
        """
        _check_source(self._analysis.video)
        stale = self._clips_of_earlier_run()
        written: list[tuple[Sequence, Path]] = []
        failures: list[str] = []
        for done, sequence in enumerate(sequences):
            if cancel.is_set():
                break
            if progress:
                progress(Progress("clips", done, len(sequences)))
            path = self._dir / clip_name(sequence, self._settings)
            try:
                write_clip(self._analysis.video, sequence.start_frame, sequence.stop_frame, path, self._settings)
            except VideoError as error:  # of one clip; what concerns the folder concerns every clip
                _log.warning("%s", error)
                failures.append(str(error))
            else:
                written.append((sequence, path))
        self._write_records(written)
        for name in stale - {path.name for _, path in written}:
            (self._dir / name).unlink(missing_ok=True)
        if cancel.is_set():
            raise Cancelled
        if progress:
            progress(Progress("clips", len(sequences), len(sequences)))
        return ExtractionResult(self._dir, tuple(path for _, path in written), tuple(failures))

    def _clips_of_earlier_run(self) -> set[str]:
        path = self._dir / METADATA_NAME
        try:
            clips = json.loads(path.read_text(encoding="utf-8"))["clips"]
            return {Path(clip["clip_path"]).name for clip in clips}
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, KeyError, TypeError):
            _log.warning("%s cannot be read; clips of an earlier run stay where they are", path)
            return set()

    def _write_records(self, written: list[tuple[Sequence, Path]]) -> None:
        records = [self._record(sequence, path) for sequence, path in written]
        info = provenance(self._analysis, self._ranking_settings) | {
            "clipgen_version": __version__,
            "total_clips": len(records),
            "export_settings": self._settings.as_dict(),
        }
        write_json(self._dir / METADATA_NAME, {"extraction_info": info, "clips": records})
        write_text(self._dir / SUMMARY_NAME, _summary(self._analysis.video, records))

    def _record(self, sequence: Sequence, path: Path) -> dict[str, Any]:
        video = self._analysis.video
        return {
            "clip_number": sequence.rank,
            "clip_path": path.name,
            "frame_count": sequence.frame_count,
            "fps": float(video.average_rate),
            "source": video.path.name,
            "subject_id": self._settings.subject_id,
            **sequence_record(video, sequence),
        }


def clip_name(sequence: Sequence, settings: ExportSettings) -> str:
    """File name of a clip: rank, and frames as an inclusive span."""
    frames = f"{sequence.start_frame:06d}_{sequence.stop_frame - 1:06d}"
    return f"clip_{sequence.rank:03d}_frames_{frames}{clip_suffix(settings)}"


def extract_clips(
    analysis: Analysis,
    sequences: SequenceABC[Sequence],
    output_dir: str | Path,
    ranking_settings: RankingSettings,
    export_settings: ExportSettings | None = None,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> ExtractionResult:
    """Write sequences as clips into `output_dir/clips`, with metadata and a summary; see `ClipExtractor.run`."""
    extractor = ClipExtractor(analysis, Path(output_dir), ranking_settings, export_settings or ExportSettings())
    return extractor.run(sequences, progress, cancel or threading.Event())


def _check_source(video: VideoInfo) -> None:
    try:
        same = fingerprint(video.path) == video.fingerprint
    except OSError as error:
        raise VideoError(f"{video.path} cannot be opened any more", "Put the video back, or open it again") from error
    if not same:
        raise VideoError(f"{video.path.name} changed since its analysis", "Analyse it again")


def _summary(video: VideoInfo, records: list[dict[str, Any]]) -> str:
    lines = [
        f"Clips of {video.path.name}",
        "",
        f"{len(records)} clips, {sum(record['frame_count'] for record in records)} frames, "
        f"at {float(video.average_rate):.3f} frames a second",
    ]
    if records:
        lines += ["", "Scores, mean ± standard deviation"]
        names = {name: term.label for name, term in TERMS.items()} | {"combined_score": "Combined score"}
        for name, label in names.items():
            values = [record[name] for record in records]
            lines.append(f"  {label:<22}{fmean(values):.3f} ± {pstdev(values):.3f}")
        lines += ["", f"Top {min(_TOP_IN_SUMMARY, len(records))}"]
        lines += [_line(record) for record in records[:_TOP_IN_SUMMARY]]
        lines += ["", "All clips"]
        lines += [f"  {record['clip_path']}" for record in records]
    return "\n".join(lines) + "\n"


def _line(record: dict[str, Any]) -> str:
    return (
        f"  {record['clip_number']:>3}  frames {record['start_frame']}-{record['end_frame']}  "
        f"{record['start_time_s']:.2f}-{record['end_time_s']:.2f} s  combined {record['combined_score']:.3f}  "
        + "  ".join(f"{name} {record[name]:.3f}" for name in TERMS)
    )
