"""Extract the clips of one analysed video, in the plain layout or in others."""

from __future__ import annotations

import threading
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from pathlib import Path

from clipgen_engine.datasets.analyses import GivenAnalyses
from clipgen_engine.datasets.export import check_source, export_clips
from clipgen_engine.datasets.request import ExportRequest, ExportSource
from clipgen_engine.datasets.results import ExportStep
from clipgen_engine.errors import Cancelled
from clipgen_engine.projects.records import WindowReview
from clipgen_engine.settings import DatasetSettings, ExportSettings, RankingSettings
from clipgen_engine.types import Analysis, Decision, Progress, ProgressCallback, Sequence


@dataclass(frozen=True)
class ExtractionResult:
    """Written clips and failures."""

    clips_dir: Path  # of the plain layout; the export folder for others
    clips: tuple[Path, ...]
    failures: tuple[str, ...]  # one message per failed clip


def extract_clips(
    analysis: Analysis,
    sequences: SequenceABC[Sequence],
    output_dir: str | Path,
    ranking_settings: RankingSettings,
    export_settings: ExportSettings | None = None,
    *,
    layouts: SequenceABC[str] = ("plain",),
    dataset_settings: DatasetSettings | None = None,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> ExtractionResult:
    """Write sequences as clips to `output_dir`, numbered by rank. See `export_clips` for details.

    Clips of an earlier run in this folder that are not among them are removed.

    Raises:
        VideoError: the source is missing or has changed.
        SettingError: a layout or setting is invalid.
        OutputError: the folder cannot be written.
        Cancelled: `cancel` was set; finished clips are kept and listed in the metadata.
    """
    check_source(analysis.video.path, analysis.video.fingerprint)
    windows = tuple(WindowReview(sequence, Decision.ACCEPTED, manual=False) for sequence in sequences)
    request = ExportRequest(
        sources=(ExportSource(analysis.video.path, analysis.video.fingerprint, windows),),
        output_dir=Path(output_dir),
        layouts=tuple(layouts),
        export=export_settings or ExportSettings(),
        dataset=dataset_settings or DatasetSettings(),
        ranking=ranking_settings,
    )
    total = len(windows)
    ended: set[str] = set()

    def report(step: ExportStep) -> None:
        if progress and step.stage == "clips":
            ended.update([step.clip] if step.clip else [])
            progress(Progress("clips", len(ended), total))

    if progress:
        progress(Progress("clips", 0, total))
    result = export_clips(request, GivenAnalyses([analysis]), report=report, cancel=cancel)
    if result.cancelled:
        raise Cancelled
    if progress:
        progress(Progress("clips", total, total))
    plain = "plain" in layouts
    return ExtractionResult(
        clips_dir=result.output_dir / "clips" if plain else result.output_dir,
        clips=tuple(path for clip in result.clips for path in clip.files[: 1 if plain else None]),
        failures=result.failures,
    )
