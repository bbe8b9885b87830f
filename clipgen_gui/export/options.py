"""Export options: layouts, picture, clips, names. Built from the layout registry and the declared settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractSpinBox, QCheckBox, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from clipgen_engine.datasets.layouts.registry import LAYOUTS
from clipgen_engine.datasets.names import check_pattern
from clipgen_engine.declared_settings import declarations
from clipgen_engine.errors import SettingError
from clipgen_engine.settings import DatasetSettings, ExportSettings
from clipgen_engine.types import Setting
from clipgen_gui.widgets.cards import Card, fold_button, muted_label, named, restyle
from clipgen_gui.widgets.setting_box import InputFilter, add_to_grid, setting_box, show_value

_COLUMNS = 3
_CROP_SETTINGS = ("size", "margin", "align_roll")
_PATTERN = "name_pattern"  # has its own line edit
_PICTURE_SETTINGS = ("crop", *_CROP_SETTINGS)
_HIDDEN = ("subject_id",)  # set per face instead


class ExportOptions(QWidget):
    """Layout check boxes and setting controls. `changed` follows every user change."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bare")
        self._input_filter = InputFilter(self)
        self._export: dict[str, Any] = ExportSettings().as_dict()
        self._dataset: dict[str, Any] = DatasetSettings().as_dict()
        self.boxes: dict[str, QWidget] = {}
        self.layouts = {name: QCheckBox(layout.label) for name, layout in LAYOUTS.items()}
        for name, box in self.layouts.items():
            named(box, LAYOUTS[name].label, LAYOUTS[name].help)
            box.toggled.connect(lambda _: self._emit_changed())
        self.layouts["plain"].setChecked(True)
        self.error_label = muted_label(wrap=True)
        self.error_label.setObjectName("complaint")
        self.error_label.hide()

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._layouts_card())
        export = {setting.name: setting for setting in declarations(ExportSettings) if setting.name not in _HIDDEN}
        picture = Card("Picture")
        picture.body.addLayout(self._grid([export[name] for name in _PICTURE_SETTINGS], self._export))
        column.addWidget(picture)
        clips = Card("Clips")
        clips.body.addLayout(
            self._grid([one for name, one in export.items() if name not in _PICTURE_SETTINGS], self._export)
        )
        column.addWidget(clips)
        names = Card("Names and splits")
        fold = fold_button("More", "File names, splits and shards")
        inner = QWidget()
        inner.setObjectName("plain")
        inner.setVisible(False)
        fold.toggled.connect(inner.setVisible)
        names.header.addWidget(fold)
        inner_column = QVBoxLayout(inner)
        inner_column.setContentsMargins(0, 0, 0, 0)
        inner_column.addWidget(self._pattern_field())
        inner_column.addWidget(self.error_label)
        inner_column.addLayout(
            self._grid([one for one in declarations(DatasetSettings) if one.name != _PATTERN], self._dataset)
        )
        names.body.addWidget(inner)
        column.addWidget(names)
        column.addStretch(1)
        self._enable()

    def show_values(self, layouts: tuple[str, ...], export: ExportSettings, dataset: DatasetSettings) -> None:
        """Set all controls without emitting `changed`."""
        self.blockSignals(True)
        for name, check in self.layouts.items():
            check.setChecked(name in layouts)
        for values, given in ((self._export, export), (self._dataset, dataset)):
            values.update(given.as_dict())
            for name, value in values.items():
                box = self.boxes.get(name)
                if isinstance(box, QLineEdit):
                    box.setText(str(value))
                elif box is not None:
                    show_value(box, value)  # type: ignore[arg-type]
        self.blockSignals(False)
        self._enable()

    @property
    def chosen_layouts(self) -> tuple[str, ...]:
        return tuple(name for name, box in self.layouts.items() if box.isChecked())

    @property
    def export(self) -> ExportSettings:
        return ExportSettings(**self._export)

    @property
    def dataset(self) -> DatasetSettings:
        """
        Raises:
            SettingError: the split shares are inconsistent.
        """
        return DatasetSettings(**self._dataset)

    def _layouts_card(self) -> Card:
        card = Card("Layouts")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        for index, (name, box) in enumerate(self.layouts.items()):
            cell = QVBoxLayout()
            cell.setSpacing(0)
            cell.addWidget(box)
            folder_label = muted_label(LAYOUTS[name].help.partition(":")[0])
            folder_label.setContentsMargins(24, 0, 0, 4)
            cell.addWidget(folder_label)
            grid.addLayout(cell, index // 2, index % 2)
        card.body.addLayout(grid)
        return card

    def _grid(self, settings: list[Setting], values: dict[str, Any]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        for index, setting in enumerate(settings):
            box = setting_box(setting, partial(self._set_value, values, setting.name))
            box.installEventFilter(self._input_filter)
            self.boxes[setting.name] = box
            if setting.name == "fps" and isinstance(box, QAbstractSpinBox):
                box.setSpecialValueText("as the source")
            add_to_grid(grid, index, _COLUMNS, setting.label, box)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        return grid

    def _pattern_field(self) -> QLineEdit:
        setting = next(one for one in declarations(DatasetSettings) if one.name == _PATTERN)
        line = QLineEdit(setting.default)
        named(line, setting.label, setting.help)
        line.textChanged.connect(self._on_pattern_changed)
        self.boxes[_PATTERN] = line
        return line

    def _on_pattern_changed(self, text: str) -> None:
        try:
            check_pattern(text)
        except SettingError as error:
            self.show_error(str(error))
            restyle(self.boxes[_PATTERN], "wrong", True)
            return
        self.show_error("")
        restyle(self.boxes[_PATTERN], "wrong", False)
        self._set_value(self._dataset, _PATTERN, text)

    def show_error(self, sentence: str) -> None:
        """Show an error below the name pattern; empty hides it."""
        self.error_label.setText(sentence)
        self.error_label.setVisible(bool(sentence))

    def _set_value(self, values: dict[str, Any], name: str, value: Any) -> None:
        values[name] = value
        self._emit_changed()

    def _emit_changed(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        """Disable options that have no effect with the current choices."""
        whole = self._export["crop"] == "whole"
        for name in _CROP_SETTINGS:
            if name in self.boxes:
                self.boxes[name].setEnabled(not whole)
        chosen: Mapping[str, bool] = {name: name in self.chosen_layouts for name in self.layouts}
        for name, layout in (("shard_size_mb", "webdataset"), ("fiftyone_media", "fiftyone")):
            if name in self.boxes:
                self.boxes[name].setEnabled(chosen[layout])
