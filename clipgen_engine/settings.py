"""Declared settings: default, bounds, label and help in one place. Flags and panels are generated from them.

The weights and thresholds of `RankingSettings` are declared where they belong, beside each score term and gate;
`clipgen_engine.ranking.ranker.ranking_declarations` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipgen_engine.declared_settings import Checked, declared
from clipgen_engine.errors import SettingError


@dataclass(frozen=True)
class AnalysisSettings(Checked):
    """What the models are run with. Changing one of these, but for `workers`, means analysing again."""

    analysis_max_side: int = declared(
        1280,
        int,
        "Analysis size",
        "Longer side of the picture that is analysed; larger pictures are shrunk to it.",
        minimum=160,
        maximum=4096,
        step=16,
        unit="px",
    )
    max_faces: int = declared(
        4,
        int,
        "Faces",
        "How many faces are followed at the same time, at most.",
        minimum=1,
        maximum=16,
        step=1,
    )
    search_stride: int = declared(
        30,
        int,
        "Search stride",
        "While a face is followed, a part of the picture is searched for further faces on every n-th frame.",
        minimum=1,
        maximum=600,
        step=1,
        unit="frames",
    )
    confidence_stride: int = declared(
        10,
        int,
        "Confidence stride",
        "The face detector measures its confidence on every n-th frame; between them it is interpolated.",
        minimum=1,
        maximum=60,
        step=1,
        unit="frames",
    )
    workers: int = declared(
        0,
        int,
        "Workers",
        "How many parts of a video are analysed side by side; 0 means one a processor core. The result is the same.",
        minimum=0,
        maximum=256,
        step=1,
        zero="one a core",
    )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values by name, of the settings that matter for the result."""
        return {name: value for name, value in super().as_dict().items() if name != "workers"}


@dataclass(frozen=True)
class TokenSettings(Checked):
    """What a token backend with a model of its own is loaded with."""

    expression_transformer_checkpoint: Path | None = declared(
        None,
        Path,
        "Checkpoint",
        "Expression Transformer, .pt or .safetensors; without it the blendshapes serve.",
    )
    dinov2: Path | None = declared(
        None,
        Path,
        "DINOv2",
        "Folder or file of the checkpoint's backbone; else the Hugging Face cache, else a download.",
    )
    num_heads: int | None = declared(
        None,
        int,
        "Attention heads",
        "Attention heads of a checkpoint that does not say them.",
        minimum=1,
        maximum=64,
    )
    device: str = declared(
        "auto",
        str,
        "Device",
        "auto, cpu, cuda, cuda:N or mps, for a checkpoint; the blendshapes always use the CPU.",
        pattern=r"auto|cpu|mps|cuda(:\d+)?",
        expected="auto, cpu, cuda, cuda:N or mps",
    )
    token_precision: str = declared(
        "auto",
        str,
        "Precision",
        "Numbers that a checkpoint is run in; auto: bfloat16 on CUDA, float32 elsewhere.",
        choices=("auto", "float32", "bfloat16"),
    )
    token_batch: int = declared(
        0,
        int,
        "Batch",
        "Faces that a checkpoint looks at together; 0: what suits the device.",
        minimum=0,
        maximum=4096,
        zero="automatic",
    )
    token_stride: int = declared(
        0,
        int,
        "Token stride",
        "Every n-th frame gets a token of its own, those between are interpolated; 0: every frame where that takes "
        "minutes, every 4th where it takes longer.",
        minimum=0,
        maximum=60,
        step=1,
        unit="frames",
        zero="automatic",
    )
    token_scope: str = declared(
        "auto",
        str,
        "Token scope",
        "top: only the windows that the blendshapes find best get tokens; all: every face, those windows first; auto: "
        "top on the command line where all would take more than a few minutes, else all.",
        choices=("auto", "all", "top"),
    )
    subject_id: int = 0  # row of the checkpoint's subject embedding; declared with the export settings
    allow_download: bool = True  # whether the backbone may be fetched where no copy is at hand


@dataclass(frozen=True)
class RankingSettings(Checked):
    """What the ranking is made with. Everything here is recomputed live from arrays."""

    sequence_length: int = declared(
        30,
        int,
        "Window",
        "Length of a window in frames.",
        minimum=2,
        maximum=10_000,
        step=1,
        unit="frames",
    )
    num_sequences: int = declared(
        10,
        int,
        "Number",
        "How many windows are selected at most.",
        minimum=1,
        maximum=10_000,
        step=1,
    )
    min_gap: int = declared(
        0,
        int,
        "Minimum gap",
        "Frames that stay free between two selected windows.",
        minimum=0,
        maximum=100_000,
        step=1,
        unit="frames",
    )
    diversity: float = declared(
        0.0,
        float,
        "Diversity",
        "0: best first; towards 1: each next window should look different from those already picked.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    scope: str = declared(
        "video",
        str,
        "Scope",
        "video: windows of a video keep apart; track: each face track is ranked alone and has the number for itself.",
        choices=("video", "track"),
    )
    variation_metric: str = declared(
        "token_spread",
        str,
        "Variation metric",
        "token_spread: distance of all tokens from their mean; keyframe_cosine: first, middle and last token only.",
        choices=("token_spread", "keyframe_cosine"),
    )
    token_source: str = declared(
        "learned",
        str,
        "Tokens",
        "What drives the expression variation where a checkpoint's tokens are at hand: learned tokens or blendshapes.",
        choices=("learned", "blendshapes"),
    )
    stability_metric: str = declared(
        "center_wander",
        str,
        "Stability metric",
        "center_wander: wander of the face in face sizes; mean_step: mean step between frames in pixels.",
        choices=("center_wander", "mean_step"),
    )
    weights: Mapping[str, float] = field(default_factory=dict)  # by term name; a term not named has its default
    gates: Mapping[str, float] = field(default_factory=dict)  # threshold by gate name; not named: its default
    regions: Mapping[str, float] = field(default_factory=dict)  # multiplier 0..2 by region name; not named: 1


