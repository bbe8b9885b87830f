from __future__ import annotations

import pytest

from clipgen_engine.declared_settings import checked_value, declarations
from clipgen_engine.errors import ClipgenError, SettingError
from clipgen_engine.settings import AnalysisSettings, ExportSettings, RankingSettings


@pytest.mark.parametrize("kind", [AnalysisSettings, RankingSettings, ExportSettings])
def test_every_declared_setting_is_complete_and_its_default_is_allowed(kind: type) -> None:
    for setting in declarations(kind):
        assert setting.name
        assert setting.label
        assert setting.help.endswith(".")
        assert checked_value(setting, setting.default) == setting.default
        assert setting.choices or setting.minimum is not None


@pytest.mark.parametrize("value", [1, 0, -3, "many", 2.5, float("nan"), 10**9])
def test_wrong_values_say_what_is_right(value: object) -> None:
    with pytest.raises(SettingError, match=r"sequence_length cannot be .* Give a whole number from 2 to 10000\."):
        RankingSettings(sequence_length=value)


def test_texts_are_converted() -> None:
    assert RankingSettings(sequence_length="45").sequence_length == 45


def test_choices_are_named() -> None:
    with pytest.raises(SettingError, match="one of mp4"):
        ExportSettings(clip_format="gif")


def test_settings_can_be_stored() -> None:
    stored = RankingSettings(sequence_length=40, weights={"expression_variation": 0.5}).as_dict()
    assert stored["weights"] == {"expression_variation": 0.5}
    assert RankingSettings(**stored) == RankingSettings(sequence_length=40, weights={"expression_variation": 0.5})


def test_an_error_reads_as_sentences() -> None:
    assert str(ClipgenError("The disk is full", "Free some space")) == "The disk is full. Free some space."
    assert str(ClipgenError("The disk is full")) == "The disk is full."
