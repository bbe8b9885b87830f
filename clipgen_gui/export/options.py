"""What shall be written, and how: layouts, pictures, sound, names. Made from the registry and the declared settings."""

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
from clipgen_gui.widgets.setting_box import Manners, add_to_grid, setting_box, show_value

_COLUMNS = 3
_OF_CROPS = ("size", "margin", "align_roll")
_PATTERN = "name_pattern"  # a line of its own
_PICTURE = ("crop", *_OF_CROPS)
_HIDDEN = ("subject_id",)  # a subject is named for each face


class ExportOptions(QWidget):
    """Layout check boxes and setting boxes. `changed` follows every choice."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bare")
        self._manners = Manners(self)
        self._export: dict[str, Any] = ExportSettings().as_dict()
        self._dataset: dict[str, Any] = DatasetSettings().as_dict()
        self.boxes: dict[str, QWidget] = {}
        self.layouts = {name: QCheckBox(layout.label) for name, layout in LAYOUTS.items()}
        for name, box in self.layouts.items():
            named(box, LAYOUTS[name].label, LAYOUTS[name].help)
            box.toggled.connect(lambda _: self._tell())
        self.layouts["plain"].setChecked(True)
        self.complaint = muted_label(wrap=True)
        self.complaint.setObjectName("complaint")
        self.complaint.hide()

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._layouts_card())
        export = {setting.name: setting for setting in declarations(ExportSettings) if setting.name not in _HIDDEN}
        picture = Card("Picture")
        picture.body.addLayout(self._grid([export[name] for name in _PICTURE], self._export))
        column.addWidget(picture)
        clips = Card("Clips")
        clips.body.addLayout(self._grid([one for name, one in export.items() if name not in _PICTURE], self._export))
        column.addWidget(clips)
        names = Card("Names and splits")
        fold = fold_button("More", "Names of the files, splits, shards")
        inner = QWidget()
        inner.setObjectName("plain")
        inner.setVisible(False)
        fold.toggled.connect(inner.setVisible)
        names.header.addWidget(fold)
        inner_column = QVBoxLayout(inner)
        inner_column.setContentsMargins(0, 0, 0, 0)
        inner_column.addWidget(self._pattern())
        inner_column.addWidget(self.complaint)
        inner_column.addLayout(
            self._grid([one for one in declarations(DatasetSettings) if one.name != _PATTERN], self._dataset)
        )
        names.body.addWidget(inner)
        column.addWidget(names)
        column.addStretch(1)
        self._enable()

    def show_values(self, layouts: tuple[str, ...], export: ExportSettings, dataset: DatasetSettings) -> None:
        """Put everything on these values, without a word to anybody."""
        self.blockSignals(True)
        for name, check in self.layouts.items():
            check.setChecked(name in layouts)
        for kept, given in ((self._export, export), (self._dataset, dataset)):
            kept.update(given.as_dict())
            for name, value in kept.items():
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
            SettingError: shares of the splits that do not fit together.
        """
        return DatasetSettings(**self._dataset)

    def _layouts_card(self) -> Card:
        card = Card("Layouts")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        for place, (name, box) in enumerate(self.layouts.items()):
            cell = QVBoxLayout()
            cell.setSpacing(0)
            cell.addWidget(box)
            where = muted_label(LAYOUTS[name].help.partition(":")[0])
            where.setContentsMargins(24, 0, 0, 4)
            cell.addWidget(where)
            grid.addLayout(cell, place // 2, place % 2)
        card.body.addLayout(grid)
        return card

    def _grid(self, settings: list[Setting], kept: dict[str, Any]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        for place, setting in enumerate(settings):
            box = setting_box(setting, partial(self._choose, kept, setting.name))
            box.installEventFilter(self._manners)
            self.boxes[setting.name] = box
            if setting.name == "fps" and isinstance(box, QAbstractSpinBox):
                box.setSpecialValueText("as the source")
            add_to_grid(grid, place, _COLUMNS, setting.label, box)
        for column in range(_COLUMNS):
            grid.setColumnStretch(column, 1)
        return grid

    def _pattern(self) -> QLineEdit:
        setting = next(one for one in declarations(DatasetSettings) if one.name == _PATTERN)
        line = QLineEdit(setting.default)
        named(line, setting.label, setting.help)
        line.textChanged.connect(self._take_pattern)
        self.boxes[_PATTERN] = line
        return line

    def _take_pattern(self, text: str) -> None:
        try:
            check_pattern(text)
        except SettingError as error:
            self.complain(str(error))
            restyle(self.boxes[_PATTERN], "wrong", True)
            return
        self.complain("")
        restyle(self.boxes[_PATTERN], "wrong", False)
        self._choose(self._dataset, _PATTERN, text)

    def complain(self, sentence: str) -> None:
        """Say what does not fit, or nothing."""
        self.complaint.setText(sentence)
        self.complaint.setVisible(bool(sentence))

    def _choose(self, kept: dict[str, Any], name: str, value: Any) -> None:
        kept[name] = value
        self._tell()

    def _tell(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        """What has no effect under the other choices is dim."""
        whole = self._export["crop"] == "whole"
        for name in _OF_CROPS:
            if name in self.boxes:
                self.boxes[name].setEnabled(not whole)
        chosen: Mapping[str, bool] = {name: name in self.chosen_layouts for name in self.layouts}
        for name, layout in (("shard_size_mb", "webdataset"), ("fiftyone_media", "fiftyone")):
            if name in self.boxes:
                self.boxes[name].setEnabled(chosen[layout])
