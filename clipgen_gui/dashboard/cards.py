"""Cards that hold one chart."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from clipgen_gui.dashboard.bars import BarChart
from clipgen_gui.dashboard.chart import Chart, Mark
from clipgen_gui.dashboard.columns import ColumnChart
from clipgen_gui.look.theme import follow_theme, palette
from clipgen_gui.widgets.cards import Card, named

_FEW, _ALL = 6, 8  # bars shown until all are asked for; so many are always shown


class ChartCard(Card):
    """A title and a chart. Hidden while there is nothing to show."""

    def __init__(self, title: str, chart: Chart, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.chart = chart
        self.body.addWidget(chart)
        self.hide()

    def show_marks(self, marks: Sequence[Mark]) -> None:
        self.chart.show_marks(marks)
        self.setVisible(bool(marks))


class BarsCard(ChartCard):
    """Bars, the first few until all are asked for."""

    def __init__(self, title: str) -> None:
        super().__init__(title, BarChart(title))
        self._marks: tuple[Mark, ...] = ()
        self._all = False
        self.more = QPushButton()
        self.more.setObjectName("link")
        named(self.more, "Show all")
        self.more.setCursor(Qt.CursorShape.PointingHandCursor)
        self.more.clicked.connect(self._toggle)
        self.body.addWidget(self.more)
        self.body.addStretch(1)

    def show_marks(self, marks: Sequence[Mark]) -> None:
        self._marks = tuple(marks)
        many = len(marks) > _ALL
        super().show_marks(marks if self._all or not many else marks[:_FEW])
        self.more.setVisible(many)
        self.more.setText("Show fewer" if self._all else f"Show all {len(marks)}")
        named(self.more, self.more.text())

    def _toggle(self) -> None:
        self._all = not self._all
        self.show_marks(self._marks)


class ColumnsCard(ChartCard):
    """Columns of accepted and rejected windows, with a legend."""

    def __init__(self, title: str, *, edges: bool = False) -> None:
        """
        Args:
            edges: labels are of the left edges of the columns, rather than of their middles.
        """
        super().__init__(title, ColumnChart(title, edges=edges))
        self.header.addWidget(_legend())
        self.chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)


def _legend() -> QLabel:
    label = QLabel()
    label.setObjectName("muted")
    label.setTextFormat(Qt.TextFormat.RichText)

    def show() -> None:
        colors = palette()
        label.setText(
            f'<span style="color:{colors.accepted}">▲</span>&nbsp;accepted&nbsp;&nbsp; '
            f'<span style="color:{colors.rejected}">▼</span>&nbsp;rejected'
        )

    follow_theme(label, show)
    return label
