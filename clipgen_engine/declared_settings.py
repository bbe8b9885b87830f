"""Declaration and validation of settings: dataclass fields that carry bounds, label and help text."""

from __future__ import annotations

import math
import re
from dataclasses import Field, asdict, field, fields, replace
from pathlib import Path
from typing import Any

from clipgen_engine.errors import SettingError
from clipgen_engine.types import Setting


def declared(default: Any, kind: type, label: str, help_text: str, **bounds: Any) -> Any:
    """Declare a field of a settings dataclass; `bounds` are further fields of `Setting`."""
    setting = Setting("", label, help_text, default, kind, **bounds)
    return field(default=default, metadata={"setting": setting})


def declarations(settings_class: type) -> tuple[Setting, ...]:
    """Return the declared settings of a settings dataclass, in declaration order."""
    return tuple(
        replace(item.metadata["setting"], name=item.name)
        for item in fields(settings_class)
        if "setting" in item.metadata
    )


def checked_value(setting: Setting, value: Any) -> Any:
    """Convert a value to the declared type and validate it.

    Raises:
        SettingError: the value has the wrong type, is not finite, is out of bounds, or is not one of the choices.
    """
    try:
        converted = setting.kind(value)
        if setting.kind is int and isinstance(value, float) and converted != value:
            raise ValueError  # int() truncates silently
    except (TypeError, ValueError, OverflowError):
        raise SettingError(f"{setting.name} cannot be {value!r}", f"Give {_expected(setting)}") from None
    if isinstance(converted, (int, float)):
        low = -math.inf if setting.minimum is None else setting.minimum
        high = math.inf if setting.maximum is None else setting.maximum
        if not (math.isfinite(converted) and low <= converted <= high):
            raise SettingError(f"{setting.name} cannot be {value}", f"Give {_expected(setting)}")
    if setting.pattern and not re.fullmatch(setting.pattern, converted):
        raise SettingError(f"{setting.name} cannot be {value!r}", f"Give {_expected(setting)}")
    if setting.choices and converted not in setting.choices:
        raise SettingError(f"{setting.name} cannot be {value!r}", f"Give {_expected(setting)}")
    return converted


def _expected(setting: Setting) -> str:
    if setting.choices:
        return "one of " + ", ".join(setting.choices)
    if setting.expected:
        return setting.expected
    noun = {int: "a whole number", float: "a number"}.get(setting.kind, "text")
    if setting.minimum is not None and setting.maximum is not None:
        return f"{noun} from {setting.minimum:g} to {setting.maximum:g}"
    if setting.minimum is not None:
        return f"{noun} of at least {setting.minimum:g}"
    return noun


class Checked:
    """Mixin that validates every declared field on construction."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if "setting" in item.metadata and value is not None:
                setting = replace(_setting_of(item), name=item.name)
                object.__setattr__(self, item.name, checked_value(setting, value))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values by name."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()  # type: ignore[call-overload]
        }


def _setting_of(item: Field[Any]) -> Setting:
    setting: Setting = item.metadata["setting"]
    return setting
