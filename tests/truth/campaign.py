"""The parts of the truth bench. Each returns plain JSON values."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from clipgen_engine.analysis.analyzer import analyze_video
from clipgen_engine.faces.model_files import load_face_model
from clipgen_engine.faces.tracker import FaceTracker
from clipgen_engine.ranking.expression.actions import ACTIONS, action_values
from clipgen_engine.ranking.expression.movements import within_noise
from clipgen_engine.ranking.ranker import Ranker, Ranking, rank_sequences
from clipgen_engine.settings import AnalysisSettings, RankingSettings
from clipgen_engine.types import Analysis
from tests.support.composed import frames_of, write_video
from tests.support.paths import REAL_CLIPS, SAMPLE
from tests.truth import alike, planted
from tests.truth.labels import LENGTH, NOTHING, auc, load_labels, load_recordings, weighted_kappa
from tests.truth.metrics import LANDMARKS, METRICS, landmark_variation, variations
from tests.truth.stability import CHANGES, changed_video, stability
from tests.truth.turning import Pose, TurningPicture

OPEN = {"face_confidence": 0.0}
# still faces whose heads are turned: clip and frame; without hands before the face
HEADS = (
    *(("d19.mp4", 0), ("d19.mp4", 190), ("single_face.mp4", 0), ("single_face.mp4", 60), ("s20.mp4", 150)),
    *(("s20.mp4", 20), ("d10.mp4", 0), ("d10.mp4", 170), ("d12.mp4", 0), ("WolfgangLanger_Pexels.mp4", 240)),
    *(("WolfgangLanger_Pexels.mp4", 330), ("s32.mp4", 150), ("s32.mp4", 20), ("d0.mp4", 0), ("d0.mp4", 60)),
    *(("d20.mp4", 60), ("d20.mp4", 20)),
)
NOISES: dict[str, tuple[str, Mapping[str, str]]] = {
    "clean": ("", {}),
    "sensor noise": ("noise", {}),
    "flicker": ("flicker", {}),
    "motion blur": ("blur", {}),
    "60 px": ("small", {}),
    "CRF 35": ("", {"crf": "35"}),
    "60 px at CRF 35": ("small", {"crf": "35"}),
}


def labelled(*, with_landmarks: bool) -> dict[str, Any]:
    """Every metric on the windows labelled by eye.

    Args:
        with_landmarks: also the metric of a stranger, for which the clips themselves are needed.
    """
    values = {name: _of_labels(settings) for name, settings in METRICS.items()}
    if with_landmarks:
        values[LANDMARKS] = _landmarks_of_labels()
    return {name: judged(one) for name, one in values.items()}


def judged(values: np.ndarray) -> dict[str, float]:
    """Agreement of the values of all labelled windows with their labels."""
    labels = load_labels()
    strength = np.array([label.strength for label in labels])
    row = {
        "auc": auc(values[strength >= 2], values[strength == 0]),
        "auc against slight": auc(values[strength >= 2], values[strength <= 1]),
        "spearman with strength": float(spearmanr(values, strength).statistic),
    }
    for kind in NOTHING:
        chosen = [label.strength == 0 and kind in label.kinds for label in labels]
        row[f"auc against {kind}"] = auc(values[strength >= 2], values[chosen])
    return row


def _of_labels(settings: RankingSettings) -> np.ndarray:
    values = np.full(len(load_labels()), np.nan)
    for video, analysis in load_recordings().items():
        at = [number for number, label in enumerate(load_labels()) if label.video == video]
        spans = [(one.start_frame, one.start_frame + LENGTH, one.track_id) for one in (load_labels()[k] for k in at)]
        values[at] = variations(analysis, spans, settings)
    return values


def _landmarks_of_labels() -> np.ndarray:
    values = np.full(len(load_labels()), np.nan)
    for video in load_recordings():
        meshes = _meshes(REAL_CLIPS / video)
        for number, label in enumerate(load_labels()):
            if label.video == video:
                values[number] = landmark_variation(meshes[label.start_frame : label.start_frame + LENGTH])
    return values


def _meshes(path: Path) -> np.ndarray:
    """(T, 478, 3): the mesh in every frame; the last one where there is no face."""
    meshes: list[np.ndarray] = []
    faces = FaceTracker(load_face_model())
    for number, picture in enumerate(frames_of(path)):
        found = faces.track(picture, number, starts_shot=number == 0)
        meshes.append(found[0].mesh.points if found else meshes[-1])
    return np.stack(meshes)


def agreement() -> dict[str, float]:
    """How well the first look at a window agrees with the second."""
    pairs = [(label.strength, label.second.strength) for label in load_labels() if label.second is not None]
    same = float(np.mean([one == other for one, other in pairs]))
    near = float(np.mean([abs(one - other) <= 1 for one, other in pairs]))
    return {"windows": len(pairs), "same": same, "at most one apart": near, "weighted kappa": weighted_kappa(pairs)}


def analyze_planted(parts: Iterable[tuple[str, float, Sequence[planted.State]]], noise: str = "clean") -> Any:
    """Render, encode and analyse planted events; return the analysis and the events."""
    states, events = planted.schedule(parts)
    return _analyzed(states, noise), events


def _analyzed(states: Sequence[planted.State], noise: str) -> Analysis:
    kind, options = NOISES[noise]
    frames = planted.degraded(planted.pictures(states), kind)
    with tempfile.TemporaryDirectory() as folder:
        path = write_video(Path(folder) / "planted.mp4", frames, options={"crf": "14", "preset": "veryfast", **options})
        return analyze_video(path)


def scored(
    analysis: Analysis, events: Iterable[planted.Event], settings: RankingSettings | None = None
) -> list[dict[str, Any]]:
    """E and P of each event's window, and whether E is within the noise."""
    ranker = Ranker(analysis)
    rows = []
    for event in events:
        track = next(track for track in analysis.tracks if track.row_of(event.start_frame) is not None)
        key = (event.start_frame, event.stop_frame, track.track_id)
        found = ranker.describe(key, settings or RankingSettings())
        assert found is not None, event
        rows.append(
            {
                "event": event.name,
                "amplitude": event.amplitude,
                "E": found.terms["expression_variation"],
                "P": found.terms["position_stability"],
                "within noise": within_noise(found),
            }
        )
    return rows


