"""The control for one declared setting, and how such controls share mouse and keyboard with the window."""

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
    """A box for this setting that reports its value in the kind that the setting declares.

    Args:
        off: the value that is shown as the word "off".
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
    box.setKeyboardTracking(False)  # a number that is being typed is not yet meant
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    named(box, setting.label, f"{setting.help} (type it, ↑ ↓ or wheel; Enter leaves the box)")
    show_value(box, setting.default)
    box.valueChanged.connect(lambda value: changed(setting.kind(value)))
    return box


def unit_of(setting: Setting) -> str:
    """What stands behind a value of this setting, with the space before it."""
    return _UNITS.get(setting.unit, f" {setting.unit}" if setting.unit else "")


class _ThresholdBox(QDoubleSpinBox):
    """A number, or the word that says that there is no limit."""

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
    named(box, setting.label, f"{setting.help} (Page Up and Page Down)")
    show_value(box, setting.default)
    box.currentIndexChanged.connect(lambda index: changed(setting.choices[index]))
    return box


def show_value(box: SettingBox, value: Any) -> None:
    """Put the box on this value, without a word to anybody."""
    if value == (box.currentData() if isinstance(box, QComboBox) else box.value()):
        return  # it would paint itself anew all the same
    with QSignalBlocker(box):
        if isinstance(box, QComboBox):
            box.setCurrentIndex(box.findData(value))
        elif isinstance(box, QSpinBox):
            box.setValue(int(value))
        else:
            box.setValue(float(value))


def follow(page: QWidget, changed: SignalInstance, show: Callable[[], None]) -> None:
    """Call `show` when the signal comes while the page is in sight, and when it comes into sight."""
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


def add_to_grid(grid: QGridLayout, place: int, columns: int, label: str, box: QWidget) -> None:
    """Put a box with its label above it into the next cell of a grid."""
    cell = QVBoxLayout()
    cell.setSpacing(3)
    text = muted_label(label)
    text.setBuddy(box)
    cell.addWidget(text)
    cell.addWidget(box)
    grid.addLayout(cell, place // columns, place % columns)


class Manners(QObject):
    """An event filter for the controls of a panel.

    Scrolling over a control that is not in use must not change it. In a box, what can be part of a number or
    changes it belongs to the box, Enter and Escape leave it, and letters are the app's keys as everywhere else.
    """

    _OF_THE_BOX = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
    _OF_A_CHOICE = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
    _LEAVE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        if isinstance(watched, QComboBox) and isinstance(event, QKeyEvent):
            if kind is QEvent.Type.ShortcutOverride and event.key() in self._OF_A_CHOICE:
                event.accept()
                return True
            return False
        if not isinstance(watched, QAbstractSpinBox) or not isinstance(event, QKeyEvent):
            return False
        if kind is QEvent.Type.ShortcutOverride:
            if event.key() in (*self._OF_THE_BOX, *self._LEAVE):
                event.accept()
                return True
            undo = any(event.matches(key) for key in (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo))
            if undo and not watched.lineEdit().isModified():  # nothing was typed that it could take back
                event.ignore()
                return True
            if event.text().isalpha() or event.text() in (" ", "?"):
                event.ignore()
                return True
        elif kind is QEvent.Type.KeyPress and event.key() in self._LEAVE:
            watched.interpretText()
            watched.clearFocus()
            return True
        return False
