"""Big numbers with a caption above and a note below."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from clipgen_engine.projects.statistics import ProjectStatistics
from clipgen_gui.dashboard import wording
from clipgen_gui.support.formatting import counted, length
from clipgen_gui.widgets.labels import ElidedLabel

_Texts = tuple[str, str]  # figure, note
_ENOUGH_S = 60.0  # of work, for a pace to say something


class Tile(QFrame):
    """One number."""

    def __init__(self, caption: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self._caption, self.figure, self.note = caption, QLabel(), _muted("")
        self.figure.setObjectName("figure")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 10, 10)
        layout.setSpacing(2)
        for label in (_muted(caption), self.figure, self.note):
            layout.addWidget(label)

    def show_texts(self, figure: str, note: str) -> None:
        self.figure.setText(figure)
        self.note.setText(note)
        self.setAccessibleName(f"{self._caption}: {figure}, {note}")


def _muted(text: str) -> ElidedLabel:
    label = ElidedLabel(text)
    label.setObjectName("muted")
    return label


def videos_texts(analysed: int, failed: int, waiting: int) -> _Texts:
    """How many videos are analysed, and why the others are not."""
    others = [f"{count} {what}" for count, what in ((failed, "failed"), (waiting, "waiting")) if count]
    return f"{analysed} of {analysed + failed + waiting}", " · ".join(others) or "all of them"


def decided_texts(statistics: ProjectStatistics, undecided: int) -> _Texts:
    return f"{statistics.decided.total:,}", f"of {counted(statistics.decided.total + undecided, 'window')}"


def accepted_texts(statistics: ProjectStatistics) -> _Texts:
    decided = statistics.decided
    return f"{decided.accepted:,}", f"{wording.share(decided.accepted, decided.total)} of decided"


def time_texts(statistics: ProjectStatistics) -> _Texts:
    total = statistics.total
    if total.unmeasured:
        return length(total.seconds), f"{counted(total.unmeasured, 'clip')} unmeasured"
    return length(total.seconds), f"{total.seconds / total.clips:.1f} s a clip" if total.clips else "no clip yet"


def pace_texts(statistics: ProjectStatistics) -> _Texts:
    pace = statistics.pace
    if pace.per_minute is None or pace.active_s < _ENOUGH_S:
        return "–", "after a minute"
    return f"{pace.per_minute:.1f}", f"in {wording.duration(pace.active_s)} of work"


def left_texts(statistics: ProjectStatistics, undecided: int) -> _Texts:
    seconds = statistics.pace.time_for_s(undecided) if statistics.pace.active_s >= _ENOUGH_S else None
    note = f"{undecided:,} undecided"
    return ("–" if seconds is None else wording.duration(seconds)), note
