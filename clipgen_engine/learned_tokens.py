"""An analysis with the learned tokens of an Expression Transformer in place of the blendshapes."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from clipgen_engine.types import Analysis, ProgressCallback

if TYPE_CHECKING:
    from clipgen_engine.expression_tokens.transformer import TransformerBackend  # torch takes seconds to import


def with_learned_tokens(
    analysis: Analysis,
    backend: TransformerBackend,
    *,
    progress: ProgressCallback | None = None,
    cancel: threading.Event | None = None,
) -> Analysis:
    """Give every face of every frame the token of a checkpoint; tracks and blendshapes stay.

    Args:
        backend: see `clipgen_engine.expression_tokens.transformer.load_transformer`.
        progress: called from this thread for every batch.
        cancel: looked at for every batch.

    Raises:
        ModelFileError, VideoError, Cancelled: see `TransformerBackend.tokens`.
    """
    return replace(
        analysis,
        tokens=backend.tokens(analysis.video, analysis.tracks, progress=progress, cancel=cancel),
        settings={
            **analysis.settings,
            "token_subject_id": backend.subject_id,
            "dinov2": backend.backbone.source,
        },
        model_sha256={**analysis.model_sha256, "expression_transformer": backend.checkpoint_sha256},
    )
