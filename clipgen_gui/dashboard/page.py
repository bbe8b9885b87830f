"""The page: tiles, goals, and a card for each chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QElapsedTimer, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.errors import ProjectError
from clipgen_engine.projects.goals import Goal, Unit
from clipgen_engine.projects.statistics import Grouping, ProjectStatistics, SplitOf
from clipgen_engine.types import Decision
from clipgen_gui.dashboard import marks, tiles
from clipgen_gui.dashboard.cards import BarsCard, ChartCard, ColumnsCard
from clipgen_gui.dashboard.chart import Chart
from clipgen_gui.dashboard.goals import GoalsCard
from clipgen_gui.dashboard.grid import CardGrid
from clipgen_gui.dashboard.tiles import Tile
from clipgen_gui.document.entry import VideoState
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import icon
from clipgen_gui.widgets.cards import muted_label, named, named_with_key

_INTERVAL_MS = 500  # between two updates, at least
_BESIDE_BAR = 6  # px between the cards and the scroll bar
_SHARE = 10  # an update may take this part of the time, at most
_UNITS: tuple[tuple[str, Unit], ...] = (("Clips", "clips"), ("Time", "seconds"))
_NO_PROJECT = "Decisions are counted once they are stored in a project. Save the project to see its numbers."
_EMPTY = "Open a video and decide on its windows. Their numbers appear here."


class DashboardPage(QWidget):
    """Follows the session while it is visible."""

    filter_requested = Signal(
        str, str
    )  # kind (decision, tag, subject, split, video, reason, day, curator, score), value
    closed = Signal()

    def __init__(self, session: Session, splits: Callable[[], SplitOf], parent: QWidget | None = None) -> None:
        """
        Args:
            splits: returns the split of a clip by subject and fingerprint, under the current settings.
        """
        super().__init__(parent)
        self._session, self._splits = session, splits
        self._unit: Unit = "clips"
        self._goals: tuple[Goal, ...] = ()
        self.statistics = ProjectStatistics()
        self.setObjectName("bare")
        self.tiles = {
            name: Tile(caption)
            for name, caption in (
                ("videos", "Videos analysed"),
                ("decided", "Windows decided"),
                ("accepted", "Accepted"),
                ("time", "Accepted time"),
                ("pace", "Decisions a minute"),
                ("left", "Time left"),
            )
        }
        self.goals = GoalsCard()
        self.by_subject, self.by_tag = BarsCard("Accepted by subject"), BarsCard("Accepted by tag")
        self.by_split, self.by_video = BarsCard("Accepted by split"), BarsCard("Accepted by video")
        self.decisions, self.curators = BarsCard("Windows"), BarsCard("Decided by curator")
        self.days, self.scores = ColumnsCard("Decided by day"), ColumnsCard("Scores of decided windows", edges=True)
        self.reasons = BarsCard("Reasons of rejection")
        self.cards: tuple[ChartCard, ...] = (
            self.by_subject, self.decisions, self.days, self.scores, self.by_tag, self.by_video, self.reasons,
            self.curators, self.by_split,
        )  # fmt: skip
        self.hint = muted_label("", wrap=True)
        self.close_button = QToolButton()
        self.units = {unit: _unit_button(text) for text, unit in _UNITS}
        self.area = QScrollArea()
        self._content = QWidget()
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.refresh)
        self._timer.setInterval(_INTERVAL_MS)
        for changed in (
            session.ranking_changed,
            session.videos_changed,
            session.project_changed,
            session.project_windows.changed,
        ):
            changed.connect(self.schedule)
        session.video_changed.connect(lambda _: self.schedule())
        session.decisions.subjects_changed.connect(self.schedule)
        session.selection.filter_changed.connect(self._show_filter)
        self.goals.changed.connect(self._set_goals)
        self.goals.clicked.connect(self.filter_requested)
        for card in self.cards:
            card.chart.clicked.connect(self.filter_requested)
            card.chart.moved.connect(partial(self._reveal, card.chart))

    def _build(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(6, 0, 0, 0)
        title = QLabel("Dashboard")
        title.setObjectName("pageTitle")
        header.addWidget(title)
        header.addStretch(1)
        group = QButtonGroup(self)
        for unit, button in self.units.items():
            group.addButton(button)
            button.clicked.connect(partial(self._set_unit, unit))
            header.addWidget(button)
        self.units[self._unit].setChecked(True)
        self.close_button.setIcon(icon("close"))
        named_with_key(self.close_button, "Close the dashboard", "Back to the player", "dismiss")
        self.close_button.clicked.connect(self.closed)
        header.addSpacing(12)
        header.addWidget(self.close_button)
        inner = QVBoxLayout(self._content)
        bar = self.area.verticalScrollBar()
        bar.rangeChanged.connect(lambda _, most: inner.setContentsMargins(0, 0, _BESIDE_BAR if most else 0, 0))
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(CardGrid(list(self.tiles.values()), (6, 3, 2, 1), 132))
        inner.addWidget(self.hint)
        inner.addWidget(self.goals)
        inner.addWidget(CardGrid(self.cards))
        inner.addStretch(1)
        self._content.setObjectName("bare")
        self.area.setObjectName("bare")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(self._content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(header)
        layout.addWidget(self.area, 1)

    # Following the session

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def schedule(self) -> None:
        """Update soon, if visible; changes meanwhile cost one update."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Count again and show the numbers."""
        took = QElapsedTimer()
        took.start()
        storage = self._session.storage
        try:
            self.statistics = storage.statistics(self._splits())
            self._goals = storage.goals()
            hint = _NO_PROJECT if storage.project is None else "" if self._session.videos else _EMPTY
        except ProjectError as error:
            self.statistics, self._goals, hint = ProjectStatistics(), (), str(error)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self._show()
        self._timer.setInterval(max(_INTERVAL_MS, _SHARE * took.elapsed()))

    def _show(self) -> None:
        found, goals = self.statistics, self._goals
        undecided = self._undecided
        self._show_tiles(undecided)
        self.goals.show_goals(found, goals, writable=self._session.storage.writes)
        self.decisions.show_marks(marks.decision_marks(found, undecided) if found.decided.total + undecided else ())
        self.days.show_marks(marks.day_marks(found))
        self.scores.show_marks(marks.score_marks(found) if found.decided.total else ())
        self.reasons.show_marks(marks.reason_marks(found) if found.decided.rejected else ())
        self.curators.show_marks(marks.curator_marks(found) if set(found.by_curator) - {""} else ())
        groupings: tuple[tuple[Grouping, BarsCard], ...] = (
            ("subject", self.by_subject),
            ("tag", self.by_tag),
            ("split", self.by_split),
        )
        for grouping, card in groupings:
            shown = marks.amount_marks(grouping, found, goals, self._unit)
            card.show_marks(shown if len(shown) > 1 or (shown and grouping != "split") else ())
        videos = marks.amount_marks("video", found, goals, self._unit)
        self.by_video.show_marks([mark for mark in videos if mark.amount or mark.goal])
        self._show_filter()

    @property
    def _undecided(self) -> int:
        """Number of listed windows without a decision, as ranked last: together, or each video alone."""
        together = self._session.project_windows
        listed = Counter(entry for entry, key in together.windows.ids if entry.decision_of(key) is Decision.UNDECIDED)
        return sum(
            entry.tally.undecided if together.analysis_of(entry) is None and entry.tally else listed[entry]
            for entry in self._session.videos
        )

    def _show_tiles(self, undecided: int) -> None:
        found, states = self.statistics, Counter(entry.state for entry in self._session.videos)
        failed = states[VideoState.FAILED] + states[VideoState.MISSING]
        analysed = states[VideoState.DONE]
        texts = {
            "videos": tiles.videos_texts(analysed, failed, states.total() - failed - analysed),
            "decided": tiles.decided_texts(found, undecided),
            "accepted": tiles.accepted_texts(found),
            "time": tiles.time_texts(found),
            "pace": tiles.pace_texts(found),
            "left": tiles.left_texts(found, undecided),
        }
        for name, (figure, note) in texts.items():
            self.tiles[name].show_texts(figure, note)

    def _show_filter(self) -> None:
        """Emphasise what the list is filtered by."""
        wanted = self._session.selection.filter
        kinds = ("tag", "subject", "reason", "curator", "day", "split")
        active = {(kind, value) for kind in kinds if (value := getattr(wanted, kind)) is not None}
        if wanted.decision is not None:
            active.add(("decision", wanted.decision.value))
        if wanted.video is not None:
            active.add(("video", str(wanted.video.video_id)))
        if wanted.score is not None:
            active.add(("score", f"{wanted.score[0]:.2f}-{wanted.score[1]:.2f}"))
        for card in self.cards:
            card.chart.show_active(frozenset(active))

    # Choices

    def _set_unit(self, unit: Unit) -> None:
        self._unit = unit
        self._show()

    def _set_goals(self, goals: Sequence[Goal]) -> None:
        self._session.storage.save_goals(goals)
        self._session.goals_changed.emit()
        self.refresh()

    def _reveal(self, chart: Chart, place: QRect) -> None:
        """Scroll to a mark that the arrow keys went to."""
        middle = chart.mapTo(self._content, QPoint(place.center().x(), place.center().y()))
        self.area.ensureVisible(middle.x(), middle.y(), 0, place.height() + 8)


def _unit_button(text: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("tab")
    button.setText(text)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    named(button, text, f"Show accepted {text.lower()} by subject, tag, split and video")
    return button
