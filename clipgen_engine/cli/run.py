"""`clipgen-engine --video_path VIDEO`: analyse, rank, extract."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clipgen_engine import __version__
from clipgen_engine.analysis.aim import Aim
from clipgen_engine.analysis.cache import AnalysisCache
from clipgen_engine.cli.flags import (
    DONE,
    NOTHING_PASSED,
    HelpfulParser,
    add_flag,
    given,
    layout_flag,
    report_outcome,
    setting_flag,
)
from clipgen_engine.cli.progress import progress_shown
from clipgen_engine.cli.run_folder import read_analysis, write_analysis, write_ranking
from clipgen_engine.datasets.layouts.registry import load_layout
from clipgen_engine.datasets.names import check_pattern
from clipgen_engine.declared_settings import declarations
from clipgen_engine.errors import SettingError
from clipgen_engine.expression_tokens.backends import FrameBackend, load_backend
from clipgen_engine.files import make_writable_folder
from clipgen_engine.ranking.effective import (
    effective_regions,
    effective_thresholds,
    effective_weights,
    ranking_declarations,
)
from clipgen_engine.ranking.explanation import no_window_reason
from clipgen_engine.ranking.gates import GATES
from clipgen_engine.ranking.presets import PRESETS, with_preset
from clipgen_engine.ranking.ranker import rank_sequences
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, TERMS
from clipgen_engine.settings import AnalysisSettings, DatasetSettings, ExportSettings, RankingSettings, TokenSettings
from clipgen_engine.types import Analysis

_log = logging.getLogger("clipgen")


def run(options: argparse.Namespace, cancel: threading.Event) -> int:
    analysis_settings = AnalysisSettings(**given(options, declarations(AnalysisSettings)))
    ranking_settings = _ranking_settings(options)
    export_settings = ExportSettings(**given(options, declarations(ExportSettings)))
    dataset_settings = DatasetSettings(**given(options, declarations(DatasetSettings)))
    layouts = options.layout or ["plain"]
    for name in layouts:
        load_layout(name, export_settings, dataset_settings).close()  # fail before the analysis
    check_pattern(dataset_settings.name_pattern)
    token_settings = TokenSettings(**given(options, declarations(TokenSettings)), subject_id=export_settings.subject_id)

    backend = _loaded_backend(token_settings, cancel)
    if options.skip_analysis:
        analysis = _stored_analysis(options.video_path, options.output_dir)
    else:
        analysis = _analyze(options, analysis_settings, ranking_settings, cancel)
        write_analysis(analysis, options.output_dir)
    if backend is not None:
        analysis = _with_tokens(analysis, backend, token_settings, ranking_settings, cancel)
        write_analysis(analysis, options.output_dir)
    ranking = rank_sequences(analysis, ranking_settings)
    write_ranking(analysis, ranking, options.output_dir)
    if not ranking.sequences:
        hint = "" if ranking.window_count or not analysis.tracks else " Try a smaller --sequence_length."
        print(f"clipgen-engine: {no_window_reason(analysis, ranking)}{hint}", file=sys.stderr)
        return NOTHING_PASSED
    _log.info("%d sequences in %s", len(ranking.sequences), options.output_dir / "analysis" / "sequences.json")
    if options.skip_extraction:
        return DONE
    from clipgen_engine.datasets.extraction import extract_clips

    with progress_shown("Writing clips", "clip") as progress:
        result = extract_clips(
            analysis,
            ranking.sequences,
            options.output_dir,
            ranking.settings,
            export_settings,
            layouts=layouts,
            dataset_settings=dataset_settings,
            progress=progress,
            cancel=cancel,
        )
    return report_outcome(len(result.clips), "clips", result.clips_dir, result.failures)


def _loaded_backend(tokens: TokenSettings, cancel: threading.Event) -> FrameBackend | None:
    if tokens.expression_transformer_checkpoint is None:
        return None
    with progress_shown("Downloading DINOv2", "B") as progress:
        return load_backend("transformer", tokens, progress=progress, cancel=cancel)


def _with_tokens(
    analysis: Analysis,
    backend: FrameBackend,
    settings: TokenSettings,
    ranking: RankingSettings,
    cancel: threading.Event,
) -> Analysis:
    from clipgen_engine.expression_tokens.filling import made_by
    from clipgen_engine.expression_tokens.pacing import fill_tokens

    store = AnalysisCache().token_store(made_by(analysis, backend))
    with store, progress_shown("Expression tokens", "face") as progress:
        return fill_tokens(
            analysis, backend, settings, ranking, store=store, say=_log.info, progress=progress, cancel=cancel
        )


def _analyze(
    options: argparse.Namespace, settings: AnalysisSettings, ranking: RankingSettings, cancel: threading.Event
) -> Analysis:
    from clipgen_engine.video.index import probe  # not loaded for --help and invalid arguments

    video = probe(options.video_path)
    make_writable_folder(options.output_dir)
    from clipgen_engine.analysis.analyzer import analyze_video

    cache = AnalysisCache()
    with progress_shown("Analysing", "frame") as progress:
        analysis = analyze_video(
            video,
            settings,
            face_model=options.face_model,
            progress=progress,
            cancel=cancel,
            cache=cache,
            aim=Aim(ranking=lambda: ranking),
        )
    if analysis.undecodable_frames or video.lost_packets:
        _log.warning(
            "%d frames could not be decoded and %d packets could not be read; they are treated as missing",
            analysis.undecodable_frames,
            video.lost_packets,
        )
    if analysis.rounds:
        _log.info("The best windows were exact after %d rounds of refinement", analysis.rounds)
    if analysis.tracks and analysis.dead_channels:
        _log.info("Inactive channels: %s", ", ".join(analysis.dead_channels))
    return analysis


def _stored_analysis(video_path: Path, output_dir: Path) -> Analysis:
    from clipgen_engine.video.container import fingerprint

    analysis = read_analysis(output_dir)
    if video_path.is_file() and fingerprint(video_path) != analysis.video.fingerprint:
        raise SettingError(
            f"The analysis in {output_dir} is of {analysis.video.path.name}, not of {video_path.name}",
            "Omit --skip_analysis, or choose another --output_dir",
        )
    return replace(analysis, video=replace(analysis.video, path=video_path)) if video_path.is_file() else analysis


def _ranking_settings(options: argparse.Namespace) -> RankingSettings:
    """Combine defaults, preset and flags, in increasing priority."""
    settings = RankingSettings(**given(options, declarations(RankingSettings)))
    if options.preset is not None:
        settings = with_preset(settings, options.preset)
    gates = {**settings.gates, **_named_numbers("--gate", options.gate)}
    confidence = GATES["face_confidence"].threshold.name
    if hasattr(options, confidence):
        gates["face_confidence"] = getattr(options, confidence)
    settings = replace(
        settings,
        weights={
            name: getattr(options, term.weight.name)
            for name, term in TERMS.items()
            if hasattr(options, term.weight.name)
        },
        gates=gates,
        regions={**settings.regions, **_named_numbers("--region", options.region)},
    )
    for check in (effective_weights, effective_thresholds, effective_regions):
        check(settings)  # fail before the analysis
    return settings


def _named_numbers(flag: str, texts: Sequence[str]) -> dict[str, float]:
    """`["max_yaw=30"]` -> `{"max_yaw": 30.0}`."""
    numbers = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            numbers[name.strip().replace("-", "_")] = float(number)
        except ValueError:
            raise SettingError(f"Invalid value {text!r} of {flag}", "Use NAME=NUMBER") from None
    return numbers


def parser() -> argparse.ArgumentParser:
    made = HelpfulParser(
        prog="clipgen-engine",
        description="Find moments in a video where a face changes expression strongly while holding its position, and "
        "write them as clips.",
        epilog="Exit codes: 0 success; 1 internal error; 2 invalid input; 3 no window passed; 130 interrupted. "
        "Flags accept hyphens or underscores. 'clipgen-engine info VIDEO ...' prints properties of videos without "
        "analysing them; 'clipgen-engine export PROJECT ...' exports the accepted windows of a project; "
        "'clipgen-engine import EXPORT ...' restores a project from an export.",
    )
    made.add_argument("--version", action="version", version=f"clipgen {__version__}")
    add_flag(made, "video_path", type=Path, required=True, help="input video")
    add_flag(made, "output_dir", type=Path, default=Path("clip_generation_output"), help="output folder")
    add_flag(made, "face_model", type=Path, help="path of face_landmarker.task; located automatically by default")
    add_flag(made, "skip_analysis", action="store_true", help="use the analysis already in output_dir")
    add_flag(made, "skip_extraction", action="store_true", help="stop after ranking, write no clips")
    layout_flag(made)
    for title, settings in (
        ("analysis", declarations(AnalysisSettings)),
        ("learned tokens", declarations(TokenSettings)),
        ("ranking", ranking_declarations()),
        ("clips", declarations(ExportSettings)),
        ("dataset", declarations(DatasetSettings)),
    ):
        group = made.add_argument_group(title)
        for setting in settings:
            setting_flag(group, setting)
    named = made.add_argument_group("conditions by name")
    add_flag(named, "preset", help="predefined conditions: " + "; ".join(f"{k}: {p.help}" for k, p in PRESETS.items()))
    add_flag(
        named,
        "region",
        action="append",
        default=[],
        metavar="NAME=0..2",
        help=f"multiplier of a region in the expression variation, repeatable: {', '.join(REGION_MULTIPLIERS)}",
    )
    add_flag(
        named,
        "gate",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="gate threshold, repeatable: " + ", ".join(name for name, gate in GATES.items() if gate.off is not None),
    )
    return made
