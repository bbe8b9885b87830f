"""Sliders and boxes of the ranking, generated from what the engine declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSlider, QToolButton, QVBoxLayout, QWidget

from clipgen_engine.gates import GATES
from clipgen_engine.score_terms import TERMS
from clipgen_engine.settings import RankingSettings, declarations
from clipgen_engine.types import Setting
from clipgen_gui.cards import Card, dot_label, named, term_color
from clipgen_gui.session import Session
from clipgen_gui.setting_box import Manners, SettingBox, add_to_grid, setting_box, show_value

_MORE_HEIGHT = 230
# What is changed for every other video stays in sight; all else that the engine declares is one click away.
_IN_SIGHT = ("sequence_length", "num_sequences", "min_gap", "face_confidence")


class WeightsPanel(Card):
    """Every change goes to the session at once; the panel follows the session's settings."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Ranking", parent)
        self._session = session
        self._following = False  # the panel shows what the session says, and must not say it back
        self.sliders: dict[str, WeightSlider] = {}
        self.boxes: dict[str, SettingBox] = {}
        self._manners = Manners(self)

        self.more = QToolButton()
        self.more.setObjectName("small")
        self.more.setText("More")
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self.more, "More settings", "More weights, conditions and ways of choosing")
        self.header.addWidget(self.more)

        basic = [name for name, term in TERMS.items() if term.weight.default]
        controls = self._declared()
        self.body.addLayout(self._slider_grid(basic))
        self.body.addSpacing(4)
        self.body.addLayout(self._box_grid([name for name in _IN_SIGHT if name in controls], controls))

        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 8, 6, 0)
        layout.addLayout(self._slider_grid([name for name in TERMS if name not in basic]))
        layout.addLayout(self._box_grid([name for name in controls if name not in _IN_SIGHT], controls, columns=2))
        layout.addStretch(1)
        area = QScrollArea()
        inner.setObjectName("more")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedHeight(_MORE_HEIGHT)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        area.hide()
        self.more.toggled.connect(area.setVisible)
        self.body.addWidget(area)
        session.settings_changed.connect(self._show_settings)
        self._show_settings()

    def _declared(self) -> dict[str, tuple[Setting, Callable[[Any], None]]]:
        """What is set in a box: the ranking's own settings, and the thresholds that leave a choice."""
        session = self._session
        found = {one.name: (one, _setter(session.set_setting, one.name)) for one in declarations(RankingSettings)}
        for name, gate in GATES.items():
            if gate.threshold.minimum != gate.threshold.maximum:
                found[name] = gate.threshold, _setter(session.set_gate, name)
        return found

    def _slider_grid(self, names: list[str]) -> QGridLayout:
        rows = QGridLayout()
        rows.setHorizontalSpacing(10)
        rows.setVerticalSpacing(2)
        rows.setColumnStretch(1, 1)
        for row, name in enumerate(names):
            term, tint = TERMS[name], term_color(name)
            slider = WeightSlider(term.weight, tint)
            slider.installEventFilter(self._manners)
            slider.valueChanged.connect(self._unless_following(_weight_setter(self._session, name, slider)))
            value = QLabel()
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setMinimumWidth(34)
            slider.shows_in(value)
            self.sliders[name] = slider
            for column, widget in enumerate((dot_label(term.label, tint), slider, value)):
                rows.addWidget(widget, row, column)
        return rows

    def _box_grid(
        self, names: list[str], controls: dict[str, tuple[Setting, Callable[[Any], None]]], columns: int = 3
    ) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        for place, name in enumerate(names):
            setting, change = controls[name]
            self.boxes[name] = setting_box(setting, self._unless_following(change))
            self.boxes[name].installEventFilter(self._manners)
            add_to_grid(grid, place, columns, setting.label, self.boxes[name])
        for column in range(columns):
            grid.setColumnStretch(column, 1)
        return grid

    def _unless_following(self, change: Callable[[Any], None]) -> Callable[[Any], None]:
        def changed(value: Any) -> None:
            if not self._following:
                self._following = True  # the control shows it already
                try:
                    change(value)
                finally:
                    self._following = False

        return changed

    def _show_settings(self) -> None:
        if self._following:
            return
        settings = self._session.settings
        self._following = True
        for name, slider in self.sliders.items():
            slider.show_weight(settings.weights.get(name, TERMS[name].weight.default))
        for name, box in self.boxes.items():
            gate = GATES.get(name)
            show_value(box, settings.gates.get(name, gate.threshold.default) if gate else getattr(settings, name))
        self._following = False


class WeightSlider(QSlider):
    """A slider over the declared range of a weight, in its colour. Arrows belong to the player: + and -,
    Page Up and Page Down move it."""

    _STEPS = 100

    def __init__(self, setting: Setting, tint: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low = setting.minimum or 0.0
        self._range = (1.0 if setting.maximum is None else setting.maximum) - self._low
        self.setRange(0, self._STEPS)
        self.setPageStep(self._STEPS // 10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setStyleSheet(f"QSlider::sub-page:horizontal {{ background: {tint}; }}")
        named(self, setting.label, f"{setting.help} (+ and −, Page Up and Page Down)")

    @property
    def weight(self) -> float:
        return round(self._low + self._range * self.value() / self._STEPS, 6)

    def show_weight(self, weight: float) -> None:
        """Move to this weight, unless that is where the slider is."""
        if abs(self.weight - weight) > self._range / self._STEPS / 2:
            self.setValue(round((weight - self._low) / self._range * self._STEPS))

    def shows_in(self, label: QLabel) -> None:
        """Keep this label at the slider's value."""
        label.setText(f"{self.weight:.2f}")
        self.valueChanged.connect(lambda _: label.setText(f"{self.weight:.2f}"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.setValue(self.value() + 1)
        elif event.key() == Qt.Key.Key_Minus:
            self.setValue(self.value() - 1)
        else:
            super().keyPressEvent(event)


def _setter(change: Callable[[str, Any], None], name: str) -> Callable[[Any], None]:
    return lambda value: change(name, value)


def _weight_setter(session: Session, term: str, slider: WeightSlider) -> Callable[[Any], None]:
    return lambda _: session.set_weight(term, slider.weight)