def planted_expressions(noises: Sequence[str] = ("clean", "sensor noise", "60 px")) -> dict[str, Any]:
    """Spearman of E and amplitude for each action, over five strengths under each noise."""
    parts = [(name, size, planted.expression(name, size)) for name in planted.EXPRESSIONS for size in planted.STRENGTHS]
    parts += [("speech", size, planted.speech(size)) for size in planted.STRENGTHS]
    rows = [row | {"noise": noise} for noise in noises for row in scored(*analyze_planted(parts, noise))]
    names = (*planted.EXPRESSIONS, "speech")
    return {
        noise: {
            name: _rank_correlation([row for row in rows if (row["event"], row["noise"]) == (name, noise)])
            for name in names
        }
        for noise in noises
    } | {"rows": rows}


def _rank_correlation(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(spearmanr([row["E"] for row in rows], [row["amplitude"] for row in rows]).statistic)


def _nothing() -> list[tuple[str, float, Sequence[planted.State]]]:
    return [
        *(("blink", count, planted.blink(count)) for count in (4, 6, 8, 10)),
        *(("glance", size, planted.glance(size)) for size in (0.5, 1.0, -0.5, -1.0)),
        *((f"turn: {name}", 25, planted.turn(pose)) for name, pose in planted.TURNS.items()),
        *((name, 1, planted.movement(name)) for name in ("zoom", "drift", "shake", "nod")),
    ]


def planted_nothing() -> dict[str, Any]:
    """Highest E of each metric in what is no expression, and all figures of the default metric."""
    analysis, events = analyze_planted(_nothing())
    kinds = list(dict.fromkeys(event.name for event in events))
    found: dict[str, Any] = {}
    for name, settings in METRICS.items():
        rows = scored(analysis, events, settings)
        found[name] = {kind: max(row["E"] for row in rows if row["event"] == kind) for kind in kinds}
    return found | {"rows": scored(analysis, events)}


def planted_recall() -> dict[str, float]:
    """Share of the planted expressions among the ten best windows of each metric, with three times the distractors."""
    names = planted.EXPRESSIONS
    parts = []
    for number, distractor in enumerate(_nothing()):
        if number < len(names):
            parts.append((names[number], 0.8, planted.expression(names[number], 0.8)))
        parts.append(distractor)
    analysis, events = analyze_planted(parts)
    return {name: _recall(analysis, events, settings) for name, settings in METRICS.items()}


def _recall(analysis: Analysis, events: Iterable[planted.Event], settings: RankingSettings) -> float:
    best = Ranker(analysis).rank(replace(settings, num_sequences=10, gates=OPEN)).sequences
    hit = [
        any(min(s.stop_frame, e.stop_frame) - max(s.start_frame, e.start_frame) >= LENGTH / 2 for s in best)
        for e in events
        if e.name in planted.EXPRESSIONS
    ]
    return float(np.mean(hit))


def noise_floor(noises: Iterable[str] = tuple(NOISES)) -> dict[str, dict[str, float]]:
    """Highest E of a still face by each metric, under each noise."""
    highest: dict[str, dict[str, float]] = {}
    for noise in noises:
        ranker = Ranker(_analyzed(planted.still(75), noise))
        for name, settings in METRICS.items():
            scores = ranker.rank(replace(settings, gates=OPEN)).scores
            highest.setdefault(name, {})[noise] = float(scores.term("expression_variation")[scores.complete].max())
    return highest


def turned_heads() -> dict[str, Any]:
    """What turns of real heads with an unchanging face do: steepest slope of each action, and E of a turn.

    The slopes are ranges that follow 25 degrees of yaw, pitch and roll.
    """
    slopes, turns = [], {}
    faces = FaceTracker(load_face_model())
    for video, frame in HEADS:
        head = TurningPicture(frames_of(REAL_CLIPS / video, frame, frame + 1)[0])

        def seen(pose: Pose, head: TurningPicture = head) -> np.ndarray:
            found = faces.track(head.render(pose), 0, starts_shot=True)
            return action_values(found[0].mesh.blendshapes[np.newaxis, 1:])[0]

        straight = seen(Pose())
        for sign in (-1, 1):
            poses = Pose(yaw_deg=25 * sign), Pose(pitch_deg=25 * sign), Pose(roll_deg=25 * sign)
            slopes.append([seen(pose) - straight for pose in poses])
        with tempfile.TemporaryDirectory() as folder:
            for name, target in planted.TURNS.items():
                states, events = planted.schedule([(name, 25, planted.turn(target))])
                path = write_video(Path(folder) / "turn.mp4", (head.render(pose) for _, pose in states))
                (row,) = scored(analyze_video(path), events)
                turns[f"{video} {frame} {name}"] = row["E"]
    steepest = np.abs(np.array(slopes)).max(axis=0).T.round(3).tolist()
    return {"steepest": dict(zip(ACTIONS, steepest, strict=True)), "E": turns}


def stabilities() -> dict[str, dict[str, str]]:
    """How many of the ten best windows of one second survive each change, by each metric, in every clip."""
    found: dict[str, dict[str, str]] = {}
    clips = [SAMPLE, *(REAL_CLIPS / name for name in ("WolfgangLanger_Pexels.mp4", "d10.mp4", "d12.mp4", "s20.mp4"))]
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips:
            before = analyze_video(clip)
            for change in CHANGES:
                after = analyze_video(changed_video(clip, change, Path(folder) / "changed.mp4"))
                for name, settings in METRICS.items():
                    kept, count = stability(before, after, change, replace(settings, sequence_seconds=1.0))
                    row = found.setdefault(f"{name}: {change}", {})
                    row[clip.name] = f"{kept} of {count}"
    return found


def stacks() -> dict[str, Any]:
    """How well copies of the clips are told from other windows."""
    analyses: dict[tuple[str, str], Analysis] = {}
    with tempfile.TemporaryDirectory() as folder:
        for clip in (SAMPLE, *sorted(REAL_CLIPS.iterdir())):
            found = analyze_video(clip)
            if not found.tracks:
                continue
            analyses[clip.stem, alike.ORIGINAL] = found
            for change in alike.COPIES:
                analyses[clip.stem, change] = analyze_video(changed_video(clip, change, Path(folder) / "changed.mp4"))
    return alike.separation(analyses)


def half_the_rate() -> float:
    """Largest difference between E at 60 frames per second and at every second frame, windows of one second."""
    dense = [
        state
        for name in ("smile", "jaw_open", "brows_up")
        for state in (*planted.still(30), *planted.expression(name, 0.8, 60), *planted.still(30))
    ]
    second = RankingSettings(sequence_seconds=1.0, gates=OPEN)
    curves = []
    with tempfile.TemporaryDirectory() as folder:
        for step in (1, 2):
            frames = list(planted.pictures(dense))[::step]
            pts = [number * step for number in range(len(frames))]
            path = write_video(Path(folder) / "rate.mp4", frames, pts=pts, time_base=planted.SIXTIETH)
            scores = Ranker(analyze_video(path)).rank(second).scores
            start = scores.start_frame[scores.complete] * step
            curves.append(dict(zip(start.tolist(), scores.term("expression_variation")[scores.complete], strict=True)))
    return float(max(abs(curves[0][start] - curves[1][start]) for start in curves[1] if start in curves[0]))


def efforts() -> dict[str, dict[str, float]]:
    """What drafts are worth on every clip: order of all windows, and the exact score of what is selected.

    `ideal` is the exact combined score of the selected windows, as a share of that of those that the full analysis
    selects; `overlap` is the share of them that it selects within half a window.
    """
    found = {}
    for clip in [SAMPLE, *sorted(REAL_CLIPS.iterdir())]:
        full = rank_sequences(analyze_video(clip))
        if not full.sequences:
            continue
        exact = _scores(full)
        row: dict[str, float] = {"windows": len(full.sequences)}
        for effort in ("draft", "top"):
            ranking = rank_sequences(analyze_video(clip, AnalysisSettings(effort=effort)))
            scores = _scores(ranking)
            common = sorted(exact.keys() & scores.keys())
            order = spearmanr([exact[key] for key in common], [scores[key] for key in common]).statistic
            chosen = [(one.track_id, one.start_frame) for one in ranking.sequences]
            ideal = sum(one.combined_score for one in full.sequences[: len(chosen)])
            row[f"{effort}: order"] = float(order)
            row[f"{effort}: ideal"] = sum(exact.get(key, 0.0) for key in chosen) / ideal
            row[f"{effort}: overlap"] = float(np.mean([_is_near(key, full) for key in chosen]))
        found[clip.name] = row
    return found


def _scores(ranking: Ranking) -> dict[tuple[int, int], float]:
    """Combined scores of the valid windows by track and first frame."""
    scores, valid = ranking.scores, ranking.valid
    keys = zip(scores.track_id[valid].tolist(), scores.start_frame[valid].tolist(), strict=True)
    return dict(zip(keys, ranking.combined[valid].tolist(), strict=True))


def _is_near(key: tuple[int, int], ranking: Ranking) -> bool:
    half = ranking.settings.sequence_length // 2
    return any(one.track_id == key[0] and abs(one.start_frame - key[1]) <= half for one in ranking.sequences)
