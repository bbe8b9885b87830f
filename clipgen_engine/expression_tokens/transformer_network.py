"""The Expression Transformer: patch tokens of a face in, one unit-length expression token out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn
from torch.nn import functional

from clipgen_engine.errors import SettingError
from clipgen_engine.expression_tokens.checkpoint import PATCHES, Checkpoint


class ExpressionTransformer(nn.Module, ABC):
    """Common parts of all layouts: query, context and output projection; subclasses define the attention."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        width = checkpoint.width
        self.subjects = checkpoint.subjects
        self.expression_query = nn.Parameter(torch.empty(1, 1, width))
        self.output_proj = nn.Linear(width, width)
        self.layer_norm = nn.LayerNorm(width)
        if checkpoint.subjects:
            self.subject_embeddings = nn.Embedding(checkpoint.subjects, width)

    def forward(self, patches: torch.Tensor, positions: torch.Tensor, subject_id: int) -> torch.Tensor:
        """
        Args:
            patches: (B, 1369, width), the backbone's patch tokens after its last layer norm.
            positions: (1369, width), the backbone's position embedding of the patches.
            subject_id: row of the subject embedding, if the layout has one.

        Returns:
            (B, width), unit length.
        """
        context = self._add_positions(patches, positions)
        if self.subjects:
            subject = self.subject_embeddings.weight[subject_id].expand(len(patches), 1, -1)
            context = torch.cat([subject, context], dim=1)
        query = self._attend(self.expression_query.expand(len(patches), -1, -1), context)
        return functional.normalize(self.layer_norm(self.output_proj(query[:, 0])), dim=-1)

    def check_subject(self, subject_id: int) -> None:
        """Raise SettingError if the subject embedding has no such row."""
        if self.subjects and not 0 <= subject_id < self.subjects:
            raise SettingError(
                f"subject_id cannot be {subject_id}: the checkpoint has {self.subjects} subjects",
                f"Choose a number from 0 to {self.subjects - 1}",
            )

    @abstractmethod
    def _add_positions(self, patches: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Patch tokens (B, 1369, width) with their positions added."""

    @abstractmethod
    def _attend(self, query: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """The query (B, 1, width) after all layers."""


class DecoderTransformer(ExpressionTransformer):
    """`torch.nn.TransformerDecoder` (post-norm, ReLU), with subject embeddings or its own fixed positions."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        layer = nn.TransformerDecoderLayer(
            checkpoint.width, checkpoint.heads, checkpoint.feed_forward, dropout=0.0, batch_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, checkpoint.layers)
        self.delta_pos_embed = nn.Parameter(torch.empty(1, PATCHES, checkpoint.width))
        self.pos_base: torch.Tensor
        if not checkpoint.subjects:
            self.register_buffer("pos_base", torch.empty(PATCHES, checkpoint.width))

    def _add_positions(self, patches: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        base = positions if self.subjects else self.pos_base
        return patches + base + self.delta_pos_embed

    def _attend(self, query: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        decoded: torch.Tensor = self.decoder(query, context)
        return decoded


class CrossAttentionTransformer(ExpressionTransformer):
    """Layers of cross-attention, layer norm and feed-forward on a single query."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        width, hidden, layers = checkpoint.width, checkpoint.feed_forward, range(checkpoint.layers)
        self.cross_attention_layers = nn.ModuleList(
            nn.MultiheadAttention(width, checkpoint.heads, batch_first=True) for _ in layers
        )
        self.ffn_layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, width)) for _ in layers
        )
        self.query_norms = nn.ModuleList(nn.LayerNorm(width) for _ in layers)

    def _add_positions(self, patches: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return patches + positions

    def _attend(self, query: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        for attention, feed_forward, norm in zip(
            self.cross_attention_layers, self.ffn_layers, self.query_norms, strict=True
        ):
            query = norm(query + attention(query, context, context, need_weights=False)[0])
            query = query + feed_forward(query)
        return query


def build_transformer(checkpoint: Checkpoint) -> ExpressionTransformer:
    """Build the model of a validated checkpoint, in evaluation mode."""
    kind = {"decoder": DecoderTransformer, "cross_attention": CrossAttentionTransformer}[checkpoint.layout]
    model = kind(checkpoint)
    model.load_state_dict(checkpoint.tensors)
    return model.eval()
