"""`clipgen-engine`: arguments -> analyse, rank, extract -> exit codes."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from tqdm import tqdm

from clipgen_engine import __version__
from clipgen_engine.errors import Cancelled, ClipgenError, SettingError
from clipgen_engine.expression_tokens import FrameBackend, load_backend
from clipgen_engine.files import make_writable_folder
from clipgen_engine.gates import GATES
from clipgen_engine.presets import PRESETS, with_preset
from clipgen_engine.ranking import (
    Ranking,
    effective_regions,
    effective_thresholds,
    effective_weights,
    rank_sequences,
    ranking_declarations,
)
from clipgen_engine.run_folder import read_analysis, write_analysis, write_ranking
from clipgen_engine.score_terms import REGION_MULTIPLIERS, TERMS
from clipgen_engine.settings import AnalysisSettings, ExportSettings, RankingSettings, TokenSettings, declarations
from clipgen_engine.types import Analysis, Progress, ProgressCallback, Setting

DONE, BUG, WRONG_INPUT, NOTHING_PASSED, INTERRUPTED = 0, 1, 2, 3, 130
_LOG_LINE_SHARE = 0.1  # where no terminal shows a bar, a line is logged each time this share more is done

_log = logging.getLogger("clipgen")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["info"]:
        return _info(given[1:])
    options = _parser().parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    cancel = threading.Event()
    try:
        with _interrupts_set(cancel):
            return _run(options, cancel)
    except Cancelled:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return INTERRUPTED
    except ClipgenError as error:
        print(f"clipgen-engine: {error}", file=sys.stderr)
        return WRONG_INPUT
    except Exception:
        _log.exception("This is a bug in clipgen; please report it with these lines")
        return BUG


def _info(arguments: Sequence[str]) -> int:
    """`clipgen-engine info VIDEO ...`: what the index of each video knows."""
    parser = _HelpfulParser(prog="clipgen-engine info", description="Print what the index of a video knows.")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    from clipgen_engine.video import probe

    code = DONE
    for path in parser.parse_args(arguments).videos:
        try:
            video = probe(path)
        except ClipgenError as error:
            print(f"clipgen-engine: {error}", file=sys.stderr)
            code = WRONG_INPUT
            continue
        turned = f", turned by {video.rotation_deg}°" if video.rotation_deg else ""
        steps = np.diff(video.pts)
        pace = "constant" if len(steps) < 2 or steps.max() - steps.min() <= 1 else "variable"
        print(path)
        for label, value in {
            "frames": f"{video.frame_count}, {len(video.keyframe_pts)} keyframes",
            "picture": f"{video.width_px}x{video.height_px}{turned}, {video.codec}",
            "rate": f"{float(video.average_rate):.3f} frames/s, {pace}",
            "time": f"{video.duration_s:.3f} s, time base {video.time_base}, starts at PTS {video.start_pts}",
            "sound": "yes" if video.has_audio else "no",
            "fingerprint": video.fingerprint,
        }.items():
            print(f"  {label:<12}{value}")
    return code


def _run(options: argparse.Namespace, cancel: threading.Event) -> int:
    analysis_settings = AnalysisSettings(**_given(options, declarations(AnalysisSettings)))
    ranking_settings = _ranking_settings(options)
    export_settings = ExportSettings(**_given(options, declarations(ExportSettings)))
    token_settings = TokenSettings(
        **_given(options, declarations(TokenSettings)), subject_id=export_settings.subject_id
    )

    backend = _loaded_backend(token_settings, cancel)  # wrong input shows now, not in an hour
    if options.skip_analysis:
        analysis = _stored_analysis(options.video_path, options.output_dir)
    else:
        analysis = _analyze(options, analysis_settings, cancel)
        write_analysis(analysis, options.output_dir)
    if backend is not None:
        analysis = _with_tokens(analysis, backend, token_settings, ranking_settings, cancel)
        write_analysis(analysis, options.output_dir)
    ranking = rank_sequences(analysis, ranking_settings)
    write_ranking(analysis, ranking, options.output_dir)
    if not ranking.sequences:
        print(f"clipgen-engine: {_why_nothing(analysis, ranking)}", file=sys.stderr)
        return NOTHING_PASSED
    _log.info("%d sequences in %s", len(ranking.sequences), options.output_dir / "analysis" / "sequences.json")
    if not options.skip_extraction:
        _extract(analysis, ranking, options.output_dir, export_settings, cancel)
    return DONE


def _loaded_backend(tokens: TokenSettings, cancel: threading.Event) -> FrameBackend | None:
    if tokens.expression_transformer_checkpoint is None:
        return None
    with _progress_shown("Downloading DINOv2", "B") as progress:
        return load_backend("transformer", tokens, progress=progress, cancel=cancel)


def _with_tokens(
    analysis: Analysis,
    backend: FrameBackend,
    settings: TokenSettings,
    ranking: RankingSettings,
    cancel: threading.Event,
) -> Analysis:
    from clipgen_engine.analysis_cache import AnalysisCache
    from clipgen_engine.learned_tokens import fill_tokens
    from clipgen_engine.token_filling import made_by

    store = AnalysisCache().token_store(made_by(analysis, backend))
    with store, _progress_shown("Expression tokens", "face") as progress:
        return fill_tokens(
            analysis, backend, settings, ranking, store=store, say=_log.info, progress=progress, cancel=cancel
        )


def _analyze(options: argparse.Namespace, settings: AnalysisSettings, cancel: threading.Event) -> Analysis:
    from clipgen_engine.video import probe  # decoders and models are not loaded for --help and wrong arguments

    video = probe(options.video_path)
    make_writable_folder(options.output_dir)
    from clipgen_engine.analyzer import analyze_video

    with _progress_shown("Analysing", "frame") as progress:
        analysis = analyze_video(video, settings, face_model=options.face_model, progress=progress, cancel=cancel)
    if analysis.undecodable_frames:
        _log.warning("%d frames could not be decoded; they count as missing", analysis.undecodable_frames)
    return analysis


def _stored_analysis(video_path: Path, output_dir: Path) -> Analysis:
    from clipgen_engine.video import fingerprint

    analysis = read_analysis(output_dir)
    if video_path.is_file() and fingerprint(video_path) != analysis.video.fingerprint:
        raise SettingError(
            f"The analysis in {output_dir} is of {analysis.video.path.name}, not of {video_path.name}",
            "Leave --skip_analysis out, or give another --output_dir",
        )
    return replace(analysis, video=replace(analysis.video, path=video_path)) if video_path.is_file() else analysis


def _extract(
    analysis: Analysis, ranking: Ranking, output_dir: Path, settings: ExportSettings, cancel: threading.Event
) -> None:
    from clipgen_engine import extract_clips

    with _progress_shown("Writing clips", "clip") as progress:
        result = extract_clips(
            analysis, ranking.sequences, output_dir, ranking.settings, settings, progress=progress, cancel=cancel
        )
    _log.info("%d clips in %s", len(result.clips), result.clips_dir)


def _why_nothing(analysis: Analysis, ranking: Ranking) -> str:
    """One sentence: why no window passed."""
    name, length = analysis.video.path.name, ranking.settings.sequence_length
    if not analysis.tracks:
        return f"No face was found in any of the {analysis.video.frame_count} frames of {name}."
    if not ranking.window_count:
        longest = max(len(track.frame_index) for track in analysis.tracks)
        return (
            f"No face in {name} stays for {length} frames within one shot (the longest stays {longest}): "
            "try a smaller --sequence_length."
        )
    stopped = ", ".join(
        f"{GATES[gate].label.lower()} stopped {count}" for gate, count in ranking.gate_counts.items() if count
    )
    return f"None of the {ranking.window_count} windows of {name} passed the gates: {stopped}."


@contextmanager
def _progress_shown(label: str, unit: str) -> Iterator[ProgressCallback]:
    """A bar on a terminal, plain log lines elsewhere."""
    if not sys.stderr.isatty():
        yield _line_logger(label, unit)
        return
    with ExitStack() as stack:
        bar: tqdm[Any] | None = None

        def show(progress: Progress) -> None:
            nonlocal bar
            if bar is None:  # what turns out to have nothing to do shows none
                bar = stack.enter_context(tqdm(desc=label, unit=unit, unit_scale=unit == "B"))
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        yield show


def _line_logger(label: str, unit: str) -> Callable[[Progress], None]:
    logged = 0.0

    def show(progress: Progress) -> None:
        nonlocal logged
        share = progress.done / max(1, progress.total)
        if share - logged >= _LOG_LINE_SHARE or (share == 1 and logged < 1):
            logged = share
            _log.info("%s: %d of %d %ss", label, progress.done, progress.total, unit)

    return show


@contextmanager
def _interrupts_set(cancel: threading.Event) -> Iterator[None]:
    """The first interrupt asks the verbs to stop; the second one is not caught."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise Cancelled from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ranking_settings(options: argparse.Namespace) -> RankingSettings:
    """Defaults, then the preset, then what the flags say."""
    settings = RankingSettings(**_given(options, declarations(RankingSettings)))
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
        check(settings)  # now, not after the analysis
    return settings


