"""The regions page: weights of the face regions in the expression variation."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from clipgen_engine.declared_settings import declarations
from clipgen_engine.ranking.effective import effective_regions
from clipgen_engine.ranking.terms import REGION_MULTIPLIERS, default_multipliers
from clipgen_engine.settings import RankingSettings
from clipgen_engine.types import BLENDSHAPES
from clipgen_gui.document.session import Session
from clipgen_gui.widgets.cards import fixed_size_label, muted_label, named
from clipgen_gui.widgets.setting_box import InputFilter, follow
from clipgen_gui.widgets.setting_slider import SettingSlider

_EYES = ("eyelids", "gaze")
_DECLARED = {one.name: one for one in declarations(RankingSettings)}


class RegionsPanel(QWidget):
    """One multiplier per region, with buttons to exclude the eyes and to reset all."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._input_filter = InputFilter(self)
        self.sliders: dict[str, SettingSlider] = {}
        self.without_eyes = QPushButton("Without eyes")
        self.without_eyes.setObjectName("slim")
        self.without_eyes.setCheckable(True)
        named(self.without_eyes, "Expression without eyes", "Exclude gaze and eyelids from the expression variation")
        self.without_eyes.clicked.connect(self._without_eyes_clicked)
        self.reset = QPushButton("Reset")
        self.reset.setObjectName("slim")
        named(self.reset, "Reset the regions", "Weight all regions equally, without the gaze")
        self.reset.clicked.connect(lambda: session.controls.set_regions(self._defaults, "Reset the regions"))
        self.blinks = QCheckBox("Blinks count as expression")
        named(self.blinks, "Count blinks", _DECLARED["blinks"].help)
        self.blinks.clicked.connect(lambda on: session.controls.set_setting("blinks", "counted" if on else "bridged"))
        self._hint = muted_label("What counts as expression")
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self._hint, 1)
        top.addWidget(self.without_eyes)
        top.addWidget(self.reset)

        rows = QGridLayout()
        rows.setHorizontalSpacing(10)
        rows.setVerticalSpacing(2)
        rows.setColumnStretch(1, 1)
        for row, (region, setting) in enumerate(REGION_MULTIPLIERS.items()):
            slider = SettingSlider(setting, "expression_variation", steps=40)
            slider.installEventFilter(self._input_filter)
            slider.changed.connect(lambda value, region=region: session.controls.set_regions({region: value}))
            slider.sliderPressed.connect(lambda: session.controls.hold(True))
            slider.sliderReleased.connect(lambda: session.controls.hold(False))
            label, value = QLabel(setting.label), fixed_size_label(36, 20)
            label.setToolTip(setting.help)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            slider.bind_label(value)
            self.sliders[region] = slider
            for column, widget in enumerate((label, slider, value)):
                rows.addWidget(widget, row, column)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(rows)
        layout.addWidget(self.blinks)
        layout.addStretch(1)
        follow(self, session.controls.changed, self._show_settings)
        follow(self, session.controls.changed, self._show_use)
        follow(self, session.analysis_changed, self._show_use)

    def _without_eyes_clicked(self, out: bool) -> None:
        self._session.controls.set_regions(
            {region: 0.0 if out else self._defaults[region] for region in _EYES},
            "Exclude the eyes" if out else "Include the eyes",
        )

    @property
    def _defaults(self) -> dict[str, float]:
        return default_multipliers(self._session.settings)

    def _show_settings(self) -> None:
        multipliers = effective_regions(self._session.settings)
        for region, slider in self.sliders.items():
            slider.show_number(multipliers[region])
        self.without_eyes.setChecked(not any(multipliers[region] for region in _EYES))
        self.reset.setEnabled(multipliers != self._defaults)
        self.blinks.setChecked(self._session.settings.blinks == "counted")

    def _show_use(self) -> None:
        """Disable the controls if the tokens are not split into regions, as with some backends."""
        entry = self._session.current
        tokens = entry.analysis.tokens if entry and entry.analysis else ()
        by_blendshapes = self._session.settings.token_source == BLENDSHAPES
        split = not tokens or by_blendshapes or tokens[0].channel_regions[0] in REGION_MULTIPLIERS
        self._hint.setText("What counts as expression" if split else "These tokens have no regions")
        for widget in (*self.sliders.values(), self.without_eyes, self.blinks):
            widget.setEnabled(split)