@dataclass(frozen=True)
class ExportSettings(Checked):
    """How clips are written: their codec, their pictures, their sound."""

    clip_format: str = declared(
        "mp4",
        str,
        "Format",
        "mp4, mov and mkv hold H.264 and AAC, webm VP9 and Opus, avi MPEG-4 and PCM at one constant rate; ffv1 is "
        "lossless, in mkv; png and jpeg make a folder of pictures a clip, without sound.",
        choices=("mp4", "mov", "mkv", "avi", "webm", "ffv1", "png", "jpeg"),
    )
    crf: int = declared(
        16,
        int,
        "Quality (CRF)",
        "H.264 constant rate factor, lower is better and larger; other lossy codecs are set to a like quality.",
        minimum=0,
        maximum=51,
        step=1,
    )
    encoder_preset: str = declared(
        "medium",
        str,
        "Encoder preset",
        "Slower presets make smaller files of the same quality.",
        choices=("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
    )
    fps: float = declared(
        0.0,
        float,
        "Frame rate",
        "0: every frame at its own time; else a fixed rate, for which frames are repeated or left out by their times.",
        minimum=0.0,
        maximum=480.0,
        step=1.0,
        unit="frames/s",
        zero="as the source",
    )
    sound: str = declared(
        "on",
        str,
        "Sound",
        "Whether a clip has the sound of its window.",
        choices=("on", "off"),
    )
    crop: str = declared(
        "whole",
        str,
        "Picture",
        "whole: the frames as they are; face: a square that follows the face; face_still: a square that stays put.",
        choices=("whole", "face", "face_still"),
    )
    size: int = declared(
        512,
        int,
        "Crop size",
        "Side of a face crop; an odd number is rounded up, but for ffv1, png and jpeg.",
        minimum=32,
        maximum=4096,
        step=2,
        unit="px",
    )
    margin: float = declared(
        0.25,
        float,
        "Crop margin",
        "Room on each side of the face in a crop, in face sizes.",
        minimum=0.0,
        maximum=3.0,
        step=0.05,
    )
    align_roll: str = declared(
        "off",
        str,
        "Level the eyes",
        "Turn a face crop so that a tilted head stands upright.",
        choices=("on", "off"),
    )
    subject_id: int = declared(
        0,
        int,
        "Subject",
        "Number of the person, written into the metadata; the row of a checkpoint's subject embedding.",
        minimum=0,
        maximum=1_000_000,
        step=1,
    )


@dataclass(frozen=True)
class DatasetSettings(Checked):
    """How clips are named and divided in a dataset."""

    name_pattern: str = declared(
        "clip_{rank:03d}_frames_{start_frame:06d}_{end_frame:06d}",
        str,
        "File names",
        "Pattern of the names of clips; fields: source, rank, number, start_frame, end_frame, track_id, subject_id, "
        "score.",
    )
    split_by: str = declared(
        "subject",
        str,
        "Split by",
        "What is never in two splits: subject (where none is named, the video counts as one) or video.",
        choices=("subject", "video"),
    )
    validation_share: float = declared(
        0.0,
        float,
        "Validation",
        "Share of subjects or videos that go into the validation split; which, follows from their names alone.",
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    )
    test_share: float = declared(
        0.0,
        float,
        "Test",
        "Share of subjects or videos that go into the test split.",
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    )
    split_seed: int = declared(
        0,
        int,
        "Split seed",
        "Another number gives another division into splits.",
        minimum=0,
        maximum=2**31 - 1,
        step=1,
    )
    shard_size_mb: int = declared(
        1000,
        int,
        "Shard size",
        "WebDataset: a shard is not larger than this, unless a single clip is.",
        minimum=1,
        maximum=1_000_000,
        step=100,
        unit="MB",
    )
    fiftyone_media: str = declared(
        "clips",
        str,
        "FiftyOne media",
        "clips: the written clips; sources: spans of the source videos, nothing is encoded.",
        choices=("clips", "sources"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_share + self.test_share > 1:
            raise SettingError("validation_share and test_share are more than 1 together", "Give smaller shares")
