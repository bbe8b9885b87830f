"""A declared setting as a line of a settings page: label, control, help and reset button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from clipgen_engine.declared_settings import checked_value
from clipgen_engine.errors import SettingError
from clipgen_engine.types import Setting
from clipgen_gui.look.theme import follow_theme, icon, px
from clipgen_gui.widgets.cards import muted_label, named, restyle
from clipgen_gui.widgets.setting_box import InputFilter, SettingBox, setting_box, show_value, unit_of


class SettingField(QWidget):
    """Shows a value, and emits `chosen` when the user changes it."""

    chosen = Signal(object)

    def __init__(self, setting: Setting, input_filter: InputFilter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self.label = QLabel(setting.label)
        self.reset = _reset_button(setting)
        self.reset.clicked.connect(lambda: self._choose(self.setting.default))
        self.help = muted_label(_help(setting), wrap=True)
        self.error = muted_label(wrap=True)
        self.error.setObjectName("complaint")
        self.error.hide()
        self.control: SettingBox | QLineEdit
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 6)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(3)
        grid.addWidget(self.label, 0, 0)
        grid.addLayout(self._control_line(input_filter), 0, 1)
        grid.addWidget(self.help, 1, 0, 1, 2)
        grid.addWidget(self.error, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        self.label.setBuddy(self.control)
        follow_theme(self, self._dress)
        self.show_value(setting.default)

    def _control_line(self, input_filter: InputFilter) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(6)
        if self.setting.kind in (int, float) or self.setting.choices:
            if self.setting.default is None:
                self.control = _OptionalNumber(self.setting)
                self.control.valueChanged.connect(self._number_chosen)
            else:
                self.control = setting_box(self.setting, self._choose)
            line.addWidget(self.control)
            line.addWidget(self.reset)
            line.addStretch(1)
        else:
            self.control = QLineEdit()
            self.control.setPlaceholderText("none" if self.setting.kind is Path else "")
            named(self.control, self.setting.label, self.setting.help)
            self.control.editingFinished.connect(self._text_chosen)
            line.addWidget(self.control, 1)
            if self.setting.kind is Path:
                browse = QPushButton("Browse…")
                browse.setAutoDefault(False)
                named(browse, f"{self.setting.label}: choose a file")
                browse.clicked.connect(self._browse)
                line.addWidget(browse)
            line.addWidget(self.reset)
        self.control.installEventFilter(input_filter)
        return line

    def _dress(self) -> None:
        self.label.setFixedWidth(px(150))
        self.reset.setFixedSize(px(20), px(20))
        if not isinstance(self.control, QLineEdit):
            self.control.setFixedWidth(px(150))

    def show_value(self, value: Any) -> None:
        """Show this value in the control."""
        if isinstance(self.control, QLineEdit):
            self.control.setText("" if value is None else str(value))
        elif isinstance(self.control, _OptionalNumber):
            self.control.show_number(value)
        else:
            show_value(self.control, value)
        self.reset.setVisible(value != self.setting.default)
        self._show_error("")

    def _choose(self, value: Any) -> None:
        self._show_error("")
        self.chosen.emit(value)

    def _number_chosen(self) -> None:
        assert isinstance(self.control, _OptionalNumber)
        self._choose(self.control.number)

    def _text_chosen(self) -> None:
        assert isinstance(self.control, QLineEdit)
        text = self.control.text().strip()
        try:
            value = checked_value(self.setting, text) if text else self.setting.default
        except SettingError as error:
            self._show_error(str(error))
            return
        self.show_value(value)
        self._choose(value)

    def _browse(self) -> None:
        assert isinstance(self.control, QLineEdit)
        name, _ = QFileDialog.getOpenFileName(self, self.setting.label, self.control.text())
        if name:
            self._choose(Path(name))

    def _show_error(self, text: str) -> None:
        self.error.setText(text)
        self.error.setVisible(bool(text))
        restyle(self.control, "wrong", bool(text))


class _OptionalNumber(QSpinBox):
    """An optional integer."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._low = int(setting.minimum or 0)
        self.setRange(self._low - 1, int(1e6 if setting.maximum is None else setting.maximum))
        self.setSpecialValueText("not set")
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self, setting.label, setting.help)

    @property
    def number(self) -> int | None:
        return None if self.value() < self._low else self.value()

    def show_number(self, number: int | None) -> None:
        with QSignalBlocker(self):
            self.setValue(self._low - 1 if number is None else number)


def _reset_button(setting: Setting) -> QToolButton:
    button = QToolButton()
    button.setObjectName("reset")
    button.setIcon(icon("restore", "muted"))
    policy = button.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    button.setSizePolicy(policy)
    default = "none" if setting.default is None else str(setting.default).replace("_", " ")
    named(button, f"{setting.label}: reset to {default}", f"Reset to {default}")
    return button


def _help(setting: Setting) -> str:
    """The declared help, followed by the bounds."""
    if setting.choices or setting.minimum is None or setting.maximum is None:
        return setting.help
    bounds = f"{setting.minimum:,.10g} to {setting.maximum:,.10g}"
    return f"{setting.help} {bounds}{unit_of(setting)}."
