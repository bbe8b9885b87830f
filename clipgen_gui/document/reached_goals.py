"""Leaves subjects whose goals are reached out of the list of the project, and says so."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer

from clipgen_engine.errors import ProjectError
from clipgen_engine.projects.goals import applied, full_subjects
from clipgen_gui.document.session import Session

_INTERVAL_MS = 400
_SHARE = 10  # of the time between two counts, at most a tenth is spent counting


class ReachedGoals(QObject):
    """Counts after decisions, if the project has goals."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._reached: frozenset[tuple[object, str]] = frozenset()  # goal and name
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.count)
        session.video_changed.connect(lambda _: self._schedule())
        for changed in (session.decisions.subjects_changed, session.goals_changed, session.videos_changed):
            changed.connect(self._schedule)
        session.project_changed.connect(self._start_over)
        self._start_over()

    def _start_over(self) -> None:
        self._reached = frozenset()
        self.count(announce=False)

    def _schedule(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def count(self, *, announce: bool = True) -> None:
        """Compare the project with its goals.

        Args:
            announce: say which goals were reached since the last count.
        """
        took = QElapsedTimer()
        took.start()
        storage = self._session.storage
        try:
            goals = storage.goals()
            statistics = storage.statistics(None) if goals else None
        except ProjectError:
            return  # reported where the project is shown
        progress = [one for one in applied(statistics, goals) if one.reached] if statistics is not None else []
        reached = frozenset((one.goal, one.name) for one in progress)
        full = full_subjects(statistics, goals) if statistics is not None else frozenset()
        for one in progress if announce else ():
            if (one.goal, one.name) not in self._reached:
                self._session.notified.emit(_announcement(one.goal.grouping, one.name, one.name in full))
        self._reached = reached
        self._session.selection.set_full_subjects(full)
        self._timer.setInterval(max(_INTERVAL_MS, _SHARE * took.elapsed()))


def _announcement(grouping: str, name: str, full: bool) -> str:
    if grouping == "total":
        return "The goal of the project is reached."
    if grouping == "subject" and full:
        return f"The goal of subject {name} is reached: its undecided windows are no longer proposed."
    return f"The goal of {grouping} {name} is reached." if grouping != "video" else "The goal of a video is reached."
