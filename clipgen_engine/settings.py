"""Declared settings: default, bounds, label and help in one place. Flags and panels are generated from them.

The weights and thresholds of `RankingSettings` are declared beside each score term and gate;
`clipgen_engine.ranking.effective.ranking_declarations` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipgen_engine.declared_settings import Checked, declared
from clipgen_engine.errors import SettingError

MAX_LENGTH = 10_000  # frames


@dataclass(frozen=True)
class AnalysisSettings(Checked):
    """Settings of the analysis. Changing any except `workers` and `effort` requires a new analysis."""

    analysis_max_side: int = declared(
        1280,
        int,
        "Analysis size",
        "Longer side of the analysed picture; larger pictures are scaled down.",
        minimum=160,
        maximum=4096,
        step=16,
        unit="px",
    )
    max_faces: int = declared(
        4, int, "Faces", "Maximum number of faces tracked at the same time.", minimum=1, maximum=16, step=1
    )
    search_stride: int = declared(
        30,
        int,
        "Search stride",
        "While a face is tracked, part of the picture is searched for new faces on every n-th frame.",
        minimum=1,
        maximum=600,
        step=1,
        unit="frames",
    )
    draft_stride: int = declared(
        5,
        int,
        "Draft stride",
        "The draft looks at every n-th frame, at most a sixth of a second apart.",
        minimum=1,
        maximum=30,
        step=1,
        unit="frames",
    )
    confidence_stride: int = declared(
        10,
        int,
        "Confidence stride",
        "The face detector measures the confidence on every n-th frame; it is interpolated in between.",
        minimum=1,
        maximum=60,
        step=1,
        unit="frames",
    )
    workers: int = declared(
        0,
        int,
        "Workers",
        "Number of worker processes that analyse a video in parallel; 0: one per CPU core. The result is identical.",
        minimum=0,
        maximum=256,
        step=1,
        zero="one per core",
    )

    effort: str = declared(
        "full",
        str,
        "Effort",
        "draft: looks at every n-th frame; top: then makes the best windows exact; full: every frame.",
        choices=("draft", "top", "full"),
    )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings that affect exact values as plain JSON values by name."""
        return {name: value for name, value in super().as_dict().items() if name not in ("workers", "effort")}


@dataclass(frozen=True)
class TokenSettings(Checked):
    """Settings of a token backend with its own model."""

    expression_transformer_checkpoint: Path | None = declared(
        None,
        Path,
        "Checkpoint",
        "Expression Transformer, .pt or .safetensors; without it, blendshapes are used.",
    )
    dinov2: Path | None = declared(
        None,
        Path,
        "DINOv2",
        "Folder or file of the checkpoint's backbone. Default: the Hugging Face cache, then a download.",
    )
    num_heads: int | None = declared(
        None,
        int,
        "Attention heads",
        "Number of attention heads. Default: from the checkpoint's config, else 4.",
        minimum=1,
        maximum=64,
    )
    device: str = declared(
        "auto",
        str,
        "Device",
        "Device of the checkpoint: auto, cpu, cuda, cuda:N or mps. Blendshapes always use the CPU.",
        pattern=r"auto|cpu|mps|cuda(:\d+)?",
        expected="auto, cpu, cuda, cuda:N or mps",
    )
    token_precision: str = declared(
        "auto",
        str,
        "Precision",
        "Floating-point precision of the checkpoint; auto: bfloat16 on CUDA, float32 elsewhere.",
        choices=("auto", "float32", "bfloat16"),
    )
    token_batch: int = declared(
        0, int, "Batch", "Faces per batch; 0: chosen by device.", minimum=0, maximum=4096, zero="automatic"
    )
    token_stride: int = declared(
        0,
        int,
        "Token stride",
        "A token is computed on every n-th frame and interpolated in between; 0: every frame, or every 4th if that "
        "would take more than a few minutes.",
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
        "top: compute tokens only for the best windows by blendshapes; all: for every face, those windows first; auto: "
        "all, but top on the command line if all would take more than a few minutes.",
        choices=("auto", "all", "top"),
    )
    subject_id: int = 0  # row of the checkpoint's subject embedding; declared with the export settings
    allow_download: bool = True  # whether the backbone may be downloaded if there is no local copy


