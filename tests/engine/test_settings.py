from __future__ import annotations

import pytest

from clipgen_engine.declared_settings import checked_value, declarations
from clipgen_engine.errors import ClipgenError, SettingError
from clipgen_engine.settings import AnalysisSettings, ExportSettings, RankingSettings


@pytest.mark.parametrize("kind", [AnalysisSettings, RankingSettings, ExportSettings])
def test_declared_settings_are_complete_with_valid_defaults(kind: type) -> None:
    for setting in declarations(kind):
        assert setting.name
        assert setting.label
        assert setting.help.endswith(".")
        assert checked_value(setting, setting.default) == setting.default
        assert setting.choices or setting.minimum is not None


@pytest.mark.parametrize("value", [1, 0, -3, "many", 2.5, float("nan"), 10**9])
def test_invalid_value_names_the_valid_range(value: object) -> None:
    with pytest.raises(SettingError, match=r"sequence_length cannot be .* Give a whole number from 2 to 10000\."):
        RankingSettings(sequence_length=value)


def test_text_is_converted_to_the_declared_type() -> None:
    assert RankingSettings(sequence_length="45").sequence_length == 45


def test_invalid_choice_names_the_choices() -> None:
    with pytest.raises(SettingError, match="one of mp4"):
        ExportSettings(clip_format="gif")


def test_settings_round_trip_through_a_dict() -> None:
    stored = RankingSettings(sequence_length=40, weights={"expression_variation": 0.5}).as_dict()
    assert stored["weights"] == {"expression_variation": 0.5}
    assert RankingSettings(**stored) == RankingSettings(sequence_length=40, weights={"expression_variation": 0.5})


def test_error_text_consists_of_sentences() -> None:
    assert str(ClipgenError("The disk is full", "Free some space")) == "The disk is full. Free some space."
    assert str(ClipgenError("The disk is full")) == "The disk is full."
