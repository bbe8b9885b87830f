"""The undo steps: decisions on windows, and changes of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QUndoCommand

from clipgen_engine.settings import RankingSettings
from clipgen_gui.video_entry import Key, Mark, VideoEntry

ApplyMarks = Callable[[VideoEntry, Mapping[Key, Mark | None], Key | None], None]  # the key is shown, None: nothing


class MarkWindows(QUndoCommand):
    """Decisions that can be taken back; undo and redo show the window that they are about."""

    def __init__(
        self,
        apply: ApplyMarks,
        entry: VideoEntry,
        changes: Mapping[Key, Mark | None],
        before: Key | None,
        after: Key | None,
        text: str,
    ) -> None:
        """
        Args:
            before: the window to show when this is undone.
            after: the window to show when this is done again.
        """
        super().__init__(text)
        self._apply, self._entry = apply, entry
        self._old = {key: entry.decided.get(key) for key in changes}
        self._new = dict(changes)
        self._before, self._after = before, after
        self._done_before = False

    def redo(self) -> None:
        self._apply(self._entry, self._new, self._after if self._done_before else None)
        self._done_before = True

    def undo(self) -> None:
        self._apply(self._entry, self._old, self._before)


class ChangeSettings(QUndoCommand):
    """A change of settings; all changes of one thing in one gesture are one step."""

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
            what: the thing that changes, and the number of the gesture.
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
