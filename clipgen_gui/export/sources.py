"""Export sources: the decisions on one video, or on all videos of the project. No Qt here."""

from __future__ import annotations

from dataclasses import replace

from clipgen_engine.datasets.request import ExportSource
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.storage import ProjectStorage


def source_of(entry: VideoEntry) -> ExportSource:
    """Return the video with all its reviews; accepted windows carry the ranks shown in the list."""
    assert entry.info is not None
    ranked = {sequence.key: sequence for sequence in entry.accepted}
    windows = tuple(replace(review, sequence=ranked.get(key, review.sequence)) for key, review in entry.reviews.items())
    return ExportSource(entry.path, entry.info.fingerprint, windows, dict(entry.subjects))


def all_sources(entries: list[VideoEntry], storage: ProjectStorage) -> tuple[ExportSource, ...]:
    """Return every video with an accepted window, in list order; unopened videos come from the project."""
    stored = {source.fingerprint: source for source in storage.export_sources()}
    opened = {entry.info.fingerprint: source_of(entry) for entry in entries if entry.info and entry.ranking}
    sources = {**stored, **opened}
    return tuple(source for source in sources.values() if source.accepted())
