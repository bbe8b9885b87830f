"""The cursor readout of the plot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from clipgen_engine.ranking.effective import effective_regions
from clipgen_engine.ranking.expression.movements import movement_words
from clipgen_engine.ranking.ranker import COMBINED
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.plot.curves import CURVES
from clipgen_gui.support.formatting import clock

_MAX_MOVEMENTS = 3


class PlotReadout(QLabel):
    """Curve values at a frame and the movements that are strongest in the window centred on it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("readout")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_frame(self, entry: VideoEntry, frame: int, names: Sequence[str]) -> None:
        """Show the values of these curves at a frame of an open video."""
        values, notes = _columns(entry, frame, names)
        assert entry.info is not None
        title = f"<b>frame {frame}</b> · {clock(float(entry.info.times_s[frame]))}"
        columns = "".join(f'<td style="padding-right:12px">{"<br>".join(lines)}</td>' for lines in (values, notes))
        self.setText(f"{title}<table><tr>{columns}</tr></table>")
        self.adjustSize()


def _columns(entry: VideoEntry, frame: int, names: Sequence[str]) -> tuple[list[str], list[str]]:
    track_id = next(iter(entry.tracks_at(frame)), None)
    if track_id is None:
        analyzed = entry.analysis is not None and frame < entry.analysis.analyzed_frames
        return [], ["no face" if analyzed else "not analysed yet"]
    values = []
    for name in names:
        value = _value_at(entry, name, track_id, frame)
        if value is not None:
            kind = CURVES[name]
            values.append(f'<span style="color:{kind.tint}">■</span> {kind.short_label} <b>{kind.format(value)}</b>')
    if entry.ranker is None or entry.ranking is None or _value_at(entry, COMBINED, track_id, frame) is None:
        return values, ["no complete window here"]
    length = entry.ranking.settings.sequence_length
    start = frame - (length - 1) // 2
    settings = entry.ranking.settings
    moving = entry.ranker.movements((start, start + length, track_id), settings).actions(effective_regions(settings))
    return values, [f"{movement_words(name, change)} {abs(change):.2f}" for name, change in moving[:_MAX_MOVEMENTS]]


def _value_at(entry: VideoEntry, name: str, track_id: int, frame: int) -> float | None:
    curve = entry.curve(name, track_id)
    if curve is None or not len(curve[0]):
        return None
    at = frame - int(curve[0][0])  # a curve's frames are contiguous
    return float(curve[1][at]) if 0 <= at < len(curve[1]) and np.isfinite(curve[1][at]) else None