@dataclass(frozen=True)
class RankingSettings(Checked):
    """Settings of the ranking. A change takes effect immediately, without a new analysis."""

    sequence_length: int = declared(
        30, int, "Window", "Length of a window in frames.", minimum=2, maximum=MAX_LENGTH, step=1, unit="frames"
    )
    sequence_seconds: float = declared(
        0.0,
        float,
        "Window in seconds",
        "Length of a window in seconds, the same at every frame rate; 0: the length in frames applies.",
        minimum=0.0,
        maximum=120.0,
        step=0.1,
        unit="s",
        zero="in frames",
    )
    num_sequences: int = declared(
        10, int, "Number", "Maximum number of selected windows.", minimum=1, maximum=10_000, step=1
    )
    min_gap: int = declared(
        0,
        int,
        "Minimum gap",
        "Minimum number of frames between two selected windows.",
        minimum=0,
        maximum=100_000,
        step=1,
        unit="frames",
    )
    diversity: float = declared(
        0.0,
        float,
        "Diversity",
        "0: best score first; towards 1: prefer windows that differ from those already selected.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    scope: str = declared(
        "video",
        str,
        "Scope",
        "video: windows do not overlap within a video; track: each face track is ranked separately, with its own "
        "number of windows.",
        choices=("video", "track"),
    )
    variation_metric: str = declared(
        "actions",
        str,
        "Variation metric",
        "actions: variance of facial actions; token_spread: distance of tokens from their mean, also of learned tokens "
        "in place of actions; keyframe_cosine: first, middle and last token only.",
        choices=("actions", "token_spread", "keyframe_cosine"),
    )
    blinks: str = declared(
        "bridged",
        str,
        "Blinks",
        "bridged: lid movements of less than 0.4 s do not count as expression; counted: they do.",
        choices=("bridged", "counted"),
    )
    token_source: str = declared(
        "learned",
        str,
        "Tokens",
        "Source of the expression variation if a checkpoint's tokens are available: learned tokens or blendshapes.",
        choices=("learned", "blendshapes"),
    )
    stability_metric: str = declared(
        "center_wander",
        str,
        "Stability metric",
        "center_wander: RMS displacement of the face in face sizes; mean_step: mean displacement per frame in pixels.",
        choices=("center_wander", "mean_step"),
    )
    weights: Mapping[str, float] = field(default_factory=dict)  # by term name; default of the term if absent
    gates: Mapping[str, float] = field(default_factory=dict)  # threshold by gate name; default of the gate if absent
    regions: Mapping[str, float] = field(
        default_factory=dict
    )  # multiplier 0..2 by region; the metric's default if absent


@dataclass(frozen=True)
class ExportSettings(Checked):
    """Codec, picture and sound of exported clips."""

    clip_format: str = declared(
        "mp4",
        str,
        "Format",
        "mp4, mov and mkv: H.264 and AAC; webm: VP9 and Opus; avi: MPEG-4 and PCM at a constant frame rate; ffv1: "
        "lossless, in mkv; png and jpeg: a folder of pictures per clip, without sound.",
        choices=("mp4", "mov", "mkv", "avi", "webm", "ffv1", "png", "jpeg"),
    )
    crf: int = declared(
        16,
        int,
        "Quality (CRF)",
        "H.264 constant rate factor; lower means better quality and larger files. Other lossy codecs are set to a "
        "comparable quality.",
        minimum=0,
        maximum=51,
        step=1,
    )
    encoder_preset: str = declared(
        "medium",
        str,
        "Encoder preset",
        "Slower presets produce smaller files of the same quality.",
        choices=("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
    )
    fps: float = declared(
        0.0,
        float,
        "Frame rate",
        "0: keep the timestamps of the source; otherwise a constant rate, with frames repeated or dropped to match.",
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
        "Whether clips include the sound of their window.",
        choices=("on", "off"),
    )
    crop: str = declared(
        "whole",
        str,
        "Picture",
        "whole: uncropped frames; face: a square crop that follows the face; face_still: a fixed square crop.",
        choices=("whole", "face", "face_still"),
    )
    size: int = declared(
        512,
        int,
        "Crop size",
        "Side of a face crop; odd sizes are rounded up, except for ffv1, png and jpeg.",
        minimum=32,
        maximum=4096,
        step=2,
        unit="px",
    )
    margin: float = declared(
        0.25,
        float,
        "Crop margin",
        "Margin on each side of the face in a crop, in face sizes.",
        minimum=0.0,
        maximum=3.0,
        step=0.05,
    )
    align_roll: str = declared(
        "off",
        str,
        "Level the eyes",
        "Rotate face crops so that a tilted head is upright.",
        choices=("on", "off"),
    )
    subject_id: int = declared(
        0,
        int,
        "Subject",
        "Id of the person, written to the metadata; also the row of the checkpoint's subject embedding.",
        minimum=0,
        maximum=1_000_000,
        step=1,
    )


@dataclass(frozen=True)
class DatasetSettings(Checked):
    """Naming and splitting of the clips in a dataset."""

    name_pattern: str = declared(
        "clip_{rank:03d}_frames_{start_frame:06d}_{end_frame:06d}",
        str,
        "File names",
        "File name pattern of clips; fields: source, rank, number, start_frame, end_frame, track_id, subject_id, "
        "score.",
    )
    split_by: str = declared(
        "subject",
        str,
        "Split by",
        "What never spans two splits: subject (the video, if no subject is named) or video.",
        choices=("subject", "video"),
    )
    validation_share: float = declared(
        0.0,
        float,
        "Validation",
        "Fraction of subjects or videos in the validation split; the assignment depends only on their names.",
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    )
    test_share: float = declared(
        0.0,
        float,
        "Test",
        "Fraction of subjects or videos in the test split.",
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    )
    split_seed: int = declared(
        0,
        int,
        "Split seed",
        "Seed of the assignment to splits.",
        minimum=0,
        maximum=2**31 - 1,
        step=1,
    )
    shard_size_mb: int = declared(
        1000,
        int,
        "Shard size",
        "WebDataset: maximum size of a shard, unless a single clip is larger.",
        minimum=1,
        maximum=1_000_000,
        step=100,
        unit="MB",
    )
    fiftyone_media: str = declared(
        "clips",
        str,
        "FiftyOne media",
        "clips: the exported clips; sources: spans of the source videos, without encoding.",
        choices=("clips", "sources"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_share + self.test_share > 1:
            raise SettingError("validation_share and test_share add up to more than 1", "Choose smaller fractions")
