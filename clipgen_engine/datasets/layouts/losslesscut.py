"""Cut lists for LosslessCut: one CSV per source with start, end and label, without a header.

Times are seconds since the first frame, from the frames' PTS. The end is the start of the frame after the last one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from clipgen_engine.datasets.layouts.base import Clip, Document, Layout, by_source, text_document
from clipgen_engine.settings import DatasetSettings, ExportSettings


class LosslessCutLayout(Layout):
    needs_clips = False

    def documents(self, clips: Sequence[Clip], info: Mapping[str, Any]) -> Sequence[Document]:
        return [text_document(f"losslesscut/{name}.csv", _rows(part)) for name, part in by_source(clips).items()]


def _rows(clips: Sequence[Clip]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for clip in sorted(clips, key=lambda clip: int(clip.record["start_frame"])):
        rows.writerow([f"{clip.record['start_time_s']:.6f}", f"{clip.record['stop_time_s']:.6f}", clip.name])
    return text.getvalue()


def load(settings: ExportSettings, dataset: DatasetSettings) -> LosslessCutLayout:
    return LosslessCutLayout(settings, dataset)
