"""The settings window: declared pages, search, reset, and the effect of the settings."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from clipgen_engine.declared_settings import declarations
from clipgen_engine.projects.store import Project
from clipgen_engine.settings import AnalysisSettings, ExportSettings, RankingSettings, TokenSettings
from clipgen_gui.document.preferences import Preferences
from clipgen_gui.look.theme import theme
from clipgen_gui.main_window.window import MainWindow
from clipgen_gui.settings.window import SettingsWindow


@pytest.fixture
def settings(window: MainWindow, qtbot: QtBot) -> SettingsWindow:
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    made = window.parts.settings.window
    qtbot.waitUntil(made.isVisible)
    return made


def test_settings_window_is_not_modal(window: MainWindow, settings: SettingsWindow) -> None:
    assert not settings.isModal()
    assert window.isEnabled()


def test_every_declared_setting_has_a_field(settings: SettingsWindow) -> None:
    for page, declared in (
        ("analysis", AnalysisSettings),
        ("tokens", TokenSettings),
        ("ranking", RankingSettings),
        ("export", ExportSettings),
    ):
        fields = settings.page(page).fields
        subject = ["subject_id"] if page == "tokens" else []  # declared in the export settings, which record it
        assert list(fields) == [one.name for one in declarations(declared)] + subject
        for one in declarations(declared):
            assert fields[one.name].label.text() == one.label
            assert fields[one.name].help.text().startswith(one.help)
            assert fields[one.name].control.accessibleName() == one.label


def test_typed_values_are_saved_immediately_and_can_be_reset(
    window: MainWindow, settings: SettingsWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    settings.show_page("analysis")
    field = settings.page("analysis").fields["max_faces"]
    assert isinstance(field.control, QSpinBox)
    assert not field.reset.isVisible()
    field.control.setFocus()
    field.control.selectAll()
    qtbot.keyClicks(field.control, "7")
    qtbot.keyClick(field.control, Qt.Key.Key_Return)
    assert window.preferences.analysis == AnalysisSettings(max_faces=7)
    stored = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert Preferences(stored).analysis.max_faces == 7
    assert settings.isVisible(), "Enter must not close the window"
    qtbot.mouseClick(field.reset, Qt.MouseButton.LeftButton)
    assert window.preferences.analysis == AnalysisSettings()
    assert field.control.value() == 4
    assert not field.reset.isVisible()


def test_page_can_be_reset(window: MainWindow, settings: SettingsWindow, qtbot: QtBot) -> None:
    settings.show_page("export")
    fields = settings.page("export").fields
    crop, crf = fields["crop"].control, fields["crf"].control
    assert isinstance(crop, QComboBox)
    crop.setCurrentIndex(crop.findData("face"))
    assert isinstance(crf, QSpinBox)
    crf.setValue(20)
    assert window.preferences.export == ExportSettings(crop="face", crf=20)
    qtbot.mouseClick(settings.page("export").reset_all, Qt.MouseButton.LeftButton)
    assert window.preferences.export == ExportSettings()
    assert (crop.currentData(), crf.value()) == ("whole", 16)


def test_texts_and_paths_are_validated(window: MainWindow, settings: SettingsWindow, qtbot: QtBot) -> None:
    settings.show_page("tokens")
    fields = settings.page("tokens").fields
    device, checkpoint, heads = (fields[name] for name in ("device", "expression_transformer_checkpoint", "num_heads"))
    assert isinstance(device.control, QLineEdit)
    device.control.setFocus()
    device.control.selectAll()
    qtbot.keyClicks(device.control, "gpu")
    qtbot.keyClick(device.control, Qt.Key.Key_Tab)
    assert device.error.isVisible()
    assert "cuda:N" in device.error.text()
    assert window.preferences.tokens == TokenSettings()
    device.control.setFocus()
    device.control.selectAll()
    qtbot.keyClicks(device.control, "cuda:1")
    qtbot.keyClick(device.control, Qt.Key.Key_Tab)
    assert not device.error.isVisible()
    assert isinstance(checkpoint.control, QLineEdit)
    checkpoint.control.setText("/models/face.pt")
    checkpoint.control.editingFinished.emit()
    assert isinstance(heads.control, QSpinBox)
    assert heads.control.text() == "not set"
    heads.control.setValue(6)
    expected = TokenSettings(device="cuda:1", expression_transformer_checkpoint=Path("/models/face.pt"), num_heads=6)
    assert window.preferences.tokens == expected
    for field in (heads, checkpoint):
        qtbot.mouseClick(field.reset, Qt.MouseButton.LeftButton)
    assert window.preferences.tokens == TokenSettings(device="cuda:1")


def test_search_covers_every_page(settings: SettingsWindow, qtbot: QtBot) -> None:
    settings.search.setFocus()
    qtbot.keyClicks(settings.search, "crop odd")
    shown = {
        name
        for page in settings.preferences.pages
        for name, field in settings.page(page.name).fields.items()
        if field.isVisibleTo(settings)
    }
    assert shown == {"size"}
    assert not settings.page("shortcuts").isVisible()
    settings.search.clear()
    qtbot.keyClicks(settings.search, "theme")
    assert settings.page("appearance").fields["scheme"].isVisible()
    settings.search.clear()
    qtbot.keyClicks(settings.search, "accept")
    assert settings.page("shortcuts").fields["accept"].isVisible()
    assert not settings.page("shortcuts").fields["open"].isVisible()
    settings.search.clear()
    qtbot.keyClicks(settings.search, "no such thing")
    assert settings.nothing.isVisible()
    assert "no such thing" in settings.nothing.text()
    settings.search.clear()
    assert [page.name for page in settings.preferences.pages if settings.page(page.name).isVisible()] == ["analysis"]


def test_theme_and_text_size_apply_immediately_and_persist(
    window: MainWindow, settings: SettingsWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    settings.show_page("appearance")
    fields = settings.page("appearance").fields
    scheme, size = fields["scheme"].control, fields["text_size"].control
    assert isinstance(scheme, QComboBox)
    assert isinstance(size, QSpinBox)
    scheme.setCurrentIndex(scheme.findData("light"))
    assert not theme.is_dark
    size.setValue(140)
    assert theme.text_scale == 1.4
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert theme.is_dark
    assert scheme.currentData() == "dark"
    other = MainWindow(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(other)
    assert (theme.scheme, theme.text_scale) == ("dark", 1.4)
    other.close()


def test_new_project_starts_with_the_ranking_defaults(
    window: MainWindow, settings: SettingsWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.session.controls.set_weight("expression_variation", 0.4)
    window.session.controls.set_gate("max_yaw", 25.0)
    window.session.controls.set_setting("sequence_length", 48)
    settings.show_page("ranking")
    qtbot.mouseClick(settings.use_current, Qt.MouseButton.LeftButton)
    assert settings.page("ranking").fields["sequence_length"].control.value() == 48
    gap = settings.page("ranking").fields["min_gap"].control
    gap.setValue(5)
    store = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    other = MainWindow(store, Project(tmp_path / "new.clipgen"))
    qtbot.addWidget(other)
    assert other.session.settings == RankingSettings(
        sequence_length=48, min_gap=5, weights={"expression_variation": 0.4}, gates={"max_yaw": 25.0}
    )
    other.session.controls.set_setting("sequence_length", 20)
    other.close()
    settings.page("ranking").fields["sequence_length"].control.setValue(60)
    again = MainWindow(store, Project(tmp_path / "new.clipgen"))
    qtbot.addWidget(again)
    assert again.session.settings.sequence_length == 20, "settings of an existing project must not change"
    again.parts.projects.flow.open_project(tmp_path / "other.clipgen", new=True)
    assert again.session.settings.sequence_length == 60
    assert [link.text() for link in again.parts.start_page.recent] == ["other"]
    again.close()


def test_analysis_and_export_use_the_settings(window: MainWindow) -> None:
    window.preferences.set_value("analysis", "max_faces", 2)
    window.preferences.set_value("export", "crf", 30)
    assert window.parts.analysis.queue.settings().max_faces == 2
    window.parts.export.flow.ask()
    assert window.parts.export.flow.window is not None
    assert window.parts.export.flow.window.options.export.crf == 30


def test_invalid_stored_values_are_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = QSettings(str(tmp_path / "broken.ini"), QSettings.Format.IniFormat)
    for name, value in (("analysis/max_faces", "99"), ("export/crop", "nose"), ("ranking/gates", "{")):
        store.setValue(name, value)
    preferences = Preferences(store)
    with caplog.at_level(logging.CRITICAL):
        assert preferences.analysis == AnalysisSettings()
        assert preferences.export == ExportSettings()
        assert preferences.ranking == RankingSettings()


def test_number_fields_have_the_declared_bounds(settings: SettingsWindow) -> None:
    for page in settings.preferences.pages:
        for setting in page.settings:
            control = settings.page(page.name).fields[setting.name].control
            if isinstance(control, QSpinBox | QDoubleSpinBox) and setting.default is not None:
                assert (control.minimum(), control.maximum()) == (setting.minimum, setting.maximum), setting.name
