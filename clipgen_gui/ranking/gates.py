"""The gates page: presets, thresholds, and the number of windows each gate stops."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from clipgen_engine.ranking.effective import effective_thresholds
from clipgen_engine.ranking.gates import GATES, Gate
from clipgen_engine.ranking.presets import PRESETS
from clipgen_engine.ranking.ranker import Ranking
from clipgen_engine.ranking.terms import TERMS
from clipgen_gui.document.session import Session
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.ranking.summary import CUSTOM, preset_of
from clipgen_gui.widgets.cards import ScrollSection, fixed_size_label, fold_button, named, restyle
from clipgen_gui.widgets.setting_box import InputFilter, follow, setting_box, show_value
from clipgen_gui.widgets.setting_slider import SettingSlider

_OF_TERMS = {f"{which}_{name}" for which in ("min", "max") for name in TERMS}
# Slider curves of gates whose useful thresholds are a small part of the allowed range.
_BENDS = {"min_face_share": 3.0, "max_yaw": 2.0, "max_pitch": 2.0, "max_roll": 2.0, "one_face": 3.0}
_BENDS["max_displacement"] = 4.0


class GatesPanel(QWidget):
    """One row per registered gate; disabled ones are dimmed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._input_filter = InputFilter(self)
        self.preset = QComboBox()
        for name, preset in PRESETS.items():
            self.preset.addItem(preset.label, name)
            self.preset.setItemData(self.preset.count() - 1, preset.help, Qt.ItemDataRole.ToolTipRole)
        self.preset.addItem(CUSTOM)
        items = self.preset.model()
        assert isinstance(items, QStandardItemModel)
        items.item(self.preset.count() - 1).setEnabled(False)  # display only
        self.preset.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.preset.installEventFilter(self._input_filter)
        self.preset.activated.connect(lambda _: session.controls.apply_preset(self.preset.currentData()))
        named(self.preset, "Preset", "Predefined gates and regions (Page Up, Page Down)")
        self.passing = fixed_size_label(150, 18)
        self.passing.setObjectName("muted")
        self.passing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.preset)
        top.addStretch(1)
        top.addWidget(self.passing)

        self.rows = {name: GateRow(gate, session, self._input_filter) for name, gate in GATES.items()}
        inner, more = QWidget(), QWidget()
        columns, more_columns = QVBoxLayout(inner), QVBoxLayout(more)
        for layout in (columns, more_columns):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(2)
        columns.setContentsMargins(0, 0, 6, 0)
        for name, row in self.rows.items():
            (more_columns if name in _OF_TERMS else columns).addWidget(row)
        self.more = fold_button("More gates", "Minimum and maximum of each score term")
        more.hide()
        self.more.toggled.connect(more.setVisible)
        columns.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        columns.addWidget(more)
        columns.addStretch(1)
        self.part = ScrollSection(inner)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.part, 1)
        follow(self, session.controls.changed, self._show_settings)
        follow(self, session.ranking_changed, self._show_ranking)

    def reveal(self, name: str) -> None:
        """Scroll to a gate and focus its slider."""
        if name in _OF_TERMS:
            self.more.setChecked(True)
        row = self.rows[name]
        self.part.ensureWidgetVisible(row)
        if row.slider is not None:
            row.slider.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_settings(self) -> None:
        settings = self._session.settings
        thresholds = effective_thresholds(settings)
        for name, row in self.rows.items():
            row.show_threshold(thresholds[name])
        self.preset.setCurrentIndex(self.preset.findData(preset_of(settings)))

    def _show_ranking(self) -> None:
        entry = self._session.current
        ranking = entry.ranking if entry else None
        self.passing.setText(f"{ranking.valid_count} of {ranking.window_count} pass" if ranking else "")
        for row in self.rows.values():
            row.show_statistic(ranking)


class GateRow(QWidget):
    """Label, threshold and reset button; below, if the gate is on, the number of windows it stops."""

    def __init__(self, gate: Gate, session: Session, input_filter: InputFilter) -> None:
        super().__init__()
        self._gate = gate
        self._on: bool | None = None
        setting = gate.threshold
        self.label = QLabel(gate.label if setting.minimum == setting.maximum else setting.label)
        self.label.setToolTip(setting.help)
        self.statistic = fixed_size_label(210, 14)
        self.statistic.setObjectName("statistic")
        self.statistic.setToolTip("Windows that fail this gate · windows that fail only this gate")
        self.slider: SettingSlider | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        grid.addWidget(self.label, 0, 0)
        grid.setColumnMinimumWidth(0, 128)
        grid.setColumnStretch(1, 1)
        if setting.minimum == setting.maximum:
            grid.addWidget(self.statistic, 0, 1, Qt.AlignmentFlag.AlignLeft)
            return
        grid.addWidget(self.statistic, 1, 0, 1, 4, Qt.AlignmentFlag.AlignLeft)
        off = gate.off
        self.slider = SettingSlider(setting, exponent=_BENDS.get(gate.name, 1.0), steps=200)
        self.box = setting_box(setting, self._setter(session), off)
        self.box.setObjectName("slim")
        self.reset = QToolButton()
        self.reset.setObjectName("reset")
        self.reset.setIcon(icon("close", "muted"))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        what = "Switch off" if setting.default == off else f"Reset to {setting.default:g}"
        named(self.reset, f"{setting.label}: {what.lower()}", what)
        self.reset.clicked.connect(lambda: session.controls.set_gate(gate.name, setting.default))
        for control in (self.slider, self.box):
            control.installEventFilter(input_filter)
        self.slider.changed.connect(self._setter(session))
        self.slider.sliderPressed.connect(lambda: session.controls.hold(True))
        self.slider.sliderReleased.connect(lambda: session.controls.hold(False))
        for column, widget in enumerate((self.slider, self.box, self.reset), start=1):
            grid.addWidget(widget, 0, column)
        follow_theme(self, self._size)

    def _size(self) -> None:
        self.box.setFixedWidth(px(58))
        self.reset.setIconSize(QSize(px(12), px(12)))
        self.reset.setFixedSize(px(18), px(18))

    def _setter(self, session: Session) -> Callable[[float], None]:
        return lambda value: session.controls.set_gate(self._gate.name, value)

    def show_threshold(self, threshold: float) -> None:
        if self.slider is None:
            return
        self.slider.show_number(threshold)
        show_value(self.box, threshold)
        self.reset.setVisible(threshold != self._gate.threshold.default)
        on = threshold != self._gate.off
        if on is not self._on:
            self._on = on
            for widget in (self.label, self.slider, self.box):
                restyle(widget, "off", not on)

    def show_statistic(self, ranking: Ranking | None) -> None:
        on = ranking is not None and self._gate.name in ranking.gate_counts
        if ranking is not None and on:
            stops, alone = ranking.gate_counts[self._gate.name], ranking.gate_counts_alone[self._gate.name]
            self.statistic.setText(f"stops {stops} · alone {alone}")
        self.statistic.setVisible(on)
