"""The listed windows of all videos of a project, as last ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.projects.ranker import RankedWindows
from clipgen_engine.types import Analysis, Sequence
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.windows import Key, Traits, WindowId, WindowList, WindowRow

_HELD_ORDER_MS = 1000  # until it is tried again to sort a list that had to hold still


class ProjectWindows(QObject):
    """Lists what the ranking selected and every window with a review, also of videos that are not ranked yet."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.windows = WindowList.of(())
        self.ranked: RankedWindows | None = None
        self.hold_order: Callable[[], bool] = lambda: False  # whether listed windows must not move now
        self._entries: Mapping[int, VideoEntry] = {}
        self._numbers: dict[VideoEntry, int] = {}  # in the ranking
        self._in_order = True
        self._order_timer = QTimer(self)
        self._order_timer.setSingleShot(True)
        self._order_timer.setInterval(_HELD_ORDER_MS)
        self._order_timer.timeout.connect(self._release_order)

    def take(self, ranked: RankedWindows, entries: Mapping[int, VideoEntry]) -> None:
        """List the windows of another ranking. They hold still while they are reviewed, unless settings changed.

        Args:
            entries: the listed videos by their ids in the ranking.
        """
        before, self.ranked, self._entries = self.ranked, ranked, entries
        self._numbers = {entry: number for number, entry in entries.items()}
        same_settings = before is not None and before.settings == ranked.settings
        self.refresh(hold_order=same_settings and self.hold_order())

    def clear(self) -> None:
        """List nothing until the next ranking."""
        self.ranked, self._entries, self._numbers = None, {}, {}
        self.refresh()

    def _release_order(self) -> None:
        """Sort the list anew once nobody reviews it."""
        if self.hold_order():
            self._order_timer.start()
        else:
            self.refresh()

    def analysis_of(self, entry: VideoEntry) -> Analysis | None:
        """The analysis of a ranked video, with blendshapes as tokens."""
        number = self._numbers.get(entry)
        return None if self.ranked is None or number is None else self.ranked.analysis_of(number)

    def refresh(self, *, hold_order: bool = False) -> None:
        """List the windows anew after a change of reviews or videos.

        Args:
            hold_order: keep listed windows where they are and append new ones.
        """
        found: dict[WindowId, tuple[float, int]] = {}  # score and place in the ranking
        if self.ranked is not None:
            numbered = zip(
                self.ranked.video.tolist(), self.ranked.key.tolist(), self.ranked.score.tolist(), strict=True
            )
            for place, (number, (start, stop, track_id), score) in enumerate(numbered):
                entry = self._entries.get(number)
                if entry is not None:
                    found[WindowId(entry, (start, stop, track_id))] = score, place
        ids, ranked_count = list(found), len(found)
        for entry in self._entries.values():
            for key, review in entry.reviews.items():
                window = WindowId(entry, key)
                if window not in found:
                    found[window] = review.sequence.combined_score, -1
                    ids.append(window)
        if len(ids) > ranked_count:
            ids.sort(key=lambda one: -found[one][0])  # stable
        self._in_order = True
        if hold_order:
            before, best_first = self.windows, ids
            ids = sorted(ids, key=lambda one: len(before) if (place := before.place_of(one)) is None else place)
            self._in_order = ids == best_first
        ranked = self.ranked

        def make(place: int) -> WindowRow:
            window = ids[place]
            review = window.entry.reviews.get(window.key)
            score, ranked_place = found[window]

            def describe() -> Sequence:
                described = ranked.describe(ranked_place) if ranked is not None and ranked_place >= 0 else None
                return described or _stored(window.entry, window.key)

            return WindowRow(
                window.entry,
                place + 1,
                window.key,
                score,
                review,
                describe=describe,
                find_analysis=lambda: self.analysis_of(window.entry) or window.entry.analysis,
            )

        self.windows = WindowList(ids, make, lambda: Traits(draft=ranked is not None and not ranked.exact.all()))
        if not self._in_order:
            self._order_timer.start()
        self.changed.emit()


def _stored(entry: VideoEntry, key: Key) -> Sequence:
    """The window as it was when its review was stored."""
    review = entry.reviews.get(key)
    return review.sequence if review is not None else Sequence(0, *key, {}, 0.0)
