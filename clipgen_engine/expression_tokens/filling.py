"""Incremental computation of the learned tokens of an analysis, in any order, with intermediate results."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from clipgen_engine.errors import Cancelled
from clipgen_engine.expression_tokens.backends import FrameBackend
from clipgen_engine.expression_tokens.batches import FaceRow, embedded
from clipgen_engine.expression_tokens.interpolation import interpolated, own_rows
from clipgen_engine.expression_tokens.store import TokenStore
from clipgen_engine.types import (
    Analysis,
    BoolArray,
    ExpressionTokens,
    Int64Array,
    Progress,
    ProgressCallback,
    read_only,
)


class TokenFilling:
    """The tokens of one analysis, backend and stride. Face rows are numbered consecutively across all tracks."""

    def __init__(
        self, analysis: Analysis, backend: FrameBackend, stride: int = 1, store: TokenStore | None = None
    ) -> None:
        """
        Args:
            analysis: provides the faces; its tokens are ignored.
            stride: compute a token on every `stride`-th frame and interpolate in between.
            store: provides tokens computed earlier and receives new ones; see `made_by`.
        """
        self._analysis, self._backend, self._stride, self._store = analysis, backend, stride, store
        counts = [len(track.frame_index) for track in analysis.tracks]
        self._first_row = np.cumsum([0, *counts])
        self._place = np.repeat(np.arange(len(counts)), counts)
        own = (own_rows(track.frame_index, stride) for track in analysis.tracks)
        self._wanted = np.concatenate([np.zeros(0, np.bool_), *own])
        width = len(backend.channel_names)
        self._values = np.full((self._first_row[-1], width), np.nan, np.float32)
        if store is not None:
            rows, values = store.load(width)
            fits = rows < len(self._values)
            self._values[rows[fits]] = values[fits]
        self._known: BoolArray = np.all(np.isfinite(self._values), axis=1)
        self._requested = self._known.copy()  # known or in progress

    @property
    def total(self) -> int:
        """Number of faces whose token is computed, not interpolated."""
        return int(np.count_nonzero(self._wanted))

    @property
    def done(self) -> int:
        """Number of those already computed."""
        return int(np.count_nonzero(self._wanted & self._known))

    def missing(self, rows: Int64Array) -> Int64Array:
        """Return those of these faces whose token is still to be computed."""
        return rows[self._wanted[rows] & ~self._known[rows]]

    def run(
        self,
        order: Callable[[], Int64Array],
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        """Compute the missing tokens among the faces returned by `order`.

        Args:
            order: returns the faces by current priority. It is called repeatedly, from another thread.
            progress: called after each batch; its `partial` is `result`.

        Raises:
            VideoError, ModelFileError: see `embedded`.
            Cancelled: `cancel` was set; tokens computed so far are kept.
        """
        cancelled = cancel or threading.Event()
        self._requested = self._known.copy()
        depth = self._backend.batch_size  # prefetch one batch only, so that urgent faces do not queue behind it
        video, tracks = self._analysis.video, self._analysis.tracks
        with closing(embedded(self._backend, video, tracks, self._next(order), cancelled, depth)) as batches:
            for batch, tokens in batches:
                rows = np.array([self._first_row[place] + row for place, row in batch], np.int64)
                if self._store is not None:
                    self._store.add(rows, tokens)
                self._values[rows] = tokens
                self._known[rows] = True
                if progress:
                    progress(Progress("tokens", self.done, self.total, self.result))
        if cancelled.is_set():
            raise Cancelled

    def result(self) -> Analysis:
        """Return the analysis with the tokens available so far: missing ones are NaN, interpolated ones are marked."""
        tokens = []
        for place, track in enumerate(self._analysis.tracks):
            own = self._values[self._first_row[place] : self._first_row[place + 1]]
            values, made = interpolated(own, track.frame_index, self._stride)
            tokens.append(
                ExpressionTokens(
                    read_only(values),
                    self._backend.channel_names,
                    self._backend.channel_regions,
                    self._backend.name,
                    self._backend.checkpoint_sha256,
                    read_only(made),
                )
            )
        made_with = dict(self._backend.provenance) | {"token_stride": self._stride}
        return replace(
            self._analysis,
            tokens=tuple(tokens),
            settings={**self._analysis.settings, "token_backend": made_with},
            model_sha256={**self._analysis.model_sha256, self._backend.name: self._backend.checkpoint_sha256},
        )

    def _next(self, order: Callable[[], Int64Array]) -> Iterator[FaceRow]:
        """Yield the faces to compute: repeatedly the most urgent batch, sorted by frame."""
        while True:
            urgent = order()
            urgent = urgent[self._wanted[urgent] & ~self._requested[urgent]][: self._backend.batch_size]
            if not len(urgent):
                return
            self._requested[urgent] = True
            faces = [(int(self._place[row]), int(row - self._first_row[self._place[row]])) for row in urgent]
            yield from sorted(faces, key=lambda face: int(self._analysis.tracks[face[0]].frame_index[face[1]]))


def made_by(analysis: Analysis, backend: FrameBackend) -> Mapping[str, Any]:
    """Key of a token store: everything a token depends on, i.e. video, faces, checkpoint, backbone and subject.

    Excludes the stride, because tokens do not depend on each other.
    """
    faces = hashlib.sha256()
    for track in analysis.tracks:
        faces.update(track.frame_index.tobytes() + track.box_xywh.tobytes())
    return {
        "fingerprint": analysis.video.fingerprint,
        "faces": faces.hexdigest(),
        "backend": backend.name,
        "checkpoint": backend.checkpoint_sha256,
        **backend.provenance,
    }
