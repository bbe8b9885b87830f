"""The card of goals: how far each is reached, and a row in which one is set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.projects.goals import MAX_AMOUNT, Goal, Unit, with_goal
from clipgen_engine.projects.statistics import Grouping, ProjectStatistics
from clipgen_gui.dashboard.bars import BarChart
from clipgen_gui.dashboard.marks import goal_mark
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.widgets.cards import Card, muted_label, named
from clipgen_gui.widgets.setting_box import InputFilter

_FIRST_AMOUNTS: dict[Unit, float] = {"clips": 100, "seconds": 10}  # as shown: clips, minutes
_UNIT_NAMES: dict[Unit, str] = {"clips": "clips", "seconds": "minutes"}
_EACH: tuple[tuple[str, Grouping], ...] = (
    ("in the whole project", "total"),
    ("of each subject", "subject"),
    ("of each tag", "tag"),
    ("of each split", "split"),
    ("of each video", "video"),
)
_NAMED: tuple[tuple[str, Grouping], ...] = (("of {}", "subject"), ("tagged {}", "tag"), ("in {}", "split"))


class GoalsCard(Card):
    """Shows the goals of the open project. Changes are announced; whoever stores them shows them again."""

    changed = Signal(object)  # tuple of the wanted goals
    clicked = Signal(str, str)  # kind and value of the bar

    def __init__(self) -> None:
        super().__init__("Goals")
        self._goals: tuple[Goal, ...] = ()
        self._writable = True
        self.charts: list[BarChart] = []
        self.remove_buttons: list[QToolButton] = []
        self.hint = muted_label(
            "Set how many clips or minutes you need. A subject that has them is full, and says so.", wrap=True
        )
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self.add_button = QPushButton("Set a goal")
        self.add_button.setObjectName("slim")
        self.add_button.setIcon(icon("plus"))
        named(self.add_button, "Set a goal", "Set how many clips or minutes you need")
        self.add_button.clicked.connect(self._open_editor)
        self.header.addWidget(self.add_button)
        self.editor = GoalEditor(self._add, self._close_editor)
        self.editor.hide()
        self.body.addWidget(self.hint)
        self.body.addLayout(self._rows)
        self.body.addWidget(self.editor)

    def show_goals(self, statistics: ProjectStatistics, goals: tuple[Goal, ...], *, writable: bool) -> None:
        """Show how far these goals are reached."""
        if (goals, writable) != (self._goals, self._writable):
            self._goals, self._writable = goals, writable
            self._make_rows()
        self.hint.setVisible(not goals)
        self.add_button.setVisible(writable)
        for goal, chart in zip(goals, self.charts, strict=True):
            chart.show_marks([goal_mark(statistics, goal)])
        self.editor.offer(statistics)

    def _make_rows(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            row = item.widget()
            if row is not None:
                row.hide()
                row.deleteLater()
        self.charts, self.remove_buttons = [], []
        for goal in self._goals:
            row = QWidget()
            layout = QHBoxLayout(row)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(4)
            chart = BarChart("Goal", self.charts)
            chart.clicked.connect(self.clicked)
            layout.addWidget(chart, 1)
            self.charts.append(chart)
            if self._writable:
                remove = QToolButton()
                remove.setObjectName("reset")
                remove.setIcon(icon("close", "muted"))
                named(remove, "Remove this goal")
                remove.clicked.connect(partial(self._remove, goal))
                follow_theme(remove, partial(_set_side, remove))
                layout.addWidget(remove)
                self.remove_buttons.append(remove)
            self._rows.addWidget(row)

    def _open_editor(self) -> None:
        self.editor.show()
        self.editor.amount.setFocus()
        self.editor.amount.selectAll()

    def _close_editor(self) -> None:
        self.editor.hide()
        self.add_button.setFocus()

    def _add(self, goal: Goal) -> None:
        self._close_editor()
        self.changed.emit(with_goal(self._goals, goal))

    def _remove(self, goal: Goal) -> None:
        self.add_button.setFocus()  # the button that was clicked goes away
        self.changed.emit(tuple(one for one in self._goals if one is not goal))


class GoalEditor(QWidget):
    """A row of fields: `100 clips of each subject`."""

    def __init__(self, add: Callable[[Goal], None], cancel: Callable[[], None]) -> None:
        """
        Args:
            add: receives the goal.
            cancel: called to leave without one.
        """
        super().__init__()
        self._add = add
        self.amount, self.unit, self.scope = QDoubleSpinBox(), QComboBox(), QComboBox()
        self.amount.setKeyboardTracking(False)
        self.amount.lineEdit().setTextMargins(4, 0, 0, 0)
        named(self.amount, "Amount", "How many clips or minutes (type, ↑ ↓; Enter to finish)")
        for unit, name in _UNIT_NAMES.items():
            self.unit.addItem(name, unit)
        named(self.unit, "Unit", "Clips, or minutes of clips (Page Up or Page Down)")
        self.unit.currentIndexChanged.connect(self._show_unit)
        named(self.scope, "Of what", "What the goal is about (Page Up or Page Down)")
        self.scope.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.scope.setMinimumContentsLength(12)
        self._scopes: list[tuple[str, Grouping, str | None]] = []
        self.add_button, self.cancel_button = QPushButton("Set"), QPushButton("Cancel")
        self.add_button.setObjectName("primary")
        named(self.add_button, "Set", "Set this goal; one about the same is replaced")
        named(self.cancel_button, "Cancel", "Set no goal")
        self.add_button.clicked.connect(self._add_clicked)
        self.cancel_button.clicked.connect(cancel)
        self._keys = InputFilter(self)
        for field in (self.amount, self.unit, self.scope):
            field.installEventFilter(self._keys)
        self._halves = _row(self.amount, self.unit, self.scope), _row(self.cancel_button, self.add_button)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 6, 0, 0)
        self._layout.setSpacing(8)
        self._layout.addLayout(self._halves[0])
        self._layout.addStretch(1)
        self._layout.addLayout(self._halves[1])
        follow_theme(self, lambda: self.amount.setFixedWidth(px(84)))
        self._show_unit()
        self.offer(ProjectStatistics())

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the fields; then the buttons are below them."""
        return QSize(max(half.minimumSize().width() for half in self._halves), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        needed = sum(half.minimumSize().width() for half in self._halves) + self._layout.spacing() * 2
        beside = QBoxLayout.Direction.LeftToRight
        self._layout.setDirection(beside if self.width() >= needed else QBoxLayout.Direction.TopToBottom)

    @property
    def _in_clips(self) -> bool:
        return bool(self.unit.currentData() == "clips")

    def _show_unit(self) -> None:
        """Whole clips, or minutes with a decimal."""
        most, least = (MAX_AMOUNT, 1.0) if self._in_clips else (MAX_AMOUNT // 60, 0.1)
        self.amount.setDecimals(0 if self._in_clips else 1)
        self.amount.setRange(least, most)
        self.amount.setValue(_FIRST_AMOUNTS[self.unit.currentData()])

    def offer(self, statistics: ProjectStatistics) -> None:
        """Offer the subjects, tags and splits that the project has; keep what is chosen."""
        scopes: list[tuple[str, Grouping, str | None]] = [(text, grouping, None) for text, grouping in _EACH]
        for text, grouping in _NAMED:
            scopes += [(text.format(name), grouping, name) for name in statistics.amounts(grouping) if name]
        if scopes == self._scopes:
            return
        chosen = self._scopes[self.scope.currentIndex()] if self._scopes else scopes[1]
        self._scopes = scopes
        self.scope.clear()
        self.scope.addItems([text for text, _, _ in scopes])
        self.scope.setCurrentIndex(scopes.index(chosen) if chosen in scopes else 1)

    def choose(self, grouping: Grouping, name: str | None = None) -> None:
        """Choose what the goal is about, among what is offered."""
        self.scope.setCurrentIndex([one[1:] for one in self._scopes].index((grouping, name)))

    def _add_clicked(self) -> None:
        self.amount.interpretText()
        _, grouping, name = self._scopes[self.scope.currentIndex()]
        amount = self.amount.value() if self._in_clips else self.amount.value() * 60
        self._add(Goal(grouping, name, self.unit.currentData(), round(amount, 3)))


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return row


def _set_side(button: QToolButton) -> None:
    button.setFixedSize(px(20), px(20))
