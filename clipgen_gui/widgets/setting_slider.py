"""Slider for a declared setting."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QSlider

from clipgen_engine.types import Setting
from clipgen_gui.look.theme import follow_theme
from clipgen_gui.widgets.cards import named
from clipgen_gui.widgets.score_style import term_color


class SettingSlider(QSlider):
    """A slider over the declared range of a setting. + and -, Page Up and Page Down move it; arrow keys belong to the
    player."""

    changed = Signal(float)  # by the user, not by `show_number`

    def __init__(self, setting: Setting, score: str = "", exponent: float = 1.0, steps: int = 100) -> None:
        """
        Args:
            score: score whose colour fills the groove; empty for the style sheet's colour.
            exponent: above 1, the low end of the range gets finer resolution.
        """
        super().__init__(Qt.Orientation.Horizontal)
        self._low = setting.minimum or 0.0
        self._range = (1.0 if setting.maximum is None else setting.maximum) - self._low
        self._step, self._exponent, self._steps = setting.step or 0.01, exponent, steps
        self._updating = False
        self._number = 0.0
        self.setRange(0, steps)
        self.setPageStep(steps // 10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(60)
        if score:
            follow_theme(self, lambda: self._tint(score))
        named(self, setting.label, f"{setting.help} (+ or −, Page Up or Page Down)")
        self.valueChanged.connect(self._on_value_changed)

    def _tint(self, score: str) -> None:
        self.setStyleSheet(f"QSlider::sub-page:horizontal {{ background: {term_color(score)}; }}")

    @property
    def number(self) -> float:
        """Current value."""
        return self._number

    def show_number(self, number: float) -> None:
        """Set the value without emitting `changed`."""
        if number == self._number and not self._updating:
            return
        self._updating = True
        self._number = number
        share = (number - self._low) / self._range
        self.setValue(round(self._steps * max(0.0, share) ** (1 / self._exponent)))
        self._updating = False

    def bind_label(self, label: QLabel) -> None:
        """Keep a label in sync with the value."""
        label.setText(f"{self._number:.2f}")
        self.valueChanged.connect(lambda _: label.setText(f"{self._number:.2f}"))

    def _on_value_changed(self, position: int) -> None:
        if self._updating:
            return
        number = self._low + self._range * (position / self._steps) ** self._exponent
        rounded = round(round(number / self._step) * self._step, 6)
        if rounded != self._number:
            self._number = rounded
            self.changed.emit(rounded)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._step_by(1)
        elif event.key() == Qt.Key.Key_Minus:
            self._step_by(-1)
        else:
            super().keyPressEvent(event)

    def _step_by(self, direction: int) -> None:
        """Move to the next position with a different value."""
        before = self._number
        while self._number == before and 0 <= self.value() + direction <= self._steps:
            self.setValue(self.value() + direction)
