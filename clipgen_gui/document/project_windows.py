"""The listed windows of all videos of a project, as last ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from clipgen_engine.projects.ranker import RankedWindows
from clipgen_engine.types import Analysis, Int64Array, Sequence
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.stacks import HeldStacks
from clipgen_gui.document.windows import Key, LazyIds, Traits, WindowId, WindowList, WindowRow

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
        self._listed_from: tuple[object, ...] = (None, None, None)  # ranking, videos, windows that are not ranked
        # the ranking that is listed, and the place of each of its windows, -1 for none
        self._ranked_places: tuple[RankedWindows | None, Int64Array] = (None, np.zeros(0, np.int64))
        self._stacks: HeldStacks | None = None  # None: windows are not stacked
        self._next_stacks: HeldStacks | None = None  # those of the ranking, if others are held
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
        if self._stacks is not None:  # until those of this ranking are known
            self._stacks = self._stacks.carried(ranked)
        self.refresh(hold_order=same_settings and self.hold_order())

    def take_stacks(self, ranked: RankedWindows, top: Int64Array | None) -> None:
        """Stack the listed windows; what is under review stays where it is.

        Args:
            top: (N,) int64, of `Stacker`; None: do not stack.
        """
        if top is None:
            self._stacks = self._next_stacks = None
        elif ranked is self.ranked:
            found = HeldStacks(ranked, top)
            held = self._stacks.carried(ranked, top) if self._stacks is not None and self.hold_order() else found
            self._next_stacks = found if held is not found else None
            self._stacks = held
        else:
            return  # a later ranking is listed
        self._listed_from = (None, None, None)
        self.refresh(hold_order=True)

    def clear(self) -> None:
        """List nothing until the next ranking."""
        self.ranked, self._entries, self._numbers = None, {}, {}
        self._stacks = self._next_stacks = None
        self.refresh()

    def _release_order(self) -> None:
        """Sort the list anew once nobody reviews it."""
        if self.hold_order():
            self._order_timer.start()
        else:
            if self._next_stacks is not None and self._next_stacks.ranked is self.ranked:
                self._stacks = self._next_stacks
            self._next_stacks = None
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
        extras = self._not_ranked()
        listed_from = self.ranked, self._entries, extras
        if hold_order and all(
            now is then or now == then for now, then in zip(listed_from, self._listed_from, strict=True)
        ):
            self.windows = self.windows.again()  # only reviews have changed
            self.changed.emit()
            return
        self._listed_from = listed_from
        ranked, entries = self.ranked, self._entries
        count = 0 if ranked is None else len(ranked)
        stored = [window.entry.reviews[window.key].sequence.combined_score for window in extras]
        scores = np.concatenate([np.zeros(0) if ranked is None else ranked.score, stored])
        order = np.argsort(-scores, kind="stable")  # the ranked ones are in order, but for the extras
        if ranked is not None:
            gone = [number for number in np.unique(ranked.video).tolist() if number not in entries]
            if gone:
                kept = np.append(~np.isin(ranked.video, gone), np.ones(len(extras), np.bool_))
                order = order[kept[order]]

        def window_of(one: int) -> WindowId:
            if ranked is None or one >= count:
                return extras[one - count]
            return WindowId(entries[int(ranked.video[one])], ranked.key_of(one))

        self._in_order = True
        if hold_order:
            held = self._places_until_now(ranked, extras)[order]
            again = np.argsort(np.where(held < 0, len(self.windows), held), kind="stable")
            self._in_order = bool((again == np.arange(len(again))).all())
            order = order[again]
        place_of_one = np.full(len(scores), -1)
        place_of_one[order] = np.arange(len(order))
        self._ranked_places = ranked, place_of_one
        extra_places = {window: count + number for number, window in enumerate(extras)}

        def find(window: WindowId) -> int | None:
            one = extra_places.get(window)
            if one is None and ranked is not None:
                number = self._numbers.get(window.entry)
                one = None if number is None else ranked.places.get((number, *window.key))
            place = -1 if one is None or one >= len(place_of_one) else int(place_of_one[one])
            return None if place < 0 else place

        def make(place: int) -> WindowRow:
            one = int(order[place])
            window = window_of(one)

            def describe() -> Sequence:
                described = ranked.describe(one) if ranked is not None and one < count else None
                return described or _stored(window.entry, window.key)

            return WindowRow(
                window.entry,
                place + 1,
                window.key,
                float(scores[one]),
                window.entry.reviews.get(window.key),
                describe=describe,
                find_analysis=lambda: self.analysis_of(window.entry) or window.entry.analysis,
            )

        ids = LazyIds(len(order), lambda place: window_of(int(order[place])))
        traits = Traits(draft=ranked is not None and not ranked.exact.all())
        stacks = None if self._stacks is None else self._stacks.by_place(order)
        self.windows = WindowList(ids, make, lambda: traits, find, self._reviewed, stacks)
        if not self._in_order or self._next_stacks is not None:
            self._order_timer.start()
        self.changed.emit()

    def _places_until_now(self, ranked: RankedWindows | None, extras: list[WindowId]) -> Int64Array:
        """(N,) int64: where the windows of this ranking, then the extras, are listed now; -1 for new ones."""
        before, places = self._ranked_places
        known = before.places if before is not None else {}
        found = [known.get(window, -1) for window in (ranked.places if ranked is not None else ())]
        once = np.array(found, np.int64)
        listed = np.where(once < 0, -1, places[once]) if len(places) else once
        others = (self.windows.place_of(window) for window in extras)
        return np.append(listed, [-1 if place is None else place for place in others]).astype(np.int64)

    def _reviewed(self) -> list[WindowId]:
        return [WindowId(entry, key) for entry in self._entries.values() for key in entry.reviews]

    def _not_ranked(self) -> list[WindowId]:
        """Windows with a review that the ranking does not list: their analysis is not loaded, or lacks their span."""
        places = self.ranked.places if self.ranked is not None else {}
        return [
            WindowId(entry, key)
            for number, entry in self._entries.items()
            for key in entry.reviews
            if (number, *key) not in places
        ]


def _stored(entry: VideoEntry, key: Key) -> Sequence:
    """The window as it was when its review was stored."""
    review = entry.reviews.get(key)
    return review.sequence if review is not None else Sequence(0, *key, {}, 0.0)