def _named_numbers(flag: str, texts: Sequence[str]) -> dict[str, float]:
    """`["max_yaw=30"]` -> `{"max_yaw": 30.0}`."""
    numbers = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            numbers[name.strip().replace("-", "_")] = float(number)
        except ValueError:
            raise SettingError(f"{flag} cannot be {text!r}", "Give NAME=NUMBER") from None
    return numbers


def _given(options: argparse.Namespace, settings: Sequence[Setting]) -> dict[str, Any]:
    """What was given on the command line; the defaults are those of the settings."""
    return {setting.name: getattr(options, setting.name) for setting in settings if hasattr(options, setting.name)}


class _HelpfulParser(argparse.ArgumentParser):
    """Answers wrong arguments in one line."""

    def error(self, message: str) -> Any:
        self.exit(WRONG_INPUT, f"{self.prog}: {message}. See {self.prog} --help.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _HelpfulParser(
        prog="clipgen-engine",
        description="Find the moments of a video in which a face changes its expression a lot while it stays in "
        "place, and write them as clips.",
        epilog="Exit codes: 0 done; 2 wrong input; 3 analysed, but no window passed; 1 a bug; 130 interrupted. "
        "Flags may be written with hyphens or underscores. 'clipgen-engine info VIDEO ...' prints what is known of "
        "videos without analysing them.",
    )
    parser.add_argument("--version", action="version", version=f"clipgen {__version__}")
    _flag(parser, "video_path", type=Path, required=True, help="the video")
    _flag(parser, "output_dir", type=Path, default=Path("clip_generation_output"), help="folder of the results")
    _flag(parser, "face_model", type=Path, help="path of face_landmarker.task; found by itself otherwise")
    _flag(parser, "skip_analysis", action="store_true", help="use the results that are already in output_dir")
    _flag(parser, "skip_extraction", action="store_true", help="stop after the ranking, write no clips")
    for title, settings in (
        ("analysis", declarations(AnalysisSettings)),
        ("learned tokens", declarations(TokenSettings)),
        ("ranking", ranking_declarations()),
        ("clips", declarations(ExportSettings)),
    ):
        group = parser.add_argument_group(title)
        for setting in settings:
            _setting_flag(group, setting)
    named = parser.add_argument_group("conditions by name")
    _flag(named, "preset", help="ready-made conditions: " + "; ".join(f"{k}: {p.help}" for k, p in PRESETS.items()))
    _flag(
        named,
        "region",
        action="append",
        default=[],
        metavar="NAME=0..2",
        help=f"multiplier of a region in the expression variation, repeatable: {', '.join(REGION_MULTIPLIERS)}",
    )
    _flag(
        named,
        "gate",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="threshold of a gate, repeatable: "
        + ", ".join(name for name, gate in GATES.items() if gate.off is not None),
    )
    return parser


def _flag(parser: Any, name: str, **options: Any) -> None:
    options["help"] = options["help"].replace("%", "%%")  # argparse fills in values by %
    spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
    parser.add_argument(*spellings, dest=name, **options)


def _setting_flag(group: Any, setting: Setting) -> None:
    unit = f" {setting.unit}" if setting.unit else ""
    choices = f"; one of {', '.join(setting.choices)}" if setting.choices else ""
    default = "not set" if setting.default is None else f"default {setting.default}{unit}"
    help_text = f"{setting.help.rstrip('.')} ({default}{choices})"
    _flag(group, setting.name, default=argparse.SUPPRESS, metavar=setting.kind.__name__.upper(), help=help_text)
