"""Undo commands for reviews, subjects, removed videos and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtGui import QUndoCommand

from clipgen_engine.projects.records import WindowReview
from clipgen_engine.settings import RankingSettings
from clipgen_gui.document.entry import VideoEntry
from clipgen_gui.document.windows import Key, WindowId

Changes = Mapping[VideoEntry, Mapping[Key, WindowReview | None]]  # None removes a review
# The last argument is the window to show afterwards, if any.
ApplyReviews = Callable[[Changes, WindowId | None], None]


class ReviewWindows(QUndoCommand):
    """Change of reviews of any videos. Undo and redo show the affected window."""

    def __init__(
        self,
        apply: ApplyReviews,
        changes: Changes,
        before: WindowId | None,
        after: WindowId | None,
        text: str,
        gesture: int = 0,
    ) -> None:
        """
        Args:
            before: the window to show after undo.
            after: the window to show after redo.
            gesture: changes of the same windows with the same gesture id are merged; 0: never merged.
        """
        super().__init__(text)
        self._apply = apply
        self._old = {entry: {key: entry.reviews.get(key) for key in keys} for entry, keys in changes.items()}
        self._new = {entry: dict(reviews) for entry, reviews in changes.items()}
        self._before, self._after = before, after
        self._gesture = gesture
        self._done_before = False

    def id(self) -> int:
        return 2 if self._gesture else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ReviewWindows) or other._gesture != self._gesture:
            return False
        if {entry: set(keys) for entry, keys in other._new.items()} != {
            entry: set(keys) for entry, keys in self._new.items()
        }:
            return False
        self._new = other._new
        self.setObsolete(self._new == self._old)
        return True

    def redo(self) -> None:
        self._apply(self._new, self._after if self._done_before else None)
        self._done_before = True

    def undo(self) -> None:
        self._apply(self._old, self._before)


class SetSubject(QUndoCommand):
    """Change of the subject of a track."""

    def __init__(
        self, apply: Callable[[VideoEntry, int, str], None], entry: VideoEntry, track_id: int, subject_id: str
    ) -> None:
        super().__init__(f"Subject of face {track_id}")
        self._apply, self._entry, self._track_id = apply, entry, track_id
        self._old, self._new = entry.subjects.get(track_id, ""), subject_id

    def redo(self) -> None:
        self._apply(self._entry, self._track_id, self._new)

    def undo(self) -> None:
        self._apply(self._entry, self._track_id, self._old)


class RemoveVideos(QUndoCommand):
    """Removal of videos. Undo puts them back at their positions."""

    def __init__(
        self,
        remove: Callable[[Sequence[VideoEntry]], None],
        put_back: Callable[[Mapping[int, VideoEntry]], None],
        removed: Mapping[int, VideoEntry],
        text: str,
    ) -> None:
        """
        Args:
            removed: entries by list index, ascending.
        """
        super().__init__(text)
        self._remove, self._put_back, self._removed = remove, put_back, dict(removed)

    def redo(self) -> None:
        self._remove(list(self._removed.values()))

    def undo(self) -> None:
        self._put_back(self._removed)


class ChangeSettings(QUndoCommand):
    """Change of settings. Changes of the same setting within one gesture are merged."""

    def __init__(
        self,
        apply: Callable[[RankingSettings], None],
        before: RankingSettings,
        after: RankingSettings,
        what: tuple[str, int],
        text: str,
    ) -> None:
        """
        Args:
            what: the changed setting and the gesture id.
        """
        super().__init__(text)
        self._apply, self._before, self._after, self._what = apply, before, after, what

    def id(self) -> int:
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, ChangeSettings) or other._what != self._what:
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True

    def redo(self) -> None:
        self._apply(self._after)

    def undo(self) -> None:
        self._apply(self._before)
