"""Controls for declared settings, and their mouse and keyboard handling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, SignalInstance
from PySide6.QtGui import QKeyEvent, QKeySequence, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from clipgen_engine.types import Setting
from clipgen_gui.widgets.cards import muted_label, named

SettingBox = QSpinBox | QDoubleSpinBox | QComboBox
_UNITS = {"frames": " fr", "px": " px", "degrees": "°", "°": "°", "%": " %"}


def setting_box(setting: Setting, changed: Callable[[Any], None], off: float | None = None) -> SettingBox:
    """Return a control for this setting; `changed` receives values of the declared type.

    Args:
        off: the value displayed as "off".
    """
    if setting.choices:
        return _choice_box(setting, changed)
    low = 0.0 if setting.minimum is None else setting.minimum
    high = 1e6 if setting.maximum is None else setting.maximum
    box: QSpinBox | QDoubleSpinBox
    if off is not None:
        box = _ThresholdBox(setting, off)
    elif setting.kind is int:
        box = QSpinBox()
        box.setRange(int(low), int(high))
        box.setSingleStep(int(setting.step or 1))
    else:
        box = QDoubleSpinBox()
        box.setDecimals(0 if setting.step and setting.step >= 1 else 3 if setting.step and setting.step < 0.01 else 2)
        box.setRange(low, high)
        box.setSingleStep(setting.step or 0.05)
    if off is None:
        box.setSuffix(unit_of(setting))
        box.setSpecialValueText(setting.zero)
    box.lineEdit().setTextMargins(4, 0, 0, 0)
    box.setKeyboardTracking(False)  # report only committed values
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    named(box, setting.label, f"{setting.help} (type, ↑ ↓ or wheel; Enter to finish)")
    show_value(box, setting.default)
    box.valueChanged.connect(lambda value: changed(setting.kind(value)))
    return box


def unit_of(setting: Setting) -> str:
    """Return the unit suffix of a setting, including the leading space."""
    return _UNITS.get(setting.unit, f" {setting.unit}" if setting.unit else "")


class _ThresholdBox(QDoubleSpinBox):
    """A spin box that displays one value as "off"."""

    _OFF = "off"

    def __init__(self, setting: Setting, off: float) -> None:
        super().__init__()
        self._off, self._unit = off, unit_of(setting)
        self.setDecimals(4)
        self.setRange(setting.minimum or 0.0, off if setting.maximum is None else setting.maximum)
        self.setSingleStep(setting.step or 0.01)

    def textFromValue(self, value: float) -> str:
        return self._OFF if value == self._off else f"{value:.4g}{self._unit}"

    def valueFromText(self, text: str) -> float:
        return self._off if text.strip() in (self._OFF, "") else float(text.strip().removesuffix(self._unit))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        try:
            fits = self.minimum() <= self.valueFromText(text) <= self.maximum()
        except ValueError:
            fits = False
        state = QValidator.State.Acceptable if fits else QValidator.State.Intermediate
        return state, text, position

    def fixup(self, text: str) -> str:
        return self.textFromValue(self.value())


def _choice_box(setting: Setting, changed: Callable[[Any], None]) -> QComboBox:
    box = QComboBox()
    for choice in setting.choices:
        box.addItem(choice.replace("_", " "), choice)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    named(box, setting.label, f"{setting.help} (Page Up or Page Down)")
    show_value(box, setting.default)
    box.currentIndexChanged.connect(lambda index: changed(setting.choices[index]))
    return box


def show_value(box: SettingBox, value: Any) -> None:
    """Set the value without emitting signals."""
    if value == (box.currentData() if isinstance(box, QComboBox) else box.value()):
        return  # avoids a repaint
    with QSignalBlocker(box):
        if isinstance(box, QComboBox):
            box.setCurrentIndex(box.findData(value))
        elif isinstance(box, QSpinBox):
            box.setValue(int(value))
        else:
            box.setValue(float(value))


def follow(page: QWidget, changed: SignalInstance, show: Callable[[], None]) -> None:
    """Call `show` when the signal fires while the page is visible, and when the page becomes visible."""
    page.installEventFilter(_Follower(page, show))
    changed.connect(lambda: show() if page.isVisible() else None)


class _Follower(QObject):
    def __init__(self, page: QWidget, show: Callable[[], None]) -> None:
        super().__init__(page)
        self._show = show

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show:
            self._show()
        return False


def add_to_grid(grid: QGridLayout, index: int, columns: int, label: str, box: QWidget) -> None:
    """Add a labelled control to the grid cell with this index."""
    cell = QVBoxLayout()
    cell.setSpacing(3)
    text = muted_label(label)
    text.setBuddy(box)
    cell.addWidget(text)
    cell.addWidget(box)
    grid.addLayout(cell, index // columns, index % columns)


class InputFilter(QObject):
    """Event filter for the controls of a panel.

    The wheel changes a control only if it has focus. A spin box keeps the keys that edit or step its value; Enter and
    Escape leave it; letters remain application shortcuts.
    """

    _SPIN_BOX_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
    _COMBO_BOX_KEYS = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
    _LEAVE_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        if isinstance(watched, QComboBox) and isinstance(event, QKeyEvent):
            if kind is QEvent.Type.ShortcutOverride and event.key() in self._COMBO_BOX_KEYS:
                event.accept()
                return True
            return False
        if not isinstance(watched, QAbstractSpinBox) or not isinstance(event, QKeyEvent):
            return False
        if kind is QEvent.Type.ShortcutOverride:
            if event.key() in (*self._SPIN_BOX_KEYS, *self._LEAVE_KEYS):
                event.accept()
                return True
            undo = any(event.matches(key) for key in (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo))
            if undo and not watched.lineEdit().isModified():  # no typing to undo
                event.ignore()
                return True
            if event.text().isalpha() or event.text() in (" ", "?"):
                event.ignore()
                return True
        elif kind is QEvent.Type.KeyPress and event.key() in self._LEAVE_KEYS:
            watched.interpretText()
            watched.clearFocus()
            return True
        return False
