"""The weights page: weights, length, number and diversity, generated from the declared settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from clipgen_engine.declared_settings import declarations
from clipgen_engine.ranking.effective import effective_weights
from clipgen_engine.ranking.terms import TERMS
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import Setting
from clipgen_gui.document.session import Session
from clipgen_gui.widgets.cards import ScrollSection, fixed_size_label, fold_button, muted_label
from clipgen_gui.widgets.score_style import score_label
from clipgen_gui.widgets.setting_box import InputFilter, SettingBox, add_to_grid, follow, setting_box, show_value
from clipgen_gui.widgets.setting_slider import SettingSlider

# Frequently changed settings; the other declared ones are folded.
_BASIC_SETTINGS = ("sequence_length", "sequence_seconds", "num_sequences")
_DIVERSITY = "diversity"
_BLINKS = "blinks"  # beside the regions
_DECLARED = {one.name: one for one in declarations(RankingSettings)}


class WeightsPanel(QWidget):
    """Changes apply to the session immediately, and the page follows the settings of the session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.sliders: dict[str, SettingSlider] = {}
        self.boxes: dict[str, SettingBox] = {}
        self._input_filter = InputFilter(self)
        basic = [name for name, term in TERMS.items() if term.weight.default]
        boxes = [name for name in _DECLARED if name not in (*_BASIC_SETTINGS, _DIVERSITY, _BLINKS)]

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._weights(basic))
        layout.addSpacing(4)
        layout.addLayout(self._box_grid(list(_BASIC_SETTINGS)))
        layout.addSpacing(2)
        rows = _slider_rows()
        self.diversity = self._slider(rows, muted_label("Diversity"), _DECLARED[_DIVERSITY], "", self._set_diversity)
        layout.addLayout(rows)

        self.more = fold_button("More terms", "Weights of the other score terms, and further settings")
        inner = QWidget()
        inner_layout = QVBoxLayout(inner)
        inner_layout.setContentsMargins(0, 0, 6, 0)
        inner_layout.addLayout(self._weights([name for name in TERMS if name not in basic]))
        inner_layout.addLayout(self._box_grid(boxes))
        part = ScrollSection(inner)
        part.hide()
        self.more.toggled.connect(part.setVisible)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(part, 1)
        layout.addStretch(0)
        follow(self, session.controls.changed, self._show_settings)
        self._show_settings()

    def _weights(self, names: list[str]) -> QGridLayout:
        rows = _slider_rows()
        for name in names:
            term = TERMS[name]
            change = _setter(self._session.controls.set_weight, name)
            self.sliders[name] = self._slider(rows, score_label(term.label, name), term.weight, name, change)
        return rows

    def _slider(
        self, rows: QGridLayout, label: QLabel, setting: Setting, score: str, change: Callable[[float], None]
    ) -> SettingSlider:
        slider = SettingSlider(setting, score)
        slider.installEventFilter(self._input_filter)
        slider.changed.connect(change)
        slider.sliderPressed.connect(lambda: self._session.controls.hold(True))
        slider.sliderReleased.connect(lambda: self._session.controls.hold(False))
        value = fixed_size_label(36, 20)
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider.bind_label(value)
        label.setToolTip(setting.help)
        row = rows.rowCount()
        for column, widget in enumerate((label, slider, value)):
            rows.addWidget(widget, row, column)
        return slider

    def _set_diversity(self, value: float) -> None:
        self._session.controls.set_setting(_DIVERSITY, value)

    def _box_grid(self, names: list[str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        for index, name in enumerate(names):
            setting = _DECLARED[name]
            self.boxes[name] = setting_box(setting, _setter(self._session.controls.set_setting, name))
            self.boxes[name].installEventFilter(self._input_filter)
            add_to_grid(grid, index, 3, setting.label, self.boxes[name])
            grid.setColumnStretch(index % 3, 1)
        return grid

    def _show_settings(self) -> None:
        settings = self._session.settings
        for name, weight in effective_weights(settings).items():
            self.sliders[name].show_number(weight)
        self.diversity.show_number(settings.diversity)
        for name, box in self.boxes.items():
            show_value(box, getattr(settings, name))
        self.boxes["sequence_length"].setEnabled(not settings.sequence_seconds)


def _slider_rows() -> QGridLayout:
    rows = QGridLayout()
    rows.setHorizontalSpacing(10)
    rows.setVerticalSpacing(2)
    rows.setColumnStretch(1, 1)
    rows.setColumnMinimumWidth(0, 142)  # aligns the sliders of all grids
    return rows


def _setter(change: Callable[[str, Any], None], name: str) -> Callable[[Any], None]:
    return lambda value: change(name, value)
